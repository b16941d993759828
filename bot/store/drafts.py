"""Answers that are seen while they are written: the reply's row, with where it is shown already."""

from dataclasses import replace

from sqlalchemy import bindparam, update

from bot.core.conversation import Claim
from bot.core.effect import Effect, EffectState
from bot.core.errors import Fenced
from bot.store import effects, journal
from bot.store.rows import dumps
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables import effect

_WORDS = Statement(
    lambda: (
        update(effect)
        .where(
            effect.c.tenant == bindparam("tenant"),
            effect.c.id == bindparam("id"),
            effect.c.state == "planned",
        )
        .values(
            arguments=bindparam("new_arguments"),
            hash=bindparam("new_hash"),
            agent=bindparam("new_agent"),
        )
        .returning(effect.c.id)
    )
)


@restartable
def show(claim: Claim, item: Effect, ref: str, at: int) -> Script[None]:
    """Remember that the draft of a reply is to be seen, and as what. Raises Fenced."""
    yield from journal.hold(claim)
    there = yield from effects.get(item.tenant, item.id)
    if there is None:
        yield from effects.plan(replace(item, state=EffectState.PLANNED, vendor_ref=ref), at)


@restartable
def become(claim: Claim, steps: int, item: Effect, at: int) -> Script[None]:
    """The draft is about to become the answer, and is `sending`. Raises Fenced, StoreError.

    `item` has the words, and names in `vendor_ref` where the draft is to be seen.
    """
    yield from journal.hold(claim, steps)
    there = yield from effects.get(item.tenant, item.id)
    if there is None:
        yield from effects.plan(item, at)
        return
    words = {"new_arguments": dumps(item.arguments), "new_hash": item.hash}
    rows = yield Ask(
        _WORDS, {"tenant": item.tenant, "id": item.id, "new_agent": item.agent, **words}
    )
    begun = (yield from effects.begin(item.tenant, item.id, at)) if rows else None
    if begun is None:
        raise Fenced(effect=item.id)
