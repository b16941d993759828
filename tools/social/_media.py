"""Pictures and films of a post: looked at before anybody is asked, and the same when they leave.

A medium is a kept file that the person may read, or an https address. What it is (kind, size,
SHA-256) is noted when it is looked at, stands on the card, and is compared before it is handed on:
an address that gives another picture by then is refused.
"""

import hashlib
from collections.abc import Sequence

from bot.core.errors import Conflict, Invalid
from bot.core.tool import ToolContext
from bot.files.kinds import HEAD, kind_of
from bot.reach import Reach
from tools.social._network import Network
from tools.social._post import MediaArgument

FETCH_S = 60.0
_KINDS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WebP",
    "image/gif": "GIF",
    "video/mp4": "MP4",
    "video/quicktime": "MOV",
}


def is_film(medium: MediaArgument) -> bool:
    """Whether a medium that was looked at moves by itself; a GIF is a picture."""
    return medium.media_type.startswith("video/")


async def looked_at(
    ctx: ToolContext, network: Network, media: Sequence[MediaArgument]
) -> list[MediaArgument]:
    """The media, each with what it is. Raises Invalid for what the network does not take, NotFound
    for a file that the person may not read, VendorError where an address cannot be asked.
    """
    found = []
    for medium in media:
        data, kind = await _opened(ctx, network, medium)
        noted = {
            "media_type": kind,
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "about": f"{_KINDS[kind]}, {_size(len(data))}",
        }
        found.append(medium.model_copy(update=noted))
    films = sum(is_film(each) for each in found)
    if films and len(found) > 1 and not network.mixes:
        raise Invalid(f"A film stands alone in a post on {network.title}.")
    return found


async def bytes_of(ctx: ToolContext, network: Network, medium: MediaArgument) -> bytes:
    """The bytes of a medium, as they were looked at. Raises Conflict when they are others, and as
    `looked_at` does.
    """
    data, _ = await _opened(ctx, network, medium)
    if medium.sha256 and hashlib.sha256(data).hexdigest() != medium.sha256:
        raise Conflict(f"{medium.url} gives something else than was shown. Ask for the post anew.")
    return data


async def address_of(ctx: ToolContext, network: Network, medium: MediaArgument) -> str:
    """Where a network that fetches media itself finds this one. Raises Invalid, NotFound."""
    if not medium.is_file:
        return medium.url
    link = ""
    if isinstance(ctx.settings, Reach):
        link = ctx.settings.link(ctx, await ctx.settings.file(ctx, medium.url))
    if not link.startswith("https://"):
        raise Invalid(
            f"{network.title} fetches pictures and films itself, and this house has no public "
            "https address (`public_url`). Give the address of one on the web instead of a file."
        )
    return link


async def _opened(ctx: ToolContext, network: Network, medium: MediaArgument) -> tuple[bytes, str]:
    data = await _all_of(ctx, network, medium)
    kind, _ = kind_of(data[:HEAD])
    if kind not in network.takes:
        known = ", ".join(_KINDS[each] for each in network.takes)
        what = _KINDS.get(kind, "neither a picture nor a film")
        raise Invalid(f"{medium.url} is {what}; {network.title} takes {known}.")
    if len(data) > network.takes[kind]:
        raise Invalid(
            f"{medium.url} has {_size(len(data))}; {network.title} takes at most "
            f"{_size(network.takes[kind])} of {_KINDS[kind]}."
        )
    return data, kind


async def _all_of(ctx: ToolContext, network: Network, medium: MediaArgument) -> bytes:
    most = max(network.takes.values(), default=0)
    if medium.is_file:
        if not isinstance(ctx.settings, Reach):
            raise Invalid("This house keeps no files.")
        item = await ctx.settings.file(ctx, medium.url)
        if item.size > most:
            raise Invalid(
                f"{item.name} has {_size(item.size)}; {network.title} takes at most {_size(most)}."
            )
        return await ctx.settings.bytes_of(ctx, medium.url)
    if not medium.url.startswith("https://"):
        raise Invalid(f"A picture or film for {network.title} is given by an https address.")
    page = await ctx.house.fetcher.fetch(medium.url, max_bytes=most, timeout_s=FETCH_S)
    if page.status != 200:
        raise Invalid(f"{medium.url} cannot be fetched: it answers {page.status}.")
    return page.body


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count / 1000:.0f} kB"
