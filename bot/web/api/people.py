"""People: who belongs here, what they may do, and how a stranger becomes one of them."""

from collections.abc import Sequence

from aiohttp import web

from bot.core.canonical import Json
from bot.core.people import Person, Role
from bot.core.times import iso
from bot.people import Change
from bot.render.text import visible
from bot.store.people import Identity
from bot.web.answers import TEXT, TIME, answer, list_of, listed, optional, schema
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route

ROLES = [role.value for role in Role]
_IDENTITY = schema(channel=TEXT, account=TEXT, ext_id=TEXT, name=TEXT)
PERSON = optional(
    schema(id=TEXT, name=TEXT, role={"enum": ROLES}, email=TEXT, zone=TEXT, created_at=TIME),
    identities={"type": "array", "items": _IDENTITY},
)


class People:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """Everyone of this tenant, with what channels call them."""
        people, tenant = self._parts.people, request[VISIT].tenant
        everyone = await people.list(tenant)
        known = await people.identities(tenant)
        return listed([shown(person, known.get(person.id, ())) for person in everyone], None)

    async def add(self, request: web.Request) -> web.Response:
        """Add a person, and a link by which they sign in."""
        parts, visit = self._parts, request[VISIT]
        fields = Fields(await read_json(request), ("name", "role", "email"))
        role = Role(fields.choice("role", ROLES, Role.MEMBER.value))
        name, email = fields.text("name", most=100).strip(), fields.text("email", "")
        actor = actor_of(request)
        person = await parts.people.add(visit.tenant, name, role, email, actor)
        code = await parts.credentials.link(person, actor)
        link = f"{parts.address()}/in/{code}"
        return answer({"person": shown(person), "link": link}, 201)

    async def change(self, request: web.Request) -> web.Response:
        """Change a person's name, role, mail or zone."""
        fields = Fields(await read_json(request), ("name", "role", "email", "zone"))
        given = {
            name: fields.text(name, "", most=100) if fields.json(name) is not None else None
            for name in ("name", "email", "zone")
        }
        role = Role(fields.choice("role", ROLES)) if fields.json("role") is not None else None
        change = Change(
            name=(given["name"] or "").strip() or None,
            role=role,
            email=given["email"],
            zone=given["zone"],
        )
        person = await self._parts.people.change(
            request[VISIT].tenant, request.match_info["id"], change, actor_of(request)
        )
        return answer(shown(person))

    async def remove(self, request: web.Request) -> web.Response:
        """Remove a person; their sessions and tokens end with it."""
        id_ = request.match_info["id"]
        await self._parts.people.remove(request[VISIT].tenant, id_, actor_of(request))
        return answer({"id": id_})

    async def pair(self, request: web.Request) -> web.Response:
        """Admit the stranger who was told this code."""
        visit = request[VISIT]
        fields = Fields(await read_json(request), ("code", "name", "person"))
        person = await self._parts.people.pair(
            visit.tenant,
            fields.text("code", most=20),
            visit.person.id,
            name=fields.text("name", "", most=100).strip(),
            person=fields.text("person", ""),
        )
        return answer({"person": shown(person)})


def actor_of(request: web.Request) -> str:
    """How the audit calls whoever asks."""
    return f"person:{request[VISIT].person.id}"


def shown(person: Person, identities: Sequence[Identity] = ()) -> dict[str, Json]:
    """A person as the API shows them."""
    return {
        "id": person.id,
        "name": visible(person.name),
        "role": person.role.value,
        "email": person.email,
        "zone": person.zone,
        "created_at": iso(person.created_at),
        "identities": [
            {
                "channel": who.channel,
                "account": who.account,
                "ext_id": who.ext_id,
                "name": visible(who.name),
            }
            for who in identities
        ],
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    people = People(parts)
    table = (
        (
            "GET",
            "/v1/people",
            people.list,
            Doc(summary="Everyone here.", answer=list_of(PERSON)),
        ),
        (
            "POST",
            "/v1/people",
            people.add,
            Doc(
                summary="Add a person; `link` signs them in, once.",
                body=optional(schema(name=TEXT), role={"enum": ROLES}, email=TEXT),
                answer=schema(person=PERSON, link=TEXT),
                status=201,
            ),
        ),
        (
            "POST",
            "/v1/people/{id}",
            people.change,
            Doc(
                summary="Change a person.",
                body=optional(schema(), name=TEXT, role={"enum": ROLES}, email=TEXT, zone=TEXT),
                answer=PERSON,
            ),
        ),
        (
            "DELETE",
            "/v1/people/{id}",
            people.remove,
            Doc(summary="Remove a person.", answer=schema(id=TEXT)),
        ),
        (
            "POST",
            "/v1/pair",
            people.pair,
            Doc(
                summary="Admit the stranger who was told this code, anew or as `person`.",
                body=optional(schema(code=TEXT), name=TEXT, person=TEXT),
                answer=schema(person=PERSON),
            ),
        ),
    )
    return [
        Route(method=method, path=path, handler=handler, access=Access.OWNER, doc=doc)
        for method, path, handler, doc in table
    ]
