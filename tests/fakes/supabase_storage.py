"""Supabase Storage that only plays, written from the vendor's routes and schemas alone.

https://github.com/supabase/storage, src/http/routes/object (createObject, getObject, deleteObjects)
and src/http/error-handler.ts, read 2026-11-21: an error is `{statusCode, error, message}`, its
statusCode is text, and all but 500 come behind HTTP 400. What a request breaks is kept in `faults`.
"""

import re
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

JWT = "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"
NEW_KEY = "sb_secret_abc"
_OBJECT = re.compile(r"[\w./-]+")


@dataclass
class SupabaseStorage:
    """One project with one bucket."""

    buckets: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"kb_uploads": {}})
    faults: list[str] = field(default_factory=list)
    types: set[str] = field(default_factory=set)
    broken: int = 0
    """A status that every request is answered with."""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=30_000_000)
        base = "/storage/v1/object"
        app.router.add_get(base + "/authenticated/{bucket}/{path:.+}", self._give)
        app.router.add_post(base + "/{bucket}/{path:.+}", self._take)
        app.router.add_delete(base + "/{bucket}", self._drop)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()

    def _refusal(self, request: web.Request) -> web.Response | None:
        key, bearer = request.headers.get("apikey", ""), request.headers.get("Authorization", "")
        if self.broken:
            return _error(self.broken, "Internal", "Internal Server Error")
        if key == NEW_KEY and bearer:
            self.faults.append("a secret key that is no JWT was sent as a bearer token")
        if not (key == NEW_KEY or (key == JWT and bearer == f"Bearer {JWT}")):
            return _error(403, "Unauthorized", "Invalid Compact JWS")
        if request.match_info["bucket"] not in self.buckets:
            return _error(404, "Bucket not found", "Bucket not found")
        return None

    async def _take(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        bucket, path = request.match_info["bucket"], request.match_info["path"]
        if not _OBJECT.fullmatch(path):
            return _error(400, "InvalidKey", "Invalid key")
        if path in self.buckets[bucket] and request.headers.get("x-upsert") != "true":
            return _error(409, "Duplicate", "The resource already exists")
        self.types.add(request.content_type)
        self.buckets[bucket][path] = await request.read()
        return web.json_response({"Key": f"{bucket}/{path}", "Id": "2eb16359"})

    async def _give(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        found = self.buckets[request.match_info["bucket"]].get(request.match_info["path"])
        if found is None:
            return _error(404, "not_found", "Object not found")
        return web.Response(body=found, content_type="application/octet-stream")

    async def _drop(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        body = await request.json()
        prefixes = body.get("prefixes") if isinstance(body, dict) else None
        if not (
            isinstance(prefixes, list) and prefixes and all(isinstance(p, str) for p in prefixes)
        ):
            return web.json_response(
                {"statusCode": "400", "error": "Error", "message": "body"}, status=400
            )
        bucket = request.match_info["bucket"]
        gone = [name for name in prefixes if self.buckets[bucket].pop(name, None) is not None]
        return web.json_response([{"name": name, "bucket_id": bucket} for name in gone])


def _error(status: int, error: str, message: str) -> web.Response:
    body = {"statusCode": str(status), "error": error, "message": message}
    return web.json_response(body, status=500 if status >= 500 else 400)
