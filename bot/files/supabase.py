"""Bytes in a bucket of Supabase Storage, by its HTTP API and our one fetcher.

`POST object/BUCKET/PATH` with `x-upsert` keeps, `GET object/authenticated/BUCKET/PATH` gives,
`DELETE object/BUCKET` with `prefixes` removes. An error is `{statusCode, error, message}` whose
statusCode is text, behind HTTP 400 as often as behind its own status. A new secret key
(`sb_secret_…`) is no JWT and travels in `apikey` alone; an older service_role key in both headers.
All bytes are kept as `application/octet-stream`.
https://supabase.github.io/storage/ and the server's routes in
https://github.com/supabase/storage (src/http/routes/object), read 2026-11-21.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

from bot.config.sections import FilesKept
from bot.core.errors import BotError, ConnectionBroken, OperatorError, VendorRefused, VendorUnknown
from bot.core.ports import Fetcher, Page
from bot.files.port import MAX_BYTES, PIECE, BytesMissing, checked

TIMEOUT_S = 60.0
AT_ONCE = 4
"""Files that are held in memory at a time; the rest wait."""


class SupabaseStore:
    """One bucket."""

    def __init__(self, settings: FilesKept, fetcher: Fetcher) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def put(self, path: str, source: Path) -> None:
        """See `FileStore`."""
        async with self._turn:
            body = await asyncio.to_thread(source.read_bytes)
            headers = {"Content-Type": "application/octet-stream", "x-upsert": "true"}
            bucket = self._settings.supabase_bucket
            answer = await self._ask("POST", f"{bucket}/{checked(path)}", body, headers)
        try:
            self._check(answer)
        except BytesMissing:  # nothing can be missing yet
            raise OperatorError(
                "There is no Supabase Storage at that address. Check [files] supabase_url "
                "(SUPABASE_URL)."
            ) from None

    async def read(self, path: str) -> AsyncIterator[bytes]:
        """See `FileStore`."""
        async with self._turn:
            bucket = self._settings.supabase_bucket
            answer = await self._ask("GET", f"authenticated/{bucket}/{checked(path)}")
            self._check(answer)
            for start in range(0, len(answer.body), PIECE):
                yield answer.body[start : start + PIECE]

    async def delete(self, path: str) -> None:
        """See `FileStore`."""
        body = json.dumps({"prefixes": [checked(path)]}).encode()
        headers = {"Content-Type": "application/json"}
        try:
            self._check(await self._ask("DELETE", self._settings.supabase_bucket, body, headers))
        except BytesMissing:
            return

    async def _ask(
        self, method: str, path: str, body: bytes | None = None, more: dict[str, str] | None = None
    ) -> Page:
        key = self._settings.supabase_key.reveal()
        headers = {"apikey": key, "Accept": "*/*", **(more or {})}
        if not key.startswith("sb_"):
            headers["Authorization"] = f"Bearer {key}"
        return await self._fetcher.fetch(
            f"{self._settings.supabase_url}/storage/v1/object/{path}",
            method=method,
            headers=headers,
            body=body,
            max_bytes=MAX_BYTES + 1,
            timeout_s=TIMEOUT_S,
        )

    def _check(self, answer: Page) -> None:
        """Raise what a status that is no success stands for. Their words are not repeated."""
        if answer.status == 200:
            return
        status, what = _said(answer)
        raise self._named(status, what)

    def _named(self, status: int, what: str) -> BotError:
        if status == 404 and "bucket" in what:
            return OperatorError(
                f"There is no bucket {self._settings.supabase_bucket} in Supabase Storage. Make it "
                "(private), or name another in [files] supabase_bucket."
            )
        if status == 404:
            return BytesMissing()
        if status in (401, 403):
            return ConnectionBroken(
                "Supabase Storage does not take the key. Check [files] supabase_key "
                "(SUPABASE_SERVICE_ROLE_KEY)."
            )
        if status == 429 or status >= 500:
            return VendorUnknown(f"Supabase Storage did not do it ({status}). Try again.")
        return VendorRefused(f"Supabase Storage refused it ({status}).")


def _said(answer: Page) -> tuple[int, str]:
    """The status that an error names, and its kind in lower case."""
    try:
        said = json.loads(answer.body[:10_000])
        status = int(said.get("statusCode") or answer.status)
        what = f"{said.get('error', '')} {said.get('message', '')}".lower()
    except (ValueError, TypeError, AttributeError, RecursionError):
        return answer.status, ""
    return status, what
