"""What people may read back, and how it looks as JSON: conversations, lines, approvals, traces.

A member reads their own; an owner everything of their tenant; what a person may not read is not
there for them, in the same words as what does not exist. Nothing is written here and nothing is
decided, except who sees what.
"""

from collections.abc import Callable, Mapping, Sequence

from bot.causes import told
from bot.core.approval import Approval
from bot.core.canonical import Json
from bot.core.conversation import Conversation, Line, Step
from bot.core.effect import Effect
from bot.core.errors import NotFound
from bot.core.event import Attachment
from bot.core.ids import TenantId
from bot.core.people import Person, Role
from bot.core.times import from_us, iso, to_us
from bot.frozen import frozen
from bot.render.cards.web import show
from bot.render.text import visible
from bot.store import (
    approvals,
    audit,
    conversations,
    effects,
    inbox,
    journal,
    people,
    spends,
)
from bot.store import transcript as places
from bot.store.decisions import may_decide
from bot.store.feedback import VALUES
from bot.store.inbox import Stored
from bot.store.rows import card_to_json, loads
from bot.store.script import Database, Script
from bot.store.spends import Total
from bot.store.transcript import Read

Shown = dict[str, Json]
Title = Callable[[Effect], str]
"""What a deed is called, in its tool's own words."""
"""A JSON object of the API."""

_KEPT = 4096
"""Conversations whose owner is remembered; that never changes."""


@frozen
class Story:
    """All that is known of one event."""

    stored: Stored
    steps: Sequence[Step]
    effects: Sequence[Effect]
    audit: Sequence[audit.Entry]
    spent: Sequence[Total]


class Transcript:
    """Reads back."""

    def __init__(self, db: Database, title: Title) -> None:
        self._db = db
        self.title = title
        self._known: dict[tuple[str, str], Conversation] = {}

    async def conversation(self, person: Person, id_: str) -> Conversation:
        """A conversation that this person may read. Raises NotFound.

        Who holds it and its key are exact; agent and title may be those of a moment ago.
        """
        key = (person.tenant, id_)
        conv = self._known.get(key)
        if conv is None:
            found = await self._db.read(conversations.get(*key))
            if found is None:
                raise _unseen()
            conv = found[0]
            if conv.person is not None:
                if len(self._known) >= _KEPT:
                    self._known.clear()
                self._known[key] = conv
        if not (person.role is Role.OWNER or conv.person == person.id):
            raise _unseen()
        return conv

    async def may_read(self, person: Person, id_: str) -> bool:
        """Whether `conversation` would give it."""
        try:
            await self.conversation(person, id_)
        except NotFound:
            return False
        return True

    async def now(self, person: Person, id_: str) -> tuple[Conversation, str]:
        """A conversation and its state as they are at this moment. Raises NotFound."""
        found = await self._db.read(conversations.get(person.tenant, id_))
        if found is None or not (person.role is Role.OWNER or found[0].person == person.id):
            raise _unseen()
        return found

    async def conversations(
        self, person: Person, everyone: bool, before: int, limit: int
    ) -> tuple[list[Shown], int | None]:
        """A person's conversations, latest first, and where the next page begins."""
        whose = "*" if everyone else person.id
        found = await self._db.read(conversations.listed(person.tenant, whose, before, limit))
        items: list[Shown] = [
            {
                "id": item.conv.id,
                "title": visible(item.conv.title),
                "agent": item.conv.agent,
                "channel": item.conv.channel,
                "updated_at": item.updated_at,
                "state": item.state,
                "pending": item.pending,
            }
            for item in found
        ]
        return items, found[-1].updated_us if len(found) == limit else None

    async def lines(
        self, person: Person, conv: str, after: int, limit: int
    ) -> tuple[list[Shown], int, bool]:
        """What was said after a position, oldest first, the last position, and whether more is.

        The position is `after` when there was nothing. Lines that show nothing are left out.
        """
        found = await self._db.read(places.lines(person.tenant, conv, person.id, after, limit + 1))
        page = found[:limit]
        return _shown(page), page[-1].line.n if page else after, len(found) > limit

    async def earlier(
        self, person: Person, conv: str, before: int, limit: int
    ) -> tuple[list[Shown], int | None]:
        """What was said before a position, oldest first, and where the page before that ends."""
        found = await self._db.read(
            places.earlier(person.tenant, conv, person.id, before, limit + 1)
        )
        page = found[-limit:]
        return _shown(page), page[0].line.n if len(found) > limit else None

    async def says(self, person: Person, conv: str, words: str) -> bool:
        """Whether words stand in a conversation that this person may read. Raises NotFound."""
        held = await self.conversation(person, conv)
        return await self._db.read(places.says(person.tenant, held.id, words))

    async def last(self, tenant: TenantId, conv: str) -> int:
        """The position of the last line."""
        return await self._db.read(conversations.last_n(tenant, conv))

    async def before_turn(self, tenant: TenantId, conv: str, turn: str) -> int | None:
        """A position from which nothing of a turn's answer is missed; None: no such turn."""
        return await self._db.read(places.before_turn(tenant, conv, turn))

    async def answer(self, tenant: TenantId, turn: str) -> tuple[Stored | None, Line | None]:
        """An event and the line that answered it, where there is one."""
        return await self._db.read(_answer(tenant, turn))

    async def approvals(
        self, person: Person, state: str, conv: str, before: int, limit: int
    ) -> tuple[list[Shown], int | None]:
        """The approvals that a person may see, latest first, and where the next page begins."""
        found, after = await self._db.read(_approvals(person, state, conv, before, limit))
        return [shown_approval(*each, person, self.title) for each in found], after

    async def approval(self, person: Person, id_: str) -> Shown:
        """One approval that this person may see. Raises NotFound."""
        found = await self._db.read(_approval(person, id_))
        if found is None:
            raise NotFound("There is no such approval here.")
        return shown_approval(*found, person, self.title)

    async def story(self, person: Person, event: str) -> Story:
        """The trace of an event that this person may read. Raises NotFound."""
        story = await self._db.read(_story(person.tenant, event))
        if story is None or not _is_mine(person, story.stored):
            raise NotFound("There is no such event here.")
        return story


