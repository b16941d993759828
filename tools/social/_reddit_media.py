"""Media of a post on Reddit: a lease is asked for, and the bytes go into Reddit's bucket.

https://www.reddit.com/dev/api and PRAW's `_upload_media` (read 2026-11-21). The bucket is another
company's, so it gets the fields of the lease and no token of ours. Nobody sees what lies there
until a post names it, so this may be repeated. A film goes with a still, which is shown until it
plays: Reddit makes none by itself.
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from bot.core.errors import Invalid, VendorRefused, VendorUnknown
from bot.core.tool import ToolContext
from bot.oauth.accounts import LONG_S
from tools.social._account import Account, keep
from tools.social._media import bytes_of, is_film, looked_at
from tools.social._multipart import Part, multipart
from tools.social._network import Network
from tools.social._post import MediaArgument
from tools.social._reddit_api import Community, post_form

_STILLS = ("image/jpeg", "image/png")
_BUCKETS = (".amazonaws.com", ".reddit.com", ".redd.it")
_WHERE = re.compile(rb"<Location>([^<]{1,2000})</Location>")


async def fitting(
    ctx: ToolContext, network: Network, media: Sequence[MediaArgument], there: Community
) -> list[MediaArgument]:
    """The media as they stand on the card: a picture, or a film and then its still.

    Raises Invalid for what cannot go there, and what `looked_at` raises.
    """
    found = sorted(await looked_at(ctx, network, media), key=is_film, reverse=True)
    films = sum(map(is_film, found))
    if (films, len(found)) == (1, 1):
        raise Invalid("Reddit wants a still of it beside a film: give a JPEG or PNG as well.")
    if (films, len(found)) not in ((0, 1), (1, 2)):
        raise Invalid("A post on Reddit has one picture, or one film and a still of it.")
    if films and not there.takes_films:
        raise Invalid(f"r/{there.name} takes no films.")
    if not films and not there.takes_pictures:
        raise Invalid(f"r/{there.name} takes no pictures.")
    if not films:
        return found
    film, still = found
    if still.media_type not in _STILLS:
        raise Invalid("The still of a film is a JPEG or PNG.")
    about = f"{still.about}, shown until the film plays"
    return [film, still.model_copy(update={"about": about})]


async def handed_over(
    reddit: Account, ctx: ToolContext, network: Network, media: Sequence[MediaArgument]
) -> tuple[ToolContext, dict[str, str]]:
    """The fields by which a post names its media. Raises Invalid, Conflict, VendorError."""
    names = ("url", "video_poster_url") if is_film(media[0]) else ("url",)
    form = {"kind": "video" if len(names) > 1 else "image"}
    for name, medium in zip(names, media, strict=True):
        ctx, form[name] = await _uploaded(reddit, ctx, network, medium)
    return ctx, form


async def _uploaded(
    reddit: Account, ctx: ToolContext, network: Network, medium: MediaArgument
) -> tuple[ToolContext, str]:
    what = "film" if is_film(medium) else "picture"
    if known := ctx.progress.get(what):
        return ctx, str(known)
    data = await bytes_of(ctx, network, medium)
    kind = medium.media_type or "image/png"
    ending = {"jpeg": "jpg", "quicktime": "mov"}.get(end := kind.rsplit("/", 1)[1], end)
    name = f"{what}.{ending}"
    asked = {"filepath": name, "mimetype": kind}
    lease = await post_form(reddit, "/api/media/asset.json", asked)
    where, fields = _lease(lease)
    parts = [Part(field=key, data=value.encode()) for key, value in fields.items()]
    media_type, body = multipart([*parts, Part(field="file", data=data, kind=kind, name=name)])
    page = await ctx.house.fetcher.fetch(
        where,
        method="POST",
        headers={"Content-Type": media_type},
        body=body,
        max_bytes=65_536,
        timeout_s=LONG_S,
    )
    found = _WHERE.search(page.body)
    if page.status != 201 or found is None:
        raise VendorRefused(f"The {what} was not taken ({page.status}); nothing was posted.")
    address = html.unescape(found[1].decode("utf-8", "replace"))
    return await keep(ctx, **{what: address}), address


def _lease(answer: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    """Where the bytes go, and what goes along."""
    args = answer.get("args")
    args = args if isinstance(args, dict) else {}
    told, fields = args.get("action"), args.get("fields")
    where = f"https:{told}" if isinstance(told, str) and told.startswith("//") else str(told)
    host = urlsplit(where).hostname or ""
    if not isinstance(fields, list) or not host.endswith(_BUCKETS):
        raise VendorUnknown("Reddit did not say where the picture or film goes.")
    return where, {str(each["name"]): str(each["value"]) for each in fields}
