"""The commands that have a place in the conversation: answered in order, like any message.

`/stop`, `/status`, `/whoami`, `/approve`, `/reject`, `/good` and `/bad` are not here: they must
work while a turn is running and are applied at the door (`controls.py`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches

from bot.core.conversation import Claim, TurnEnd
from bot.core.errors import UserError
from bot.core.event import Ending, Event
from bot.core.people import Person
from bot.core.ports import Agents, Clock
from bot.core.times import to_us
from bot.directory import Directory
from bot.store import approvals, memory, saved_chats, spends
from bot.store.decisions import may_decide
from bot.store.saved_chats import SavedChat
from bot.store.script import Database

HELP = """\
**What you can write**

| | |
|---|---|
| `/agents` | who is here |
| `/agent NAME` | talk to this one from now on |
| `/new` | begin anew |
| `/stop` | stop what is running |
| `/status` | what is running and waiting |
| `/approvals` | what waits for a yes |
| `/approve CODE`, `/reject CODE` | decide |
| `/good`, `/bad WHY` | rate the last answer |
| `/usage` | what today cost |
| `/memory` | what the agents keep about you |
| `/forget NOTE` | delete one of these notes |
| `/savechat` | on Telegram: notify me in this chat |
| `/whoami` | who I think you are |
| `/link CODE` | this is me too: the code that I told you on another platform |

