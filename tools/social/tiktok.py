"""Publishing on TikTok. API:
https://developers.tiktok.com/doc/content-posting-api-reference-direct-post (read 2026-11-21).

TikTok wants the person, not the program, to choose who may see a post and what they may do with
it, and paid content to be named: so `privacy` has no default and the card shows every choice. What
the account may choose is asked before. A film is handed over by its bytes, photos TikTok fetches
itself. What became of a posting is asked by its publish id. Until an account is connected the
sandbox performs it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from bot.core.canonical import Json
from bot.core.card import Card, Field
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Invalid, VendorRefused, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social import _tiktok_own
from tools.social._account import Account, Gone, began, keep
from tools.social._media import address_of, bytes_of, is_film, looked_at
from tools.social._network import Network, Post
from tools.social._post import Hidden, PostArguments, Title, card_of
from tools.social._tiktok_api import PUBLISHING, creator_of, tiktok_of
from tools.social._tiktok_posting import (
    Fate,
    fate_of,
    hand_over_film,
    hand_over_photos,
    is_handed_over,
    may_be_begun,
    publish_id_of,
    settled,
)

NETWORK = Network(
    name="tiktok",
    title="TikTok",
    max_chars=2200,
    needs_media=True,
    max_media=35,
    takes=dict.fromkeys(("image/jpeg", "image/webp"), 20_000_000)
    | dict.fromkeys(("video/mp4", "video/quicktime"), 100_000_000),
    audience="whom the person chose",
    source="https://developers.tiktok.com/doc/content-posting-api-get-started (2026-11-21); the "
    "size of films is ours",
)
MAX_TITLE = 90
"""Of a post of photos."""
_LEVELS = {
    "everyone": "PUBLIC_TO_EVERYONE",
    "followers": "FOLLOWER_OF_CREATOR",
    "friends": "MUTUAL_FOLLOW_FRIENDS",
    "only_me": "SELF_ONLY",
}
_WHO = {
    "everyone": "everyone (public)",
    "followers": "followers",
    "friends": "friends: followers who are followed back",
    "only_me": "only the account itself",
}


class TikTokPost(PostArguments):
    """A film or photos on TikTok."""

    network: ClassVar[Network] = NETWORK
    privacy: Literal["everyone", "followers", "friends", "only_me"]
    title: Title | None = None
    comments: bool = False
    duets: bool = False
    stitches: bool = False
    own_brand: bool = False
    paid_partnership: bool = False
    creator: Hidden = ""
    """How TikTok calls the account, and how long its films may be."""

    def to_post(self) -> Post:
        """TikTok shows no link."""
        return Post(text=self.text, title=self.title or "", media=self.pictures())

    @model_validator(mode="after")
    def allowed(self) -> Self:
        """Refuse what TikTok has no place for."""
        if self.link:
            raise unfit("TikTok shows no link with a post; leave link out")
        if self.title and self.length(self.title) > MAX_TITLE:
            raise unfit(f"a title on TikTok has at most {MAX_TITLE} characters")
        if self.paid_partnership and self.privacy == "only_me":
            raise unfit("TikTok does not keep paid partnerships private; choose another privacy")
        return self


def preview(args: TikTokPost) -> Card:
    """Show the post and every choice that comes with it."""
    allowed = [n for n in ("comments", "duets", "stitches") if getattr(args, n)]
    promoted = [
        words
        for on, words in (
            (args.own_brand, "the account's own brand"),
            (args.paid_partnership, "a paid partnership"),
        )
        if on
    ]
    known = [Field(name="Account at TikTok", value=args.creator)] if args.creator else []
    lines = [
        *known,
        Field(name="Who may see it", value=_WHO[args.privacy], editable="privacy"),
        Field(name="Viewers may add", value=", ".join(allowed) or "nothing"),
        Field(name="Promotes", value=" and ".join(promoted) or "nothing"),
    ]
    warnings = [
        "By publishing you agree to TikTok's Music Usage Confirmation.",
        "It cannot be taken back from here: TikTok's API deletes nothing.",
    ]
    if args.privacy != "only_me":
        warnings.append("Until TikTok has audited the app, it shows the post to nobody else.")
    return card_of(args, lines=lines, warnings=warnings, audience=_WHO[args.privacy])


async def tiktok_publish(ctx: ToolContext, args: TikTokPost) -> Outcome:
    """Publish a film, or photos, with a caption on TikTok.

    Use it when the person wants something on TikTok and has said who may see it. If they have not,
    ask; never choose privacy for them. Do not use it for text alone or for comments.
    - text: the caption, at most 2,200 characters.
    - media: one film (MP4 or MOV), or up to 35 JPEG or WEBP photos, each {"url": https address or
      id of a kept file, "alt": description}.
    - privacy: everyone, followers, friends or only_me, as the person chose.
    - title: for photos, at most 90 characters.
    - comments, duets, stitches: true where viewers may add them.
    - own_brand, paid_partnership: true when it promotes the account's own business, or a third
      party pays for it.
    - link: leave it out.
    - when: for later, such as "2026-11-22T09:00+01:00", with the person's zone; leave it out for
      at once, which is after the yes.
    Example: {"text": "How we fold croissants", "media": [{"url": "https://example.org/fold.mp4"}],
    "privacy": "everyone", "comments": true}
    """
    account = await tiktok_of(ctx, PUBLISHING)
    ctx = await began(ctx)
    media = args.media or []
    info = _info(args)
    if is_film(media[0]):
        ctx = await hand_over_film(account, ctx, NETWORK, info, media[0])
    elif not publish_id_of(ctx.progress):
        for medium in media:
            await bytes_of(ctx, NETWORK, medium)  # raises when it is another than was shown
        places = [await address_of(ctx, NETWORK, medium) for medium in media]
        ctx = await hand_over_photos(account, ctx, info, places)
    id_ = publish_id_of(ctx.progress)
    fate = await settled(account, id_)
    if fate is None:
        fate = await fate_of(account, id_)
        if not is_handed_over(fate, {}, media[0].size):
            raise VendorUnknown("TikTok does not say that it has all of the film.")
    if fate.status == "FAILED":
        raise VendorRefused(_failed(fate))
    return await _published(account, ctx, fate)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Ask what became of the posting that was begun."""
    account = await tiktok_of(ctx, PUBLISHING)
    args = TikTokPost.model_validate(effect.arguments)
    id_ = publish_id_of(effect.progress)
    if not id_:
        if may_be_begun(effect.progress):
            raise VendorUnknown("TikTok did not say by what number it began.")
        return None
    try:
        fate = await settled(account, id_) or await fate_of(account, id_)
    except Gone:
        return None
    size = (args.media or [])[0].size
    there = is_handed_over(fate, effect.progress, size)
    return await _published(account, ctx, fate) if there else None


