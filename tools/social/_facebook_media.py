"""Pictures and films for a Page: handed to Facebook as bytes, so they need no address of ours.

https://developers.facebook.com/docs/graph-api/reference/page/photos and
https://developers.facebook.com/docs/graph-api/reference/page/videos (read 2026-11-21). A picture is
uploaded unseen and may be uploaded again; a film is visible from its upload on.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from bot.core.canonical import Json
from bot.core.errors import BotError, VendorRefused
from bot.core.tool import ToolContext
from tools.social._account import keep
from tools.social._facebook_pages import Page
from tools.social._media import bytes_of
from tools.social._meta_api import GRAPH, id_of
from tools.social._multipart import Part, multipart
from tools.social._network import Network
from tools.social._post import MediaArgument

_KEPT = "photos"
_FILMS = "https://graph-video.facebook.com"
"""Where films are taken."""
LOOKS = 4
PAUSE_S = 5.0
"""How often, and how far apart, it is asked whether a film is ready."""


async def upload(
    page: Page, ctx: ToolContext, network: Network, pictures: list[MediaArgument]
) -> list[Json]:
    """Facebook's ids of the pictures, which nobody sees yet. Raises Invalid, Conflict, VendorError:
    no post was made.
    """
    kept = ctx.progress.get(_KEPT)
    ids: list[Json] = list(kept) if isinstance(kept, list) else []
    for picture in pictures[len(ids) :]:
        told = {"published": "false"}
        if picture.alt:
            told["alt_text_custom"] = picture.alt
        data = await bytes_of(ctx, network, picture)
        made = await _sent(page, f"{GRAPH}/{page.id}/photos", told, data, picture.media_type)
        ids.append(id_of(made, "picture"))
        ctx = await keep(ctx, **{_KEPT: list(ids)})
    return ids


async def publish_film(page: Page, data: bytes, kind: str, words: str) -> tuple[str, bool]:
    """Put a film on the Page; its id, and whether it is seen already.

    Raises VendorRefused when it is not and will not be there.
    """
    where = f"{_FILMS}{GRAPH}/{page.id}/videos"
    film = id_of(await _sent(page, where, {"description": words}, data, kind), "film")
    if (fate := await _fate(page, film)) == "error":
        raise VendorRefused("Facebook could not work through the film, so nobody sees it.")
    return film, fate == "ready"


async def _sent(
    page: Page, where: str, told: Mapping[str, str], data: bytes, kind: str
) -> dict[str, Any]:
    fields = [Part(field=name, data=value.encode()) for name, value in told.items()]
    name = f"medium.{kind.rpartition('/')[2] or 'jpeg'}"
    medium = Part(field="source", data=data, kind=kind or "image/jpeg", name=name)
    media_type, body = multipart([*fields, medium])
    headers = {"Content-Type": media_type}
    return await page.account.call("POST", where, body=body, headers=headers)


async def _fate(page: Page, film: str) -> str:
    """What became of a film within a while; empty when that is not known yet."""
    with suppress(BotError):
        for look in range(LOOKS):
            await asyncio.sleep(PAUSE_S if look else 0)
            told = await page.account.call("GET", f"{GRAPH}/{film}", query={"fields": "status"})
            status: Any = told.get("status")
            state = status.get("video_status") if isinstance(status, dict) else None
            if state in ("ready", "error"):
                return str(state)
    return ""
