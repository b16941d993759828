"""A film or photos on their way to TikTok: begun, handed over, and what became of it.

https://developers.tiktok.com/doc/content-posting-api-reference-direct-post and
https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide (read 2026-11-21).

One `publish_id` makes one post. A film's is kept before a byte of it leaves, so that a later
attempt goes on with the same one; another is begun only when surely nothing will come of the first.
Photos TikTok fetches itself: it has begun with them when its answer arrives, and an answer that is
lost leaves nothing to ask by.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from bot.core.canonical import Json
from bot.core.errors import BotError, OperatorError, VendorRefused, VendorUnknown
from bot.core.ports import Page
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools.social._account import Account, Gone, keep
from tools.social._media import bytes_of
from tools.social._network import Network
from tools.social._post import MediaArgument
from tools.social._tiktok_api import told_by
from tools.social._waiting import until

FILM, PHOTOS = "/v2/post/publish/video/init/", "/v2/post/publish/content/init/"
CHUNK = 10_000_000
"""TikTok takes 5 to 64 MB at a time; the last piece takes what is left over."""
UPLOAD_S = 50.0
_ON_ITS_WAY = ("PROCESSING_DOWNLOAD", "PUBLISH_COMPLETE", "SEND_TO_USER_INBOX")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.tiktokapis\.com")


@frozen
class Fate:
    """What TikTok says of a posting."""

    status: str
    posts: tuple[str, ...] = ()
    """The numbers of the posts, once TikTok tells them."""
    reason: str = ""
    uploaded: int = -1
    """How many bytes TikTok has; -1: it does not say."""


async def fate_of(account: Account, publish_id: str) -> Fate:
    """Ask what became of it. Raises Gone, VendorError."""
    where = "/v2/post/publish/status/fetch/"
    data = await told_by(account, where, {"publish_id": publish_id})
    ids = data.get("publicaly_available_post_id") or ()  # sic
    uploaded = data.get("uploaded_bytes")
    return Fate(
        status=str(data.get("status", "")),
        posts=tuple(map(str, ids)) if isinstance(ids, list | tuple) else (),
        reason=str(data.get("fail_reason") or "")[:100],
        uploaded=uploaded if isinstance(uploaded, int) else -1,
    )


def publish_id_of(progress: Mapping[str, Json]) -> str:
    """The posting that was begun; empty: none."""
    return str(progress.get("publish_id") or "")


def may_be_begun(progress: Mapping[str, Json]) -> bool:
    """Whether photos may be with TikTok although nobody heard by what number."""
    return bool(progress.get("tried")) and not progress.get("publish_id")


def is_handed_over(fate: Fate, progress: Mapping[str, Json], size: int) -> bool:
    """Whether TikTok has everything, so that a post will come of it unless TikTok refuses."""
    if fate.status == "PROCESSING_UPLOAD":
        known = fate.uploaded if fate.uploaded >= 0 else progress.get("sent")
        return size == known
    return fate.status in _ON_ITS_WAY


async def settled(account: Account, publish_id: str) -> Fate | None:
    """Wait for an end; None when TikTok is still at it. Raises VendorError."""

    async def look() -> Fate | None:
        fate = await fate_of(account, publish_id)
        return fate if fate.status in ("PUBLISH_COMPLETE", "FAILED") else None

    return await until(look)


async def hand_over_photos(
    account: Account, ctx: ToolContext, info: Mapping[str, Json], addresses: list[str]
) -> ToolContext:
    """Have TikTok fetch the photos and post them; `publish_id_of` tells by what id."""
    photos: list[Json] = [*addresses]
    body: dict[str, Json] = {
        "media_type": "PHOTO",
        "post_mode": "DIRECT_POST",
        "post_info": dict(info),
        "source_info": {
            "source": "PULL_FROM_URL",
            "photo_images": photos,
            "photo_cover_index": 0,
        },
    }
    ctx = await keep(ctx, tried=True, publish_id="")
    try:
        id_ = _begun(await told_by(account, PHOTOS, body))
    except (VendorRefused, OperatorError):
        await keep(ctx, tried=False)  # surely not begun
        raise
    return await keep(ctx, publish_id=id_)


async def hand_over_film(
    account: Account,
    ctx: ToolContext,
    network: Network,
    info: Mapping[str, Json],
    film: MediaArgument,
) -> ToolContext:
    """Bring TikTok the film, from where an attempt before broke off; `publish_id_of` tells by
    what id.
    """
    data = await bytes_of(ctx, network, film)
    if not publish_id_of(ctx.progress):
        ctx = await _begin(account, ctx, info, len(data))
    try:
        return await _bring(account, ctx, film, data)
    except Gone:  # the place is closed, and nothing was ever made of what it holds
        ctx = await _begin(account, ctx, info, len(data))
        return await _bring(account, ctx, film, data)


async def _begin(
    account: Account, ctx: ToolContext, info: Mapping[str, Json], size: int
) -> ToolContext:
    chunk = min(CHUNK, size)
    source: dict[str, Json] = {"source": "FILE_UPLOAD", "video_size": size}
    source |= {"chunk_size": chunk, "total_chunk_count": max(size // chunk, 1)}
    told = await told_by(account, FILM, {"post_info": dict(info), "source_info": source})
    where = str(told.get("upload_url", ""))
    parts = urlsplit(where)
    if parts.scheme != "https" or not _HOST.fullmatch(parts.netloc):
        raise VendorUnknown("TikTok did not say where it wants the film.")
    return await keep(ctx, publish_id=_begun(told), upload_url=where, sent=0, last=False)


async def _bring(
    account: Account, ctx: ToolContext, film: MediaArgument, data: bytes
) -> ToolContext:
    """Hand over what TikTok lacks. Raises Gone when the place is closed and has not all of it."""
    size, at = len(data), int(str(ctx.progress.get("sent") or 0))
    chunk = min(CHUNK, size)
    while at < size:
        end = size if size - at < 2 * chunk else at + chunk
        again = bool(ctx.progress.get("last"))
        ctx = await keep(ctx, last=end == size)
        page = await ctx.house.fetcher.fetch(
            str(ctx.progress.get("upload_url", "")),
            method="PUT",
            headers={
                "Content-Type": film.media_type or "video/mp4",
                "Content-Range": f"bytes {at}-{end - 1}/{size}",
            },
            body=data[at:end],
            timeout_s=UPLOAD_S,
        )
        if page.status in (200, 201, 206):
            at = end
        else:
            at = await _stands_at(account, ctx, page, (at, size), again=again)
        ctx = await keep(ctx, sent=at)
    return ctx


async def _stands_at(
    account: Account, ctx: ToolContext, page: Page, where: tuple[int, int], *, again: bool
) -> int:
    """How many bytes TikTok has, when a piece was not taken; `again`: an attempt before this one
    has sent the last piece, and it may have come.
    """
    (at, size), said = where, VendorUnknown(f"TikTok answered {page.status} to the film.")
    if not 400 <= page.status < 500 or page.status == 429:
        raise said
    try:
        fate = await fate_of(account, publish_id_of(ctx.progress))
    except Gone:
        raise
    except BotError:
        raise said from None
    if fate.status in _ON_ITS_WAY:
        return size
    if fate.status == "FAILED":
        raise Gone("TikTok gave this posting up.")
    if page.status == 416 and fate.uploaded > at:
        return min(fate.uploaded, size)
    if again or page.status == 416:
        raise said
    if page.status in (403, 404, 410):
        raise Gone("The place for the film is closed.")
    raise VendorRefused(f"TikTok did not take the film ({page.status}); nothing was posted.")


def _begun(told: Mapping[str, object]) -> str:
    found = told.get("publish_id")
    if not isinstance(found, str) or not 0 < len(found) <= 64:
        raise VendorUnknown("TikTok did not say which posting it began.")
    return found
