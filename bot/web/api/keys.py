"""Keys: which models are paid for, and the master key that seals all other secrets.

Both are the whole house's: every tenant's words go to those models and every tenant's secrets are
sealed by that key. So only an owner of the first tenant sees them or makes a new one.
"""

from aiohttp import web

from bot.core.canonical import Json
from bot.web.answers import NUMBER, OBJECT, TEXT, answer, schema
from bot.web.parts import VISIT, Access, Doc, Parts, Route


class Keys:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def status(self, request: web.Request) -> web.Response:
        """Which keys there are, by their ends."""
        await self._parts.people.check_first(request[VISIT].tenant)
        return answer(dict(await self._parts.keys()))

    async def rotate(self, request: web.Request) -> web.Response:
        """Make a new master key and wrap the data keys with it."""
        await self._parts.people.check_first(request[VISIT].tenant)
        return answer(dict(await self._parts.rotate(request[VISIT].person)))


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    keys = Keys(parts)
    listed: Json = {"type": "array", "items": OBJECT}
    return [
        Route(
            method="GET",
            path="/v1/keys",
            handler=keys.status,
            access=Access.OWNER,
            doc=Doc(summary="Which keys there are.", answer=schema(models=listed, master=listed)),
        ),
        Route(
            method="POST",
            path="/v1/keys/rotate",
            handler=keys.rotate,
            access=Access.OWNER,
            doc=Doc(summary="Make a new master key.", answer=schema(id=TEXT, rewrapped=NUMBER)),
        ),
    ]
