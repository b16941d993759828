"""A key for a model: tried before it is kept, never shown again.

The house has one list of models for all its tenants, so whoever chose its key would be sent all
their words: that is for an owner of the first tenant.
"""

from aiohttp import web

from bot.core.secret import Secret
from bot.web.answers import TEXT, answer, optional, schema
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route


class Keys:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def adopt(self, request: web.Request) -> web.Response:
        """Try a key, and answer with its model from now on."""
        await self._parts.people.check_first(request[VISIT].tenant)
        fields = Fields(await read_json(request), ("key", "model"))
        key = Secret(fields.text("key", most=1000).strip())
        offer = await self._parts.models.check(key, fields.text("model", ""))
        await self._parts.models.adopt(key, offer, request[VISIT].person)
        self._parts.rules_changed(request[VISIT].tenant)  # other processes answer by it as well
        return answer(
            {"provider": offer.provider, "models": list(offer.models), "model": offer.model}
        )


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    return [
        Route(
            method="POST",
            path="/v1/models/key",
            handler=Keys(parts).adopt,
            access=Access.OWNER,
            doc=Doc(
                summary="Use a real model: paste its key.",
                body=optional(schema(key=TEXT), model=TEXT),
                answer=schema(provider=TEXT, models={"type": "array", "items": TEXT}, model=TEXT),
            ),
        )
    ]
