"""Who may come in: the checks that stand before every handler.

    host     the name in the request is ours, so that no other site's name can point here
    limit    an address that keeps trying wrong secrets waits
    who      a bearer token or the session's cookie; tenant and person come from nothing else
    origin   what a browser sends with its cookie comes from our own page and has its token
    role     owners only, where the route says so

The peer's address is never proof of anything, and `X-Forwarded-*` is never read.
"""

import ipaddress
import logging
import re
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web

from bot.core.errors import Forbidden, LimitReached, StoreError, UserError
from bot.core.people import Role
from bot.core.ports import Clock
from bot.core.secret import Secret
from bot.credentials import Credentials, Visit
from bot.limits import Buckets, Rate
from bot.web.parts import VISIT, Access
from bot.web.visitor import VISITOR

log = logging.getLogger(__name__)

COOKIE = "bot_session"
CSRF = "X-CSRF-Token"
WRONG_TOKENS = Rate(count=20, seconds=60)
"""Per address: after so many wrong tokens none is tried for a while."""
SIGN_INS = Rate(count=10, seconds=60)
"""Per address: tries of a sign-in link."""
_UNSURE = "The database cannot be used, so nobody knows who calls. Try again in a moment."
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class SignedOut(UserError):
    """You are not signed in. Send a token as `Authorization: Bearer`, or open a sign-in link."""

    status = 401


class StalePage(Forbidden):
    """This page is older than your sign-in. Load it again; what you wrote is kept."""


class WrongHost(UserError):
    """This name is not ours. Set `public_url` to the address that people use."""

    status = 421


class Gate:
    """Lets requests in, or raises what they are told."""

    def __init__(self, credentials: Credentials, clock: Clock, public_url: str) -> None:
        self._credentials = credentials
        self._buckets = Buckets(clock)
        public = urlsplit(public_url)
        self._public = public.netloc.lower()
        self._is_https = public.scheme == "https"

    def check_host(self, request: web.Request) -> None:
        """Raises WrongHost unless the request names this machine itself or the public address."""
        host = request.headers.get("Host", "").lower()
        if not host or (host != self._public and not is_loopback(host)):
            raise WrongHost

    def is_secure(self, request: web.Request) -> bool:
        """Whether a cookie for this request may be kept to TLS."""
        return self._is_https and request.headers.get("Host", "").lower() == self._public

    async def admit(self, request: web.Request, access: Access) -> None:
        """Put the visitor on the request. Raises SignedOut, Forbidden, LimitReached, StoreError."""
        authorization = request.headers.get("Authorization")
        try:
            if authorization is not None:
                visit = await self._bearer(request, authorization)
            else:
                visit = await self._browser(request)
        except StoreError as error:
            log.error("Who calls cannot be looked up: %s", error.message)
            raise StoreError(_UNSURE) from error
        if access is Access.OWNER and visit.person.role is not Role.OWNER:
            raise Forbidden("Only owners may do this. Ask an owner of this workspace.")
        request[VISIT] = visit
        request[VISITOR] = visit

    def count_sign_in(self, request: web.Request) -> None:
        """Count one try of a link. Raises LimitReached."""
        if wait := self._buckets.take(("in", request.remote or ""), SIGN_INS):
            raise _wait(wait)

    def check_origin(self, request: web.Request) -> None:
        """Raises Forbidden unless the request was sent from our own page.

        A page that sends no referrer makes browsers send `Origin: null` with a form; then, and
        where there is no origin at all, the browser's own `Sec-Fetch-Site` has to say it.
        """
        origin = request.headers.get("Origin", "null")
        if origin == "null":
            if request.headers.get("Sec-Fetch-Site") != "same-origin":
                raise Forbidden("This request did not come from a page of Switchboard.")
            return
        if origin.lower().partition("://")[2] != request.headers.get("Host", "").lower():
            raise Forbidden("This request came from another site's page.")

    async def _bearer(self, request: web.Request, authorization: str) -> Visit:
        """The right token always opens: an address may be a proxy with strangers behind it."""
        scheme, _, token = authorization.partition(" ")
        visit = None
        if scheme.lower() == "bearer" and token:
            visit = await self._credentials.by_token(token.strip())
        if visit is None:
            if wait := self._buckets.take(("token", request.remote or ""), WRONG_TOKENS):
                raise _wait(wait)
            raise SignedOut("This token opens nothing. `bot token create` makes a new one.")
        return visit

    async def _browser(self, request: web.Request) -> Visit:
        cookie = request.cookies.get(COOKIE, "")
        visit = await self._credentials.by_cookie(cookie) if cookie else None
        if visit is None:
            raise SignedOut
        if request.method not in _SAFE:
            self.check_origin(request)
            if not Secret(visit.csrf).matches(request.headers.get(CSRF, "")):
                raise StalePage
        return visit


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a Host header names the machine itself, with any port."""
    named = _HOST.fullmatch(host)
    if named is None:
        return False
    name = named[1].strip("[]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _wait(seconds: float) -> LimitReached:
    return LimitReached(f"Too many wrong tries from this address. Wait {seconds:.0f} seconds.")
