"""One neutral post for every network, and what each network allows, as data."""

from datetime import datetime

from bot.frozen import frozen


@frozen
class Media:
    """One picture or film of a post."""

    url: str
    """An address or the id of an uploaded file."""
    alt: str = ""


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
    audience: str = "public"
    """Who sees a post there."""
    source: str = ""
    """Address and date of the limits."""
