"""A file on its way to Drive, piece by piece: what broke off goes on where Google has got to.

https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable (read 2026-11-21)

The file is there when the last piece is, and not before. The address that Google gives for an
upload is as good as a key, so it is not kept: another attempt begins a new one, under the same id.
"""

import asyncio
import json
import re
from collections.abc import Mapping

from bot.core.canonical import Json
from bot.core.errors import Invalid, VendorRefused, VendorUnknown
from bot.core.ports import Page
from tools.drive._drive import ALL, FIELDS, Drive, Item, read

BASE = "https://www.googleapis.com/upload/drive/v3/files"
PIECE = 4 * 2**20
"""Bytes; Google wants a multiple of 256 KiB."""
BREAKS = 3
"""So often it may break off."""
PAUSE_S = 0.5
_RANGE = re.compile(r"bytes=0-(\d{1,12})")


async def upload(drive: Drive, about: Mapping[str, Json], data: bytes, media_type: str) -> Item:
    """Put a file there. Raises Taken for an id that is in use, VendorRefused, VendorUnknown."""
    where = await _begun(drive, about, len(data), media_type)
    at, breaks, is_lost = 0, 0, False
    while True:
        is_look = is_lost
        try:
            ask = _asked(drive, where, len(data)) if is_look else _put(drive, where, data, at)
            page, is_lost = await ask, False
        except VendorUnknown:
            breaks, is_lost = breaks + 1, True
            if breaks > BREAKS:
                raise
            await asyncio.sleep(PAUSE_S * breaks)
            continue
        if page.status in (200, 201):
            return read(Item, drive.vendor.read(page))
        if page.status in (404, 410):
            raise VendorRefused("Google Drive has let go of the upload.", retry_after_s=PAUSE_S)
        if page.status != 308:
            raise drive.vendor.error(page)
        found = _RANGE.fullmatch(page.headers.get("range", ""))
        there = int(found[1]) + 1 if found else 0
        if there <= at and not is_look:
            breaks += 1
        if breaks > BREAKS or there > len(data):
            raise VendorUnknown("Google Drive takes no more of the file.")
        at = there


async def _begun(drive: Drive, about: Mapping[str, Json], size: int, media_type: str) -> str:
    """The address for one upload. What is not begun is not there, so it may be tried again."""
    headers = {"X-Upload-Content-Type": media_type, "X-Upload-Content-Length": str(size)}
    query = {"uploadType": "resumable", "fields": FIELDS, **ALL}
    try:
        page = await drive.vendor.page("POST", BASE, query=query, body=about, headers=headers)
    except VendorUnknown as error:
        words = "Google Drive did not begin the upload, so nothing is there."
        raise VendorRefused(words, retry_after_s=2.0) from error
    return page.headers.get("location", "")


async def _put(drive: Drive, where: str, data: bytes, at: int) -> Page:
    """Send a piece; the whole of an empty file. Raises VendorUnknown."""
    piece = data[at : at + PIECE]
    end = f"{at}-{at + len(piece) - 1}" if piece else "*"
    return await _call(drive, where, piece, f"bytes {end}/{len(data)}")


async def _asked(drive: Drive, where: str, size: int) -> Page:
    """How far it has come."""
    return await _call(drive, where, b"", f"bytes */{size}")


async def _call(drive: Drive, where: str, piece: bytes, range_: str) -> Page:
    try:
        page = await drive.client.call("PUT", where, body=piece, headers={"Content-Range": range_})
    except Invalid as error:  # an address that is not Google's, or an answer that redirects
        raise VendorRefused(f"Google Drive gave no address to upload to. {error.message}") from None
    if page.status >= 500:
        raise VendorUnknown(f"Google Drive answered with status {page.status}.")
    if page.status in (200, 201) and not _is_whole(page):
        raise VendorUnknown("Google Drive's answer broke off or could not be read.")
    return page


def _is_whole(page: Page) -> bool:
    try:
        return isinstance(json.loads(page.body), dict)
    except ValueError:
        return False
