"""Waiting until a network has worked through something: a few looks, further and further apart.

The house gives a deed a minute (`bot/effects.py`), so the waits here come to less. No network is
behind this file: docs/integrations/connections.md.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

PAUSES_S = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0)

T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T | None]]) -> T | None:
    """What the look says as soon as it says something; None when it never does in time."""
    for pause in (0.0, *PAUSES_S):
        await asyncio.sleep(pause)
        if (found := await look()) is not None:
            return found
    return None
