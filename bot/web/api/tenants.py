"""Tenants: the walled parts of the house. Only the owners of the first one make more."""

from aiohttp import web

from bot.core.canonical import Json
from bot.core.people import Tenant
from bot.core.times import iso
from bot.credentials import FIRST_LINK_LASTS
from bot.render.text import visible
from bot.web.answers import TEXT, TIME, answer, list_of, listed, optional, schema
from bot.web.api.people import PERSON, actor_of, shown
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route

TENANT = schema(id=TEXT, name=TEXT, created_at=TIME)


class Tenants:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """All tenants, for an owner of the first; else one's own."""
        own = request[VISIT].tenant
        tenants = await self._parts.people.tenants()
        is_first = await self._parts.people.is_first(own)
        return listed([_shown(t) for t in tenants if is_first or t.id == own], None)

    async def add(self, request: web.Request) -> web.Response:
        """Make a tenant with its first owner, and the link by which they sign in."""
        parts, visit = self._parts, request[VISIT]
        fields = Fields(await read_json(request), ("name", "owner"))
        await parts.people.check_first(visit.tenant)
        name = fields.text("name", most=100).strip()
        owner = fields.text("owner", "Owner", most=100).strip() or "Owner"
        actor = actor_of(request)
        tenant, person = await parts.people.add_tenant(name, owner, actor)
        code = await parts.credentials.link(person, actor, FIRST_LINK_LASTS)
        told: dict[str, Json] = {
            "tenant": _shown(tenant),
            "person": shown(person),
            "link": f"{parts.address()}/in/{code}",
        }
        return answer(told, 201)


def _shown(tenant: Tenant) -> dict[str, Json]:
    return {"id": tenant.id, "name": visible(tenant.name), "created_at": iso(tenant.created_at)}


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    tenants = Tenants(parts)
    return [
        Route(
            method="GET",
            path="/v1/tenants",
            handler=tenants.list,
            access=Access.OWNER,
            doc=Doc(summary="The tenants that you may know of.", answer=list_of(TENANT)),
        ),
        Route(
            method="POST",
            path="/v1/tenants",
            handler=tenants.add,
            access=Access.OWNER,
            doc=Doc(
                summary="Make a tenant.",
                body=optional(schema(name=TEXT), owner=TEXT),
                answer=schema(tenant=TENANT, person=PERSON, link=TEXT),
                status=201,
            ),
        ),
    ]
