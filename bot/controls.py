"""Events that decide something at once, also while a turn is running.

A press, a form, an opinion of an answer, `/stop`, `/status`, `/whoami`, `/approve CODE`,
`/reject CODE`, `/good`, `/bad WHY`, and the words `OK 4821`, `NO 4821`, `EDIT 4821 …` of channels
without buttons. Each is stored and applied in one
transaction, has no number in its conversation, and is answered in the channel's own response.
Every path asks the same question of the same rows: may this person decide this, and is it open?
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol

from bot import feedback
from bot.approvals import Approvals
from bot.core.approval import Answer, Approval, ApprovalState, Decision
from bot.core.canonical import Json
from bot.core.conversation import Line
from bot.core.errors import Forbidden, Invalid, UserError
from bot.core.event import CONTROL, Event, Kind, Trust
from bot.core.ids import ApprovalId, ConvId, EffectId, EventId, PersonId, TenantId
from bot.core.people import Person
from bot.core.ports import Accepted, Clock, new_id
from bot.core.times import from_us, to_us
from bot.frozen import frozen
from bot.platforms.desk import filled
from bot.render.cards.layout import Ref
from bot.render.codes import SHOW_ALL, Reply, parse_code
from bot.render.text import visible
from bot.render.whole import whole
from bot.store import arrivals, conversations, inbox, misses, transcript
from bot.store.decisions import may_decide
from bot.store.script import Database, Script, restartable

COMMAND = re.compile(r"/(stop|status|whoami|approve|reject|good|bad)\b\s*(\S*)\s*(.*)", re.DOTALL)


MAX_WRONG = 5
"""So many wrong codes of one sender, and codes decide nothing more that waits."""
TOO_MANY = (
    "Too many wrong codes came from here, so a code no longer decides this. Decide it on the page."
)
NO_MONEY = "Money is not approved this way: a sender here can be forged. Decide it on the page."
_WITH_WORDS = frozenset({"edit", "ask"})
"""Choices that are nothing without words behind the code."""
_DONE = "This was taken in before; nothing is done twice."


@frozen
class Order:
    """An event that decides something, and what a repeat of it is compared by."""

    event: Event
    body_hash: str


class Running(Protocol):
    """What is running."""

    def stop(self, conv: str) -> bool: ...


class People(Protocol):
    """Who is who."""

    async def get(self, tenant: TenantId, person: str) -> Person | None: ...

    async def identify(
        self, tenant: TenantId, channel: str, account: str, ext_id: str
    ) -> Person | None: ...


Status = Callable[[TenantId], Awaitable[str]]


class Controls:
    """Applies control events."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        approvals: Approvals,
        people: People,
        running: Running,
        status: Status,
    ) -> None:
        self._db = db
        self._clock = clock
        self._approvals = approvals
        self._people = people
        self._running = running
        self._status = status

    async def __call__(self, event: Event, body_hash: str = "") -> Accepted | None:
        """Apply an event, once; None when it is an ordinary one."""
        press = event.kind in CONTROL
        if not press and event.trust is not Trust.PERSON:
            return None  # words from outside command nothing
        command = None if press else COMMAND.fullmatch(event.text.strip())
        code = None if press or command else parse_code(event.text)
        missed = None if press or command or code else event.payload.get("misplaced")
        if not (press or command or code or missed):
            return None
        order = Order(event=event, body_hash=body_hash)
        if before := await self._before(order):
            return before
        if command:
            done = await self._command(order, *command.groups())
        elif code:
            done = await self._code(order, code)
        elif isinstance(missed, Mapping):
            done = await self._misplaced(order, missed)
        elif event.kind == Kind.FEEDBACK:
            done = await self._opinion(order)
        else:
            done = await self._press(order)
        return (done and await self._before(order)) or done  # its repeat may have been quicker

    async def _before(self, order: Order) -> Accepted | None:
        """What a repeat of an earlier event is told; None when this one is the first."""
        return await self._db.read(_before(order))

    async def _press(self, order: Order) -> Accepted:
        """A button or a form: the payload names approval, version and choice."""
        payload = order.event.payload
        try:
            decision = Decision(str(payload.get("choice")))
        except ValueError:
            raise Invalid("This button means nothing any more.") from None
        version = payload.get("version")
        approval = ApprovalId(str(payload.get("approval", "")))
        arguments, note = payload.get("arguments"), str(payload.get("note", ""))
        inputs = payload.get("inputs")
        if isinstance(inputs, Mapping) and decision is Decision.EDIT:
            _, covered = await self._approvals.get(order.event.tenant, approval)
            arguments = filled(covered, inputs)
        elif isinstance(inputs, Mapping):
            note = str(inputs.get("question", ""))
        return await self._decide(
            order,
            approval,
            decision,
            version=version if isinstance(version, int) else None,
            arguments=arguments if isinstance(arguments, Mapping) else None,
            note=note,
        )

    async def _opinion(self, order: Order) -> Accepted:
        """What somebody thinks of an answer."""
        person = await self._person(order.event)
        if person is None:
            raise Forbidden("Only people who are known here rate answers.")
        return await self._db.write(_given(order, person, to_us(self._clock.now())))

    async def _rate(self, order: Order, person: Person, word: str, detail: str) -> Accepted:
        """The same in words, of the last answer here."""
        value = {"good": "up", "bad": "down"}[word]
        payload: dict[str, Json] = (
            {"value": value, "detail": detail} if detail else {"value": value}
        )
        try:
            wish = feedback.wish_of(replace(order.event, payload=payload))
        except Invalid as error:
            return await self._answer(order, error.message, "refused")
        at = to_us(self._clock.now())
        return await self._db.write(_rated(order, person, wish, self._ids(), at))

    async def _command(self, order: Order, word: str, first: str, rest: str) -> Accepted | None:
        event = order.event
        person = await self._person(event)
        if person is None:
            return None  # the router meets strangers
        if word in ("good", "bad"):
            return await self._rate(order, person, word, f"{first} {rest}".strip())
        if word in ("approve", "reject"):
            return await self._code(order, Reply(choice=word, code=first, rest=rest))
        if word == "stop":
            found = await self._db.read(conversations.current(event.tenant, event.conv))
            stopped = found is not None and self._running.stop(found[0].id)
            reply = "Stopping." if stopped else "Nothing is running here."
        elif word == "whoami":
            reply = f"You are **{visible(person.name)}** ({person.role.value}) here."
        else:
            reply = await self._status(event.tenant)
        return await self._answer(order, reply, word)

    async def _code(self, order: Order, said: Reply) -> Accepted | None:
        """A decision by the code of a question; text with a code of none is ordinary."""
        event = order.event
        item = await self._approvals.by_code(event.tenant, said.code)
        person = await self._person(event)
        is_bare = not said.rest.strip() or event.text.startswith("/")
        if item is None and (is_bare or said.choice in _WITH_WORDS):
            item = await self._approvals.ended(event.tenant, said.code)
        if item is None or person is None or not may_decide(item, person.id, person.role.value):
            if person is not None and is_bare:
                await self._db.write(misses.add(event, to_us(self._clock.now())))
            if event.text.startswith("/"):
                text = f"Nothing waits under the code {said.code[:20]}."
                return await self._answer(order, text, "code")
            return None
        if said.choice == SHOW_ALL:
            ref = Ref(approval=item.id, version=item.version)
            return await self._answer(order, whole(item.card, ref), "shown")
        decision = Decision(said.choice)
        if item.state is not ApprovalState.PENDING:  # is told what was decided
            return await self._decide(order, item.id, decision)
        if why := await self._barred(order, item, decision):
            return await self._answer(order, why, "refused")
        if decision is Decision.EDIT:
            return await self._edit(order, item, said.rest)
        return await self._decide(order, item.id, decision, note=said.rest.strip())

    async def _misplaced(self, order: Order, missed: Mapping[str, Json]) -> Accepted | None:
        """What its channel says of codes that stand where they decide nothing, if one is good.

        Other words with such codes are ordinary.
        """
        event, codes = order.event, missed.get("codes")
        person = await self._person(event)
        for code in codes if isinstance(codes, list) and person else ():
            item = await self._approvals.by_code(event.tenant, str(code))
            if item and person and may_decide(item, person.id, person.role.value):
                return await self._answer(order, str(missed.get("say")), "refused")
        return None

    async def _barred(self, order: Order, item: Approval, decision: Decision) -> str:
        """Why a code does not decide this; empty when it does.

        A sender whose name can be forged may not move money, and nobody may guess for long.
        """
        event = order.event
        wrong = await self._db.read(misses.since(event, to_us(item.created_at)))
        if wrong >= MAX_WRONG:
            return TOO_MANY
        is_yes = decision in (Decision.APPROVE, Decision.EDIT, Decision.AGAIN)
        if event.payload.get("forgeable") and is_yes and await self._approvals.moves_money(item):
            return NO_MONEY
        return ""

    async def _edit(self, order: Order, item: Approval, text: str) -> Accepted:
        """New words for the one text that the card shows."""
        _, covered = await self._approvals.get(item.tenant, item.id)
        names = [field.editable for field in item.card.fields if field.editable]
        name = "text" if "text" in names or not names else names[0]
        if len(covered) != 1 or not text.strip():
            return await self._answer(order, "Open the page to edit this one.", "edit")
        arguments: dict[str, Json] = {covered[0].id: {**covered[0].arguments, name: text.strip()}}
        return await self._decide(order, item.id, Decision.EDIT, arguments=arguments)

    async def _decide(
        self,
        order: Order,
        approval: ApprovalId,
        decision: Decision,
        *,
        version: int | None = None,
        arguments: Mapping[str, Json] | None = None,
        note: str = "",
    ) -> Accepted:
        event = order.event
        person = await self._person(event)
        answer = Answer(
            approval=approval,
            decision=decision,
            person=person.id if person else PersonId(""),
            version=version,
            arguments={
                EffectId(key): value if isinstance(value, Mapping) else None
                for key, value in (arguments or {}).items()
            },
            note=note,
            channel=event.channel,
        )
        found = await self._db.read(conversations.current(event.tenant, event.conv))
        conv = found[0].id if found else ConvId("")
        try:
            done = await self._approvals.decide(event.tenant, answer, event, conv, order.body_hash)
        except UserError as error:
            if event.kind in CONTROL:
                raise
            return await self._answer(order, error.message, "refused")
        said = done.card.decided or _said(done.state, decision)
        return Accepted(event=event.id, conv=conv, reply=said)

    async def _person(self, event: Event) -> Person | None:
        if event.sender.person:
            return await self._people.get(event.tenant, event.sender.person)
        return await self._people.identify(
            event.tenant, event.channel, event.account, event.sender.ext_id
        )

    async def _answer(self, order: Order, reply: str, detail: str) -> Accepted:
        at = to_us(self._clock.now())
        return await self._db.write(_answered(order, reply, detail, self._ids(), at))

    def _ids(self) -> tuple[str, str, str]:
        return new_id(self._clock, "cnv"), new_id(self._clock, "msg"), new_id(self._clock, "msg")


