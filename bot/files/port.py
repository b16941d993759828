"""What a store of bytes is: `local.py`, `s3.py` and `supabase.py` are the three that there are.

A path is made by the house: `tenants/TENANT/FILE`, no part of which anybody typed. Which rows there
are and who may have them is not the store's business (`files.py`). A store tries nothing twice.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from bot.core.errors import Invalid, NotFound

MAX_BYTES = 25 * 1024 * 1024
PIECE = 256 * 1024
"""Bytes that are read or written at a time."""
_PATH = re.compile(r"(?:tenants/)?[A-Za-z0-9_]{1,80}/[A-Za-z0-9_]{1,80}")


class TooLarge(Invalid):
    """This file is too large: 25 MB is the most."""

    status = 413


class BytesMissing(NotFound):
    """The bytes of this file are no longer in the store. Upload it again."""


class FileStore(Protocol):
    """Where bytes are kept under a path."""

    async def put(self, path: str, source: Path) -> None:
        """Keep a copy of a local file under a path; the same path again replaces it.

        Whole or not at all. Raises StoreError, OperatorError or VendorError.
        """
        ...

    def read(self, path: str) -> AsyncIterator[bytes]:
        """The bytes, in pieces. Raises BytesMissing before the first, or as `put` does."""
        ...

    async def delete(self, path: str) -> None:
        """Remove the bytes; what is not there is removed already. Raises as `put` does."""
        ...


def checked(path: str) -> str:
    """The path, if it is one that the house makes. Raises NotFound."""
    if not _PATH.fullmatch(path):
        raise NotFound("There is no such file here.")
    return path
