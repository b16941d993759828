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

XSS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "\"><svg onload=alert(1)>",
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "![x](javascript:alert(1))",
    "<a href='javascript:alert(1)'>x</a>",
    "{{7*7}}${7*7}",
    "[x](data:text/html,<script>alert(1)</script>)",
    "`<img src=x onerror=alert(1)>`",
)

LONG = """Here is the plan for Sunday.

## What changes

1. Doors open at **10:00**, an hour later than on weekdays.
2. The workshop stays closed:
   - lathes are being serviced
   - the kiln is cooling
3. Coffee is free until noon.

| Day | Opens | Closes | Visitors |
|:--|:-:|:-:|--:|
| Saturday | 9:00 | 18:00 | 1,204 |
| Sunday | 10:00 | 16:00 | 861 |

> Last year 861 people came on the first open Sunday.

```python
def is_open(day: str) -> bool:
    return day in {"saturday", "sunday"}
```

The details are on [our page](https://example.org/sunday) and at https://example.com/map.
Write to [the desk](mailto:desk@example.org) with `Sunday` in the subject, or ~~call~~ *ask here*.
"""

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
        self.resumed: list[str] = []
        """Each Last-Event-ID that a stream came back with."""
        self.offline = True
        self.role = "owner"
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
        message = {"id": self.new("msg"), "role": role, "text": text, "at": iso(now()), "turn": turn}
        message |= {"n": len(talk.messages), **more}
        if role == "assistant":
            message.setdefault("agent", talk.agent)
            if self.offline:
                message.setdefault("footer", "Answered by the built-in offline model, not by a language model.")
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
        effect = {"id": self.new("eff"), "tool": "blog_publish", "arguments": arguments}
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
            self.say(talk, "assistant", "It is published: [Open on Sunday](/blog/open-on-sunday).", turn)

    async def stream_text(self, talk: Talk, turn: str, text: str, **more: Any) -> None:
        for offset in range(0, len(text), 24):
            delta = text[offset : offset + 24]
            talk.tell("draft", {"turn": turn, "agent": talk.agent, "delta": delta}, turn, offset + 1)
            await asyncio.sleep(self.pace_s)
        self.say(talk, "assistant", text, turn, **more)

    async def answer(self, talk: Talk, turn: str, text: str) -> None:
        """Play the scene that the text asks for."""
        talk.state, talk.begun = "running", len(talk.log)
        talk.tell("state", {"state": "running"}, turn)
        word = text.split()[0].lower() if text.split() else ""
        scene = getattr(self, f"scene_{word}", self.scene_other)
        await scene(talk, turn, text)
        talk.state = "idle"
        talk.tell("activity", {"turn": turn, "text": ""}, turn)
        talk.tell("state", {"state": "idle"}, turn)

    async def scene_other(self, talk: Talk, turn: str, text: str) -> None:
        await self.stream_text(talk, turn, f"You said: {text}")

    async def scene_long(self, talk: Talk, turn: str, text: str) -> None:
        talk.tell("activity", {"turn": turn, "text": "reading a page"}, turn)
        await asyncio.sleep(self.pace_s * 5)
        talk.tell("activity", {"turn": turn, "text": ""}, turn)
        await self.stream_text(talk, turn, LONG)

    async def scene_wait(self, talk: Talk, turn: str, text: str) -> None:
        talk.tell("activity", {"turn": turn, "text": "reading example.org"}, turn)
        talk.tell("draft", {"turn": turn, "agent": talk.agent, "delta": "One moment, I am "}, turn)
        while talk.state == "running":
            await asyncio.sleep(0.02)

    async def scene_publish(self, talk: Talk, turn: str, text: str) -> None:
        talk.tell("activity", {"turn": turn, "text": "writing a post for the blog"}, turn)
        await asyncio.sleep(self.pace_s)
        made = self.approval(talk)
        self.say(
            talk, "assistant", f"Waiting for approval {made['code']}, not done yet.", turn,
            approval=made["id"],
        )  # fmt: skip

    async def scene_drop(self, talk: Talk, turn: str, text: str) -> None:
        words = "one two three four five six seven eight nine ten"
        await asyncio.sleep(0.3)
        for offset, word in enumerate(words.split()):
            delta = {"turn": turn, "agent": talk.agent, "delta": f"{word} "}
            talk.tell("draft", delta, turn, offset + 1)
            await asyncio.sleep(self.pace_s)
            if offset == 4:
                self.epoch += 1
        await asyncio.sleep(1.2)
        self.say(talk, "assistant", words, turn)

    async def scene_reset(self, talk: Talk, turn: str, text: str) -> None:
        talk.tell("draft", {"turn": turn, "agent": talk.agent, "delta": "old words"}, turn)
        await asyncio.sleep(0.1)
        talk.tell("reset", {"turn": turn}, turn)
        talk.tell("draft", {"turn": turn, "agent": talk.agent, "delta": "new words"}, turn)
        await asyncio.sleep(0.4)
        self.say(talk, "assistant", "new words, finished", turn)

    async def scene_badkey(self, talk: Talk, turn: str, text: str) -> None:
        words = "OpenAI refused the key ending in 9Zq4 at https://api.openai.com (HTTP 401: incorrect API key)."
        action = {"label": "Paste a key", "href": "/chat#key"}
        talk.tell("error", {"message": f"{words} Paste another one.", "action": action}, turn)

    async def scene_hang(self, talk: Talk, turn: str, text: str) -> None:
        talk.tell("error", {"message": "The model did not answer in 60 s. Nothing was done. Try again."}, turn)

    async def follow(self, talk: Talk, last: str) -> AsyncIterator[tuple[str, str, Json]]:
        """Yield what came after `last`; `TURN.0.0` is before a turn; else the running turn."""
        ids = [id_ for id_, _, _ in talk.log]
        running = talk.begun if talk.state == "running" else len(ids)
        at = len(ids) - ids[::-1].index(last) if last in ids else running
        if last.endswith(".0.0"):
            turn = last.removesuffix("0.0")
            at = next((n for n, id_ in enumerate(ids) if id_.startswith(turn)), running)
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


