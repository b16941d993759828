"""What the tools of this group are lent: a tenant's key, and how much may move.

Apart from the tools, so that a start need not load what checks and shows their arguments.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot.core.canonical import Json
from bot.core.ids import TenantId
from bot.core.ports import Fetcher
from bot.core.secret import Secret
from bot.frozen import frozen

BASE = "https://api.stripe.com"
MODES = {"sk_test_": "test", "rk_test_": "test", "sk_live_": "live", "rk_live_": "live"}
"""How a key begins, and whether money moves with it.
https://docs.stripe.com/keys (read 2026-11-21)"""


@frozen
class Ceilings:
    """The most that one person may move, in whole units of whichever currency it is."""

    at_once: int = 10_000
    per_day: int = 20_000
    """Of each currency, within 24 hours."""
    times_per_day: int = 50


@frozen
class Past:
    """One deed that money moved by, or may move by."""

    effect: str
    arguments: Mapping[str, Json]


@frozen
class Held:
    """What one tenant is paid with."""

    key: Secret
    name: str
    """The connection's: by the account where the key says whose it is, else by the key."""
    mark: str
    """Another one for another key; it says nothing of it."""


@frozen
class Till:
    """Stripe as the tools see it."""

    held: Callable[[TenantId], Awaitable[Held | None]]
    """None where Stripe is not connected."""
    past: Callable[[TenantId, str, int], Awaitable[Sequence[Past]]]
    """What moved on a person's behalf since a time in microseconds."""
    fetcher: Fetcher
    """What asks Stripe, also where the operator set its address inside a private network."""
    base: str = BASE
    ceilings: Ceilings = Ceilings()


def mode_of(key: Secret) -> str:
    """`test` or `live`; empty for what is no key of Stripe's."""
    text = key.reveal()
    return next((mode for prefix, mode in MODES.items() if text.startswith(prefix)), "")
