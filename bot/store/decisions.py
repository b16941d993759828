"""A person's answer to a question, applied whole in one transaction, and the outcome it leads to.

Whoever presses second, late, on an old version, or without the right to, changes nothing and is
told why. When everything that a question covers has ended, one `settled` event opens a turn in
which the agent words the outcome.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, select

from bot.core.approval import Answer, Approval, ApprovalKind, ApprovalState, Decision
from bot.core.canonical import Json, digest
from bot.core.card import Card
from bot.core.effect import TERMINAL, Effect, EffectState, bound
from bot.core.errors import Conflict, Forbidden, NotFound
from bot.core.event import Event, Kind, Place, Sender, Trust
from bot.core.ids import EffectId, EventId, PersonId
from bot.core.times import from_us, to_us
from bot.frozen import frozen
from bot.store import approvals, audit, conversations, effects, inbox
from bot.store.rows import card_to_json, dumps
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables_people import person

_ROLE = Statement(
    lambda: select(person.c.role, person.c.name).where(
        person.c.tenant == bindparam("tenant"),
        person.c.id == bindparam("id"),
        person.c.removed_at.is_(None),
    )
)


LATE_US = 24 * 3600 * 1_000_000
"""A deed that is later than this is not what the yes was for; in microseconds."""
Due = Callable[[Effect], datetime | None]
"""When a deed is to be done; None: at once."""


def at_once(effect: Effect) -> datetime | None:
    """For deeds that have no time of their own."""
    return None


@frozen
class Edit:
    """An edited question, checked and laid out before the transaction."""

    arguments: Mapping[EffectId, Mapping[str, Json] | None]
    """New arguments per effect; None strikes it out."""
    hashes: Mapping[EffectId, str]
    hash: str
    card: Card
    version: int
    """Of the question that it was laid out for."""
    needs: int
    approvers: tuple[PersonId, ...]
    """Who decides about what it would do."""


@frozen
class Ids:
    """Fresh ids that the transaction may need."""

    event: str
    conv: str
    line: str


def may_decide(item: Approval, person_id: str, role: str) -> bool:
    """Named approvers if any; else the person who asked, and the owners."""
    if item.approvers:
        return person_id in item.approvers
    return role == "owner" or person_id == item.requested_by


@restartable
def decide(
    answer: Answer, tenant: str, at: int, ids: Ids, edit: Edit | None = None, due: Due = at_once
) -> Script[Approval]:
    """Apply an answer. Raises NotFound, Forbidden, Conflict; returns the question as it now is."""
    item = yield from approvals.hold(tenant, answer.approval)
    if item is None:
        raise NotFound("There is no such question here.")
    rows = yield Ask(_ROLE, {"tenant": tenant, "id": answer.person})
    if not rows or not may_decide(item, answer.person, rows[0][0]):
        raise Forbidden("You may not decide this; ask one of: " + ", ".join(item.card.approvers))
    _check_open(item, answer, at)
    if answer.decision is Decision.ASK:
        yield from _ask_agent(item, answer, at, ids)
        return item
    if edit and edit.version != item.version:
        raise Conflict("Somebody else has just edited this. Look at it again.")
    if edit:
        item = yield from _apply_edit(item, edit, at)
    name = rows[0][1]
    if answer.decision in (Decision.APPROVE, Decision.EDIT):
        voters = yield from approvals.cast(item, answer.person, "approve", at)
        if sum(may_decide(item, id_, role) for id_, role in voters) < item.needs:
            yield from _tell(item, answer, at, "approval.voted", edit)
            return item
    state = (
        ApprovalState.REJECTED
        if answer.decision in (Decision.REJECT, Decision.LEAVE)
        else ApprovalState.APPROVED
    )
    done = yield from _close(item, state, answer, name, at)
    yield from _move_effects(done, answer.decision, at, due)
    yield from _tell(item, answer, at, f"approval.{state.value}", edit)
    yield from settle_group(done, at, ids)
    return done


@restartable
def expire(item: Approval, at: int, ids: Ids) -> Script[bool]:
    """Close a question that nobody answered in time; its effects are never done."""
    said = "Expired: nobody decided in time."
    return (yield from _lapse(item, ApprovalState.EXPIRED, said, at, ids))


def withdraw(item: Approval, said: str, at: int, ids: Ids) -> Script[bool]:
    """Close a question that nobody can answer any more; its effects are never done."""
    return (yield from _lapse(item, ApprovalState.WITHDRAWN, f"Withdrawn: {said}", at, ids))


def _lapse(item: Approval, state: ApprovalState, said: str, at: int, ids: Ids) -> Script[bool]:
    card = dumps(card_to_json(replace(item.card, decided=said)))
    if not (yield from approvals.decide(item, state, None, "", card, at)):
        return False
    closed = replace(item, state=state)
    yield from _move_effects(closed, Decision.LEAVE, at)
    action = f"approval.{state.value}"
    yield from audit.note(item.tenant, at, "house", action, item.id, {"hash": item.hash}, item.turn)
    yield from settle_group(closed, at, ids)
    return True


def settle_group(item: Approval, at: int, ids: Ids) -> Script[bool]:
    """When all that a question covers has ended, tell the agent, once."""
    covered = yield from effects.of_approval(item.tenant, item.id)
    if not covered and item.kind is not ApprovalKind.BUDGET:
        return False
    if any(effect.state not in TERMINAL for effect in covered):
        return False
    if item.kind is ApprovalKind.DOUBT and covered[0].approval:
        parent = yield from approvals.hold(item.tenant, covered[0].approval)
        if parent:
            item = parent
            covered = yield from effects.of_approval(item.tenant, item.id)
            if any(effect.state not in TERMINAL for effect in covered):
                return False
    found = yield from conversations.get(item.tenant, item.conv)
    if not found:
        return False
    where = found[0]
    event = Event(
        id=EventId(ids.event),
        tenant=item.tenant,
        channel=where.channel,
        account=where.account,
        ext_id=f"settled:{item.id}",
        kind=Kind.SETTLED,
        conv=where.key,
        sender=Sender(ext_id="house", name="", person=item.requested_by),
        place=Place(id=where.place, thread=where.thread),
        text="",
        at=from_us(at),
        agent=item.agent,
        trust=Trust.HOUSE,
        payload={
            "approval": item.id,
            "kind": item.kind.value,
            "state": item.state.value,
            "note": item.note,
            "tainted": where.tainted,
            "outcomes": [_outcome(effect, item) for effect in covered],
        },
    )
    yield from inbox.ingest(event, (ids.conv, ids.line), at)
    return True


def _outcome(effect: Effect, item: Approval) -> dict[str, Json]:
    state = effect.state.value
    if effect.state is EffectState.ABANDONED and effect.doubt:
        state = "in doubt, and left so"
    elif effect.state is EffectState.ABANDONED and item.state is not ApprovalState.APPROVED:
        state = item.state.value
    told: dict[str, Json] = {
        "tool": effect.tool,
        "state": state,
        "url": effect.url,
        "error": effect.error,
        "sandbox": effect.sandbox,
        "arguments": dict(effect.arguments),
    }
    if said := effect.progress.get("said"):
        told["outside"] = said
    if found := effect.progress.get("found"):
        told["found"] = found
    return told


def _check_open(item: Approval, answer: Answer, at: int) -> None:
    if item.state is not ApprovalState.PENDING:
        raise Conflict(item.card.decided or f"This was {item.state.value} already.")
    if to_us(item.expires_at) <= at:
        raise Conflict("The time to decide this is over; nothing was done. Ask the agent again.")
    if answer.version is not None and answer.version != item.version:
        raise Conflict("This card is out of date. Look at the new one and decide again.")
    is_yes = answer.decision in (Decision.APPROVE, Decision.EDIT)
    if is_yes and answer.version is None and item.version > 1:
        raise Conflict("This was edited since it was asked. Look at it, and decide on its page.")
    doubt = item.kind is ApprovalKind.DOUBT
    answers = (Decision.THERE, Decision.AGAIN, Decision.LEAVE)
    if doubt != (answer.decision in answers) and answer.decision is not Decision.ASK:
        raise Conflict("That is no answer to this question.")


def _apply_edit(item: Approval, edit: Edit, at: int) -> Script[Approval]:
    covered = yield from effects.of_approval(item.tenant, item.id)
    for effect in covered:
        if effect.id not in edit.arguments:
            continue
        arguments = edit.arguments[effect.id]
        if arguments is None:
            ok = yield from effects.move(
                effect, EffectState.AWAITING, EffectState.ABANDONED, at, "struck out"
            )
        else:
            ok = yield from effects.change(effect, arguments, edit.hashes[effect.id])
        if not ok:
            raise Conflict("This has changed in the meantime. Look at it again.")
    item = replace(item, hash=edit.hash, card=edit.card, needs=edit.needs, approvers=edit.approvers)
    version = yield from approvals.revise(item, dumps(card_to_json(edit.card)))
    if version is None:
        raise Conflict("This card is out of date. Look at the new one and decide again.")
    return replace(item, version=version)


def _close(
    item: Approval, state: ApprovalState, answer: Answer, name: str, at: int
) -> Script[Approval]:
    verb = {
        Decision.APPROVE: "Approved",
        Decision.EDIT: "Edited and approved",
        Decision.REJECT: "Rejected",
        Decision.THERE: "Found to be there, said",
        Decision.AGAIN: "To be done again, said",
        Decision.LEAVE: "Left as it is",
        Decision.ASK: "Asked",
    }[answer.decision]
    said = f"{verb} by {name} on {from_us(at):%Y-%m-%d at %H:%M} UTC."
    card = replace(item.card, decided=said)
    done = yield from approvals.decide(
        item, state, answer.person, answer.note, dumps(card_to_json(card)), at
    )
    if not done:
        raise Conflict("Somebody else has just decided this.")
    return replace(item, state=state, card=card, note=answer.note, decided_at=from_us(at))


def _move_effects(item: Approval, decision: Decision, at: int, due: Due = at_once) -> Script[None]:
    ways = {
        Decision.APPROVE: (EffectState.AWAITING, EffectState.READY),
        Decision.EDIT: (EffectState.AWAITING, EffectState.READY),
        Decision.REJECT: (EffectState.AWAITING, EffectState.ABANDONED),
        Decision.THERE: (EffectState.IN_DOUBT, EffectState.SENT),
        Decision.AGAIN: (EffectState.IN_DOUBT, EffectState.READY),
    }
    was, new = ways.get(decision, (EffectState.AWAITING, EffectState.ABANDONED))
    if item.kind is ApprovalKind.DOUBT and decision is Decision.LEAVE:
        was = EffectState.IN_DOUBT
    covered = yield from effects.of_approval(item.tenant, item.id)
    if new is EffectState.READY:
        _check_bound(item, [effect for effect in covered if effect.state is was])
    for effect in covered:
        asked = effect.state is was is EffectState.AWAITING and new is EffectState.READY
        planned = to_us(when) if asked and (when := due(effect)) else 0
        if planned and at - planned > LATE_US:
            raise Conflict("Its time is over for more than a day. Edit the time, or ask anew.")
        yield from effects.move(effect, was, new, at, due=planned)


def _check_bound(item: Approval, covered: Sequence[Effect]) -> None:
    """What would be done now is what was shown, or nothing is done."""
    hashes = [bound(effect) for effect in covered]
    shown = hashes[0] if item.kind is ApprovalKind.DOUBT and hashes else digest(hashes)
    if covered and shown != item.hash:
        raise Conflict("What waits here is not what was shown, so nothing was done. Ask again.")


def _ask_agent(item: Approval, answer: Answer, at: int, ids: Ids) -> Script[None]:
    found = yield from conversations.get(item.tenant, item.conv)
    if not found:
        raise NotFound("The conversation of this question is gone.")
    where = found[0]
    event = Event(
        id=EventId(ids.event),
        tenant=item.tenant,
        channel=where.channel,
        account=where.account,
        ext_id=f"ask:{item.id}:{ids.event}",
        kind=Kind.MESSAGE,
        conv=where.key,
        sender=Sender(ext_id=answer.person, person=answer.person),
        place=Place(id=where.place, thread=where.thread),
        text=answer.note or "Tell me more about this before I decide.",
        at=from_us(at),
        agent=item.agent,
        payload={"about": item.id, "code": item.code},
    )
    yield from inbox.ingest(event, (ids.conv, ids.line), at)
    yield from _tell(item, answer, at, "approval.questioned", None)


def _tell(item: Approval, answer: Answer, at: int, action: str, edit: Edit | None) -> Script[None]:
    details: dict[str, Json] = {"hash": item.hash, "version": item.version, "note": answer.note}
    if answer.channel:
        details["channel"] = answer.channel
    if edit:
        details["edit"] = dict(edit.arguments.items())
    yield from audit.note(
        item.tenant, at, f"person:{answer.person}", action, item.id, details, item.turn
    )