def may_see(item: Approval, person: Person) -> bool:
    """Owners, those who may decide, and whoever asked."""
    mine = person.id == item.requested_by
    return person.role is Role.OWNER or mine or may_decide(item, person.id, person.role.value)


def shown_line(line: Line, score: int | None = None, tainted: bool = False) -> Shown:
    """A line as the API shows it; `tainted` is its conversation."""
    shown: Shown = {
        "id": line.id,
        "role": line.role,
        "agent": line.agent,
        "text": line.text,
        "at": iso(line.at),
        "turn": line.turn,
        "n": line.n,
    }
    if line.approval:
        shown["approval"] = line.approval
    if line.footer:
        shown["footer"] = line.footer
    shown |= told(line.cause)
    shown |= files_of(line.attachments)
    if score is not None:
        shown["feedback"] = VALUES[score]
    return shown | outside(line.role, tainted)


def files_of(items: Sequence[Attachment]) -> Shown:
    """What a line has that carries files."""
    return {"attachments": [_attachment(item) for item in items]} if items else {}


def outside(role: str, tainted: bool) -> Shown:
    """What a line has where its author may have been steered by text from outside."""
    return {"outside": True} if tainted and role != "user" else {}


def shown_effect(effect: Effect, title: str) -> Shown:
    """A deed as the API shows it; `title` is what it is called in words."""
    return {
        "id": effect.id,
        "tool": effect.tool,
        "title": title,
        "arguments": dict(effect.arguments),
        "state": effect.state.value,
        "url": effect.url or None,
        "error": effect.error or None,
        "sandbox": effect.sandbox,
    }


@frozen
class Names:
    """What a tenant's people are called, and who of them are owners."""

    names: Mapping[str, str]
    owners: Sequence[str]

    def of(self, id_: str | None) -> Shown | None:
        """A person as the API names them."""
        return (
            {"id": id_, "name": visible(self.names.get(id_, "somebody who left"))} if id_ else None
        )


Asked = tuple[Approval, Sequence[Effect], Names]