@restartable
def _given(order: Order, person: Person, at: int) -> Script[Accepted]:
    """Store an opinion, once."""
    if seen := (yield from _before(order)):
        return seen
    return (yield from feedback.give(order.event, person, at, order.body_hash))


@restartable
def _rated(
    order: Order, person: Person, wish: feedback.Wish, ids: tuple[str, str, str], at: int
) -> Script[Accepted]:
    """Store an opinion of the last answer, with both lines of the exchange."""
    event = order.event
    if seen := (yield from _before(order)):
        return seen
    found = yield from conversations.current(event.tenant, event.conv)
    reply = feedback.NOTHING
    if found:
        reply = yield from feedback.rate_last(event, person, found[0].id, wish, at)
    return (yield from _answered(order, reply, "feedback", ids, at))


@restartable
def _answered(
    order: Order, reply: str, detail: str, ids: tuple[str, str, str], at: int
) -> Script[Accepted]:
    """Store the event as decided, with both lines of the exchange."""
    event = order.event
    if seen := (yield from _before(order)):
        return seen
    found = yield from conversations.current(event.tenant, event.conv)
    if found:
        where = found[0]
    else:
        where = yield from conversations.open_(event, ids[0], 1, at)
    yield from inbox.ingest_control(event, where.id, at, detail, order.body_hash)
    for line, role, text in ((ids[1], "user", event.text), (ids[2], "system", reply)):
        said = Line(id=line, seq=0, turn=event.id, role=role, text=text, at=from_us(at))
        yield from conversations.say(event.tenant, where.id, said)
    return Accepted(event=event.id, conv=where.id, reply=reply)


def _before(order: Order) -> Script[Accepted | None]:
    """The earlier arrival of this event, with what was answered; None when there was none."""
    event = order.event
    found = yield from arrivals.known(event, order.body_hash)
    if found is None or found[0] == event.id:
        return None
    id_, conv, same = found
    reply = _DONE
    at = yield from conversations.position_of_turn(event.tenant, conv, id_)
    if at is not None:
        lines = yield from transcript.lines(event.tenant, conv, "", at - 1, 1)
        reply = lines[0].line.text
    return Accepted(event=EventId(id_), conv=ConvId(conv), duplicate=True, same=same, reply=reply)


def _said(state: ApprovalState, decision: Decision) -> str:
    if state is not ApprovalState.PENDING:
        return state.value
    asked = "The agent was asked; it answers in the conversation."
    return asked if decision is Decision.ASK else "Noted; another yes is needed."
