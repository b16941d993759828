"""Publishing on Reddit. API: https://www.reddit.com/dev/api#POST_api_submit (read 2026-11-21).

A post is a title with either a text, a link, a picture or a film. Reddit knows no idempotency key:
an unclear outcome is looked up among the account's own posts by subreddit, title and time. A post
with media shows up there only when Reddit has worked on them, so one that is not seen yet is asked
about and not sent again. Until an account is connected the sandbox performs it.
"""

import asyncio
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import field_validator, model_validator

from bot.core.card import Card, Field
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Invalid, VendorError, VendorRefused, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social import _reddit_own
from tools.social._account import Account, began, keep
from tools.social._count import code_points
from tools.social._network import Network, Post
from tools.social._post import PostArguments, Text, Title, card_of
from tools.social._reddit_api import (
    WRITING,
    Submitted,
    community,
    flairs,
    needs_flair,
    reddit_of,
    standing,
    submit,
    submitted,
)
from tools.social._reddit_media import fitting, handed_over
from tools.social._twice import tried_since

NETWORK = Network(
    name="reddit",
    title="Reddit",
    max_chars=40_000,
    needs_title=True,
    max_media=2,
    takes=dict.fromkeys(("image/jpeg", "image/png", "image/gif"), 20_000_000)
    | dict.fromkeys(("video/mp4", "video/quicktime"), 100_000_000),
    mixes=True,
    audience="everyone (public)",
    source="https://www.reddit.com/dev/api#POST_api_submit (2026-11-21); text and picture "
    "size: believed; size of a film: ours",
)
MAX_TITLE = 300
LOOKS_S = (1.0, 2.0, 4.0)
"""How long it is waited between looks for a post with media."""
_NAME = re.compile(r"(?:u_)?[A-Za-z0-9][A-Za-z0-9_-]{1,20}")


class RedditPost(PostArguments):
    """A post in a subreddit."""

    network: ClassVar[Network] = NETWORK
    subreddit: Title
    title: Title
    text: Text = ""
    flair: Title | None = None

    @staticmethod
    def length(text: str) -> int:
        """Code points."""
        return code_points(text)

    @field_validator("subreddit")
    @classmethod
    def name(cls, value: str) -> str:
        """Take `r/bread` and `bread`, and keep `bread`."""
        name = value.removeprefix("/").removeprefix("r/")
        if not _NAME.fullmatch(name):
            raise unfit("a subreddit is letters, digits and _, such as bread or r/bread")
        return name

    def to_post(self) -> Post:
        """A link post has no text."""
        return Post(
            text=self.text,
            title=self.title,
            link=self.link or "",
            media=self.pictures(),
            audience=f"r/{self.subreddit}",
        )

    @model_validator(mode="after")
    def one_kind(self) -> Self:
        """Refuse what is two kinds of post at once."""
        if len(self.title) > MAX_TITLE:
            raise unfit(f"a title on Reddit has at most {MAX_TITLE} characters")
        if bool(self.text) + bool(self.link) + bool(self.media) > 1:
            raise unfit("a post on Reddit has either a text, a link or media; give one of them")
        return self


def preview(args: RedditPost) -> Card:
    """Show the post as it will appear."""
    lines = [Field(name="Subreddit", value=args.subreddit, editable="subreddit")]
    if args.flair:
        lines.append(Field(name="Flair", value=args.flair, editable="flair"))
    return card_of(
        args,
        lines=lines,
        warnings=["A title cannot be edited later, and a subreddit's rules may remove the post."],
    )


async def reddit_publish(ctx: ToolContext, args: RedditPost) -> Outcome:
    """Publish one post in a subreddit, for everyone to see.

    Use it when the person wants something posted on Reddit and has named the subreddit. Do not use
    it for comments, votes or messages, or to post the same thing in many subreddits.
    - subreddit: its name, such as "bread".
    - title: at most 300 characters; it cannot be changed later.
    - text: the post in Markdown, or leave it out and give a link or media.
    - link: the address of a link post.
    - media: one picture (JPEG, PNG or GIF), or one film (MP4, MOV) and a still of it (JPEG, PNG),
      each {"url": https address or id of a kept file}; Reddit takes no description of them from
      programs, so say in the title what is to be seen.
    - flair: the flair's text, where the subreddit wants one.
    - when: for later, such as "2026-11-22T09:00+01:00", with the person's zone; leave it out for
      at once, which is after the yes.
    Example: {"subreddit": "bread", "title": "My first rye", "text": "It rested for a day."}
    """
    reddit = await reddit_of(ctx, WRITING)
    ctx = await began(ctx)
    form = {"sr": args.subreddit, "title": args.title, "sendreplies": "true"}
    if args.flair:
        id_, text = await _flair(reddit, args)
        form |= {"flair_id": id_, "flair_text": text}
    if args.media:
        ctx, named = await handed_over(reddit, ctx, NETWORK, args.media)
        form |= named
        ctx = await keep(ctx, submitting=ctx.clock.now().isoformat())
    elif args.link:
        form |= {"kind": "link", "url": args.link, "resubmit": "false"}
    else:
        form |= {"kind": "self", "text": args.text}
    try:
        made = await submit(reddit, form)
    except Submitted as error:
        return await _there_already(ctx, reddit, args, error)
    if args.media:
        return await _soon(ctx, reddit, args)
    if not re.fullmatch(r"[0-9a-z]{1,13}", str(made.get("id", ""))):
        raise VendorUnknown("Reddit did not say which post it made.")
    return _published(str(made["id"]), str(made.get("url", "")))


