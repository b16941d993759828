"""Fetches one outside address, with caps on redirects, bytes and time, and gives what it says.

Credentials stay with the host they were meant for: they travel over https only, and a redirect to
another origin gets none of the caller's headers. Redirects are followed by hand, each checked like
a new address, and only for requests without a body. Bytes are counted after decompression. Nothing
is tried twice: the error says whether a retry is safe, the caller decides.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from bot.core.errors import Invalid, VendorRefused, VendorUnknown
from bot.core.ports import Page
from bot.fetch.addresses import Lookup, Own, Resolver, check_url, look_up
from bot.fetch.reading import read
from bot.frozen import frozen
from bot.lazy import at_hand

if TYPE_CHECKING:
    from aiohttp.connector import SocketFactoryType

MAX_REDIRECTS: Final = 3
CONNECT_S: Final = 10.0
CHUNK: Final = 65_536
INLINE: Final = 50_000
"""A longer body is read in a thread, so that the loop goes on."""
DEFAULTS: Final = {
    "User-Agent": "Switchboard",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
}
_CARRIED = frozenset({"accept", "accept-language", "user-agent"})
"""The caller's headers that another origin may see after a redirect."""
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te"}
    | {"upgrade", "expect", "trailer", "proxy-authorization", "proxy-connection", "keep-alive"}
)
"""Headers that the caller may not set."""
_SECRET = re.compile(r"auth|cookie|key|token|secret", re.IGNORECASE)


class Redirected(Invalid):
    """It redirects further than is followed."""


@frozen
class _Asked:
    """One request of a fetch."""

    url: URL
    method: str
    headers: CIMultiDict[str]
    body: bytes | None
    max_bytes: int

    @property
    def is_read(self) -> bool:
        """Nothing but reading, so it may follow redirects."""
        return self.method in ("GET", "HEAD")


class WebFetcher:
    """The port `Fetcher`. Keeps no connection and no cookie between two calls."""

    def __init__(
        self,
        *,
        allow: Collection[tuple[str, int]] = (),
        lookup: Lookup = look_up,
        sockets: SocketFactoryType | None = None,
        redirects: int = MAX_REDIRECTS,
    ) -> None:
        """`allow` lists the operator's own hosts and ports, which may be private."""
        self._redirects = redirects
        self._own: Own = frozenset(allow)
        self._lookup = lookup
        self._sockets = sockets

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_bytes: int = 2_000_000,
        timeout_s: float = 15.0,
    ) -> Page:
        """Fetch one address, whatever its status.

        Invalid when it is not one that may be asked, or what a GET brought is not one that may be
        read; VendorRefused when surely nothing was sent; VendorUnknown when the answer is missing,
        or that to a POST cannot be read. The body of an answer to a POST is cut at `max_bytes`;
        that of a GET is refused beyond it.
        """
        asked = _Asked(
            url=check_url(url, self._own),
            method=method.upper(),
            headers=_headers(headers or {}),
            body=body,
            max_bytes=max_bytes,
        )
        self._check_credentials(asked)
        host = asked.url.raw_host or ""
        await at_hand("aiohttp")
        try:
            async with asyncio.timeout(timeout_s), self._session(timeout_s) as session:
                return await self._follow(session, asked)
        except TimeoutError:
            raise VendorUnknown(f"{host} did not answer within {timeout_s:g} s.") from None

    def _check_credentials(self, asked: _Asked) -> None:
        where = (asked.url.raw_host or "", asked.url.port or 0)
        is_open = asked.url.scheme != "https" and where not in self._own
        if is_open and any(_SECRET.search(name) for name in asked.headers):
            raise Invalid("A key is sent over https only.")

    @asynccontextmanager
    async def _session(self, timeout_s: float) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(
            resolver=Resolver(self._lookup, self._own),
            use_dns_cache=False,
            force_close=True,
            socket_factory=self._sockets,
        )
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(sock_connect=min(CONNECT_S, timeout_s)),
        ) as session:
            # aiohttp would send a GET again when the connection breaks; it has no public switch.
            session._retry_connection = False
            yield session

    async def _follow(self, session: aiohttp.ClientSession, asked: _Asked) -> Page:
        for left in range(self._redirects, -1, -1):
            found = await _once(session, asked)
            if isinstance(found, Page):
                return found
            if left:
                asked = self._redirected(asked, found)
        times = f"more than {self._redirects} times" if self._redirects else "elsewhere"
        raise Redirected(f"It redirects {times}.")

    def _redirected(self, asked: _Asked, location: str) -> _Asked:
        """The next request; another origin gets none of the caller's own headers."""
        try:
            # Parsed before it is joined: yarl's own parser decides, as it will when it is asked.
            text = str(asked.url.join(URL(location)))
        except ValueError:
            raise Invalid("It redirects to something that is no web address.") from None
        url = check_url(text, self._own)
        headers = asked.headers
        if url.origin() != asked.url.origin():
            kept = ((name, value) for name, value in headers.items() if name.lower() in _CARRIED)
            headers = CIMultiDict(kept)
        return replace(asked, url=url, headers=headers)


