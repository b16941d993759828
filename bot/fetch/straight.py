"""For libraries that make HTTP sessions of their own: no redirect is followed.

A service that points to another address would be given the words of a message, and whatever else
its request holds, at a host that nobody chose; and what that host answers says nothing of whether
the message was sent. https://docs.aiohttp.org/en/stable/tracing_reference.html (read 2026-11-22)
"""

from types import SimpleNamespace

import aiohttp


class Elsewhere(aiohttp.ClientError):
    """The service points to another address, which is not asked."""


async def _stop(
    session: aiohttp.ClientSession,
    context: SimpleNamespace,
    told: aiohttp.TraceRequestRedirectParams,
) -> None:
    told.response.close()
    raise Elsewhere(f"It answered with status {told.response.status}.")


def straight() -> aiohttp.TraceConfig:
    """What a session is made with, so that a redirect ends its request with Elsewhere."""
    made = aiohttp.TraceConfig()
    made.on_request_redirect.append(_stop)
    return made
