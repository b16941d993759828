"""An account's own posts after they were made: listed, read back, deleted, on any network.

A network brings a `Wall`, and its file declares the tools with words of its own for the model. A
post that is deleted is gone for good, so its text stands on the card, and only the post with that
very text is deleted; one that is gone already counts as deleted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import EffectState, Outcome
from bot.core.errors import Conflict
from bot.frozen import field, frozen
from tools.social._account import Gone
from tools.social._post import HARD_MAX, Text

SHOWN = 500
"""So much of a long text stands in a list."""


@frozen
class Standing:
    """One post as it stands on a network."""

    id: str
    text: str
    """All its words, title first."""
    at: datetime | None = None
    url: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    """What a network counts, by its own word: `{"points": 3}`."""


class Wall(Protocol):
    """Where an account's posts hang."""

    @property
    def title(self) -> str:
        """The network, as people say it."""

    async def newest(self, count: int) -> Sequence[Standing]:
        """The account's own, newest first."""

    async def one(self, post: str) -> Standing:
        """One of them. Raises Gone, Invalid for another's, VendorError."""

    async def delete(self, post: str) -> None:
        """Delete it. Raises Gone, VendorError."""


class ListOwn(BaseModel):
    """How many."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(default=5, ge=1, le=50)


class Deletion(Protocol):
    """The arguments of a deletion, as every network has them."""

    @property
    def post(self) -> str: ...
    @property
    def text(self) -> Text: ...


D = TypeVar("D", bound=BaseModel)


async def listed(wall: Wall, count: int) -> Outcome:
    """The newest posts, a few lines each."""
    told = [_line(each) for each in await wall.newest(count)]
    return Outcome(state=EffectState.SENT, data="\n".join(told) or "There is no post yet.")


async def read_back(wall: Wall, post: str) -> Outcome:
    """One post in full, with its numbers, or that it is gone."""
    try:
        found = await wall.one(post)
    except Gone:
        return Outcome(state=EffectState.SENT, data=gone(wall))
    counts = "".join(f", {count} {name}" for name, count in found.numbers.items())
    told = f"{found.url or found.id} ({_when(found)}{counts}): {found.text}"
    return Outcome(state=EffectState.SENT, data=told)


async def shown(wall: Wall, args: D, post: str) -> D:
    """The arguments with what the post says. Raises what says why it cannot be deleted."""
    found = await wall.one(post)
    return args.model_copy(update={"text": _whole(found.text)})


async def taken_down(wall: Wall, args: Deletion) -> Outcome:
    """Delete the post, if it still is the one that was shown. Raises Conflict, VendorError."""
    try:
        if _whole((await wall.one(args.post)).text) != args.text:
            raise Conflict("This post says something else than what was shown. Ask anew.")
        await wall.delete(args.post)
    except Gone:
        return Outcome(state=EffectState.SENT, vendor_ref=args.post, data=gone(wall))
    return Outcome(state=EffectState.SENT, vendor_ref=args.post, data="Deleted.")


async def is_gone(wall: Wall, post: str) -> Outcome | None:
    """What a look-up says: done when the post is gone, surely not done when it is there."""
    try:
        await wall.one(post)
    except Gone:
        return Outcome(state=EffectState.SENT, vendor_ref=post, data=gone(wall))
    return None


def deletion_card(title: str, args: Deletion, *more: Line) -> Card:
    """Show what will be gone."""
    return Card(
        title=f"Delete a post on {title}",
        fields=(*more, Line(name="Post", value=args.post)),
        body=args.text,
        warnings=("It cannot be brought back.",),
        audience="everyone (public)",
    )


def gone(wall: Wall) -> str:
    """That a post is not there."""
    return f"The post is not on {wall.title} any more."


def _whole(text: str) -> str:
    """As a text stands in arguments, whose longest is ours."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()[:HARD_MAX]


def _when(post: Standing) -> str:
    return f"{post.at:%Y-%m-%dT%H:%M:%SZ}" if post.at else "no date"


def _line(post: Standing) -> str:
    text = post.text if len(post.text) <= SHOWN else post.text[:SHOWN] + "…"
    return f"{post.id} ({_when(post)}): {text}"
