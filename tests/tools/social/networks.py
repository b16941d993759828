"""The networks as one table: a post on each, the calls that make it and look for it, and its refusals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from bot.core.errors import BotError, ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.tool import Tool
from tests.fakes import reddit_server, tiktok_server, tumblr_server
from tests.fakes.facebook_server import FacebookServer
from tests.fakes.instagram_server import InstagramServer
from tests.fakes.linkedin_server import UPLOADS as LINKEDIN_UPLOADS
from tests.fakes.linkedin_server import LinkedInServer
from tests.fakes.pinterest_server import UPLOADS as PINTEREST_UPLOADS
from tests.fakes.pinterest_server import PinterestServer
from tests.fakes.threads_server import ThreadsServer
from tests.fakes.x_server import XServer
from tools.social import (
    facebook,
    instagram,
    linkedin,
    pinterest,
    reddit,
    threads,
    tiktok,
    tumblr,
    x,
)

Refusals = Mapping[str, tuple[type[BotError], str, float | None]]
"""How it is refused → the error, words of it, and seconds until it may be tried again."""
COMMON: Refusals = {
    "bad": (VendorRefused, "400", None),
    "forbidden": (VendorRefused, "may not|does not allow", None),
    "missing": (VendorRefused, "nothing there", None),
    "conflict": (VendorRefused, "409", None),
    "large": (VendorRefused, "413", None),
    "unfit": (VendorRefused, "422", None),
    "limited": (VendorRefused, "for the moment", 30.0),
}
META: Refusals = {
    "dead": (ConnectionBroken, "connects it again", None),
    "unauthorized": (ConnectionBroken, "connects it again|Connect it here", None),
    "forbidden": (VendorRefused, "does not allow this: .*Permissions error", None),
    "missing": (VendorRefused, "nothing there", None),
    "conflict": (VendorRefused, "posted already", None),
    "large": (VendorRefused, "refused this .413.: .*reduce the amount", None),
    "unfit": (VendorRefused, "refused this .400.: .*Invalid parameter", None),
    "blocked": (VendorRefused, "abusive", None),
    "limited": (VendorRefused, "for the moment", 60.0),
    "too_many": (VendorRefused, "for the moment", 30.0),
}


@dataclass(kw_only=True)
class Network:
    """One network, and one post on it."""

    server: Callable[[], Any]
    tool: Tool
    given: Mapping[str, Any]
    publish: str
    """The call after which the post is there."""
    look: str
    """The call that looks for it."""
    lacks: str = ""
    """A scope without which nothing may be published; empty: what was granted is not told."""
    refused: str = ""
    """The call that may be refused; empty: the one that publishes."""
    first: str = ""
    """The call that begins it; empty: the one that may be refused."""
    refusals: Refusals = field(default_factory=lambda: COMMON)
    renews: bool = True
    """Whether a token that is refused is renewed; else it lasts, or is over."""
    knows_again: bool = False
    """Whether a second try leads to the first post."""
    posts: str = "posts"
    """Where the server keeps what was published."""
    ref: Callable[[Any], str] = lambda server: str(server.posts[0].id)
    """The vendor's reference of the first post."""
    uploads: tuple[str, ...] = ()
    """Addresses beside the API that the server plays."""
    is_plain: bool = False
    """Whether nothing need be asked of the network before a person is asked."""
    scopes: str = ""
    """What the owner agrees to; empty: all that is asked for."""

    def __post_init__(self) -> None:
        self.refused = self.refused or self.publish
        self.first = self.first or self.refused

    def made(self, server: Any) -> list[Any]:
        """What was published."""
        found: list[Any] = attrgetter(self.posts)(server)
        return found


def _linkedin() -> LinkedInServer:
    server = LinkedInServer()
    server.organisations["7"] = ("Rye", "ADMINISTRATOR")
    return server


def _pinterest() -> PinterestServer:
    server = PinterestServer()
    server.board("Bread")
    return server


