"""Publishing on Pinterest. API: https://developers.pinterest.com/docs/api/v5/pins-create/
(openapi 5.23.0, read 2026-08-21).

A pin is a picture or film on a board, with a title, a description and a link. An unclear outcome is
looked up on the board. Until connected the sandbox performs it.
"""

from typing import ClassVar, Self

from pydantic import model_validator

from bot.core.card import Card, Field
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._network import Network, Post
from tools.social._post import PostArguments, Title, card_of, look_up, not_connected, unfit

NETWORK = Network(
    name="pinterest",
    title="Pinterest",
    max_chars=800,
    needs_media=True,
    max_media=5,
    audience="everyone, unless the board is secret",
    source="https://github.com/pinterest/api-description openapi 5.23.0 (2026-08-21)",
)
MAX_TITLE = 100
MAX_ALT = 500


class PinterestPin(PostArguments):
    """A pin."""

    network: ClassVar[Network] = NETWORK
    board: Title
    title: Title | None = None

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
    board = Field(name="Board", value=args.board, editable="board")
    return card_of(
        args,
        lines=[board],
        warnings=["With trial access, Pinterest shows the pin to its own account only."],
    )


async def pinterest_publish(ctx: ToolContext, args: PinterestPin) -> Outcome:
    """Publish one pin on a Pinterest board.

    Use it when the person wants a picture or film pinned. Do not use it without a picture, or to
    make or move boards.
    - text: the description, at most 800 characters; may be empty.
    - board: the name or id of the board, such as "Bread".
    - media: one picture or film, or 2 to 5 pictures, each {"url": address, "alt": description}.
    - title: at most 100 characters.
    - link: where the pin leads.
    - when: leave it out.
    Example: {"board": "Bread", "title": "Rye loaf", "text": "Baked at night.", "media":
    [{"url": "https://example.org/rye.jpg", "alt": "A rye loaf"}], "link": "https://example.org/rye"}
    """
    raise not_connected(NETWORK)


TOOLS = (
    Tool(
        name="pinterest_publish",
        arguments=PinterestPin,
        perform=pinterest_publish,
        find=look_up(NETWORK),
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        egress=True,
        saying="publishing on Pinterest",
    ),
)
