"""X as its tools speak to it: scopes, and what its answers mean.

https://docs.x.com/x-api/fundamentals/response-codes-and-errors (read 2026-08-22).
"""

from bot.core.errors import BotError, VendorRefused
from bot.core.ports import Clock, Page
from bot.core.tool import ToolContext
from tools.social._account import NO_TIME_S, Account, Service, Told, account_of

READING = ("tweet.read", "users.read")
WRITING = (*READING, "tweet.write")
PICTURES = (*WRITING, "media.write")


class Duplicate(VendorRefused):
    """X says that the account has posted this text already."""


def _reason(told: Told) -> str:
    return str(told.get("detail") or "")


def _meaning(page: Page, told: Told) -> BotError | None:
    return Duplicate() if page.status == 403 and "duplicate" in _reason(told).lower() else None


def _wait(page: Page, clock: Clock) -> float:
    """X's own word on when it takes calls again, in seconds since 1970."""
    reset = page.headers.get("x-rate-limit-reset", "")
    return float(reset) - clock.now().timestamp() if reset.isdecimal() else NO_TIME_S


SERVICE = Service(name="x", title="X", reason=_reason, meaning=_meaning, wait=_wait)


async def x_of(ctx: ToolContext, needs: tuple[str, ...]) -> Account:
    """The account that was asked about. Raises OperatorError, Invalid, Conflict: not done."""
    return await account_of(ctx, SERVICE, needs)


def address(x: Account, post: str) -> str:
    """Where people read a post of this account."""
    return f"https://x.com/{x.name}/status/{post}"
