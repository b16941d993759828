"""Pictures and films for a post on LinkedIn: handed over, and ready before they are named in it.

https://learn.microsoft.com/linkedin/marketing/community-management/shares/images-api and videos-api
(read 2026-11-21). A medium belongs to whoever will post it. Uploading shows nothing to anybody, so
it may be repeated; the names that LinkedIn gave are kept for a later attempt.
"""

from collections.abc import Mapping
from typing import Any

from bot.core.canonical import Json
from bot.core.errors import VendorRefused, VendorUnknown
from bot.core.tool import ToolContext
from tools.social._account import Account, keep
from tools.social._linkedin_api import in_path
from tools.social._media import bytes_of, is_film
from tools.social._network import Network
from tools.social._post import MediaArgument
from tools.social._waiting import until

_KEPT = "media"
_BYTES = {"Content-Type": "application/octet-stream"}
_DONE, _FAILED = "AVAILABLE", ("PROCESSING_FAILED", "FAILED")


async def upload(
    account: Account, ctx: ToolContext, network: Network, owner: str, media: list[MediaArgument]
) -> ToolContext:
    """Hand the media over; `uploaded` tells what LinkedIn calls them.

    Raises Invalid, Conflict, VendorError: no post was made.
    """
    for medium in media[len(uploaded(ctx)) :]:
        data = await bytes_of(ctx, network, medium)
        send = _film if is_film(medium) else _picture
        ctx = await keep(ctx, **{_KEPT: [*uploaded(ctx), await send(account, owner, data)]})
    for urn in uploaded(ctx):
        await _ready(account, urn)
    return ctx


def uploaded(ctx: ToolContext) -> list[str]:
    """LinkedIn's names of the media that it has."""
    kept = ctx.progress.get(_KEPT)
    return [str(urn) for urn in kept] if isinstance(kept, list) else []


async def _picture(account: Account, owner: str, data: bytes) -> str:
    told = await _begin(account, "images", {"owner": owner})
    await account.ask("PUT", _text(told, "uploadUrl"), body=data, headers=_BYTES)
    return _text(told, "image")


async def _film(account: Account, owner: str, data: bytes) -> str:
    wanted: dict[str, Json] = {"owner": owner, "fileSizeBytes": len(data)}
    told = await _begin(
        account, "videos", {**wanted, "uploadCaptions": False, "uploadThumbnail": False}
    )
    parts: list[Json] = []
    for each in told.get("uploadInstructions") or ():
        try:
            piece = data[int(each["firstByte"]) : int(each["lastByte"]) + 1]
            where = str(each["uploadUrl"])
        except (KeyError, TypeError, ValueError):
            raise VendorUnknown("LinkedIn did not say how it wants the film.") from None
        page = await account.ask("PUT", where, body=piece, headers=_BYTES)
        parts.append(page.headers.get("etag", "").strip('"'))
    film = _text(told, "video")
    last: dict[str, Json] = {"video": film, "uploadToken": str(told.get("uploadToken") or "")}
    body: dict[str, Json] = {"finalizeUploadRequest": {**last, "uploadedPartIds": parts}}
    await account.ask("POST", "/rest/videos", query={"action": "finalizeUpload"}, body=body)
    return film


async def _begin(account: Account, kind: str, wanted: Mapping[str, Json]) -> Mapping[str, Any]:
    body: dict[str, Json] = {"initializeUploadRequest": dict(wanted)}
    query = {"action": "initializeUpload"}
    told = (await account.call("POST", f"/rest/{kind}", query=query, body=body)).get("value")
    if not isinstance(told, dict):
        raise VendorUnknown("LinkedIn did not say where it wants the picture or film.")
    return told


async def _ready(account: Account, urn: str) -> None:
    """Wait until it can be posted. Raises VendorRefused: no post was made."""
    kind = "videos" if ":video:" in urn else "images"

    async def look() -> str | None:
        status = str((await account.call("GET", f"/rest/{kind}/{in_path(urn)}")).get("status"))
        return status if status == _DONE or status in _FAILED else None

    status = await until(look)
    if status is None:
        words = "LinkedIn is still working on the picture or film; nothing was posted."
        raise VendorRefused(words, retry_after_s=60)
    if status != _DONE:
        raise VendorRefused("LinkedIn could not use the picture or film; nothing was posted.")


def _text(told: Mapping[str, Any], name: str) -> str:
    found = told.get(name)
    if not isinstance(found, str) or not found:
        raise VendorUnknown("LinkedIn did not say where it wants the picture or film.")
    return found
