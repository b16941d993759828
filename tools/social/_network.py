"""One neutral post for every network, and what each network allows, as data."""

from collections.abc import Mapping
from datetime import datetime

from bot.frozen import field, frozen


@frozen
class Media:
    """One picture or film of a post."""

    url: str
    """An address or the id of an uploaded file."""
    alt: str = ""
    about: str = ""
    """What it is, once it was looked at, such as `JPEG, 120 kB`."""


@frozen
class Post:
    """What a person wants to say to the public."""

    text: str
    title: str = ""
    link: str = ""
    media: tuple[Media, ...] = ()
    tags: tuple[str, ...] = ()
    audience: str = ""
    """Page, board, subreddit or circle, in the network's own words."""
    when: datetime | None = None


@frozen
class Network:
    """One network's limits; previews and checks are derived from them."""

    name: str
    """The provider's name, such as `x`."""
    title: str
    """As people say it, such as `X`."""
    max_chars: int
    link_chars: int | None = None
    """How many characters any link counts as; None: its own length."""
    needs_title: bool = False
    needs_media: bool = False
    max_media: int = 4
    takes: Mapping[str, int] = field(default_factory=dict)
    """Media types that it takes, each with the most bytes of one."""
    mixes: bool = False
    """Whether a film may stand beside other media."""
    audience: str = "public"
    """Who sees a post there."""
    source: str = ""
    """Address and date of the limits."""
