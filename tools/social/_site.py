"""A site that the blog stands on, WordPress or Ghost, and how it is asked with the tenant's key.

The key was tried when the site was connected (`bot/services/sites.py`) and stands sealed in the
vault. It goes to the site's own address and nowhere else; what the answers mean is
`_account.py`'s.
"""

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from bot.core.canonical import Json
from bot.core.errors import VendorUnknown
from bot.core.ports import Fetcher, Page
from bot.frozen import frozen
from tools.social._blog_settings import Site
from tools.social._own import Standing

MAX_BYTES = 4_000_000
TIMEOUT_S = 30.0
_TAG = re.compile(r"<[^>]{0,2000}>")
_END = re.compile(r"</(?:p|h[1-6]|li|blockquote|pre|tr)>|<br\s*/?>", re.IGNORECASE)


@frozen
class Draft:
    """A post as it is handed to a site."""

    slug: str
    """Made of the deed's key, so that a site tells whether the deed was done."""
    title: str
    html: str
    tags: Sequence[str] = ()
    picture: str = ""
    """What `picture` gave for it."""
    alt: str = ""


@frozen
class Picture:
    """A picture as it is handed to a site."""

    data: bytes
    kind: str
    name: str
    alt: str


class Blog(Protocol):
    """What both kinds of site do. All raise VendorError, ConnectionBroken."""

    title: str

    async def try_out(self) -> str:
        """The site's name, when the key may publish there. Raises Invalid where it may not."""

    async def found(self, slug: str) -> Standing | None:
        """The post of that slug; None when there surely is none."""

    async def picture(self, picture: Picture) -> str:
        """Keep a picture that no post shows yet; what a draft names it with."""

    async def publish(self, draft: Draft) -> Standing:
        """Publish it."""

    async def newest(self, count: int) -> Sequence[Standing]:
        """What is published, newest first."""

    async def one(self, post: str) -> Standing:
        """One post. Raises Gone."""

    async def delete(self, post: str) -> None:
        """Take it down. Raises Gone."""


class SiteClient:
    """Calls one site with its key."""

    def __init__(self, fetcher: Fetcher, site: Site, dress: Callable[[], Mapping[str, str]]):
        """`dress` makes the headers that carry the key, for one call."""
        self._fetcher, self._site, self._dress = fetcher, site, dress

    @property
    def account(self) -> str:
        """Whose key it is."""
        return self._site.user

    @property
    def name(self) -> str:
        """The site's name."""
        return self._site.title

    @property
    def config(self) -> Mapping[str, Json]:
        """Nothing is kept besides."""
        return {}

    async def call(
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Ask the site. Raises Invalid, VendorRefused (not sent), VendorUnknown."""
        sent = dict(headers or {})
        if isinstance(body, Mapping):
            sent.setdefault("Content-Type", "application/json")
            body = json.dumps(body, ensure_ascii=False).encode()
        asked = f"?{urlencode(query)}" if query else ""
        page = await self._fetcher.fetch(
            f"{self._site.url}{where}{asked}",
            method=method,
            headers={**sent, **self._dress()},
            body=body,
            max_bytes=MAX_BYTES,
            timeout_s=TIMEOUT_S,
        )
        if page.url and _origin(page.url) != _origin(self._site.url):
            raise VendorUnknown("Another server than the site answered.")
        return page


def array_of(page: Page) -> list[dict[str, Any]]:
    """The JSON list of objects of an answer. Raises VendorUnknown."""
    try:
        found = json.loads(page.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise VendorUnknown("The site's list cannot be read.")
    return found


def words_of(title: object, content: object) -> str:
    """A post's words without its markup, title first."""
    text = _TAG.sub("", _END.sub("\n", str(content or "")))
    lines = (" ".join(line.split()) for line in html.unescape(text).splitlines())
    return "\n".join(filter(None, (html.unescape(str(title or "")), *lines)))


def moment_of(text: object) -> datetime | None:
    """A time as sites write it; UTC where they name no zone. None where there is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
