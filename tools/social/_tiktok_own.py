"""Posts on TikTok after they were made: what became of one, and the newest with their numbers.

https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status and
https://developers.tiktok.com/doc/tiktok-api-v2-video-list (read 2026-11-21). TikTok's API deletes
nothing; a person does that in the app.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.canonical import Json
from bot.core.effect import EffectState, Outcome
from bot.core.errors import VendorUnknown
from bot.core.tool import Tool, ToolContext
from tools._arguments import unfit
from tools.social._account import Account, Gone
from tools.social._tiktok_api import LISTING, PUBLISHING, tiktok_of, told_by
from tools.social._tiktok_posting import Fate, fate_of

_FIELDS = {
    "fields": "id,title,video_description,create_time,share_url,view_count,like_count,"
    "comment_count,share_count"
}
_NUMBERS = {
    "view_count": "views",
    "like_count": "likes",
    "comment_count": "comments",
    "share_count": "shares",
}
_POST = re.compile(r"(?:https://(?:www\.)?tiktok\.com/@[\w.]{1,40}/(?:video|photo)/)?(\d{1,20})/?")
_WORDS = {
    "PROCESSING_UPLOAD": "TikTok has not all of the film yet, or is still working on it.",
    "PROCESSING_DOWNLOAD": "TikTok is fetching it.",
    "SEND_TO_USER_INBOX": "It lies in the account's inbox at TikTok; a person finishes it there.",
    "PUBLISH_COMPLETE": "It is published.",
}


def _post(value: str) -> str:
    found = _POST.fullmatch(value.strip())
    if found is None:
        raise unfit("it is no post; give its number or its address on tiktok.com")
    return found[1]


def _begun(value: str) -> str:
    text = value.strip()
    if not re.fullmatch(r"[A-Za-z0-9._~-]{1,64}", text):
        raise unfit("it is no publish id; it looks like v_pub_file~v2.123")
    return text


class TikTokStatus(BaseModel):
    """Of which posting."""

    model_config = ConfigDict(extra="forbid")

    publish_id: Annotated[str, Field(max_length=100), AfterValidator(_begun)]


class TikTokList(BaseModel):
    """How many."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(default=5, ge=1, le=20)


class TikTokRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    post: Annotated[str, Field(max_length=200), AfterValidator(_post)]


async def tiktok_status(ctx: ToolContext, args: TikTokStatus) -> Outcome:
    """Ask TikTok what became of a posting: still at it, published, or refused and why.

    Use it when tiktok_publish said that TikTok is still working on it, or when its address is
    wanted: TikTok tells that only after its own check. Do not use it again and again.
    - publish_id: the number that tiktok_publish named.
    Example: {"publish_id": "v_pub_file~v2.7575000000000000001"}
    """
    account = await tiktok_of(ctx, PUBLISHING)
    try:
        fate = await fate_of(account, args.publish_id)
    except Gone:
        return Outcome(state=EffectState.SENT, data="TikTok knows nothing of this posting.")
    return Outcome(state=EffectState.SENT, data=_said(account, fate))


async def tiktok_list(ctx: ToolContext, args: TikTokList) -> Outcome:
    """List the newest public posts of the connected account on TikTok with their numbers.

    Use it to see what was posted and how it is received. Do not use it for what others posted: it
    shows none of that.
    - count: how many, 1 to 20.
    Example: {"count": 5}
    """
    account = await tiktok_of(ctx, LISTING)
    body: dict[str, Json] = {"max_count": args.count}
    posts = _videos(await told_by(account, "/v2/video/list/", body, _FIELDS))
    told = [_shown(each) for each in posts[: args.count]]
    return Outcome(state=EffectState.SENT, data="\n".join(told) or "There is no public post yet.")


async def tiktok_read(ctx: ToolContext, args: TikTokRead) -> Outcome:
    """Read one public post of the connected account on TikTok back, with its numbers.

    Use it when the person asks about one post. Do not use it to read others' posts.
    - post: its number, or its address on tiktok.com.
    Example: {"post": "7575000000000000001"}
    """
    account = await tiktok_of(ctx, LISTING)
    body: dict[str, Json] = {"filters": {"video_ids": [args.post]}}
    posts = _videos(await told_by(account, "/v2/video/query/", body, _FIELDS))
    told = _shown(posts[0]) if posts else "TikTok shows no such public post of this account."
    return Outcome(state=EffectState.SENT, data=told)


def _said(account: Account, fate: Fate) -> str:
    if fate.status == "FAILED":
        return f"TikTok did not publish it: {fate.reason.replace('_', ' ') or 'no reason given'}."
    told = _WORDS.get(fate.status, f"TikTok says {fate.status[:40]}.")
    where = [f"https://www.tiktok.com/@{account.name}/video/{post}" for post in fate.posts]
    return " ".join([told, *where])


def _videos(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = data.get("videos")
    if not isinstance(found, list) or not all(isinstance(v, dict) and "id" in v for v in found):
        raise VendorUnknown("TikTok's list of posts cannot be read.")
    return found


def _shown(post: Mapping[str, Any]) -> str:
    at = post.get("create_time")
    when = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC" if isinstance(at, int) else ""
    text = " ".join(str(post.get("video_description") or post.get("title") or "").split())
    numbers = ", ".join(f"{post[n]} {_NUMBERS[n]}" for n in _NUMBERS if n in post)
    return f"{post.get('share_url') or post['id']} ({when or 'no date'}): {text} [{numbers}]"


def _reading(perform: Any, arguments: type[BaseModel], needs: tuple[str, ...], saying: str) -> Tool:
    return Tool(
        name=perform.__name__,
        arguments=arguments,
        perform=perform,
        provider="tiktok",
        needs=needs,
        outside=True,
        saying=saying,
    )


TOOLS = (
    _reading(tiktok_status, TikTokStatus, PUBLISHING, "asking TikTok what became of a post"),
    _reading(tiktok_list, TikTokList, LISTING, "reading the posts on TikTok"),
    _reading(tiktok_read, TikTokRead, LISTING, "reading a post on TikTok"),
)
