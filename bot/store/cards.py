"""Cards on platforms outside: which are to be shown there, and which say what is no longer so."""

from sqlalchemy import Select, and_, bindparam, or_, select

from bot.core.approval import Approval
from bot.core.ids import TenantId
from bot.frozen import frozen
from bot.store.approvals import COLUMNS, approval_of
from bot.store.installs import PREFIX
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables import approval, card_copy, conv
from bot.store.upsert import insert_once, insert_over

LAST = 1_000_000
"""Added to the version of a copy that says how it ended: nothing will change on it any more."""


@frozen
class Copy:
    """A card and where it is to be seen."""

    item: Approval
    channel: str
    account: str
    place: str
    thread: str
    ref: str
    """The vendor's reference of the copy that is there; empty when there is none."""
    slot: str
    """What tells copies of one card apart: the place, or `PLACE#REF` of one that was met later."""


@frozen
class Met:
    """A card under which somebody pressed a button."""

    tenant: TenantId
    approval: str
    channel: str
    account: str
    place: str
    ref: str


def _due(*when: object) -> Select[tuple[object, ...]]:
    there = and_(card_copy.c.tenant == approval.c.tenant, card_copy.c.approval == approval.c.id)
    asked_in = and_(conv.c.tenant == approval.c.tenant, conv.c.id == approval.c.conv)
    return (
        select(*COLUMNS, *_WHERE, card_copy.c.vendor_ref, card_copy.c.place)
        .select_from(approval.join(conv, asked_in).join(card_copy, there, isouter=True))
        .where(conv.c.channel == bindparam("channel"), *when)  # type: ignore[arg-type]
        .order_by(approval.c.created_at, approval.c.id, card_copy.c.place)
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )


_WHERE = (conv.c.channel, conv.c.account, conv.c.place, conv.c.thread)
_IS_UNSHOWN = (
    approval.c.state == "pending",
    card_copy.c.version.is_(None) | (card_copy.c.version != approval.c.version),
)
_IS_STALE = (approval.c.state != "pending", card_copy.c.version < LAST)
_OF = approval.c.tenant == bindparam("tenant")
_OR = or_(_OF, conv.c.account.like(f"{PREFIX}%"))
_UNSHOWN, _UNSHOWN_OF = Statement(_due(_OR, *_IS_UNSHOWN)), Statement(_due(_OF, *_IS_UNSHOWN))
_STALE, _STALE_OF = Statement(_due(_OR, *_IS_STALE)), Statement(_due(_OF, *_IS_STALE))
_KEEP = Statement(
    lambda: insert_over(
        card_copy, "approval", "place", "tenant", "channel", "vendor_ref", "version"
    )
)

_MEET = Statement(
    lambda: insert_once(
        card_copy, "approval", "place", "tenant", "channel", "vendor_ref", "version"
    )
)
_IS_ASKED = Statement(
    lambda: (
        select(approval.c.id)
        .join(conv, and_(conv.c.tenant == approval.c.tenant, conv.c.id == approval.c.conv))
        .where(
            approval.c.tenant == bindparam("tenant"),
            approval.c.id == bindparam("approval"),
            *(conv.c[name] == bindparam(name) for name in ("channel", "account", "place")),
        )
    )
)
_IS_KNOWN = Statement(
    lambda: select(card_copy.c.place).where(
        card_copy.c.tenant == bindparam("tenant"),
        card_copy.c.approval == bindparam("approval"),
        card_copy.c.vendor_ref == bindparam("ref"),
    )
)


def due(
    channel: str, limit: int, offset: int, tenant: TenantId, *, others: bool = False
) -> Script[list[Copy]]:
    """Cards of a platform to be shown, and as many to be rewritten, oldest first; of one tenant,
    and with `others` those of anybody's installs as well.
    """
    page: dict[str, str | int] = {"channel": channel, "limit": limit, "offset": offset}
    page["tenant"] = tenant
    unshown = yield Ask(_UNSHOWN if others else _UNSHOWN_OF, page)
    stale = yield Ask(_STALE if others else _STALE_OF, page)
    found = []
    for row in (*unshown, *stale):
        channel, account, place, thread, ref, slot = row[len(COLUMNS) :]
        item = approval_of(row[: len(COLUMNS)])
        found.append(
            Copy(
                item=item,
                channel=channel,
                account=account,
                place=place,
                thread=thread,
                ref=ref or "",
                slot=slot or place,
            )
        )
    return found


@restartable
def keep(copy: Copy, ref: str, is_last: bool) -> Script[None]:
    """Remember what is shown where."""
    item = copy.item
    yield Ask(
        _KEEP,
        {
            "approval": item.id,
            "place": copy.slot,
            "tenant": item.tenant,
            "channel": copy.channel,
            "vendor_ref": ref,
            "version": item.version + (LAST if is_last else 0),
        },
    )


@restartable
def meet(met: Met) -> Script[None]:
    """Remember a copy that nobody has on record: its sender was killed before it could say so."""
    named = {"tenant": met.tenant, "approval": met.approval}
    where = {"channel": met.channel, "account": met.account, "place": met.place}
    if (yield Ask(_IS_KNOWN, {**named, "ref": met.ref})):
        return
    if not (yield Ask(_IS_ASKED, {**named, **where})):
        return
    yield Ask(
        _MEET,
        {
            **named,
            "place": f"{met.place}#{met.ref}",
            "channel": met.channel,
            "vendor_ref": met.ref,
            "version": 0,
        },
    )
