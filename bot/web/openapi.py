"""`/openapi.json`: what each address takes and answers, gathered from the routes themselves.

Source: spec.openapis.org/oas/v3.1.0 (read 2026-11-21); schemas are JSON Schema 2020-12.
"""

import re
from collections.abc import Mapping, Sequence

from aiohttp import web

from bot.core.canonical import Json
from bot.web.answers import OBJECT, TEXT, answer, optional, schema
from bot.web.parts import Access, Doc, Route

ERROR = schema(error=optional(schema(code=TEXT, message=TEXT), field=TEXT))
_PARAMETER = re.compile(r"\{(\w+)\}")


def describe(routes: Sequence[Route], version: str) -> Route:
    """Return the route that shows the description of `routes`."""

    async def show(request: web.Request) -> web.Response:
        return answer(text)

    doc = Doc(summary="This description.", answer=OBJECT)
    own = Route(method="GET", path="/openapi.json", handler=show, doc=doc)
    text = document([*routes, own], version)
    return own


def document(routes: Sequence[Route], version: str) -> dict[str, Json]:
    """The description as one JSON object."""
    paths: dict[str, dict[str, Json]] = {}
    for route in routes:
        if route.doc is not None:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, route.doc)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Switchboard", "version": version},
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "bot_session"},
            },
        },
    }


def _operation(route: Route, doc: Doc) -> dict[str, Json]:
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in _PARAMETER.findall(route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": text, "schema": TEXT}
        for name, text in doc.query.items()
    ]
    content: Mapping[str, Json] = {doc.media_type: {"schema": doc.answer or {}}}
    found: dict[str, Json] = {
        "summary": doc.summary,
        "responses": {
            str(doc.status): {"description": "Done.", "content": content},
            "default": {
                "description": "Why not, in a sentence.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if parameters:
        found["parameters"] = parameters
    if doc.body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": doc.body}},
        }
    if route.access is not Access.OPEN:
        found["security"] = [{"bearer": []}, {"session": []}]
    if route.access is Access.OWNER:
        found["description"] = "For owners."
    return found
