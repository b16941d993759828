"""Every table of the engine and of what it keeps. How they look: `columns.py`."""

from sqlalchemy import Column, Index, Integer, Table, UniqueConstraint, text

from bot.store.columns import metadata, num, txt

meta = Table("meta", metadata, txt("name", key=True), txt("value"))

conv = Table(
    "conv",
    metadata,
    txt("id", key=True),
    txt("tenant"),
    txt("key"),
    num("session", default=1),
    txt("channel"),
    txt("account"),
    txt("place"),
    txt("thread"),
    txt("person", null=True),
    txt("agent"),
    txt("title"),
    num("next_seq", default=1),
    num("next_n", default=1),
    txt("state", default="idle"),
    txt("owner"),
    num("epoch"),
    num("due_at"),
    num("tainted"),
    num("created_at"),
    num("updated_at"),
    UniqueConstraint("tenant", "key", "session"),
    Index("conv_due", "due_at", "tenant", sqlite_where=text("state = 'ready'")),
    Index("conv_recent", "tenant", "person", "updated_at"),
)

inbox = Table(
    "inbox",
    metadata,
    txt("id", key=True),
    txt("tenant"),
    txt("channel"),
    txt("account"),
    txt("ext_id"),
    txt("kind"),
    txt("conv"),
    num("seq"),
    txt("person", null=True),
    txt("body"),
    txt("body_hash"),
    txt("state", default="new"),
    txt("ending"),
    txt("detail"),
    num("attempts"),
    num("at"),
    num("received_at"),
    num("ended_at", null=True),
    UniqueConstraint("tenant", "channel", "account", "ext_id"),
    Index("inbox_next", "conv", "seq", sqlite_where=text("state = 'new'")),
    Index("inbox_recent", "tenant", "received_at"),
    Index("inbox_dead", "tenant", "ended_at", sqlite_where=text("state = 'dead'")),
)

journal = Table(
    "journal",
    metadata,
    txt("turn", key=True),
    num("step", key=True),
    txt("tenant"),
    txt("kind"),
    txt("input_hash"),
    txt("result"),
    num("at"),
    num("ms"),
)

effect = Table(
    "effect",
    metadata,
    txt("id", key=True),
    txt("tenant"),
    txt("conv"),
    txt("turn"),
    num("step"),
    num("n"),
    txt("kind"),
    txt("tool"),
    num("tool_version", default=1),
    txt("agent"),
    txt("person", null=True),
    txt("connection"),
    txt("arguments"),
    txt("hash"),
    txt("policy"),
    num("window_s"),
    txt("state"),
    txt("approval", null=True),
    txt("doubt", null=True),
    txt("progress", default="{}"),
    num("attempt"),
    txt("vendor_ref"),
    txt("url"),
    txt("error"),
    txt("result"),
    num("sandbox"),
    num("due_at"),
    num("started_at", null=True),
    num("ended_at", null=True),
    UniqueConstraint("turn", "step", "n"),
    Index(
        "effect_open",
        "state",
        "due_at",
        sqlite_where=text("state in ('ready', 'sending')"),
    ),
    Index("effect_approval", "tenant", "approval"),
    Index("effect_recent", "tenant", "sandbox", "started_at"),
)

approval = Table(
    "approval",
    metadata,
    txt("id", key=True),
    txt("tenant"),
    txt("kind"),
    txt("code"),
    num("version", default=1),
    txt("hash"),
    txt("state"),
    num("needs", default=1),
    txt("approvers", default="[]"),
    txt("conv"),
    txt("turn"),
    txt("agent"),
    txt("requested_by", null=True),
    txt("why"),
    txt("card"),
    num("created_at"),
    num("expires_at"),
    num("reminded_at", null=True),
    txt("decided_by", null=True),
    num("decided_at", null=True),
    txt("note"),
    Index(
        "approval_code",
        "tenant",
        "code",
        unique=True,
        sqlite_where=text("state = 'pending'"),
    ),
    Index("approval_recent", "tenant", "state", "created_at"),
)

vote = Table(
    "vote",
    metadata,
    txt("approval", key=True),
    num("version", key=True),
    txt("person", key=True),
    txt("tenant"),
    txt("choice"),
    num("at"),
)

card_copy = Table(
    "card_copy",
    metadata,
    txt("approval", key=True),
    txt("place", key=True),
    txt("tenant"),
    txt("channel"),
    txt("vendor_ref"),
    num("version"),
)

message = Table(
    "message",
    metadata,
    txt("id", key=True),
    txt("tenant"),
    txt("conv"),
    num("seq"),
    num("n"),
    txt("turn"),
    txt("role"),
    txt("agent"),
    txt("text"),
    txt("raw"),
    txt("approval", null=True),
    txt("footer"),
    txt("attachments", default="[]"),
    num("at"),
    Index("message_order", "conv", "n", unique=True),
)

feedback = Table(
    "feedback",
    metadata,
    txt("message", key=True),
    txt("person", key=True),
    txt("tenant"),
    num("score"),
    txt("details"),
    num("at"),
)

binding = Table(
    "binding",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("agent"),
    txt("channel"),
    txt("workspace"),
    txt("place"),
    txt("thread"),
    txt("person"),
    txt("address"),
    num("created_at"),
    UniqueConstraint(
        "tenant", "channel", "workspace", "place", "thread", "person", "address", "agent"
    ),
)

policy = Table(
    "policy",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("agent"),
    txt("tool"),
    txt("decision"),
    num("above_minor"),
    txt("approvers", default="[]"),
    num("needs", default=1),
    num("hours"),
    num("created_at"),
    UniqueConstraint("tenant", "agent", "tool", "above_minor"),
)

allowance = Table(
    "allowance",
    metadata,
    txt("tenant", key=True),
    txt("approval", key=True),
    num("micros"),
    num("at"),
)

spend = Table(
    "spend",
    metadata,
    txt("id", key=True),
    txt("tenant"),
    txt("person", null=True),
    txt("agent"),
    txt("conv"),
    txt("turn"),
    txt("model"),
    num("tokens_in"),
    num("tokens_out"),
    num("micros"),
    num("at"),
    Index("spend_day", "tenant", "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    txt("tenant"),
    num("at"),
    txt("actor"),
    txt("action"),
    txt("target"),
    txt("details"),
    txt("event"),
    Index("audit_recent", "tenant", "seq"),
    Index("audit_event", "tenant", "event"),
    sqlite_autoincrement=True,
)

audit_seal = Table(
    "audit_seal",
    metadata,
    txt("tenant", key=True),
    num("seq", key=True),
    num("audit"),
    txt("mac"),
    UniqueConstraint("tenant", "audit"),
)

dek = Table(
    "dek",
    metadata,
    txt("id", key=True),
    txt("tenant"),
    txt("kek"),
    txt("wrapped"),
    num("uses"),
    num("active", default=1),
    num("created_at"),
    Index("dek_tenant", "tenant", "created_at"),
)

sealed = Table(
    "sealed",
    metadata,
    txt("tenant", key=True),
    txt("provider", key=True),
    txt("owner", key=True),
    txt("field", key=True),
    num("version", default=1),
    txt("value"),
    num("updated_at"),
)

file = Table(
    "file",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("name"),
    txt("media_type"),
    num("size"),
    txt("sha256"),
    txt("person", null=True),
    num("at"),
)
