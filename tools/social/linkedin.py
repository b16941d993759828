"""Publishing on LinkedIn. API:
https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api
(read 2026-11-21).

LinkedIn knows no idempotency key. A page's posts can be listed, so an unclear outcome is looked up
there; a person's own cannot be listed by most apps, so a person is asked. That LinkedIn refuses a
text as a duplicate tells that the first attempt went through, where there was one. Until an account
is connected the sandbox performs it.
"""

from datetime import datetime
from typing import ClassVar, Self

from pydantic import model_validator
from pydantic.json_schema import SkipJsonSchema

from bot.core.canonical import Json
from bot.core.card import Card, Field
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import OperatorError, VendorRefused, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social import _linkedin_numbers, _linkedin_own
from tools.social._account import Account, began, keep
from tools.social._linkedin_api import (
    MEMBER,
    PAGES,
    Duplicate,
    address,
    linkedin_of,
    pages_of,
    person_of,
)
from tools.social._linkedin_media import upload, uploaded
from tools.social._linkedin_posts import find_post, little
from tools.social._media import looked_at
from tools.social._network import Network, Post
from tools.social._picked import Picked, pick
from tools.social._post import PostArguments, Title, card_of

NETWORK = Network(
    name="linkedin",
    title="LinkedIn",
    max_chars=3000,
    max_media=20,
    takes=dict.fromkeys(("image/jpeg", "image/png", "image/gif"), 10_000_000)
    | {"video/mp4": 100_000_000},
    audience="everyone (public)",
    source="https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api "
    "(2026-11-21); the sizes of media are ours",
)
MAX_LINK_TITLE = 400


class LinkedInPost(PostArguments):
    """A post on LinkedIn."""

    network: ClassVar[Network] = NETWORK
    page: Title | None = None
    link_title: Title | None = None
    picked: SkipJsonSchema[Picked | None] = None
    """The page as LinkedIn knows it, once it was looked up."""

    @property
    def previews(self) -> bool:
        """Whether the link is shown as a preview; beside media it is a part of the text."""
        return bool(self.link) and not self.media

    @property
    def known(self) -> Picked | None:
        """The page that was looked up, unless another was written on the card since."""
        return self.picked if self.picked and self.picked.name == self.page else None

    @property
    def headline(self) -> str:
        """What the preview of the link is called. LinkedIn does not look at the page by itself, and
        neither does the house: words of strangers would come by that way.
        """
        return self.link_title or (self.link or "").split("//", 1)[-1][:MAX_LINK_TITLE]

    @model_validator(mode="after")
    def titled(self) -> Self:
        """Refuse a title that LinkedIn would cut."""
        if self.length(self.link_title or "") > MAX_LINK_TITLE:
            raise unfit(f"the title of a link on LinkedIn has at most {MAX_LINK_TITLE} characters")
        return self

    def to_post(self) -> Post:
        """The link becomes a preview below the text."""
        audience = f"the page {self.page}" if self.page else "your own profile"
        text = self.text if self.previews else self.with_link()
        link = (self.link or "") if self.previews else ""
        return Post(text=text, link=link, media=self.pictures(), audience=audience)


def preview(args: LinkedInPost) -> Card:
    """Show the post as it will appear."""
    lines = [Field(name="Speaks for", value=args.page or "yourself", editable="page")]
    if args.previews:
        lines.append(Field(name="Preview", value=args.headline, editable="link_title"))
    warnings = []
    if args.link and args.media:
        warnings.append(
            "LinkedIn shows either the media or a preview of the link, not both; the link stands "
            "in the text."
        )
    return card_of(args, lines=lines, warnings=warnings)


