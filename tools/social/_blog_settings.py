"""Where the blog is: as the operator set it, or the site that a tenant connected.

Apart from the tool, so that a start need not load what writes, checks and shows a post.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.core.errors import Invalid
from bot.core.ids import TenantId
from bot.core.ports import Clock, Fetcher
from bot.core.secret import Secret
from bot.core.tool import ToolContext
from bot.frozen import frozen
from bot.reach import Reach

KINDS: Mapping[str, str] = {"wordpress": "WordPress", "ghost": "Ghost"}
"""Titles by the name of the file that speaks with such a site."""


@frozen
class Site:
    """One tenant's site."""

    kind: str
    """A name of `KINDS`."""
    url: str
    """Where it stands, without a slash at its end."""
    key: Secret
    user: str = ""
    """Whose key it is, where the key does not say it itself."""
    title: str = ""

    @property
    def label(self) -> str:
        """What stands on cards, such as `WordPress: Ann bakes (https://ann.example), by ann`."""
        writes = f", by {self.user}" if self.user else ""
        return f"{KINDS[self.kind]}: {self.title or 'without a name'} ({self.url}){writes}"


SiteOf = Callable[[TenantId], Awaitable[Site | None]]


@frozen
class BlogSettings:
    """Where posts go: a tenant's own site, else a folder or a webhook; never both of these."""

    folder: Path | None = None
    address: str = ""
    """What the pages of that folder stand below; empty where the house has no address outside."""
    webhook_url: str = ""
    webhook_secret: Secret | None = None
    home: str = ""
    """Whose folder or webhook it is; empty: there is one tenant alone."""
    site: SiteOf | None = None
    """The site that a tenant connected, if any."""
    reach: Reach | None = None
    """Kept files, for pictures."""
    fetcher_of: Callable[[TenantId], Fetcher] | None = None
    """What asks a tenant's blog; None: what asks everything else."""


def fetcher_of(ctx: ToolContext) -> Fetcher:
    """What asks the blog of the tenant whose call it is, also where the operator set it inside."""
    lent = ctx.settings.fetcher_of if isinstance(ctx.settings, BlogSettings) else None
    return lent(ctx.tenant) if lent else ctx.house.fetcher


def address_of_site(text: str) -> str:
    """The site's address out of what was typed. Raises Invalid."""
    typed = text.strip().rstrip("/")
    parts = urlsplit(typed if "://" in typed else f"https://{typed}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise Invalid("This is no address of a site. Write it like https://blog.example.org")
    path = re.sub(r"/(?:wp-admin|wp-json|ghost)(?:/.*)?$", "", parts.path).rstrip("/")
    if parts.query or parts.fragment or not re.fullmatch(r"[!-~]*", typed):
        raise Invalid("The address of a site ends with its name or a folder, with no ? or #.")
    return f"{parts.scheme}://{parts.netloc}{path}"


def speaker(kind: str) -> Callable[[Fetcher, Site, Clock], Any]:
    """What makes the `Blog` (`_site.py`) of a site of a kind, loaded when one is asked for."""
    made: Callable[[Fetcher, Site, Clock], Any] = import_module(f"tools.social._{kind}").BLOG
    return made
