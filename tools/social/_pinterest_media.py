"""Pictures and films of a pin: pictures go along with it, a film is handed over before.

https://developers.pinterest.com/docs/api/v5/media-create (openapi 5.23.0, read 2026-11-21). A film
goes to a place of Amazon's that Pinterest names, with a form of Pinterest's and without the token.
It shows nothing to anybody before it is pinned, so handing it over may be repeated.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.core.canonical import Json
from bot.core.errors import VendorRefused, VendorUnknown
from bot.core.tool import ToolContext
from tools.social._account import Account, keep
from tools.social._media import bytes_of, is_film
from tools.social._multipart import Part, multipart
from tools.social._network import Network
from tools.social._post import MediaArgument
from tools.social._waiting import until

UPLOAD_S = 50.0
_KEPT = "film"
_AMAZON = re.compile(r"[a-z0-9.-]+\.amazonaws\.com")


async def source_of(
    account: Account, ctx: ToolContext, network: Network, media: list[MediaArgument]
) -> dict[str, Json]:
    """What a pin says of its media. Raises Invalid, Conflict, VendorError: nothing was pinned."""
    if is_film(media[0]):
        film = await _film(account, ctx, network, media[0])
        return {"source_type": "video_id", "media_id": film, "cover_image_key_frame_time": 0}
    pictures: list[Json] = []
    for medium in media:
        data = b64encode(await bytes_of(ctx, network, medium)).decode()
        pictures.append({"content_type": medium.media_type, "data": data})
    if len(pictures) > 1:
        return {"source_type": "multiple_image_base64", "items": pictures}
    (picture,) = pictures
    assert isinstance(picture, dict)  # noqa: S101 (made above)
    return {"source_type": "image_base64", **picture}


async def _film(account: Account, ctx: ToolContext, network: Network, film: MediaArgument) -> str:
    """Pinterest's number of the film, once it can be pinned."""
    id_ = str(ctx.progress.get(_KEPT) or "")
    if not id_:
        told = await account.call("POST", "/v5/media", body={"media_type": "video"})
        if not str(told.get("media_id", "")).isdecimal():
            raise VendorUnknown("Pinterest did not say how it calls the film.")
        await _hand_over(ctx, told, await bytes_of(ctx, network, film))
        id_ = str(told["media_id"])
        await keep(ctx, **{_KEPT: id_})

    async def look() -> str | None:
        status = str((await account.call("GET", f"/v5/media/{id_}")).get("status"))
        return status if status in ("succeeded", "failed") else None

    status = await until(look)
    if status is None:
        words = "Pinterest is still working on the film; nothing was pinned."
        raise VendorRefused(words, retry_after_s=60)
    if status == "failed":
        raise VendorRefused("Pinterest could not use the film; nothing was pinned.")
    return id_


async def _hand_over(ctx: ToolContext, told: Mapping[str, Any], data: bytes) -> None:
    where, fields = str(told.get("upload_url", "")), told.get("upload_parameters")
    parts = urlsplit(where)
    is_theirs = parts.scheme == "https" and _AMAZON.fullmatch(parts.netloc)
    if not is_theirs or not isinstance(fields, dict):
        raise VendorUnknown("Pinterest did not say where it wants the film.")
    form = [Part(field=str(name), data=str(value).encode()) for name, value in fields.items()]
    file = Part(field="file", data=data, kind="video/mp4", name="film.mp4")
    kind, body = multipart([*form, file])
    page = await ctx.house.fetcher.fetch(
        where, method="POST", headers={"Content-Type": kind}, body=body, timeout_s=UPLOAD_S
    )
    if not 200 <= page.status < 300:
        raise VendorRefused(
            f"The film could not be handed over ({page.status}); nothing is pinned."
        )