def _headers(given: Mapping[str, str]) -> CIMultiDict[str]:
    """The caller's headers over the defaults. Raises Invalid for those that are not theirs."""
    headers = CIMultiDict(DEFAULTS)
    for name, value in given.items():
        if name.lower() in _OURS or not (name.isascii() and name.isprintable() and name.strip()):
            raise Invalid(f"The header {name!r} cannot be set.")
        if not value.isprintable():
            raise Invalid(f"The header {name!r} holds a line break or another control.")
        headers[name] = value
    return headers


async def _once(session: aiohttp.ClientSession, asked: _Asked) -> Page | str:
    """Send one request; the page, or the address that it redirects to."""
    host = asked.url.raw_host or ""
    try:
        async with session.request(
            asked.method,
            asked.url,
            headers=asked.headers,
            data=_payload(asked.body),
            allow_redirects=False,
        ) as answer:
            location = answer.headers.get("Location")
            if location and asked.is_read and answer.status in (301, 302, 303, 307, 308):
                return location
            return await _page(answer, asked)
    except aiohttp.ClientConnectorDNSError:
        raise VendorRefused(f"There is no host {host}, or its name cannot be looked up.") from None
    except aiohttp.ClientConnectorCertificateError:
        raise VendorRefused(f"The certificate of {host} is not valid.") from None
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise VendorRefused(f"{host} cannot be reached.") from None
    except aiohttp.InvalidURL:
        raise Invalid("This is not a web address.") from None
    except (aiohttp.ClientError, OSError) as error:
        raise VendorUnknown(f"{host} broke off ({type(error).__name__}).") from None


def _payload(body: bytes | None) -> bytes | BytesIO | None:
    """The body; a long one as a file, which is sent piece by piece and holds nobody up."""
    return BytesIO(body) if body and len(body) > INLINE else body


async def _page(answer: aiohttp.ClientResponse, asked: _Asked) -> Page:
    try:
        body = await _body(answer, asked)
    except Invalid as error:
        if asked.is_read:
            raise
        raise VendorUnknown(f"It is not known what was done. {error.message}") from None
    media_type = answer.content_type.lower()
    reading = (media_type, answer.charset or "", body, str(answer.url))
    if len(body) > INLINE:
        title, text = await asyncio.to_thread(read, *reading)
    else:
        title, text = read(*reading)
    return Page(
        url=str(answer.url),
        status=answer.status,
        media_type=media_type,
        body=body,
        text=text,
        title=title,
        headers={name.lower(): value for name, value in answer.headers.items()},
    )


async def _body(answer: aiohttp.ClientResponse, asked: _Asked) -> bytes:
    """The body, decompressed, within the cap."""
    cap = asked.max_bytes
    too_long = Invalid(f"The answer is longer than {cap:,} bytes, the most that is read.")
    coding = answer.headers.get("Content-Encoding", "").strip().lower()
    if asked.is_read and not coding and (answer.content_length or 0) > cap:
        raise too_long
    inflate = _Inflate(coding, cap)
    async for chunk in answer.content.iter_chunked(CHUNK):
        inflate.feed(chunk)
        if inflate.is_full:
            if asked.is_read:
                raise too_long
            break
    return bytes(inflate.out[:cap])


class _Inflate:
    """Undoes a content coding, and never holds more than the cap and one byte."""

    def __init__(self, coding: str, cap: int) -> None:
        if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise Invalid("The answer is compressed in a way that was not asked for.")
        self.out = bytearray()
        self._room = cap + 1
        self._coding = coding
        self._stream: zlib._Decompress | None = None

    @property
    def is_full(self) -> bool:
        """There is more than the cap allows."""
        return len(self.out) >= self._room

    def feed(self, chunk: bytes) -> None:
        """Take one piece."""
        room = self._room - len(self.out)
        if self._coding in ("", "identity"):
            self.out += chunk[:room]
            return
        if self._stream is None:
            self._stream = zlib.decompressobj(self._window(chunk[0]))
        try:
            self.out += self._stream.decompress(chunk, room)
        except zlib.error:
            raise Invalid("The answer is compressed, and broken.") from None

    def _window(self, first: int) -> int:
        """`deflate` means zlib by the standard, raw by habit; the first byte tells them apart."""
        if self._coding != "deflate":
            return 16 + zlib.MAX_WBITS
        return zlib.MAX_WBITS if first & 0x0F == 8 else -zlib.MAX_WBITS
