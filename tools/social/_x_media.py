"""Pictures for a post on X: handed to X, described for those who cannot see them.

https://docs.x.com/x-api/media/upload-media (read 2026-08-22). Uploading shows nothing to anybody,
so it may be repeated; the ids that X gave are kept for a later attempt.
"""

from base64 import b64encode

from bot.core.canonical import Json
from bot.core.errors import VendorUnknown
from bot.core.tool import ToolContext
from tools.social._account import Account, keep
from tools.social._media import bytes_of
from tools.social._network import Network
from tools.social._post import MediaArgument

_KEPT = "media"


async def upload(
    x: Account, ctx: ToolContext, network: Network, pictures: list[MediaArgument]
) -> list[Json]:
    """X's ids of the pictures. Raises Invalid, Conflict, VendorError: no post was made."""
    kept = ctx.progress.get(_KEPT)
    ids: list[Json] = list(kept) if isinstance(kept, list) else []
    for picture in pictures[len(ids) :]:
        ids.append(await _one(x, await bytes_of(ctx, network, picture), picture.alt))
        ctx = await keep(ctx, **{_KEPT: list(ids)})
    return ids


async def _one(x: Account, data: bytes, alt: str) -> str:
    body: dict[str, Json] = {"media": b64encode(data).decode(), "media_category": "tweet_image"}
    answer = await x.call("POST", "/2/media/upload", body=body)
    made = answer.get("data")
    if not isinstance(made, dict) or not str(made.get("id", "")).isdecimal():
        raise VendorUnknown("X did not say how it calls the picture.")
    id_ = str(made["id"])
    if alt:
        told: dict[str, Json] = {"id": id_, "metadata": {"alt_text": {"text": alt}}}
        await x.call("POST", "/2/media/metadata", body=told)
    return id_
