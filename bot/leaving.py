"""What a person leaves behind when they are removed, and what becomes of it.

Their schedules are cancelled, for nobody is there whom they would serve. A question that only they
could decide is withdrawn: its effects are never done, and the agent words that as any outcome. What
agents remember of them is forgotten, and so is where they wanted to be told things. All of it
belongs to the commit that removes them.
"""

from bot.core.approval import Approval
from bot.core.canonical import Json
from bot.core.ids import PersonId
from bot.core.schedule import ScheduleState
from bot.store import approvals, decisions, memory, people, saved_chats, schedules
from bot.store.decisions import Ids
from bot.store.script import Script

_LATEST = 2**62
_MOST = 10_000
"""Pending questions of a tenant that are looked at."""


def leave(tenant: str, person: str, at: int) -> Script[dict[str, Json]]:
    """Wind up what a removed person leaves; returns it in numbers and ids, for the audit."""
    cancelled: list[Json] = []
    for item in (yield from schedules.listed(tenant)):
        if item.person == person:
            yield from schedules.change(item, ScheduleState.CANCELLED, None)
            cancelled.append(item.id)
    withdrawn: list[Json] = []
    present = yield from people.listed(tenant)
    here = frozenset(item.id for item in present)
    for question in (yield from approvals.listed(tenant, "pending", _LATEST, _MOST)):
        if _needed(question, person, here):
            said = "nobody who may decide it is here any more."
            yield from decisions.withdraw(question, said, at, _ids(question))
            withdrawn.append(question.id)
    yield from saved_chats.forget(tenant, person)
    forgotten = yield from memory.forget_person(tenant, person)
    return {"schedules": cancelled, "approvals": withdrawn, "memos": forgotten}


def _needed(question: Approval, person: str, here: frozenset[PersonId]) -> bool:
    """Whether a question hangs on this person: they are named, and too few others are here."""
    others = here.intersection(question.approvers) - {person}
    return person in question.approvers and len(others) < question.needs


def _ids(question: Approval) -> Ids:
    """A question is withdrawn once, so its own id makes those of what follows."""
    own = f"{question.id[4:]}w"
    return Ids(event=f"evt_{own}", conv=f"cnv_{own}", line=f"msg_{own}")
