"""Publishing on several networks at once: one question, and each post for itself from there on.

In-house: each post is made by its network's own tool and file; this one says which and with what
words. `posts_publish` takes the texts as they are. `posts_everywhere` takes a brief, and whoever in
the team has the network writes its text.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from bot.core.effect import Outcome
from bot.core.errors import Invalid
from bot.core.model import ToolCall
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social._post import Address, MediaArgument, Text, When

MOST = 20
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Variant(BaseModel):
    """One network, and what is otherwise there. What the house does not know is that network's."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    network: Name
    text: Text | None = None
    link: str | None = Field(default=None, max_length=2048)
    media: list[MediaArgument] | None = Field(default=None, max_length=35)


class Posts(BaseModel):
    """A text, and where it goes."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    link: Address | None = None
    media: list[MediaArgument] | None = Field(default=None, max_length=35)
    when: When = None
    on: Annotated[list[Variant], Field(min_length=1, max_length=MOST)]

    @model_validator(mode="after")
    def once(self) -> Self:
        """Refuse a network that stands twice."""
        names = [variant.network for variant in self.on]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise unfit(f"{', '.join(twice)} stands twice in `on`; one post for each network")
        return self


class Brief(BaseModel):
    """What is to be said, and where; the words are the colleagues'."""

    model_config = ConfigDict(extra="forbid")

    brief: Annotated[str, Field(min_length=1, max_length=8000)]
    networks: Annotated[list[Name], Field(max_length=MOST)] = []
    link: Address | None = None
    media: list[MediaArgument] | None = Field(default=None, max_length=35)


async def posts_publish(ctx: ToolContext, args: Posts) -> Outcome:
    """Publish the same news on several networks, each with its own text, as one question.

    Use it when the person wants something on two or more networks and the words are agreed. They
    see one card with every post, may change or strike out each, and say yes once; each post then
    goes out by itself, and you hear of all of them together. Do not use it for one network.
    - text: the common text, such as "Open on Sunday, 10 to 4.". A network without a text of its
      own takes it as it is.
    - link: a common link. - media: common pictures, each {"url": …, "alt": …}.
    - when: for all of them later, such as "2026-11-22T09:00+01:00"; the blog takes none.
    - on: the networks. Each is {"network": "x"}, with "text", "link" or "media" where that one
      differs ("" or [] leaves it out there), and with what its own publish tool takes besides, such
      as "title" on the blog, "subreddit" and "title" on Reddit, "board" on Pinterest.
    Example: {"text": "We are open on Sunday, 10 to 4. Coffee is on us.", "on": [{"network": "x"},
    {"network": "linkedin", "text": "From this Sunday on our doors are open, 10 to 4."},
    {"network": "blog", "title": "Open on Sunday"}]}
    """
    raise Invalid("This stands for several posts and is not one.")


def spread_posts(args: Posts) -> Sequence[ToolCall]:
    """The call of each network's own tool."""
    common = _written(args, "text", "link", "media", "when")
    calls = []
    for variant in args.on:
        own = _written(variant, "text", "link", "media")
        given = {**common, **own, **(variant.model_extra or {})}
        for name in ("link", "media", "when"):
            if not given.get(name):
                given.pop(name, None)
        calls.append(_call(variant.network, given))
    return calls


async def posts_everywhere(ctx: ToolContext, args: Brief) -> Outcome:
    """Have colleagues write one post each for their networks, as one question.

    Use it when the person wants something "everywhere" or on several networks and leaves the words
    to the team. Each colleague writes for the own network; the person sees all posts on one card,
    may change or strike out each, and says yes once. Do not use it when the words are agreed: that
    is posts_publish.
    - brief: all that the colleagues must know, for they see nothing else of this conversation: the
      facts word by word (days, hours, names, prices), for whom, in which language.
    - networks: such as ["x", "facebook"]; leave it out for all that are connected.
    - link: an address that belongs to it. - media: pictures, each {"url": …, "alt": …}.
    Example: {"brief": "Opening hours from Monday: Tue to Sun 8-18, closed on Mondays. In English."}
    """
    raise Invalid("This stands for several posts and is not one.")


def spread_brief(args: Brief) -> Sequence[ToolCall]:
    """A brief for each network's own tool."""
    words = [args.brief]
    words += [f"Link: {args.link}"] if args.link else []
    words += [f"Media: {_json(_written(args, 'media')['media'])}"] if args.media else []
    return [
        _call(network, {"brief": "\n".join(words)})
        for network in dict.fromkeys(args.networks) or ["*"]
    ]


def _written(args: BaseModel, *names: str) -> Mapping[str, JsonValue]:
    """Those arguments of these names that somebody gave, as JSON."""
    return args.model_dump(mode="json", include=set(names), exclude_unset=True, exclude_none=True)


def _call(network: str, arguments: Mapping[str, JsonValue]) -> ToolCall:
    return ToolCall(id=network, name=f"{network}_publish", arguments=_json(arguments))


def _json(value: JsonValue | Mapping[str, JsonValue]) -> str:
    return json.dumps(value, ensure_ascii=False)


TOOLS = (
    Tool(
        name="posts_publish",
        arguments=Posts,
        perform=posts_publish,
        spread=spread_posts,
        risk=Risk.WRITE,
        egress=True,
        saying="laying out the posts",
    ),
    Tool(
        name="posts_everywhere",
        arguments=Brief,
        perform=posts_everywhere,
        spread=spread_brief,
        by_colleagues=True,
        risk=Risk.WRITE,
        egress=True,
        saying="asking colleagues to write",
    ),
)
