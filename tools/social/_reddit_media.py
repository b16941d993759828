"""A picture for a post on Reddit: a lease is asked for, and the bytes go into Reddit's bucket.

https://www.reddit.com/dev/api and PRAW's `_upload_media` (read 2026-11-21). The bucket is another
company's, so it gets the fields of the lease and no token of ours. Nobody sees what lies there
until a post names it, so this may be repeated.
"""

import html
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.core.errors import VendorRefused, VendorUnknown
from bot.core.tool import ToolContext
from bot.oauth.accounts import LONG_S
from tools.social._account import Account, keep
from tools.social._media import bytes_of
from tools.social._multipart import Part, multipart
from tools.social._network import Network
from tools.social._post import MediaArgument
from tools.social._reddit_api import post_form

_KEPT = "picture"
_BUCKETS = (".amazonaws.com", ".reddit.com", ".redd.it")
_WHERE = re.compile(rb"<Location>([^<]{1,2000})</Location>")


async def upload(
    reddit: Account, ctx: ToolContext, network: Network, picture: MediaArgument
) -> tuple[ToolContext, str]:
    """The address that a post names the picture with. Raises Invalid, Conflict, VendorError."""
    if known := ctx.progress.get(_KEPT):
        return ctx, str(known)
    data = await bytes_of(ctx, network, picture)
    kind = picture.media_type or "image/png"
    name = f"picture.{kind.rsplit('/', 1)[1].replace('jpeg', 'jpg')}"
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
        raise VendorRefused(f"The picture was not taken ({page.status}); nothing was posted.")
    address = html.unescape(found[1].decode("utf-8", "replace"))
    return await keep(ctx, **{_KEPT: address}), address


def _lease(answer: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    """Where the bytes go, and what goes along."""
    args = answer.get("args")
    args = args if isinstance(args, dict) else {}
    told, fields = args.get("action"), args.get("fields")
    where = f"https:{told}" if isinstance(told, str) and told.startswith("//") else str(told)
    host = urlsplit(where).hostname or ""
    if not isinstance(fields, list) or not host.endswith(_BUCKETS):
        raise VendorUnknown("Reddit did not say where the picture goes.")
    return where, {str(each["name"]): str(each["value"]) for each in fields}
