"""Tools: the names that a policy or an agent's file may use."""

from aiohttp import web

from bot.web.answers import TEXT, list_of, listed, schema
from bot.web.parts import Access, Doc, Parts, Route


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""

    async def names(_: web.Request) -> web.Response:
        return listed([{"name": name} for name in parts.tools()], None)

    doc = Doc(summary="The tools there are.", answer=list_of(schema(name=TEXT)))
    return [Route(method="GET", path="/v1/tools", handler=names, access=Access.OWNER, doc=doc)]
