"""One picture for a post on X: fetched, handed to X, described for those who cannot see it.

https://docs.x.com/x-api/media/upload-media (read 2026-08-22). Uploading shows nothing to anybody,
so it may be repeated; the id that X gave is kept for a later attempt.
"""

from base64 import b64encode

from bot.core.canonical import Json
from bot.core.errors import Invalid, VendorUnknown
from bot.core.tool import ToolContext
from tools.social._network import Media
from tools.social._x_api import X, keep

MOST_BYTES = 5_000_000
"""https://docs.x.com/x-api/media/quickstart/best-practices (2026-08-22)."""
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_KEPT = "media"


def check_pictures(media: tuple[Media, ...]) -> None:
    """Raises Invalid for what is not published on a connected account."""
    if len(media) > 1:
        raise Invalid("On a connected account of X a post takes one picture; leave the others out.")
    if media and not media[0].url.startswith("https://"):
        raise Invalid("A picture for X is given by its https address, where anybody can get it.")


async def upload(x: X, ctx: ToolContext, picture: Media) -> str:
    """X's id of the picture. Raises Invalid, VendorError: no post was made."""
    if kept := ctx.progress.get(_KEPT):
        return str(kept)
    check_pictures((picture,))
    data = await _fetched(ctx, picture.url)
    body: dict[str, Json] = {"media": b64encode(data).decode(), "media_category": "tweet_image"}
    answer = await x.call("POST", "/2/media/upload", body=body)
    made = answer.get("data")
    if not isinstance(made, dict) or not str(made.get("id", "")).isdecimal():
        raise VendorUnknown("X did not say how it calls the picture.")
    id_ = str(made["id"])
    if picture.alt:
        told: dict[str, Json] = {"id": id_, "metadata": {"alt_text": {"text": picture.alt}}}
        await x.call("POST", "/2/media/metadata", body=told)
    await keep(ctx, **{_KEPT: id_})
    return id_


async def _fetched(ctx: ToolContext, address: str) -> bytes:
    page = await ctx.house.fetcher.fetch(address, max_bytes=MOST_BYTES)
    if page.status != 200:
        raise Invalid(f"The picture cannot be fetched: its address answers {page.status}.")
    is_webp = page.body[:4] == b"RIFF" and page.body[8:12] == b"WEBP"
    if not (page.body.startswith(_BEGINNINGS) or is_webp):
        raise Invalid("At the picture's address there is no JPEG, PNG or WebP.")
    return page.body
