"""How much one person may move: at once, in a day, and how often; a refusal names the limit.

Looked at before anybody is asked and again before the first step. What is under way at the same
moment counts, so two at once can refuse one another, and never slip through together.
"""

from datetime import timedelta

from bot.core.errors import LimitReached
from bot.core.times import to_us
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools.payments._money import exponent, shown
from tools.payments._settings import Till

DAY = timedelta(hours=24)


@frozen
class Sum:
    """An amount of a currency."""

    amount_minor: int
    currency: str


async def check(ctx: ToolContext, till: Till, sum_: Sum) -> None:
    """Raises LimitReached where this would be too much."""
    ceilings, unit = till.ceilings, 10 ** exponent(sum_.currency)
    most = ceilings.at_once * unit
    if sum_.amount_minor > most:
        raise LimitReached(
            f"{_in(sum_.amount_minor, sum_)} is more than the {_in(most, sum_)} that may move at "
            "once ([payments] at_once). Nothing was done."
        )
    since = to_us(ctx.clock.now() - DAY)
    past = await till.past(ctx.tenant, ctx.person or "", since)
    others = [each.arguments for each in past if each.effect != ctx.effect]
    if len(others) >= ceilings.times_per_day:
        raise LimitReached(
            f"{ceilings.times_per_day} deeds with money in a day are the most for one person "
            "([payments] times_per_day). Nothing was done."
        )
    before = 0
    for arguments in others:
        amount = arguments.get("amount_minor")
        if arguments.get("currency") == sum_.currency and isinstance(amount, int):
            before += amount
    most = ceilings.per_day * unit
    if before + sum_.amount_minor > most:
        raise LimitReached(
            f"With the {_in(before, sum_)} of the last 24 hours this would be more than the "
            f"{_in(most, sum_)} of a day ([payments] per_day). Nothing was done."
        )


def _in(amount_minor: int, sum_: Sum) -> str:
    return shown(amount_minor, sum_.currency)
