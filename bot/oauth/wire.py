"""What goes over the wire to a vendor's OAuth, and what its answers say.

`Wire` is one vendor, one app. It keeps nothing, tries nothing twice and tells three failures apart:
`Declined` (the vendor said no, and by what word), `Busy` (not now; when to ask again) and
`VendorUnknown` (no answer that can be read: it may have happened). No error repeats a vendor's
words. RFC 6749 sections 4.1.3, 5 and 6; RFC 7009 for revoking.
"""

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from bot.core.canonical import Json
from bot.core.errors import ConnectionBroken, Invalid, VendorRefused, VendorUnknown
from bot.core.ports import Clock, Fetcher, Page
from bot.core.secret import Secret
from bot.frozen import field, frozen
from bot.oauth.provider import App, Proof, Provider, inside

TIMEOUT_S: Final = 15.0
MAX_ANSWER: Final = 200_000
MOST_WAIT_S: Final = 3_600.0
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_BUSY = frozenset({"temporarily_unavailable", "slow_down", "rate_limit_exceeded", "server_error"})
_NO_SECRET = Secret("")


class Declined(VendorRefused):
    """The vendor said no."""

    def __init__(self, message: str, word: str) -> None:
        super().__init__(message)
        self.word = word
        """The vendor's word for why, such as `invalid_grant`."""


class Busy(VendorRefused):
    """The vendor cannot do it now; nothing happened there."""

    may_retry = True


@frozen
class Grant:
    """What a token's answer says."""

    access: Secret
    refresh: Secret = _NO_SECRET
    expires_at: datetime | None = None
    refresh_until: datetime | None = None
    scopes: tuple[str, ...] | None = None
    """As the vendor names them; None where it does not say."""
    id_token: Secret = _NO_SECRET
    told: Mapping[str, Json] = field(default_factory=dict, repr=False)
    """All of it, for what a vendor says besides."""


