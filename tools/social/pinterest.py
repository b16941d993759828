"""Publishing on Pinterest. API: https://developers.pinterest.com/docs/api/v5/pins-create/
(openapi 5.23.0, read 2026-11-21).

A pin is a picture or film on a board, with a title, a description and a link. Pictures go along
with their bytes, so that what was shown is what is pinned. Pinterest knows no idempotency key, so
an unclear outcome is looked up on the board. Until an account is connected the sandbox performs it.
"""

from datetime import datetime
from typing import ClassVar, Self

from pydantic import model_validator
from pydantic.json_schema import SkipJsonSchema

from bot.core.canonical import Json
from bot.core.card import Card, Field
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social import _pinterest_own
from tools.social._account import Account, began
from tools.social._media import looked_at
from tools.social._network import Network, Post
from tools.social._picked import Picked, pick
from tools.social._pinterest_api import WRITING, address, boards_of, pinterest_of
from tools.social._pinterest_media import source_of
from tools.social._pinterest_pins import find_pin
from tools.social._post import PostArguments, Title, card_of

NETWORK = Network(
    name="pinterest",
    title="Pinterest",
    max_chars=800,
    needs_media=True,
    max_media=5,
    takes=dict.fromkeys(("image/jpeg", "image/png"), 10_000_000) | {"video/mp4": 100_000_000},
    audience="everyone, unless the board is secret",
    source="https://github.com/pinterest/api-description openapi 5.23.0 (2026-11-21); the sizes "
    "of media are ours",
)
MAX_TITLE = 100
MAX_ALT = 500


class PinterestPin(PostArguments):
    """A pin."""

    network: ClassVar[Network] = NETWORK
    board: Title
    title: Title | None = None
    picked: SkipJsonSchema[Picked | None] = None
    """The board as Pinterest knows it, once it was looked up."""

    @property
    def known(self) -> Picked | None:
        """The board that was looked up, unless another was written on the card since."""
        return self.picked if self.picked and self.picked.name == self.board else None

    def to_post(self) -> Post:
        """The text is the description; the link is where the pin leads."""
        return Post(
            text=self.text,
            title=self.title or "",
            link=self.link or "",
            media=self.pictures(),
            audience=f"the board {self.board}",
        )

    @model_validator(mode="after")
    def sizes(self) -> Self:
        """Refuse what Pinterest would refuse."""
        if not self.board:
            raise unfit("a pin needs a board; name it")
        if self.length(self.title or "") > MAX_TITLE:
            raise unfit(f"a title on Pinterest has at most {MAX_TITLE} characters")
        if any(self.length(item.alt) > MAX_ALT for item in self.media or ()):
            raise unfit(f"a description of a picture on Pinterest has at most {MAX_ALT} characters")
        return self


def preview(args: PinterestPin) -> Card:
    """Show the pin as it will appear."""
    note = args.known.note if args.known else ""
    warnings = ["With trial access, Pinterest shows the pin to its own account only."]
    if note:
        warnings.insert(0, f"The board is {note}.")
    board = Field(name="Board", value=args.board, editable="board")
    return card_of(args, lines=[board], warnings=warnings)


async def pinterest_publish(ctx: ToolContext, args: PinterestPin) -> Outcome:
    """Publish one pin on a Pinterest board.

    Use it when the person wants a picture or film pinned. Do not use it without a picture, or to
    make or move boards.
    - text: the description, at most 800 characters; may be empty.
    - board: the name or id of the board, such as "Bread"; pinterest_boards has them all.
    - media: one picture (JPEG or PNG) or MP4 film, or 2 to 5 pictures, each {"url": https address
      or id of a kept file, "alt": what is to be seen}.
    - title: at most 100 characters.
    - link: where the pin leads.
    - when: for later, such as "2026-11-22T09:00+01:00", with the person's zone; leave it out for
      at once, which is after the yes.
    Example: {"board": "Bread", "title": "Rye loaf", "text": "Baked at night.", "media":
    [{"url": "https://example.org/rye.jpg", "alt": "A rye loaf"}], "link": "https://example.org/rye"}
    """
    account = await pinterest_of(ctx, WRITING)
    ctx = await began(ctx)
    board = await _board(account, args)
    source = await source_of(account, ctx, NETWORK, args.media or [])
    words = {name: text for name, text in _words(args).items() if text}
    body: dict[str, Json] = {"board_id": board, "media_source": source, **words}
    made = await account.call("POST", "/v5/pins", body=body)
    if not str(made.get("id", "")).isdecimal():
        raise VendorUnknown("Pinterest did not say which pin it made.")
    return _published(str(made["id"]))


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look for the pin on the board since it was tried first."""
    account = await pinterest_of(ctx, WRITING)
    since = effect.progress.get("since") or (effect.started_at and effect.started_at.isoformat())
    if not since:
        raise VendorUnknown("Nobody knows since when to look.")
    args = PinterestPin.model_validate(effect.arguments)
    board, at = await _board(account, args), datetime.fromisoformat(str(since))
    found = await find_pin(account, board, _words(args), at)
    return _published(found) if found else None


async def complete(ctx: ToolContext, args: PinterestPin) -> PinterestPin:
    """Find the board and look at the media, before anybody is asked."""
    if not ctx.connection:
        return args.model_copy(update={"picked": None})
    account = await pinterest_of(ctx, WRITING)
    picked = pick(args.board, await boards_of(account), "board", NETWORK.title)
    media = await looked_at(ctx, NETWORK, args.media or [])
    return args.model_copy(update={"picked": picked, "board": picked.name, "media": media})


async def _board(account: Account, args: PinterestPin) -> str:
    picked = args.known or pick(args.board, await boards_of(account), "board", NETWORK.title)
    return picked.id


def _words(args: PinterestPin) -> dict[str, str]:
    """The words of the pin, by Pinterest's names. It keeps one description for all pictures."""
    alt = next((medium.alt for medium in args.media or () if medium.alt), "")
    said = {"title": args.title or "", "description": args.text, "link": args.link or ""}
    return {**said, "alt_text": alt}


def _published(pin: str) -> Outcome:
    return Outcome(state=EffectState.SENT, vendor_ref=pin, url=address(pin))


TOOLS = (
    Tool(
        name="pinterest_publish",
        arguments=PinterestPin,
        perform=pinterest_publish,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        needs=WRITING,
        egress=True,
        saying="publishing on Pinterest",
    ),
    *_pinterest_own.TOOLS,
)
