"""The journal of turns, and the question that guards every write of a turn: does it still hold?

Steps are posted, not awaited; what leaves the house asks `hold` whether those before it are kept.
"""

from sqlalchemy import bindparam, func, insert, select

from bot.core.conversation import Claim, Step
from bot.core.effect import EffectKind, EffectState
from bot.core.errors import Fenced, StoreError
from bot.core.times import from_us, to_us
from bot.store.script import Ask, Params, Proof, Script, Statement, restartable, restartable_by
from bot.store.tables import conv, effect, journal

_JOURNAL = Statement(
    select(
        journal.c.step,
        journal.c.kind,
        journal.c.input_hash,
        journal.c.result,
        journal.c.at,
        journal.c.ms,
    )
    .where(journal.c.tenant == bindparam("tenant"), journal.c.turn == bindparam("turn"))
    .order_by(journal.c.step)
)
_WRITE_STEP = Statement(
    insert(journal).values(
        {
            name: bindparam(name)
            for name in ("turn", "step", "tenant", "kind", "input_hash", "result", "at", "ms")
        }
    )
)
_FORGET_STEPS = Statement(
    journal.delete().where(
        journal.c.tenant == bindparam("tenant"), journal.c.turn == bindparam("turn")
    )
)
_FORGET_CODE = Statement(
    journal.delete().where(
        journal.c.tenant == bindparam("tenant"),
        journal.c.turn == bindparam("turn"),
        journal.c.kind == "code",
    )
)
_ANSWER_BEGUN = Statement(
    select(effect.c.id).where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.turn == bindparam("turn"),
        effect.c.kind == EffectKind.REPLY.value,
        effect.c.state != EffectState.PLANNED.value,
    )
)
_HOLDS = Statement(
    select(conv.c.id).where(
        conv.c.tenant == bindparam("tenant"),
        conv.c.id == bindparam("conv"),
        conv.c.epoch == bindparam("epoch"),
        conv.c.state == "running",
    )
)
_KEPT = Statement(
    select(func.count()).where(
        journal.c.tenant == bindparam("tenant"),
        journal.c.turn == bindparam("turn"),
        journal.c.step < bindparam("steps"),
    )
)


def of_claim(claim_: Claim, *_: object) -> str:
    """The key of a script that touches the rows of a claim's conversation alone."""
    return f"{claim_.event.tenant} {claim_.conv.key}"


def holds(claim_: Claim, *_: object) -> Proof:
    """That a claim still holds: proved by a script that lets its conversation go."""
    where = claim_.conv
    asked: Params = {"tenant": claim_.event.tenant, "conv": where.id, "epoch": where.epoch}
    return Ask(_HOLDS, asked), [(where.id,)]


@restartable_by(of_claim)
def write_step(claim_: Claim, step: Step) -> Script[None]:
    """Journal one step of a turn. Raises Fenced."""
    yield from hold(claim_)
    yield Ask(
        _WRITE_STEP,
        {
            "turn": claim_.event.id,
            "step": step.step,
            "tenant": claim_.event.tenant,
            "kind": step.kind,
            "input_hash": step.input_hash,
            "result": step.result,
            "at": to_us(step.at),
            "ms": step.ms,
        },
    )


def steps_of(tenant: str, turn: str) -> Script[list[Step]]:
    """The journal of a turn."""
    rows = yield Ask(_JOURNAL, {"tenant": tenant, "turn": turn})
    return [
        Step(step=r[0], kind=r[1], input_hash=r[2], result=r[3], at=from_us(r[4]), ms=r[5])
        for r in rows
    ]


def hold(claim_: Claim, steps: int = 0) -> Script[None]:
    """Raise Fenced unless the claim still holds, StoreError unless its first steps are kept.

    Steps are posted, not awaited: what leaves the house must not go before what led to it.
    """
    if not (yield holds(claim_)[0]):
        raise Fenced(conv=claim_.conv.id, event=claim_.event.id)
    if steps:
        which: Params = {"tenant": claim_.event.tenant, "turn": claim_.event.id, "steps": steps}
        kept = yield Ask(_KEPT, which)
        if kept[0][0] < steps:
            raise StoreError("An earlier step of this turn did not reach the disk.")


@restartable
def start_over(claim_: Claim) -> Script[None]:
    """Forget the steps of a turn whose effects have all stayed `planned`."""
    yield from hold(claim_)
    yield Ask(_FORGET_STEPS, {"tenant": claim_.event.tenant, "turn": claim_.event.id})


@restartable
def forget_code(claim_: Claim) -> Script[bool]:
    """Forget which code a turn chose for its question, the last of its steps.

    False when its answer, which names the code, may have been seen.
    """
    yield from hold(claim_)
    which = {"tenant": claim_.event.tenant, "turn": claim_.event.id}
    if (yield Ask(_ANSWER_BEGUN, which)):
        return False
    yield Ask(_FORGET_CODE, which)
    return True