async def complete(ctx: ToolContext, args: TikTokPost) -> TikTokPost:
    """Ask what the account may post and look at the media, before anybody is asked."""
    if not ctx.connection:
        return args.model_copy(update={"creator": ""})
    account = await tiktok_of(ctx, PUBLISHING)
    creator = await creator_of(account)
    _check_choices(args, creator)
    media = await looked_at(ctx, NETWORK, args.media or [])
    film = is_film(media[0])
    if not film:
        for medium in media:
            await address_of(ctx, NETWORK, medium)  # raises where TikTok could not fetch it
    longest = creator.get("max_video_post_duration_sec")
    known = str(creator.get("creator_nickname") or account.name)[:100]
    if film and isinstance(longest, int):
        known += f"; a film has at most {longest} s"
    return args.model_copy(update={"media": media, "creator": known})


def _check_choices(args: TikTokPost, creator: Mapping[str, Any]) -> None:
    """Refuse what TikTok does not offer this account. Raises Invalid."""
    offered = [each for each, level in _LEVELS.items() if level in creator["privacy_level_options"]]
    if args.privacy not in offered:
        raise Invalid(
            f"TikTok does not offer this account the privacy {args.privacy}; it offers "
            f"{', '.join(offered) or 'none'}. Ask the person which it is to be."
        )
    for wanted, name in (
        (args.comments, "comment"),
        (args.duets, "duet"),
        (args.stitches, "stitch"),
    ):
        if wanted and creator.get(f"{name}_disabled"):
            raise Invalid(f"This account has switched {name} off at TikTok; leave it out.")


def _info(args: TikTokPost) -> dict[str, Json]:
    """The words and choices of the post, by TikTok's names."""
    info: dict[str, Json] = {
        "privacy_level": _LEVELS[args.privacy],
        "disable_comment": not args.comments,
        "brand_content_toggle": args.paid_partnership,
        "brand_organic_toggle": args.own_brand,
    }
    if is_film((args.media or [])[0]):
        choices: dict[str, Json] = {"disable_duet": not args.duets}
        return {**info, **choices, "title": args.text, "disable_stitch": not args.stitches}
    title: dict[str, Json] = {"title": args.title} if args.title else {}
    return {**info, **title, "description": args.text}


def _failed(fate: Fate) -> str:
    why = fate.reason.replace("_", " ") or "no reason given"
    return f"TikTok took it and then did not publish it: {why}."


async def _published(account: Account, ctx: ToolContext, fate: Fate) -> Outcome:
    """It is out, or TikTok has it and is still at it: both can only be undone there."""
    id_ = publish_id_of(ctx.progress)
    url = f"https://www.tiktok.com/@{account.name}/video/{fate.posts[0]}" if fate.posts else ""
    if fate.status == "PUBLISH_COMPLETE":
        told = (
            "It is published." if url else "It is published; TikTok has not told its address yet."
        )
    else:
        told = "TikTok has it and is still working on it. It may yet refuse it."
    told = f"{told} tiktok_status tells more with {id_}." if not url else told
    if not url:
        await keep(ctx, found=told)  # an approved deed's turn is over; this reaches the next
    return Outcome(state=EffectState.SENT, vendor_ref=id_, url=url, data=told)


TOOLS = (
    Tool(
        name="tiktok_publish",
        arguments=TikTokPost,
        perform=tiktok_publish,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        needs=PUBLISHING,
        egress=True,
        saying="publishing on TikTok",
    ),
    *_tiktok_own.TOOLS,
)