@frozen
class Asked:
    """One call to a vendor."""

    method: str
    url: str
    form: Mapping[str, str] | None = None
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Wire:
    """One vendor, asked in the name of one app."""

    def __init__(
        self, provider: Provider, app: App, fetcher: Fetcher, clock: Clock, endpoint: str = ""
    ) -> None:
        """`endpoint` stands in for all of the vendor's hosts: `BOT_ENDPOINT_NAME`."""
        self.provider = provider
        self.app = app
        self._fetcher = fetcher
        self._clock = clock
        self._endpoint = endpoint

    def at(self, url: str) -> str:
        """An address of the record, where it is reached in this house."""
        tenant = self.app.more.get("tenant", "")
        one = tenant if tenant and "," not in tenant else "organizations"
        made = url.replace("{tenant}", quote(one, safe=""))
        if self._endpoint:
            parts = urlsplit(made)
            made = self._endpoint + parts._replace(scheme="", netloc="").geturl()
        return made

    def consent(self, asked: Mapping[str, str]) -> str:
        """The consent page, with what is asked."""
        return with_query(self.at(self.provider.authorize_url), asked)

    async def exchange(self, code: str, verifier: str, redirect: str) -> Grant:
        """What a code is good for, once. Raises Declined, Busy, VendorUnknown."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        if self.provider.pkce:
            form["code_verifier"] = verifier
        first = await self._token(Asked(method="POST", url=self.provider.token_url, form=form))
        if (longer := self.provider.longer) is None:
            return first
        made = await self._longer(longer.exchange, longer.exchange_url, first.access)
        scopes = made.scopes if made.scopes is not None else first.scopes
        return _with(made, scopes=scopes, told={**first.told, **made.told})

    async def refresh(self, refresh: Secret) -> Grant:
        """A new token for a refresh token. Raises Declined, Busy, VendorUnknown."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
        form |= dict(self.provider.refresh or {})
        return await self._token(Asked(method="POST", url=self.provider.token_url, form=form))

    async def prolong(self, access: Secret) -> Grant:
        """A token that lives on, for one that still works. Raises as `refresh` does."""
        longer = self.provider.longer
        assert longer is not None  # noqa: S101  (asked where the record has it)
        return await self._longer(longer.renew, longer.renew_url, access)

    async def _longer(self, grant: str, url: str, access: Secret) -> Grant:
        longer = self.provider.longer
        assert longer is not None  # noqa: S101  (asked where the record has it)
        told = {"grant_type": grant, longer.field: access.reveal()}
        if grant in longer.with_secret:
            told["client_secret"] = self._secret()
            if longer.with_id:
                told["client_id"] = self.app.id
        if longer.method == "POST":
            asked = Asked(method="POST", url=url, form=told)
        else:
            asked = Asked(method="GET", url=url, query=told)
        return self._grant(await self.call(asked), longer.lasts)

    async def _token(self, asked: Asked) -> Grant:
        form, headers = self._proven(dict(asked.form or {}))
        page = await self.call(Asked(method="POST", url=asked.url, form=form, headers=headers))
        return self._grant(page, self.provider.lasts)

    def _proven(self, form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The form and headers by which our app proves itself."""
        secret, proof = self._secret(), self.provider.proof
        if proof is Proof.BEARER:
            return form, {"Authorization": f"Bearer {secret}"}
        if proof is Proof.BASIC and secret:
            pair = f"{quote(self.app.id, safe='')}:{quote(secret, safe='')}"
            return form, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        form[self.provider.client_id] = self.app.id
        if secret:
            form["client_secret"] = secret
        return form, {}

    def _secret(self) -> str:
        if self.provider.secret_of:
            return self.provider.secret_of(self.app, int(self._clock.now().timestamp()))
        return self.app.secret.reveal()

    async def revoke(self, account: str, kind: str, token: Secret) -> None:
        """Tell the vendor that it is over. Raises Declined, Busy, VendorError."""
        way = self.provider.revoke
        assert way is not None  # noqa: S101  (asked where the record has it)
        url = way.url.replace("{account}", quote(account, safe=""))
        if way.as_bearer:
            bearer = self.bearer(token)
            asked = Asked(method=way.method, url=url, query=self.dressed(token), headers=bearer)
        else:
            more = {
                name: text.replace("{kind}", kind).replace("{account}", account)
                for name, text in way.form.items()
            }
            form = {**({} if "stripe_user_id" in more else {"token": token.reveal()}), **more}
            form, headers = self._proven(form) if way.proof else (form, {})
            if self.provider.proof is Proof.BEARER:
                form[self.provider.client_id] = self.app.id
            asked = Asked(method=way.method, url=url, form=form, headers=headers)
        self.check(await self.call(asked))

    async def who(self, access: Secret) -> Mapping[str, Json]:
        """The vendor's own words on whose token it is.

        Raises ConnectionBroken when it takes the token no more; Busy, VendorError.
        """
        return await self.get(self.provider.who.url, access)

    async def get(self, url: str, access: Secret) -> Mapping[str, Json]:
        """A small answer of the vendor to our token. Raises as `who` does."""
        page = await self.call(
            Asked(method="GET", url=url, query=self.dressed(access), headers=self.bearer(access))
        )
        told = _object(page)
        tells = self.provider.who.tells
        if page.status in (401, 403) or (tells and told.get(tells) is False):
            raise ConnectionBroken(f"{self.provider.title} does not take its token any more.")
        self.check(page)
        return told

    def bearer(self, access: Secret) -> dict[str, str]:
        """The header that carries a token."""
        return {"Authorization": f"Bearer {access.reveal()}"}

    def dressed(self, access: Secret) -> Mapping[str, str]:
        """What goes into the query beside a token."""
        return self.provider.dress(self.app, access) if self.provider.dress else {}

    async def call(self, asked: Asked) -> Page:
        """Ask; whatever the status. Raises VendorRefused (not sent), VendorUnknown."""
        body = urlencode(asked.form).encode() if asked.form is not None else None
        headers = {"Accept": "application/json", **self.common(), **asked.headers}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            return await self._fetcher.fetch(
                with_query(self.at(asked.url), asked.query),
                method=asked.method,
                headers=headers,
                body=body,
                max_bytes=MAX_ANSWER,
                timeout_s=TIMEOUT_S,
            )
        except Invalid as error:
            raise VendorUnknown(f"{self.provider.title}: {error.message}") from None

    def common(self) -> dict[str, str]:
        """The headers of every call."""
        contact = self.app.more.get("contact") or self.app.id
        return {
            name: text.replace("{app}", self.app.id).replace("{contact}", contact)
            for name, text in self.provider.headers.items()
        }

    def check(self, page: Page) -> Mapping[str, Json]:
        """The answer, if it is a yes. Raises Declined, Busy."""
        told, title = _object(page), self.provider.title
        error = told.get("error")
        word = error.get("code") if isinstance(error, Mapping) else error
        word = str(word) if word and word != "ok" else ""
        is_fine = page.status < 400 and not word
        if self.provider.ok and told.get(self.provider.ok) is False:
            is_fine = False
        if is_fine:
            return told
        if page.status == 429 or page.status >= 500 or word in (*_BUSY, *self.provider.busy):
            wait = self._wait(page.headers.get("retry-after", ""))
            raise Busy(
                f"{title} cannot answer now (HTTP {page.status}). Try again later.",
                retry_after_s=wait,
            )
        shown = word if is_shown(word) else "no reason that can be shown"
        raise Declined(f"{title} refused (HTTP {page.status}, {shown}).", word)

    def _wait(self, text: str) -> float | None:
        """`Retry-After`, seconds or a date, within reason."""
        if text.isascii() and text.isdigit() and len(text) < 10:
            return min(float(text), MOST_WAIT_S)
        try:
            at = parsedate_to_datetime(text)
            wait = (at - self._clock.now()).total_seconds()
        except (TypeError, ValueError):
            return None
        return min(max(wait, 0.0), MOST_WAIT_S)

    def _grant(self, page: Page, lasts: timedelta | None) -> Grant:
        told = self.check(page)
        body = inside(dict(told), self.provider.answer_in) if self.provider.answer_in else None
        said = body if isinstance(body, Mapping) else told
        access = said.get("access_token")
        if not isinstance(access, str) or not access:
            raise VendorUnknown(f"{self.provider.title} answered without a token.")
        now = self._clock.now()
        until = _span(said, "refresh_token_expires_in", "refresh_expires_in")
        until = until if until is not None else self.provider.refresh_lasts
        lives = _span(said, "expires_in")
        lives = lives if lives is not None else lasts
        refresh, id_token = said.get("refresh_token"), said.get("id_token")
        return Grant(
            access=Secret(access),
            refresh=Secret(refresh if isinstance(refresh, str) else ""),
            expires_at=now + lives if lives is not None else None,
            refresh_until=now + until if until is not None else None,
            scopes=_scopes(said.get(self.provider.scopes_in)),
            id_token=Secret(id_token if isinstance(id_token, str) else ""),
            told=said,
        )


def is_shown(word: str) -> bool:
    """Whether a vendor's word is one, and so may be repeated."""
    return bool(_WORD.fullmatch(word))


def with_query(url: str, query: Mapping[str, str]) -> str:
    """An address with more in its query."""
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _with(grant: Grant, scopes: tuple[str, ...] | None, told: Mapping[str, Json]) -> Grant:
    return Grant(
        access=grant.access,
        refresh=grant.refresh,
        expires_at=grant.expires_at,
        refresh_until=grant.refresh_until,
        scopes=scopes,
        id_token=grant.id_token,
        told=told,
    )


def _object(page: Page) -> Mapping[str, Json]:
    try:
        told = json.loads(page.body or b"{}")
    except (ValueError, RecursionError):
        told = None
    return told if isinstance(told, dict) else {}


def _span(said: Mapping[str, Json], *names: str) -> timedelta | None:
    for name in names:
        value = said.get(name)
        text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
        if text.isascii() and text.isdigit() and 0 < int(text[:12]) < 10**10:
            return timedelta(seconds=int(text[:12]))
    return None


def _scopes(value: Json) -> tuple[str, ...] | None:
    """RFC 6749 puts spaces between them, some vendors commas, one gives a list."""
    if isinstance(value, list):
        return tuple(str(item) for item in value)
    if isinstance(value, str):
        return tuple(filter(None, re.split(r"[ ,]+", value)))
    return None
