"""Opinions of answers: a thumb on the page, `/good` and `/bad` in a chat, a reaction elsewhere.

All of them are one event of the kind `feedback`, decided in the transaction that stores it: the
opinion, the event and the line of the audit are one commit. A channel only maps its reactions:

    Event(kind=Kind.FEEDBACK, reply_to=<its reference of the answer>, payload={"value": "up"}, …)

Only people of the conversation have an opinion; an owner may read everybody's, and rates none but
their own.
"""

from dataclasses import replace

from bot.core.conversation import Conversation
from bot.core.errors import Forbidden, Invalid, NotFound
from bot.core.event import Event
from bot.core.ids import ConvId, TenantId
from bot.core.people import Person, Role
from bot.core.ports import Accepted
from bot.frozen import frozen
from bot.store import audit, inbox
from bot.store import feedback as rows
from bot.store.feedback import SCORES, Answered, Opinion
from bot.store.script import Script

MAX_DETAIL = 2000
THANKS = {1: "Thank you, noted: a good answer.", -1: "Thank you, noted: not a good answer."}
_UNSEEN = "There is no such answer here."
NOTHING = "There is no answer here yet that you could rate."


@frozen
class Wish:
    """What somebody wants to be noted."""

    score: int
    """1, -1, or 0 to take an earlier opinion back."""
    detail: str | None = None
    """None leaves the words of an equal earlier opinion as they are."""


def wish_of(event: Event) -> Wish:
    """Read an event of the kind `feedback`. Raises Invalid."""
    value, detail = event.payload.get("value"), event.payload.get("detail")
    if value not in (*SCORES, ""):
        raise Invalid("`value` is up, down, or empty to take it back.", field="value")
    if detail is not None and (not isinstance(detail, str) or len(detail) > MAX_DETAIL):
        raise Invalid(f"`detail` is a text of at most {MAX_DETAIL:,} characters.", field="detail")
    return Wish(score=SCORES.get(str(value), 0), detail=detail)


def give(event: Event, person: Person, at: int, body_hash: str) -> Script[Accepted]:
    """Store an event of this kind and what it says. Raises NotFound, Forbidden, Invalid."""
    wish = wish_of(event)
    answered = yield from _rated(event)
    where = (yield from rows.conversation_of(event.tenant, answered)) if answered else None
    if answered is None or where is None:
        raise NotFound(_UNSEEN)
    if not _is_of(where, event, person):
        if person.role is not Role.OWNER:
            raise NotFound(_UNSEEN)  # what they may not read is not there for them
        raise Forbidden("You may read this conversation. Only its own people rate its answers.")
    yield from inbox.ingest_control(event, where.id, at, _word(wish.score), body_hash)
    yield from note(event, person, answered, wish, at)
    return Accepted(event=event.id, conv=where.id, reply=THANKS.get(wish.score, "Taken back."))


def note(event: Event, person: Person, answered: Answered, wish: Wish, at: int) -> Script[None]:
    """Keep an opinion and write it into the audit; the same one again changes nothing."""
    tenant = event.tenant
    before = yield from rows.given(tenant, answered.id, person.id)
    if wish.detail is None:
        same = before is not None and before[0] == wish.score
        wish = replace(wish, detail=before[1] if before and same else "")
    if before == (wish.score, wish.detail) or (before is None and not wish.score):
        return
    model = yield from rows.model_of(tenant, answered)
    if wish.score:
        opinion = Opinion(
            message=answered.id,
            person=person.id,
            tenant=tenant,
            conv=answered.conv,
            agent=answered.agent,
            model=model,
            score=wish.score,
            details=wish.detail or "",
            at=at,
        )
        yield from rows.keep(opinion)
    else:
        yield from rows.drop(tenant, answered.id, person.id)
    told = {"value": _word(wish.score), "agent": answered.agent, "model": model}
    actor = f"person:{person.id}"
    yield from audit.note(tenant, at, actor, "feedback.given", answered.id, told, event.id)


def rate_last(event: Event, person: Person, conv: ConvId, wish: Wish, at: int) -> Script[str]:
    """Keep an opinion of a conversation's last answer; returns what to say of it."""
    answered = yield from rows.last_answer(event.tenant, conv)
    if answered is None:
        return NOTHING
    yield from note(event, person, answered, wish, at)
    return THANKS[wish.score]


def _rated(event: Event) -> Script[Answered | None]:
    """The answer that an event is about: named, or replied to in the channel's own words."""
    tenant: TenantId = event.tenant
    if named := event.payload.get("message"):
        return (yield from rows.answer(tenant, str(named)))
    if not event.reply_to:
        return None
    return (yield from rows.sent_as(tenant, event.channel, event.account, event.reply_to))


def _is_of(where: Conversation, event: Event, person: Person) -> bool:
    """Whether somebody takes part: it is theirs, or they are in the place where it goes on."""
    if where.person is not None and where.person == person.id:
        return True
    here = (event.channel, event.account, event.place.id)
    return bool(event.reply_to) and (where.channel, where.account, where.place) == here


def _word(score: int) -> str:
    return rows.VALUES.get(score, "taken back")
