"""Bytes in a bucket of S3, Cloudflare R2 or anything else that speaks their API, by obstore.

One request for each file (25 MB at most), so that no half upload is left in the bucket. All bytes
are kept as `application/octet-stream`: what a file is called and claims to be stands in our row.
The endpoint is the operator's own word and is not held to public addresses.
https://developmentseed.org/obstore/latest/ and
https://developers.cloudflare.com/r2/api/s3/api/, read 2026-11-21.
"""

from collections.abc import AsyncIterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from bot.config.sections import FilesKept
from bot.core.errors import BotError, ConnectionBroken, ExtraMissing, OperatorError, VendorUnknown
from bot.extras import install
from bot.files.port import PIECE, BytesMissing, checked

TIMEOUT = "60s"
"""For one whole request, sending and answer together."""


class S3Store:
    """One bucket."""

    def __init__(self, settings: FilesKept) -> None:
        self._settings = settings

    async def put(self, path: str, source: Path) -> None:
        """See `FileStore`."""
        about = {"Content-Type": "application/octet-stream"}
        try:
            await self._obstore.put_async(
                self._bucket, checked(path), source, attributes=about, use_multipart=False
            )
        except self._errors as error:
            named = self._named(error)
            if isinstance(named, BytesMissing):  # nothing can be missing yet
                named = OperatorError(
                    "There is no such bucket at that address. Check [files] endpoint and bucket "
                    "(R2_ENDPOINT, R2_BUCKET_NAME)."
                )
            raise named from None

    async def read(self, path: str) -> AsyncIterator[bytes]:
        """See `FileStore`."""
        try:
            found = await self._obstore.get_async(self._bucket, checked(path))
            async for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)
        except self._errors as error:
            raise self._named(error) from None

    async def delete(self, path: str) -> None:
        """See `FileStore`."""
        try:
            await self._obstore.delete_async(self._bucket, checked(path))
        except self._errors as error:
            named = self._named(error)
            if not isinstance(named, BytesMissing):
                raise named from None

    # `Any` below: obstore is loaded at the first use; its errors have no common typed tree.

    @cached_property
    def _obstore(self) -> Any:
        try:
            return import_module("obstore")
        except ModuleNotFoundError as error:
            if error.name != "obstore":
                raise
            raise ExtraMissing(
                "Files are kept in S3, and what speaks to it is not installed. "
                f"Install it: {install('s3')}"
            ) from error

    @cached_property
    def _errors(self) -> tuple[type[Exception], ...]:
        found = import_module("obstore.exceptions")
        return (found.BaseError, FileNotFoundError, PermissionError, OSError)

    @cached_property
    def _bucket(self) -> Any:
        kept = self._settings
        store = import_module("obstore.store").S3Store
        return store(
            kept.bucket,
            **({"endpoint": kept.endpoint} if kept.endpoint else {}),
            region=kept.region,
            access_key_id=kept.key_id,
            secret_access_key=kept.key_secret.reveal(),
            virtual_hosted_style_request=False,
            client_options={
                "timeout": TIMEOUT,
                "connect_timeout": "10s",
                "allow_http": kept.endpoint.startswith("http:"),
            },
            retry_config={"max_retries": 0},
        )

    def _named(self, error: Exception) -> BotError:
        """Ours for theirs. Their text may hold addresses and keys' ids, and is not repeated."""
        kind = type(error).__name__
        if kind in ("UnauthenticatedError", "PermissionDeniedError", "PermissionError"):
            return ConnectionBroken(
                "The bucket does not take the key. Check [files] key_id and key_secret "
                "(R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY)."
            )
        if kind in ("NotFoundError", "FileNotFoundError"):
            if "NoSuchBucket" in str(error):
                return OperatorError(
                    f"There is no bucket {self._settings.bucket}. Make it, or name another in "
                    "[files] bucket (R2_BUCKET_NAME)."
                )
            return BytesMissing()
        return VendorUnknown(f"The bucket did not answer as it should ({kind}). Try again.")
