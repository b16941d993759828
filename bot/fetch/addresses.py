"""Which addresses may be asked.

Everything that a person, a model or somebody's page names goes through here: http and https, the
two usual ports, public hosts. A name is resolved once, every answer is checked, and the connection
goes to the very address that was checked, so a name that means something else a moment later (DNS
rebinding) gains nothing. What an operator listed as their own is exempt.

Networks: IANA special-purpose registries for IPv4 and IPv6, read 2026-11-01.
https://www.iana.org/assignments/iana-ipv4-special-registry
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.core.errors import Invalid

Own = frozenset[tuple[str, int]]
"""Hosts and ports that may be asked although they are private."""
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""A name and a port to its addresses. Raises OSError when there is none."""

PORTS: Final = frozenset({80, 443})
_INSIDE_4 = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # answers as a metadata host inside Azure
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
_INSIDE_6 = tuple(
    IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48")
)
"""Inside the global block, yet not public: tunnels that hold an IPv4 address, and examples."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""How an IPv6-only network names the IPv4 address in the last 32 bits."""
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_LOCAL = (
    *(".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".private"),
    *(".localdomain", ".home.arpa", ".onion", ".test", ".invalid", ".consul", ".svc"),
)
_METADATA = frozenset({"metadata.goog", "instance-data.ec2.internal", "metadata.tencentyun.com"})
_UNFIT = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
_WRITTEN = re.compile(r"(?:[\w.~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", re.ASCII)
"""What a path and a query hold that need no mending."""
_STEPS = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


def check_url(text: str, own: Own = frozenset()) -> URL:
    """Return the address, ready to be asked. Raises Invalid with the reason for the person."""
    if _UNFIT.search(text) or len(text) > 8_000:
        raise Invalid("This is not a web address.")
    try:
        url = URL(text)
        host, port = (url.raw_host or "").lower().removesuffix("."), url.port
    except ValueError:
        raise Invalid("This is not a web address.") from None
    if url.scheme not in ("http", "https") or not host or port is None:
        raise Invalid("Only http:// and https:// addresses can be opened.")
    if "@" in url.raw_authority:
        raise Invalid("An address with a name or a password in it is not opened.")
    if (host, port) not in own:
        if port not in PORTS:
            raise Invalid("Only the ports 80 and 443 can be asked.")
        _check_host(host)
    url = _as_written(url, text)
    if host != url.raw_host:
        url = url.with_host(host)
    return url.with_fragment(None)


def _as_written(url: URL, text: str) -> URL:
    """The address with the caller's own percent signs: yarl would make a colon of `%3A`, and there
    are vendors that tell the two apart (LinkedIn's names in paths, for one).
    """
    parts = urlsplit(text)
    is_fine = _WRITTEN.fullmatch(parts.path + parts.query) and not _STEPS.search(parts.path)
    if "%" not in text or not is_fine:
        return url
    return URL.build(
        scheme=url.scheme,
        authority=url.raw_authority,
        path=parts.path or "/",
        query_string=parts.query,
        encoded=True,
    )


def _check_host(host: str) -> None:
    """Refuse a host that is an inside address in any spelling, or a name of an inside network."""
    if ":" in host:
        check_address(host)
    elif _NUMBER.fullmatch(host.rpartition(".")[2]):
        # Such a host is an IPv4 address to every browser and resolver; only one spelling is taken.
        check_address(host)
    elif not _NAME.fullmatch(host):
        raise Invalid("This is not the name of a public host.")
    elif f".{host}".endswith(_LOCAL) or host in _METADATA:
        raise Invalid("This address lies inside a private network.")


def check_address(text: str) -> None:
    """Raise Invalid unless this is a public IPv4 or IPv6 address, written the usual way."""
    try:
        address = ip_address(text)
    except ValueError:
        raise Invalid("This is not the name of a public host.") from None
    if not _is_public(address):
        raise Invalid("This address lies inside a private network.")


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _INSIDE_4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return _is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _INSIDE_6)


async def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(where[0]) for *_, where in found]


class Resolver(AbstractResolver):
    """Resolves for one fetch: gives the connector only addresses that were checked."""

    def __init__(self, lookup: Lookup, own: Own) -> None:
        self._lookup = lookup
        self._own = own

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Checked addresses. One inside answer refuses all: nobody mixes them by accident."""
        found = await self._lookup(host, port)
        if (host, port) not in self._own:
            for address in found:
                check_address(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing is held."""