NETWORKS = {
    "facebook": Network(
        server=FacebookServer, tool=facebook.TOOLS[0],
        given={"text": "Our menu", "link": "https://example.org/menu", "page": "corner bakery"},
        publish="POST /{page}/feed", look="GET /{page}/posts", lacks="pages_manage_posts",
        refusals={**META, "conflict": (VendorUnknown, "posted already", None)}, renews=False, knows_again=True,
    ),
    "instagram": Network(
        server=InstagramServer, tool=instagram.TOOLS[0],
        given={"text": "Fresh", "media": [{"url": "https://example.org/a.jpg", "alt": "A loaf"}]},
        publish="POST /{ig}/media_publish", look="GET /{container}", first="POST /{ig}/media",
        lacks="instagram_business_content_publish", refusals=META, renews=False, knows_again=True,
        posts="world.media", ref=lambda server: str(server.world.media[0].id),
    ),
    "linkedin": Network(
        server=_linkedin, tool=linkedin.TOOLS[0],
        given={"text": "Open on Sunday (10 to 4)", "page": "rye"},
        publish="POST /rest/posts", look="GET /rest/posts", lacks="w_organization_social",
        knows_again=True, ref=lambda server: str(server.posts[0].urn), uploads=(LINKEDIN_UPLOADS,),
        scopes="openid profile email w_member_social w_organization_social r_organization_social",
    ),
    "pinterest": Network(
        server=_pinterest, tool=pinterest.TOOLS[0],
        given={
            "text": "Baked at night", "title": "Rye", "board": "bread",
            "link": "https://example.org/rye",
            "media": [{"url": "https://example.org/a.png", "alt": "A loaf"}],
        },
        publish="POST /pins", look="GET /boards/{id}/pins", lacks="pins:write", posts="pins",
        refusals={**COMMON, "forbidden": (VendorRefused, "403", None)},
        ref=lambda server: str(server.pins[0].id), uploads=(PINTEREST_UPLOADS,),
    ),
    "reddit": Network(
        server=reddit_server.RedditServer, tool=reddit.TOOLS[0],
        given={"subreddit": "bread", "title": "Rye & <time>", "text": "It rested.\n\n& so"},
        publish=reddit_server.SUBMIT, look=reddit_server.SUBMITTED, lacks="submit",
    ),
    "threads": Network(
        server=ThreadsServer, tool=threads.TOOLS[0],
        given={"text": "A year of baking", "link": "https://example.org/a"},
        publish="POST /{user}/threads_publish", look="GET /{container}", first="POST /{user}/threads",
        refusals=META, renews=False, knows_again=True,
    ),
    "tiktok": Network(
        server=tiktok_server.TikTokServer, tool=tiktok.TOOLS[0],
        given={
            "text": "Folding", "privacy": "everyone",
            "media": [{"url": "https://example.org/a.mp4", "alt": "Dough"}],
        },
        publish=tiktok_server.UPLOAD, look=tiktok_server.STATUS, lacks="video.publish",
        refused=tiktok_server.FILM, knows_again=True, ref=lambda server: str(next(iter(server.begun))),
        uploads=(tiktok_server.UPLOADS,),
        refusals={
            **COMMON,
            "forbidden": (ConnectionBroken, "allows what is asked there", None),
            "missing": (VendorRefused, "knows nothing of this posting", None),
        },
    ),
    "tumblr": Network(
        server=tumblr_server.TumblrServer, tool=tumblr.TOOLS[0],
        given={"title": "Rye & time", "text": "It rests.", "link": "https://example.org/rye"},
        publish=tumblr_server.CREATE, look=tumblr_server.LISTED, lacks="write",
    ),
    "x": Network(
        server=XServer, tool=x.TOOLS[0],
        given={"text": "Tom & Ann: open on Sunday <3", "link": "https://example.org/a/"},
        publish="POST /2/tweets", look="GET /2/users/{id}/tweets", lacks="tweet.write",
        is_plain=True, knows_again=True,
    ),
}  # fmt: skip