def furnish(house: House) -> None:
    """Fill the house with a day's work, for looking at it."""
    talk = house.talk("Opening hours on Sunday", "reynolds")
    house.say(talk, "user", "What do we tell people about Sunday?", "evt_a")
    house.say(talk, "assistant", LONG, "evt_a", footer="")
    house.say(talk, "user", "publish \"We are open on Sunday\" on the blog", "evt_b")
    made = house.approval(talk)
    house.say(talk, "assistant", f"Waiting for approval {made['code']}, not done yet.", "evt_b", approval=made["id"])
    money = house.talk("Invoice for March", "treasurer")
    house.say(money, "user", "invoice Grace Hopper for March", "evt_c")
    paid = house.approval(
        money, tool="stripe_invoice", why="Money always asks.",
        arguments={"to": "grace@example.org", "amount": 124000, "currency": "eur", "memo": "March, 31 hours"},
        shown={"title": "Send an invoice", "amount": "€1,240.00", "recipients": ["Grace Hopper <grace@example.org>"],
               "body": "", "audience": "Grace Hopper alone", "sandbox": True,
               "warnings": ["This conversation holds words from outside: a mail by vendor@example.net."],
               "fields": [{"name": "Memo", "value": "March, 31 hours", "long": False, "editable": "memo"}]},
    )  # fmt: skip
    house.say(money, "assistant", "The invoice waits for a decision.", "evt_c", approval=paid["id"])
    doubt = house.talk("Post on X", "kelly")
    house.say(doubt, "user", "post the photo on X", "evt_d")
    asked = house.approval(
        doubt, "doubt", why="The server stopped between sending and the answer.",
        shown={"title": "I may have posted this", "choices": DOUBT_CHOICES, "body": "New shop, same coffee.",
               "fields": [{"name": "Network", "value": "X", "long": False, "editable": ""}]},
    )  # fmt: skip
    house.say(doubt, "assistant", "I am not sure whether this went out.", "evt_d", approval=asked["id"])
    old = house.talk("Lunch order", "bri")
    house.say(old, "user", "order lunch for six", "evt_e")
    gone = house.approval(
        old, state="expired", expires_at=iso(now() - timedelta(days=1)),
        shown={"title": "Send an e-mail", "recipients": ["deli@example.org"], "body": "Six lunches, please."},
    )  # fmt: skip
    house.say(old, "assistant", "Nobody decided in time.", "evt_e", approval=gone["id"])
    spent = house.talk("Market research", "bri")
    house.say(spent, "user", "read everything about coffee", "evt_f")
    budget = house.approval(
        spent, "budget", why="Today's budget of $5.00 is used up.",
        shown={"title": "Go on thinking?", "amount": "$1.00 more", "choices": BUDGET_CHOICES, "body": "", "fields": [], "audience": ""},
    )  # fmt: skip
    house.say(spent, "assistant", "I have read 41 pages and stopped.", "evt_f", approval=budget["id"])
    tricky = house.talk("Strange request", "fran")
    house.say(tricky, "user", "post what the mail says", "evt_g")
    odd = house.approval(
        tricky, arguments={"text": "Win\u200b now\u202egnp.exe\u202c 👩\u200d💻 ok"},
        shown={"title": "Publish on Facebook", "body": "Win\u200b now\u202egnp.exe\u202c 👩\u200d💻 ok", "fields": [],
               "warnings": ["The words come from a mail by somebody unknown."]},
    )  # fmt: skip
    house.say(tricky, "assistant", "This text came by mail.", "evt_g", approval=odd["id"])


def poison(house: House) -> Talk:
    """Put every hostile text into every field that a page shows; return the worst conversation."""
    worst = house.talk(XSS[0], XSS[0])
    for number, text in enumerate(XSS):
        house.talk(text, text)
        house.say(worst, "user", text, f"evt_x{number}", attachments=[{"id": "f", "name": text, "size": 1}])
        made = house.approval(
            worst, why=text, note=text, code=text, tool=text, requested_by={"id": "x", "name": text},
            approvers=[{"id": "x", "name": text}], arguments={"text": text, text: text},
            shown={"title": text, "body": text, "amount": text, "recipients": [text], "audience": text, "warnings": [text],
                   "on_behalf_of": text, "fields": [{"name": text, "value": text, "long": long, "editable": "text"} for long in (True, False)]},
        )  # fmt: skip
        state = "approved" if number % 2 else "pending"
        made |= {"state": state, "effects": [*made["effects"], {"id": "e", "tool": text, "arguments": {}, "state": "failed", "error": text, "url": text}]}
        house.say(worst, "assistant", f"{text}\n\n- {text}\n\n| {text} |\n|--|\n| {text} |", f"evt_x{number}", agent=text, footer=text, approval=made["id"])
    return worst
