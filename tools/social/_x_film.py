"""A film or a moving GIF for a post on X: handed over in pieces, then waited for.

https://docs.x.com/x-api/media/quickstart/media-upload-chunked and X's published description (read
2026-11-21). Uploading shows nothing to anybody; what is handed over already is kept, so that a
later attempt goes on there. X works on a film after its last piece; while it does, no post is made.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from bot.core.canonical import Json
from bot.core.errors import VendorRefused, VendorUnknown
from bot.core.tool import ToolContext
from tools.social._account import Account, keep
from tools.social._media import bytes_of, is_film
from tools.social._network import Network
from tools.social._post import MediaArgument

PIECE = 2_000_000
PATIENCE_S = 20.0
"""How long one attempt waits for X's work; a later one goes on waiting."""
AGAIN_S = 30.0
_KEPT = "film"
_pause = asyncio.sleep


def moves(medium: MediaArgument) -> bool:
    """Whether a medium that was looked at is handed over in pieces."""
    return is_film(medium) or medium.media_type == "image/gif"


async def upload_film(
    x: Account, ctx: ToolContext, network: Network, film: MediaArgument
) -> list[Json]:
    """X's id of the film. Raises Invalid, Conflict, VendorError: no post was made."""
    data = await bytes_of(ctx, network, film)
    told = ctx.progress.get(_KEPT)
    kept: dict[str, Json] = dict(told) if isinstance(told, Mapping) else {}
    if not kept:
        begin: dict[str, Json] = {
            "media_type": film.media_type,
            "total_bytes": len(data),
            "media_category": "tweet_video" if is_film(film) else "tweet_gif",
        }
        answer = await x.call("POST", "/2/media/upload/initialize", body=begin)
        kept = {"id": _id(answer), "pieces": 0, "whole": False}
        ctx = await keep(ctx, **{_KEPT: dict(kept)})
    where = f"/2/media/upload/{kept['id']}"
    pieces = range(0, len(data), PIECE)
    for n in range(int(str(kept["pieces"])), len(pieces)):
        piece = b64encode(data[pieces[n] : pieces[n] + PIECE]).decode()
        await x.call("POST", f"{where}/append", body={"media": piece, "segment_index": n})
        kept["pieces"] = n + 1
        ctx = await keep(ctx, **{_KEPT: dict(kept)})
    if kept["whole"]:
        answer = await _status(x, str(kept["id"]))
    else:
        answer = await x.call("POST", f"{where}/finalize")
        await keep(ctx, **{_KEPT: {**kept, "whole": True}})
    await _ready(x, str(kept["id"]), answer)
    if film.alt and not is_film(film):  # X takes no description of a film
        about: dict[str, Json] = {"id": kept["id"], "metadata": {"alt_text": {"text": film.alt}}}
        await x.call("POST", "/2/media/metadata", body=about)
    return [kept["id"]]


async def _status(x: Account, id_: str) -> dict[str, Any]:
    return await x.call("GET", "/2/media/upload", query={"command": "STATUS", "media_id": id_})


async def _ready(x: Account, id_: str, answer: Mapping[str, Any]) -> None:
    """Wait until X has worked on it. Raises VendorRefused: it cannot, or it needs longer."""
    spent = 0.0
    while True:
        data = answer.get("data")
        if not isinstance(data, dict) or data.get("id") != id_:
            raise VendorUnknown("X did not say how far the film is.")
        work = data.get("processing_info")
        state = work.get("state") if isinstance(work, dict) else "succeeded"
        if state == "succeeded":
            return
        if state == "failed":
            raise VendorRefused("X cannot use this film. Nothing was posted.")
        asked = work.get("check_after_secs") if isinstance(work, dict) else None
        wait = float(asked) if isinstance(asked, int) and asked > 0 else 1.0
        if (spent := spent + wait) > PATIENCE_S:
            raise VendorRefused("X still works on the film.", retry_after_s=AGAIN_S)
        await _pause(wait)
        answer = await _status(x, id_)


def _id(answer: Mapping[str, Any]) -> str:
    made = answer.get("data")
    if not isinstance(made, dict) or not str(made.get("id", "")).isdecimal():
        raise VendorUnknown("X did not say how it calls the film.")
    return str(made["id"])