async def _flair(reddit: Account, args: RedditPost) -> tuple[str, str]:
    """Id and text of the flair that is meant. Raises Invalid where there is none of that text."""
    known = await flairs(reddit, args.subreddit)
    meant = (args.flair or "").casefold().strip()
    for text, id_ in known.items():
        if text.casefold().strip() == meant:
            return id_, text
    names = ", ".join(known) or "none"
    raise Invalid(f"r/{args.subreddit} has no such flair for authors. There are: {names}.")


async def _there_already(
    ctx: ToolContext, reddit: Account, args: RedditPost, error: VendorRefused
) -> Outcome:
    """What it means that Reddit knows a link: an attempt before, or somebody's post."""
    since = datetime.fromisoformat(str(ctx.progress["since"]))
    if found := await _look(reddit, args, since):
        return found
    raise error


async def _soon(ctx: ToolContext, reddit: Account, args: RedditPost) -> Outcome:
    """Reddit has taken media and gives no id: look for the post for a moment."""
    since = datetime.fromisoformat(str(ctx.progress["since"]))
    for wait in LOOKS_S:
        try:
            if found := await _look(reddit, args, since):
                return found
        except VendorError:
            break
        await asyncio.sleep(wait)
    told = "Reddit has taken the post and works on its media; reddit_list shows it once it is up."
    return Outcome(state=EffectState.SENT, vendor_ref=f"u/{reddit.name}", data=told)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look for the post among the account's own since it was tried first."""
    args = RedditPost.model_validate(effect.arguments)
    reddit = await reddit_of(ctx, WRITING)
    if found := await _look(reddit, args, tried_since(effect)):
        return found
    if effect.progress.get("submitting"):
        raise VendorUnknown("Reddit shows no such post yet, but may still work on its media.")
    return None


async def _look(reddit: Account, args: RedditPost, since: datetime) -> Outcome | None:
    """The account's own post with this title there; None when there surely is none."""
    async for post in submitted(reddit, since):
        if _is(post, args):
            found = standing(post)
            return _published(found.id, found.url)
    return None


def _is(post: Mapping[str, Any], args: RedditPost) -> bool:
    if str(post.get("subreddit", "")).lower() != args.subreddit.lower():
        return False
    if _plain(post.get("title")) != _plain(args.title):
        return False
    if args.media or args.link:
        return post.get("is_self") is not True
    return _plain(post.get("selftext")) == _plain(args.text)


def _plain(text: object) -> str:
    """A text for comparing: composed signs and single spaces."""
    return " ".join(unicodedata.normalize("NFC", str(text or "")).split())


async def complete(ctx: ToolContext, args: RedditPost) -> RedditPost:
    """Refuse before anybody is asked what this account could not post there."""
    if not ctx.connection:
        return args
    reddit = await reddit_of(ctx, WRITING)
    there = await community(reddit, args.subreddit)
    args = args.model_copy(update={"subreddit": there.name})
    if there.is_banned:
        raise Invalid(f"This account may not post in r/{there.name}.")
    kind = "link" if args.link else "media" if args.media else "text"
    if (there.takes == "link" and kind == "text") or (there.takes == "self" and kind == "link"):
        raise Invalid(f"r/{there.name} takes no posts that are a {kind}.")
    if args.flair:
        _, text = await _flair(reddit, args)
        args = args.model_copy(update={"flair": text})
    elif await needs_flair(reddit, there.name):
        names = ", ".join(await flairs(reddit, there.name))
        raise Invalid(f"r/{there.name} wants a flair. There are: {names}.")
    if args.media:
        media = await fitting(ctx, NETWORK, args.media, there)
        args = args.model_copy(update={"media": media})
    return args


def _published(post: str, url: str) -> Outcome:
    return Outcome(state=EffectState.SENT, vendor_ref=post, url=url)


TOOLS = (
    Tool(
        name="reddit_publish",
        arguments=RedditPost,
        perform=reddit_publish,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        needs=WRITING,
        egress=True,
        saying="publishing on Reddit",
    ),
    *_reddit_own.TOOLS,
)