Anything else goes to the agent."""
NAMES = (
    "/help", "/agents", "/agent", "/new", "/stop", "/status", "/usage", "/approvals",
    "/memory", "/forget", "/savechat", "/approve", "/reject", "/good", "/bad", "/whoami",
    "/link",
)  # fmt: skip


LATEST = 2**62
MOST_LISTED = 200
MOST_SHOWN = 20
MOST_NOTES = 30
PRIVATE = "Ask me that where only the two of us read it."
ALONE = "Write that in a chat of the two of us; here others would read what is for you."
SEEN_ALONE = "seen_alone"
"""In the payload of a command whose answer its channel shows to whoever gave it, and nobody else.
Such a command stands in a conversation of its own, so that no agent repeats its answer to others.
"""
FOR_ONE = frozenset({"/approvals", "/memory", "/forget", "/link"})
"""Commands whose answers are for whoever gives them."""
NOTIFYING = ("telegram",)
"""Platforms that a person can be notified on."""


class Commands:
    """Answers commands."""

    def __init__(self, db: Database, clock: Clock, agents: Agents, people: Directory) -> None:
        self._db = db
        self._clock = clock
        self._agents = agents
        self._people = people

    async def __call__(self, claim: Claim, person: Person | None) -> TurnEnd | None:
        """The answer to a command; None when it is none of ours."""
        word, _, rest = claim.event.text.strip().partition(" ")
        word = word.lower()
        if word == "/help":
            return _said(_help(claim.event))
        if word == "/agents":
            return _said(self._list(claim))
        if word == "/agent":
            return self._choose(claim, rest.strip().lower())
        if word == "/new":
            return TurnEnd(
                ending=Ending.ANSWERED,
                detail="/new",
                reply="A fresh start: I no longer see what was said before.",
                role="system",
                new_session=True,
            )
        rest = rest.strip()
        texts: Mapping[str, Callable[[], Awaitable[str]]] = {
            "/usage": lambda: self._usage(claim, person),
            "/approvals": lambda: self._approvals(claim, person),
            "/memory": lambda: self._memory(claim, person),
            "/forget": lambda: self._forget(claim, person, rest),
            "/link": lambda: self._link(claim, person, rest),
            "/savechat": lambda: self._save_chat(claim, person),
        }
        text = texts.get(word)
        return _said(await text()) if text else self._unknown(word)

    def _list(self, claim: Claim) -> str:
        rows = [
            f"- {agent.emoji} **{agent.name}**: {agent.title}".replace("-  ", "- ")
            for agent in self._agents.all(claim.event.tenant)
        ]
        return "\n".join(rows) or "There is no agent yet. Add a file to the agents folder."

    def _choose(self, claim: Claim, name: str) -> TurnEnd:
        its = claim.event.agent
        if its and name != its:
            return _said(f"This is {its}'s own app, where nobody else answers.")
        agent = self._agents.get(claim.event.tenant, name)
        if agent is None:
            names = [a.name for a in self._agents.all(claim.event.tenant)]
            return _said(_near(name or "(none)", names, "agent", "`/agents` lists them."))
        return TurnEnd(
            ending=Ending.ANSWERED,
            detail="/agent",
            reply=f"You are talking to **{agent.name}** now: {agent.title}",
            role="system",
            next_agent=agent.name,
        )

    async def _usage(self, claim: Claim, person: Person | None) -> str:
        midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        since = to_us(midnight)
        rows = await self._db.read(spends.by_agent(claim.event.tenant, since))
        if not rows:
            return "Nothing was spent today."
        lines = [
            f"| {row.agent} | {row.model} | {row.calls} | {row.tokens_in + row.tokens_out:,} "
            f"| {row.micros / 1e6:.4f} |"
            for row in rows
        ]
        head = "| agent | model | calls | tokens | USD |\n|---|---|--:|--:|--:|\n"
        return "Today (UTC):\n\n" + head + "\n".join(lines)

    async def _approvals(self, claim: Claim, person: Person | None) -> str:
        """What the person may decide, or has asked for; where others read along, only how many."""
        if person is None:
            return PRIVATE
        event = claim.event
        mine, before = [], LATEST
        while rows := await self._db.read(
            approvals.listed(event.tenant, "pending", before, MOST_LISTED)
        ):
            before = to_us(rows[-1].created_at)
            for row in rows:
                decides = may_decide(row, person.id, person.role.value)
                if decides or row.requested_by == person.id:
                    more = "" if decides else "; others decide"
                    mine.append(f"- **{row.code}** {row.card.title} ({row.agent}{more})")
        if not mine:
            return "Nothing waits for your yes."
        if not _is_alone(event):
            count = "1 question waits" if len(mine) == 1 else f"{len(mine)} questions wait"
            return f"{count} for a yes. Write `/approvals` where only the two of us read it."
        left = len(mine) - MOST_SHOWN
        return "\n".join([*mine[:MOST_SHOWN], *([f"{left} more wait."] if left > 0 else [])])

    async def _memory(self, claim: Claim, person: Person | None) -> str:
        """What all agents keep; words from outside are named and not repeated here."""
        if person is None or not _is_alone(claim.event):
            return PRIVATE
        found = await self._db.read(memory.about(claim.event.tenant, person.id, LATEST, MOST_NOTES))
        lines = [
            f"- `{memo.id}` {memo.at:%Y-%m-%d}, {memo.agent}, from {memo.source}: "
            + (memo.text if memo.trusted else "_from outside; `bot memory` shows it_")
            for memo in found
        ]
        return "\n".join(lines) or "No agent keeps anything about you."

    async def _forget(self, claim: Claim, person: Person | None, note: str) -> str:
        if person is None:
            return PRIVATE
        at = to_us(self._clock.now())
        script = memory.forget_about(claim.event.tenant, person.id, note, at)
        gone = await self._db.write(script)
        return "It is forgotten." if gone else "There is no such note. `/memory` lists them."

    async def _link(self, claim: Claim, person: Person | None, code: str) -> str:
        """Know whoever was told this code on another platform as the person who writes here."""
        if person is None or not _is_alone(claim.event):
            return PRIVATE
        if not code:
            return "Write to me on the other platform first; there I tell you a code."
        try:
            await self._people.link(claim.event.tenant, code, person.id)
        except UserError as error:
            return error.message
        return "From now on I know you there as well."

    async def _save_chat(self, claim: Claim, person: Person | None) -> str:
        """Where the person is told things that they are to be notified of."""
        event = claim.event
        if event.channel not in NOTIFYING:
            return f"Write that to the bot on {' or '.join(NOTIFYING).capitalize()}."
        if person is None or not event.place.direct:
            return ALONE
        chat = SavedChat(
            person=person.id,
            account=event.account,
            place=event.place.id,
            thread=event.place.thread,
            name=event.sender.name,
            at=to_us(self._clock.now()),
        )
        await self._db.write(saved_chats.put(event.tenant, event.channel, chat))
        return "Saved. When you ask to be notified, it comes here."

    def _unknown(self, word: str) -> TurnEnd:
        return _said(_near(word, NAMES, "command", "`/help` lists them."))


def _near(word: str, names: Sequence[str], noun: str, otherwise: str) -> str:
    near = get_close_matches(word, names, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else otherwise
    return f"There is no {noun} {word}. {hint}"


def _help(event: Event) -> str:
    """What can be written; Slack sends on nothing that begins with another word's slash."""
    app = event.agent or "switchboard"
    first = f"\n\nIn Slack begin with the app's command, as in `/{app} agents`."
    return HELP + (first if event.channel == "slack" else "")


def is_for_one(text: str) -> bool:
    """Whether these words are a command whose answer is for whoever gives it."""
    return text.strip().partition(" ")[0].lower() in FOR_ONE


def _is_alone(event: Event) -> bool:
    """Whether nobody but whoever wrote reads the answer."""
    return event.place.direct or event.payload.get(SEEN_ALONE) is True


def _said(text: str) -> TurnEnd:
    return TurnEnd(ending=Ending.ANSWERED, detail="command", reply=text, role="system")
