"""A house made of scripted answers: what the demo server in `demo.py` tells the pages.

It follows the shapes of the HTTP API and nothing else of the product: no store, no model. What a
person writes chooses the scene: `publish`, `pay`, `long`, `drop`, `reset`, `fail` and so on.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

AGENTS = [
    ("bri", "calendar, e-mail, general assistant", "🗓️"), ("reynolds", "blog", "✍️"),
    ("kelly", "X", "🐦"), ("fran", "Facebook and Instagram", "📣"), ("dwight", "Threads", "🧵"),
    ("timmy", "TikTok", "🎬"), ("terry", "Tumblr", "🎨"), ("cornwall", "Pinterest", "📌"),
    ("link", "LinkedIn", "💼"), ("emma", "Alignable", "🤝"), ("donna", "Reddit", "💬"),
    ("porter", "Microsoft 365", "🗂️"), ("treasurer", "payments", "💶"),
]  # fmt: skip

CHOICES = [
    {"id": "edit", "label": "Edit", "style": "plain"},
    {"id": "ask", "label": "Ask", "style": "plain"},
    {"id": "reject", "label": "Reject", "style": "danger"},
    {"id": "approve", "label": "Approve", "style": "primary"},
]
DOUBT_CHOICES = [
    {"id": "there", "label": "It is there", "style": "plain"},
    {"id": "again", "label": "Post it again", "style": "plain"},
    {"id": "leave", "label": "Leave it", "style": "plain"},
]
BUDGET_CHOICES = [
    {"id": "reject", "label": "Stop here", "style": "plain"},
    {"id": "approve", "label": "Go on with $1.00 more", "style": "plain"},
]


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Talk:
    """One conversation and everything its stream ever said."""

    id: str
    title: str
    agent: str
    state: str = "idle"
    messages: list[Json] = field(default_factory=list)
    log: list[tuple[str, str, Json]] = field(default_factory=list)
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0
    """Where the running turn begins in the log."""

    def tell(self, name: str, data: Json, turn: str = "t", offset: int = 0) -> None:
        self.log.append((f"{turn}.1.{offset or len(self.log)}", name, data))
        self.bell.set()
        self.bell = asyncio.Event()


class House:
    """Everything the demo server knows."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.talks: dict[str, Talk] = {}
        self.approvals: dict[str, Json] = {}
        self.keys: dict[str, tuple[str, Json]] = {}
        self.failures: dict[str, int] = {}
        self.sent: list[Json] = []
        self.decisions: list[Json] = []
        self.feedback: list[Json] = []
        self.troubles: list[Json] = []
        self.extensions: list[Json] = []
        self.resumed: list[str] = []
        """Each Last-Event-ID that a stream came back with."""
        self.offline = True
        self.role = "owner"
        self.signed_out = False
        self.csrf = "demo-csrf"
        self.people = 1
        self.epoch = 0
        """Raised to cut every open stream."""
        self.pace_s = 0.01

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self.numbers):06d}"

    @property
    def pending(self) -> list[Json]:
        return [one for one in self.approvals.values() if one["state"] == "pending"]

    def talk(self, title: str, agent: str) -> Talk:
        made = Talk(id=self.new("cnv"), title=title[:60], agent=agent)
        self.talks[made.id] = made
        return made

    def say(self, talk: Talk, role: str, text: str, turn: str, **more: Any) -> Json:
        message: Json = {
            "id": self.new("msg"),
            "role": role,
            "text": text,
            "at": iso(now()),
            "turn": turn,
        }
        message |= {"n": len(talk.messages) + 1, **more}
        if role == "assistant":
            message.setdefault("agent", talk.agent)
            if self.offline:
                message.setdefault(
                    "footer", "Answered by the built-in offline model, not by a language model."
                )
        talk.messages.append(message)
        talk.tell("message", message, turn)
        return message

    def approval(self, talk: Talk, kind: str = "approve", **more: Any) -> Json:
        """Store one approval; `more` overrides parts of it, `shown` is merged."""
        text = "We are open on Sunday"
        arguments = more.pop("arguments", {"title": "Open on Sunday", "text": text})
        shown = {
            "title": "Publish on the blog", "agent": talk.agent, "on_behalf_of": "Ada Byron",
            "amount": "", "recipients": [], "body": text, "warnings": [],
            "fields": [{"name": "Title", "value": "Open on Sunday", "long": False, "editable": "title"}],
            "audience": "Everybody on the internet", "why": "", "approvers": [], "decided": "",
            "sandbox": False, "choices": CHOICES,
        } | more.pop("shown", {})  # fmt: skip
        effect = {
            "id": self.new("eff"),
            "tool": "blog_publish",
            "title": "Publish on the blog",
            "arguments": arguments,
        }
        made: Json = {
            "id": self.new("apr"), "code": str(4800 + next(self.numbers)), "kind": kind,
            "state": "pending", "tool": "blog_publish", "arguments": arguments, "version": 1,
            "hash": "9f2c1a77" * 8, "shown": shown,
            "effects": [effect | {"state": "awaiting_approval", "sandbox": False}],
            "requested_by": {"id": "per_1", "name": "Ada Byron"}, "agent": talk.agent,
            "approvers": [{"id": "per_1", "name": "Ada Byron"}, {"id": "per_2", "name": "Bo Diddley"}],
            "may_decide": True, "why": "Publishing in your name always asks.",
            "created_at": iso(now()), "expires_at": iso(now() + timedelta(days=7)),
            "decided_by": None, "decided_at": None, "note": "", "conversation": talk.id,
        } | more  # fmt: skip
        self.approvals[made["id"]] = made
        talk.tell("approval", {"id": made["id"], "state": made["state"], "version": 1})
        return made

    def settle(self, approval: Json, decision: str, answer: Json) -> None:
        """Carry out a decision that was found to be allowed."""
        states = {"reject": "rejected"}
        talk = self.talks[approval["conversation"]]
        if decision == "ask":
            turn = self.new("evt")
            self.say(talk, "user", answer.get("note", ""), turn)
            self.say(talk, "assistant", "Because Sunday is the first open day this year.", turn)
            return
        approval["state"] = states.get(decision, "approved")
        approval["version"] += 1
        approval["decided_by"] = {"id": "per_1", "name": "Ada Byron"}
        approval["decided_at"] = iso(now())
        approval["note"] = answer.get("note", "")
        if decision == "edit":
            approval["arguments"] = answer["arguments"]
            approval["shown"] = approval["shown"] | {"body": answer["arguments"].get("text", "")}
        for effect in approval["effects"]:
            done = approval["state"] == "approved" and decision != "leave"
            effect["state"] = "sent" if done else "abandoned"
            effect["url"] = "/blog/open-on-sunday" if done else None
        talk.tell("approval", {"id": approval["id"], "state": approval["state"], "version": 2})
        if approval["state"] == "approved":
            turn = self.new("evt")
            self.say(
                talk, "assistant", "It is published: [Open on Sunday](/blog/open-on-sunday).", turn
            )

    async def follow(
        self, talk: Talk, last: str, after: int
    ) -> AsyncIterator[tuple[str, str, Json]]:
        """Yield what came after the id `last`; without one, after the message number `after`."""
        ids = [id_ for id_, _, _ in talk.log]
        numbers = [data.get("n", 0) if name == "message" else 0 for _, name, data in talk.log]
        known = numbers.index(after) + 1 if after in numbers and after else 0
        at = len(ids) - ids[::-1].index(last) if last in ids else known
        epoch = self.epoch
        while self.epoch == epoch:
            bell = talk.bell
            for line in talk.log[at:]:
                if self.epoch != epoch:
                    return
                yield line
            at = len(talk.log)
            try:
                await asyncio.wait_for(bell.wait(), 0.05)
            except TimeoutError:
                continue