def shown_approval(
    item: Approval, covered: Sequence[Effect], names: Names, person: Person, title: Title
) -> Shown:
    """An approval as this person sees it."""
    pending = item.state.value == "pending"
    asked = [str(item.requested_by)] if item.requested_by else []
    deciders = dict.fromkeys(item.approvers or [*asked, *names.owners])
    first = covered[0] if covered else None
    return {
        "id": item.id,
        "code": item.code,
        "kind": item.kind.value,
        "state": item.state.value,
        "tool": first.tool if first else "",
        "arguments": dict(first.arguments) if first else {},
        "version": item.version,
        "hash": item.hash,
        "shown": card_to_json(show(item.card)),
        "effects": [shown_effect(effect, title(effect)) for effect in covered],
        "requested_by": names.of(item.requested_by),
        "agent": item.agent,
        "approvers": [names.of(id_) for id_ in deciders],
        "may_decide": pending and may_decide(item, person.id, person.role.value),
        "why": item.why,
        "created_at": iso(item.created_at),
        "expires_at": iso(item.expires_at),
        "decided_by": names.of(item.decided_by),
        "decided_at": iso(item.decided_at) if item.decided_at else None,
        "note": item.note,
        "conversation": item.conv,
    }


def shown_event(stored: Stored) -> Shown:
    """An event in a list."""
    event = stored.event
    return {
        "id": event.id,
        "kind": event.kind,
        "channel": event.channel,
        "at": iso(event.at),
        "text": " ".join(event.text.split())[:200],
        "state": stored.state,
        "ending": stored.ending or None,
        "detail": stored.detail,
        "attempts": stored.attempts,
        "conversation": stored.conv or None,
    }


def shown_entry(entry: audit.Entry) -> Shown:
    """A line of the book."""
    return {
        "seq": entry.seq,
        "at": iso(from_us(entry.at)),
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "details": loads(entry.details) if entry.details else {},
        "event": entry.event or None,
    }


def _attachment(item: Attachment) -> Shown:
    return {
        "id": item.source if item.source.startswith("fil_") else None,
        "name": item.name,
        "media_type": item.media_type,
        "size": item.size,
    }


def _shown(page: Sequence[Read]) -> list[Shown]:
    return [shown_line(read.line, read.score, read.tainted) for read in page if _shows(read.line)]


def _shows(line: Line) -> bool:
    return bool(line.text or line.approval or line.attachments)


def _is_mine(person: Person, stored: Stored) -> bool:
    return person.role is Role.OWNER or stored.event.sender.person == person.id


def _unseen() -> NotFound:
    return NotFound("There is no such conversation here.")


def _answer(tenant: str, turn: str) -> Script[tuple[Stored | None, Line | None]]:
    stored = yield from inbox.get(tenant, turn)
    if stored is None:
        return None, None
    before = yield from conversations.position_of_turn(tenant, stored.conv, turn)
    if before is None:
        return stored, None
    found = yield from places.lines(tenant, stored.conv, "", before - 1, 1)
    return stored, found[0].line if found else None


def _names(tenant: str) -> Script[Names]:
    names = yield from people.names(tenant)
    owners = yield from people.owners(tenant)
    return Names(names=names, owners=owners)


def _approval(person: Person, id_: str) -> Script[Asked | None]:
    item = yield from approvals.get(person.tenant, id_)
    if item is None or not may_see(item, person):
        return None
    covered = yield from effects.of_approval(person.tenant, id_)
    names = yield from _names(person.tenant)
    return item, covered, names


def _approvals(
    person: Person, state: str, conv: str, before: int, limit: int
) -> Script[tuple[list[Asked], int | None]]:
    found = yield from approvals.listed(person.tenant, state, before, limit)
    names = yield from _names(person.tenant)
    items: list[Asked] = []
    for item in found:
        if may_see(item, person) and conv in ("", item.conv):
            covered = yield from effects.of_approval(person.tenant, item.id)
            items.append((item, covered, names))
    last = to_us(found[-1].created_at) if len(found) == limit else None
    return items, last


def _story(tenant: str, event: str) -> Script[Story | None]:
    stored = yield from inbox.get(tenant, event)
    if stored is None:
        return None
    return Story(
        stored=stored,
        steps=(yield from journal.steps_of(tenant, event)),
        effects=(yield from effects.of_turn(tenant, event)),
        audit=(yield from audit.of_event(tenant, event)),
        spent=(yield from spends.of_turn(tenant, event)),
    )
