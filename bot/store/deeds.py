"""A deed and its question, in one commit: how it ended, or that nobody knows."""

from bot.core.approval import Approval
from bot.core.conversation import Line
from bot.core.effect import Effect, Outcome
from bot.core.times import from_us
from bot.store import approvals as approval_rows
from bot.store import conversations, decisions
from bot.store import effects as rows
from bot.store.script import Script, restartable


@restartable
def settle(
    effect: Effect, outcome: Outcome, at: int, ids: decisions.Ids
) -> Script[Approval | None]:
    """Settle an effect and, when its question is thereby complete, tell the agent."""
    settled = yield from rows.settle(effect, outcome, at)
    asked_in = effect.approval or effect.doubt
    if settled is None or asked_in is None:
        return None
    item = yield from approval_rows.hold(effect.tenant, asked_in)
    if item:
        yield from decisions.settle_group(item, at, ids)
    return item


@restartable
def ask_doubt(effect: Effect, question: Approval, error: str, line: str, at: int) -> Script[bool]:
    """Mark an effect as in doubt together with the question about it. Raises CodeTaken."""
    asked = yield from rows.doubt(effect, question.id, error, at)
    if not asked:
        return False
    if not (yield from approval_rows.draw(effect.tenant, question.code, question.id, at)):
        raise approval_rows.CodeTaken
    yield from approval_rows.open_(question)
    said = Line(
        id=line,
        seq=0,
        turn=effect.turn,
        role="system",
        text=question.card.title,
        at=from_us(at),
        agent=effect.agent,
        approval=question.id,
    )
    yield from conversations.say(effect.tenant, effect.conv, said)
    return True
