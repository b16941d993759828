"""Where the blog is: as the operator set it, or the site that a tenant connected.

Apart from the tool, so that a start need not load what writes, checks and shows a post.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.frozen import frozen
from bot.reach import Reach

KINDS: Mapping[str, str] = {"wordpress": "WordPress", "ghost": "Ghost"}


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
        """What stands on cards, such as `WordPress: Ann bakes (https://ann.example)`."""
        return f"{KINDS[self.kind]}: {self.title or 'without a name'} ({self.url})"


SiteOf = Callable[[TenantId], Awaitable[Site | None]]


@frozen
class BlogSettings:
    """Where posts go: a tenant's own site, else a folder or a webhook; never both of these."""

    folder: Path | None = None
    webhook_url: str = ""
    webhook_secret: Secret | None = None
    home: str = ""
    """Whose folder or webhook it is; empty: there is one tenant alone."""
    site: SiteOf | None = None
    """The site that a tenant connected, if any."""
    reach: Reach | None = None
    """Kept files, for pictures."""
