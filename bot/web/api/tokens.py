"""API tokens: each shown once when it is made, and by its last four characters after that."""

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import Forbidden
from bot.core.people import Role
from bot.store.logins import Token
from bot.web.answers import TEXT, TIME, answer, list_of, listed, optional, schema
from bot.web.api.people import actor_of
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Doc, Parts, Route

TOKEN = schema(id=TEXT, person=TEXT, name=TEXT, last4=TEXT, created_at=TIME)


class Tokens:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """One's own tokens; an owner sees everybody's."""
        visit = request[VISIT]
        found = await self._parts.credentials.tokens(visit.tenant, _whose(request))
        return listed([_shown(token) for token in found], None)

    async def add(self, request: web.Request) -> web.Response:
        """Make a token, for oneself or, as an owner, for somebody else."""
        parts, visit = self._parts, request[VISIT]
        fields = Fields(await read_json(request), ("name", "person"))
        name = fields.text("name", most=100).strip()
        person, other = visit.person, fields.text("person", "")
        if other and other != person.id:
            if person.role is not Role.OWNER:
                raise Forbidden("Only owners make tokens for others.")
            person = await parts.people.get(visit.tenant, other)
        token, secret = await parts.credentials.add_token(person, name, actor_of(request))
        return answer({**_shown(token), "token": secret.reveal()}, 201)

    async def revoke(self, request: web.Request) -> web.Response:
        """End a token, at once."""
        id_ = request.match_info["id"]
        await self._parts.credentials.revoke(
            request[VISIT].tenant, id_, _whose(request), actor_of(request)
        )
        return answer({"id": id_})


def _whose(request: web.Request) -> str:
    person = request[VISIT].person
    return "*" if person.role is Role.OWNER else person.id


def _shown(token: Token) -> dict[str, Json]:
    return {
        "id": token.id,
        "person": token.person,
        "name": token.name,
        "last4": token.last4,
        "created_at": token.created_at,
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    tokens = Tokens(parts)
    return [
        Route(
            method="GET",
            path="/v1/tokens",
            handler=tokens.list,
            doc=Doc(summary="API tokens.", answer=list_of(TOKEN)),
        ),
        Route(
            method="POST",
            path="/v1/tokens",
            handler=tokens.add,
            doc=Doc(
                summary="Make a token; `token` is shown this once.",
                body=optional(schema(name=TEXT), person=TEXT),
                answer=optional(TOKEN, token=TEXT),
                status=201,
            ),
        ),
        Route(
            method="DELETE",
            path="/v1/tokens/{id}",
            handler=tokens.revoke,
            doc=Doc(summary="End a token.", answer=schema(id=TEXT)),
        ),
    ]
