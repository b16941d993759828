"""Publishing on a Facebook Page. API: https://developers.facebook.com/docs/pages-api/posts
(read 2026-11-21).

Pages only: the Graph API has no way to post on a person's own profile. No idempotency key, so an
unclear outcome is looked up among the Page's posts; a film appears there only once Facebook has
worked through it, so its absence proves nothing and a person is asked. Until an account is
connected the sandbox performs it.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from bot.core.canonical import Json
from bot.core.card import Card, Field
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import BotError, Invalid, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._account import began
from tools.social._facebook_media import publish_film, upload
from tools.social._facebook_pages import READING, WRITING, Page, page_of, pages_of
from tools.social._media import bytes_of, is_film, looked_at
from tools.social._meta_api import GRAPH, Twice, id_of
from tools.social._meta_posts import MetaPosts
from tools.social._network import Network, Post
from tools.social._own_tools import Own, tools_of
from tools.social._post import Hidden, PostArguments, Title, card_of
from tools.social._twice import surely_absent, there_already, tried_since

FILM = 100_000_000
"""Ours: Facebook takes more, and a film is held in whole."""
NETWORK = Network(
    name="facebook",
    title="Facebook",
    max_chars=63_206,
    max_media=10,
    takes={
        "image/jpeg": 4_000_000,
        "image/png": 4_000_000,
        "video/mp4": FILM,
        "video/quicktime": FILM,
    },
    audience="everyone (public)",
    source="https://developers.facebook.com/docs/pages-api/posts (2026-11-21); most media: ours",
)


class FacebookPost(PostArguments):
    """A post on a Page."""

    network: ClassVar[Network] = NETWORK
    page: Title | None = None
    page_id: Hidden = ""
    """Filled in before anybody is asked: names of Pages need not be unique."""

    def to_post(self) -> Post:
        """The link becomes a preview below the text; beside media it is part of the text."""
        audience = f"the Page {self.page}" if self.page else ""
        text = self.with_link() if self.media else self.text
        return Post(text=text, link=self.link or "", media=self.pictures(), audience=audience)

    @property
    def film(self) -> bool:
        """Whether this is a film, once it was looked at."""
        return any(map(is_film, self.media or ()))


def preview(args: FacebookPost) -> Card:
    """Show the post as it will appear."""
    host = urlsplit(args.link or "").hostname or ""
    warnings = []
    if host == "facebook.com" or host.endswith(".facebook.com"):
        warnings.append("Facebook refuses posts by apps that link to facebook.com.")
    if args.link and args.media:
        warnings.append(
            "Beside media, Facebook shows the link as part of the text, with no preview."
        )
    page = args.page or "the one that is connected"
    return card_of(args, lines=[Field(name="Page", value=page, editable="page")], warnings=warnings)


async def facebook_publish(ctx: ToolContext, args: FacebookPost) -> Outcome:
    """Publish one post on a Facebook Page, for everyone to see.

    Use it when the person wants something posted on their Facebook Page. Do not use it for a
    personal profile, a group, comments or messages: those cannot be reached.
    - text: the post; line breaks stay.
    - link: an address that Facebook shows as a preview.
    - media: up to 10 pictures (JPEG, PNG) or one film (MP4, MOV), each {"url": https address or id
      of a kept file, "alt": what is to be seen}.
    - page: the name or id of the Page; leave it out when only one is connected.
    - when: for later, such as "2026-11-22T09:00+01:00", with the person's zone; leave it out for
      at once, which is after the yes.
    Example: {"text": "Our spring menu is here.", "link": "https://example.org/menu"}
    """
    page = await page_of(ctx, WRITING, args.page or "", args.page_id)
    ctx = await began(ctx)
    text, media = args.to_post().text, args.media or []
    if args.film:
        data = await bytes_of(ctx, NETWORK, media[0])
        film, is_ready = await publish_film(page, data, media[0].media_type, text)
        told = "" if is_ready else "Facebook works on the film still and shows it afterwards."
        return replace(_published(film, f"https://www.facebook.com/{film}"), data=told)
    body: dict[str, Json] = {"message": text} if text else {}
    if media:
        ids = await upload(page, ctx, NETWORK, media)
        body["attached_media"] = [{"media_fbid": id_} for id_ in ids]
    elif args.link:
        body["link"] = args.link
    try:
        made = await page.account.call("POST", f"{GRAPH}/{page.id}/feed", body=body)
    except Twice:
        return await there_already(ctx, NETWORK.title, partial(_look, page, text))
    post = id_of(made, "post")
    with suppress(BotError):
        return _published(post, (await page.posts.one(post)).url)
    return _published(post, f"https://www.facebook.com/{post}")


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look for the post among the Page's own since it was tried first."""
    args = FacebookPost.model_validate(effect.arguments)
    page = await page_of(ctx, WRITING, args.page or "", args.page_id)
    found = await _look(page, args.to_post().text, tried_since(effect))
    if found is None and args.film:
        raise VendorUnknown("A film is shown only once Facebook has worked through it.")
    if found is None:
        surely_absent(effect, NETWORK.title)
    return found


async def _look(page: Page, text: str, begin: datetime) -> Outcome | None:
    """Look for a text among the posts of a Page."""
    if not text:
        raise VendorUnknown("A post without words cannot be told from another.")
    found = await page.posts.find(text, begin)
    return _published(found.id, found.url) if found else None


async def complete(ctx: ToolContext, args: FacebookPost) -> FacebookPost:
    """Name the Page, and refuse what could not be published there, before anybody is asked."""
    if not ctx.connection:
        return args
    page = await page_of(ctx, WRITING, args.page or "")
    if not page.may_post:
        raise Invalid(f"The connected account may not publish on the Page {page.name}.")
    media = await looked_at(ctx, NETWORK, args.media) if args.media else args.media
    return args.model_copy(update={"page": page.name, "page_id": page.id, "media": media})


def _published(post: str, url: str) -> Outcome:
    return Outcome(state=EffectState.SENT, vendor_ref=post, url=url)


async def _own(ctx: ToolContext, needs: Sequence[str], which: str) -> MetaPosts:
    """The posts of a Page by its name or id, or by a post's, which begins with the Page's."""
    page, _, post = which.partition("_")
    is_post = page.isdecimal() and post.isdecimal()
    return (await page_of(ctx, needs, page if is_post else which)).posts


class FacebookPages(BaseModel):
    """Nothing to say."""

    model_config = ConfigDict(extra="forbid")


async def facebook_pages(ctx: ToolContext, args: FacebookPages) -> Outcome:
    """List the Facebook Pages that the connected account may use, with their settings.

    Use it to see on which Page a post can stand, or how a Page is set up. Do not use it for Pages
    of others, or to change settings: that cannot be done here.
    Example: {}
    """
    told = [str(page) for page in await pages_of(ctx, READING)]
    return Outcome(state=EffectState.SENT, data="\n".join(told) or "There is no Page.")


TOOLS = (
    Tool(
        name="facebook_publish",
        arguments=FacebookPost,
        perform=facebook_publish,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        needs=WRITING,
        egress=True,
        saying="publishing on Facebook",
    ),
    Tool(
        name="facebook_pages",
        arguments=FacebookPages,
        perform=facebook_pages,
        provider=NETWORK.name,
        needs=READING,
        outside=True,
        saying="looking at the Pages",
    ),
    *tools_of(
        Own(
            network=NETWORK,
            wall=_own,
            reading=READING,
            deleting=WRITING,
            example="101000000000001_17900000000000001",
            pages=True,
        )
    ),
)
