"""Users of a platform as it last told of them, and an owner who says who one of them is."""

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import NotFound
from bot.core.times import from_us, iso
from bot.store import platform_users as rows
from bot.store.people import Identity, workspace_of
from bot.web.answers import MAYBE, TEXT, TIME, answer, limit_of, schema
from bot.web.api.people import PERSON, actor_of, shown
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route

USER = schema(
    workspace=TEXT,
    user=TEXT,
    username=TEXT,
    name=TEXT,
    email=TEXT,
    person=MAYBE,
    synced_at=TIME,
)


class Users:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """Everybody on it, with the person of the house who they are known as."""
        tenant, channel = request[VISIT].tenant, request.match_info["name"]
        limit, after = limit_of(request), request.query.get("after", "")
        found = await self._parts.db.read(rows.listed(tenant, channel, after, limit))
        known = {
            (workspace_of(who.account), who.ext_id): person
            for person, all_ in (await self._parts.people.identities(tenant)).items()
            for who in all_
            if who.channel == channel
        }
        items: list[Json] = [
            {
                "workspace": user.workspace,
                "user": user.ext_id,
                "username": user.username,
                "name": user.name,
                "email": user.email,
                "person": known.get((user.workspace, user.ext_id)),
                "synced_at": iso(from_us(user.synced_at)),
            }
            for user in found
        ]
        more = f"{found[-1].workspace} {found[-1].ext_id}" if len(found) == limit else None
        return answer({"items": items, "next": more})

    async def know(self, request: web.Request) -> web.Response:
        """Know one of them as this person from now on."""
        fields = Fields(await read_json(request), ("channel", "workspace", "user"))
        channel, workspace = fields.text("channel"), fields.text("workspace")
        tenant, parts = request[VISIT].tenant, self._parts
        user = await parts.db.read(rows.one(tenant, channel, workspace, fields.text("user")))
        if user is None:
            raise NotFound("The platform has told of no such user. Its users are read hourly.")
        who = Identity(channel=channel, account=workspace, ext_id=user.ext_id, name=user.name)
        id_ = request.match_info["id"]
        return answer(shown(await parts.people.know(tenant, id_, who, actor_of(request)), (who,)))


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    users = Users(parts)
    return [
        Route(
            method="GET",
            path="/v1/channels/{name}/users",
            handler=users.list,
            access=Access.OWNER,
            doc=Doc(
                summary="Users of a platform as it last told of them.",
                answer=schema(items={"type": "array", "items": USER}, next=MAYBE),
                query={"limit": "how many", "after": "`next` of the page before"},
            ),
        ),
        Route(
            method="POST",
            path="/v1/people/{id}/known",
            handler=users.know,
            access=Access.OWNER,
            doc=Doc(
                summary="Know a user of a platform as this person.",
                body=schema(channel=TEXT, workspace=TEXT, user=TEXT),
                answer=PERSON,
            ),
        ),
    ]
