"""What all networks share: the arguments of a post, its check against the limits, its card.

A network's file derives its arguments from `PostArguments`, says in `to_post` what will appear
where, and gets the refusals and the card from here. Names of arguments are fixed: an approval that
waits for a week must still fit, and so must a post that waits for its time. Nothing here talks to a
network.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.errors import ConnectionBroken
from tools._arguments import unfit
from tools.social._count import Count, utf16_units
from tools.social._network import Media, Network, Post

HARD_MAX = 100_000
"""No text of any network is longer; checked before anything is counted."""
MAX_ADDRESS = 2048
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FILE = re.compile(r"[a-z]{2,5}_[0-9A-Z]{26}")


def _text(value: str) -> str:
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if found := _CONTROL.search(text):
        raise unfit(f"it holds the control character U+{ord(found[0]):04X}; leave that out")
    return text


def _line(value: str) -> str:
    text = _text(value)
    if "\n" in text:
        raise unfit("it is one line; leave line breaks out")
    return text


def web_address(value: str) -> str:
    """Return a full http(s) address, or refuse."""
    text = _line(value)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", text):
        raise unfit("it is no web address; write it in full, like https://example.org/page")
    if parts.username or parts.password:
        raise unfit("an address with a name and password in it is not published")
    return text


def _medium(value: str) -> str:
    return value if _FILE.fullmatch(value) else web_address(value)


def _moment(value: object) -> object:
    """A time with its zone, in one spelling; None for at once."""
    if value in (None, "", "now"):
        return None
    try:
        at = datetime.fromisoformat(str(value).strip())
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise unfit(
            "the time is not clear; say day, time and the zone's distance from UTC, like "
            "2026-11-22T09:00+01:00, or leave it out to publish after the yes"
        )
    return at.isoformat(timespec="minutes")


Text = Annotated[str, Field(max_length=HARD_MAX), AfterValidator(_text)]
"""Text with line breaks."""
Said = SkipJsonSchema[Text]
"""What a post says that is to go: the house fills it in for the card, a model is not told of it."""
Title = Annotated[str, Field(max_length=1000), AfterValidator(_line)]
"""A title, a name: one line."""
Address = Annotated[str, Field(max_length=MAX_ADDRESS), AfterValidator(web_address)]
Hidden = SkipJsonSchema[Annotated[str, Field(max_length=200)]]
"""Filled in by the house when the medium is looked at (`_media.py`); a model is not told of it."""
When = Annotated[str | None, BeforeValidator(_moment)]
"""When it goes out; the house keeps it until then."""


class MediaArgument(BaseModel):
    """One picture or film."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=MAX_ADDRESS), AfterValidator(_medium)]
    alt: Annotated[str, Field(max_length=1000), AfterValidator(_text)] = ""
    media_type: Hidden = ""
    size: SkipJsonSchema[int] = 0
    sha256: Hidden = ""
    about: Hidden = ""

    @property
    def is_file(self) -> bool:
        """Whether it is a kept file and not an address."""
        return bool(_FILE.fullmatch(self.url))


class PostArguments(BaseModel):
    """What every network takes."""

    model_config = ConfigDict(extra="forbid")
    network: ClassVar[Network]

    text: Text
    link: Address | None = None
    media: list[MediaArgument] | None = Field(default=None, max_length=35)
    when: When = None

    @property
    def planned_at(self) -> datetime | None:
        """When it is to go out; None: at once. The ledger of deeds asks for it."""
        return datetime.fromisoformat(self.when) if self.when else None

    @staticmethod
    def length(text: str) -> int:
        """How long a text is, as this network counts."""
        return utf16_units(text)

    def to_post(self) -> Post:
        """What will appear; a network with other habits says so itself."""
        return Post(text=self.text, link=self.link or "", media=self.pictures())

    def pictures(self) -> tuple[Media, ...]:
        """The media, as the house knows them."""
        return tuple(
            Media(url=item.url, alt=item.alt, about=item.about) for item in self.media or ()
        )

    def with_link(self) -> str:
        """The text with the link below it, for networks where it is part of the text."""
        if not self.link or self.link in self.text.split():
            return self.text
        return f"{self.text}\n{self.link}" if self.text else self.link

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Refuse what the network would refuse."""
        if problems := refusals(self.network, self.to_post(), self.length):
            raise unfit("; ".join(problems))
        return self


def refusals(network: Network, post: Post, count: Count) -> list[str]:
    """What the network would refuse, in words; empty when the post fits."""
    problems = []
    length = count(post.text)
    if length > network.max_chars:
        problems.append(
            f"the text has {length} characters as {network.title} counts, {network.max_chars} fit"
        )
    if not (post.text or post.title or post.media or post.link):
        problems.append("there is nothing to publish; give a text")
    if network.needs_title and not post.title:
        problems.append(f"{network.title} needs a title")
    if network.needs_media and not post.media:
        problems.append(f"{network.title} needs a picture or a film; give its address in media")
    if len(post.media) > network.max_media:
        problems.append(
            f"{network.title} takes {network.max_media} pictures or films, not {len(post.media)}"
        )
    return problems


def card_of(
    args: PostArguments,
    *,
    lines: Sequence[Line] = (),
    warnings: Sequence[str] = (),
    audience: str = "",
) -> Card:
    """The card of a post: what will appear, exactly, who will see it, and what is odd about it."""
    network, post = args.network, args.to_post()
    shown = [Line(name="Title", value=post.title, editable="title")] if post.title else []
    if args.text:
        shown.append(Line(name="Text", value=args.text, long=True, editable="text"))
    if args.link:
        shown.append(Line(name="Link", value=args.link, editable="link"))
    for n, medium in enumerate(post.media, 1):
        known = "; ".join(filter(None, (medium.alt, medium.about)))
        words = f"{medium.url} ({known})" if known else medium.url
        shown.append(Line(name=f"Medium {n}", value=words))
    if at := args.planned_at:
        shown.append(Line(name="When", value=f"{at:%A %Y-%m-%d %H:%M %Z}", editable="when"))
    length = f"{args.length(post.text)} of {network.max_chars}"
    mute = any(not medium.alt for medium in post.media)
    own = ["A picture has no description for those who cannot see it."] if mute else []
    return Card(
        title=f"Publish on {network.title}",
        recipients=(post.audience,) if post.audience else (),
        fields=(*shown, *lines, Line(name="Length", value=length)),
        body=post.text,
        warnings=(*warnings, *own),
        audience=audience or network.audience,
    )


def not_connected(network: Network) -> ConnectionBroken:
    """What a tool raises that was called without its connection."""
    return ConnectionBroken(
        f"{network.title} is not connected. Connect it with `bot connect {network.name}`."
    )