async def linkedin_publish(ctx: ToolContext, args: LinkedInPost) -> Outcome:
    """Publish one post on LinkedIn, for everyone to see.

    Use it when the person wants something posted on LinkedIn, as themselves or as a company page
    they manage. Do not use it for comments, messages or job offers.
    - text: the post, at most 3,000 characters; plain text, no Markdown; #word becomes a hashtag.
    - link: an address that LinkedIn shows as a preview, or that is put below the text beside media.
    - media: up to 20 pictures (JPEG, PNG or GIF) or one MP4 film, each {"url": https address or id
      of a kept file, "alt": what is to be seen}.
    - link_title: what the preview is called, such as the title of the page behind the link; without
      it, the link's address.
    - page: the company page to post as; leave it out to post as the person.
    - when: for later, such as "2026-11-22T09:00+01:00", with the person's zone; leave it out for
      at once, which is after the yes.
    Example: {"text": "We are hiring a baker.", "link": "https://example.org/jobs", "link_title":
    "Baker wanted", "page": "Rye"}
    """
    account = await linkedin_of(ctx, _needs(args))
    ctx = await began(ctx)
    author = await _author(account, args)
    body: dict[str, Json] = {
        "author": author,
        "commentary": little(args.to_post().text),
        "visibility": "PUBLIC",
        "distribution": {
            "feedDistribution": "MAIN_FEED",
            "targetEntities": [],
            "thirdPartyDistributionChannels": [],
        },
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }
    if args.media:
        ctx = await upload(account, ctx, NETWORK, author, args.media)
        body["content"] = _media(args, ctx)
    elif args.link:
        body["content"] = {"article": {"source": args.link, "title": args.headline}}
    before = bool(ctx.progress.get("tried"))
    ctx = await keep(ctx, tried=ctx.clock.now().isoformat())
    try:
        page = await account.ask("POST", "/rest/posts", body=body)
    except Duplicate as error:
        if before:
            return _there_already(error)
        await keep(ctx, tried="")  # somebody's own post
        where = f": {address(error.urn)}" if error.urn else "."
        raise VendorRefused(f"{error.message.removesuffix('.')}{where}") from None
    except (VendorRefused, OperatorError):
        await keep(ctx, tried="")  # surely not posted
        raise
    urn = page.headers.get("x-restli-id", "")
    if not urn.startswith("urn:li:"):
        raise VendorUnknown("LinkedIn did not say which post it made.")
    return _published(urn)


def _there_already(error: Duplicate) -> Outcome:
    """What it means that LinkedIn refuses a text that an attempt before may have posted."""
    if error.urn:
        return _published(error.urn)
    raise VendorUnknown("LinkedIn says that this text was posted already, but not where.")


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look for the post among the page's own since it was tried first.

    A person's own cannot be seen: whoever says, having looked, that it is to be done again is
    believed, for that one time.
    """
    args = LinkedInPost.model_validate(effect.arguments)
    tried = effect.progress.get("tried")
    if not tried:
        return None  # it never came to the call that posts
    if not args.page:
        began_at = effect.started_at
        if effect.doubt and began_at and began_at > datetime.fromisoformat(str(tried)):
            return None
        raise VendorUnknown("LinkedIn lets nobody look through a person's own posts.")
    account = await linkedin_of(ctx, PAGES)
    since = datetime.fromisoformat(str(effect.progress["since"]))
    found = await find_post(account, await _author(account, args), args.to_post().text, since)
    return _published(found) if found else None


async def complete(ctx: ToolContext, args: LinkedInPost) -> LinkedInPost:
    """Find the page and look at the media, before anybody is asked."""
    found: dict[str, object] = {"picked": None}
    if not ctx.connection:
        return args.model_copy(update=found)
    account = await linkedin_of(ctx, _needs(args))
    if args.page:
        picked = pick(args.page, await pages_of(account), "page", NETWORK.title)
        found |= {"picked": picked, "page": picked.name}
    if args.media:
        found["media"] = await looked_at(ctx, NETWORK, args.media)
    return args.model_copy(update=found)


async def _author(account: Account, args: LinkedInPost) -> str:
    """Who posts, by LinkedIn's name."""
    if not args.page:
        return person_of(account)
    page = args.known or pick(args.page, await pages_of(account), "page", NETWORK.title)
    return page.id


def _media(args: LinkedInPost, ctx: ToolContext) -> dict[str, Json]:
    described: list[dict[str, Json]] = [
        {"id": urn, **({"altText": medium.alt} if medium.alt else {})}
        for urn, medium in zip(uploaded(ctx), args.media or (), strict=True)
    ]
    if len(described) > 1:
        return {"multiImage": {"images": list(described)}}
    return {"media": dict(described[0])}


def _needs(args: LinkedInPost) -> tuple[str, ...]:
    return PAGES if args.page else MEMBER


def _published(urn: str) -> Outcome:
    return Outcome(state=EffectState.SENT, vendor_ref=urn, url=address(urn))


TOOLS = (
    Tool(
        name="linkedin_publish",
        arguments=LinkedInPost,
        perform=linkedin_publish,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        needs=MEMBER,
        egress=True,
        saying="publishing on LinkedIn",
    ),
    *_linkedin_own.TOOLS,
    _linkedin_numbers.TOOL,
)
