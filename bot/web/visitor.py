"""Who is looking at a page, as the sign-in leaves it on the request.

The sign-in middleware puts a `Visitor` under `VISITOR`; pages and API read it and nothing else.
This file decides nothing: a request without a visitor was let through because its path is open.
"""

from typing import Protocol

from aiohttp import web

from bot.core.ids import TenantId
from bot.core.people import Person


class Visitor(Protocol):
    """A signed-in person in one browser."""

    @property
    def person(self) -> Person: ...

    @property
    def tenant(self) -> TenantId: ...

    @property
    def csrf(self) -> str:
        """The token that every request but GET sends back in `X-CSRF-Token`."""
        ...


VISITOR: web.RequestKey[Visitor] = web.RequestKey("visitor", Visitor)
