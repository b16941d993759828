"""The page between a conversation and the outside: it shows where a link leads before it is opened.

An agent that has read other people's words may have been made to write a link; where a person did
not name its address, the chat leads here. The page itself never leads on, it has a button. It
answers only for addresses that stand in a conversation that the visitor may read, so nobody can
make this house vouch for an address of theirs.

Browsers read addresses more kindly than the standard (WHATWG URL, https://url.spec.whatwg.org/,
read 2027-02-11: `\\` is `/`, `%2e` in a host is a dot, line ends are dropped). Whatever could be
read in two ways is shown and not opened.
"""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit, urlunsplit

from aiohttp import web

from bot.frozen import frozen
from bot.render.text import visible
from bot.transcript import Transcript
from bot.web.pages import error_page, render
from bot.web.parts import VISIT

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAX_CHARS = 2000
_TWO_WAYS = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?|\[[0-9a-f:.]+\]")


@frozen
class Lead:
    """Where an address leads."""

    shown: str
    """The address with everything hidden written out."""
    host: str = ""
    """As it is looked up: letters of other scripts as `xn--…`."""
    meant: str = ""
    """The host as it was written, where that looks different."""
    href: str = ""
    """The address to open, with that host; empty when it must not be opened."""
    why_not: str = ""


def lead(address: str) -> Lead:
    """Say where an address leads, or why it is not opened."""
    shown = visible(address)
    if _TWO_WAYS.search(address) or shown != address:
        return Lead(shown=shown, why_not="There are hidden or misleading characters in it.")
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port is not None else ""
        written = parts.hostname or ""
        host = f"[{written}]" if ":" in written else written.encode("idna").decode().lower()
    except ValueError:
        return Lead(shown=shown, why_not="It is no whole address.")
    if parts.scheme.lower() not in ("http", "https"):
        return Lead(shown=shown, why_not="It is no address of a page.")
    if "@" in parts.netloc:
        return Lead(shown=shown, host=host, why_not="A name before the host hides where it leads.")
    if not _HOST.fullmatch(host):
        return Lead(shown=shown, why_not="Its host is not written as hosts are.")
    href = urlunsplit(parts._replace(netloc=f"{host}{port}"))
    meant = "" if host in (written, f"[{written}]") else written
    return Lead(shown=shown, host=f"{host}{port}", meant=meant, href=href)


def routes(transcript: Transcript) -> list[tuple[str, str, Handler]]:
    """Method, path and handler of the page."""

    async def outward(request: web.Request) -> web.StreamResponse:
        conv, address = request.match_info["conversation"], request.query.get("to", "")
        if not 0 < len(address) <= MAX_CHARS or not await transcript.says(
            request[VISIT].person, conv, address
        ):
            return error_page(404, "This address does not stand in the conversation.")
        return render("outward.html", lead=lead(address), back=conv)

    return [("GET", "/chat/{conversation}/out", outward)]
