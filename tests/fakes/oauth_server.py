"""A server that plays the OAuth of every vendor, strictly, from what their documents say.

It was written from RFC 6749, 7636, 7009 and 9207 and from a sheet of vendors' facts (`RULES` below),
not from the flow that it judges: how the app proves itself, what separates scopes, where PKCE is a
must, what rotates. Whatever a client should not have sent stands in `mistakes`. All vendors live at
one address, told apart by their paths, as `BOT_ENDPOINT_NAME` makes it.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import jwt
from aiohttp import web

from tests.fakes.oauth_rules import RULES, Rule, answer_of, who_of
from tests.fakes.troubled import Wire

CLIENT, SECRET = "client-of-ours", "canary-client-secret-5f2e"


@dataclass
class Consent:
    """What a person agreed to."""

    scopes: list[str]
    redirect: str
    challenge: str
    nonce: str
    account: str
    used: bool = False


@dataclass
class Issued:
    """A token that is out."""

    consent: Consent
    refresh: str = ""
    alive: bool = True


@dataclass
class Faults:
    """What goes wrong, until a test says otherwise."""

    token_status: int = 0
    """The token address answers this."""
    retry_after: str = ""
    drop_answer: bool = False
    """It does what it was asked and hangs up."""
    declined: str = ""
    """It answers 400 with this word."""
    revoke_status: int = 0
    no_refresh: bool = False
    scopes: list[str] | None = None
    """What is granted, whatever was asked."""
    slow_s: float = 0.0
    redirect_to: str = ""
    """The API redirects there."""
    nonce: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)
    expires_in: int | None = None


class OAuthServer:
    """One vendor."""

    def __init__(self, name: str, key: str = "") -> None:
        """`key`: the public key that Apple's client secrets are held against."""
        self.rule: Rule = RULES[name]
        self.name, self.key = name, key
        self.faults = Faults()
        self.wire = Wire()
        self.mistakes: list[str] = []
        self.consents: dict[str, Consent] = {}
        self.access: dict[str, Issued] = {}
        self.refreshes: dict[str, Issued] = {}
        self.calls: dict[str, int] = {}
        self.seen: list[Mapping[str, str]] = []
        """Headers of each call of the API."""
        self.revoked: list[str] = []
        self.verifiers: list[str] = []
        self.base = ""
        self.account = f"{name}-account-1"
        self.refresh_begins = "canary-refresh-"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=60_000_000, middlewares=[self.wire.stand])
        app.router.add_route("*", "/{path:.*}", self._any)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()

    # --- the person's part -------------------------------------------------------------------

    def agree(self, address: str) -> Mapping[str, str]:
        """What a person who says yes on the consent page sends the browser back with."""
        parts = urlsplit(address)
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        rule = self.rule
        if parts.path != rule.authorize:
            self.mistakes.append(f"the consent page is {rule.authorize}, not {parts.path}")
        for name, value in {"response_type": "code", rule.client_id: CLIENT, **rule.params}.items():
            if asked.get(name) != value:
                self.mistakes.append(f"{name} is {asked.get(name)!r}, not {value!r}")
        if len(asked.get("state", "")) < 43 or len(asked.get("state", "")) > 500:
            self.mistakes.append("state has no 256 bits, or is too long")
        scopes = asked.get("scope", "").split(rule.separator)
        other = "," if rule.separator == " " else " "
        if any(other in scope for scope in scopes) or not all(scopes):
            self.mistakes.append(f"scopes are not separated by {rule.separator!r}: {scopes}")
        if not rule.scopes.issuperset(scopes):
            self.mistakes.append(f"unknown scopes {sorted(set(scopes) - rule.scopes)}")
        if rule.pkce == "required" and asked.get("code_challenge_method") != "S256":
            self.mistakes.append("PKCE with S256 is a must")
        if rule.pkce == "" and "code_challenge" in asked:
            self.mistakes.append("PKCE is not spoken here")
        if rule.nonce and len(asked.get("nonce", "")) < 22:
            self.mistakes.append("an id token wants a nonce")
        if not urlsplit(asked.get("redirect_uri", "")).path.endswith(
            f"/oauth/{self.name}/callback"
        ):
            self.mistakes.append("an unregistered redirect_uri")
        code = secrets.token_urlsafe(24)
        self.consents[code] = Consent(
            scopes=scopes if self.faults.scopes is None else self.faults.scopes,
            redirect=asked.get("redirect_uri", ""),
            challenge=asked.get("code_challenge", ""),
            nonce=asked.get("nonce", ""),
            account=self.account,
        )
        back = {"code": code + rule.tail, "state": asked.get("state", "")}
        if rule.iss:
            back["iss"] = rule.iss
        return back

    # --- what it serves ------------------------------------------------------------------------

    async def _any(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.calls[path] = self.calls.get(path, 0) + 1
        rule = self.rule
        for name, check in rule.headers.items():
            if path != rule.authorize and not check(request.headers.get(name, "")):
                self.mistakes.append(f"{path}: {name} is {request.headers.get(name)!r}")
        if path in (rule.longer, rule.renew) and "grant_type" in {
            **request.query,
            **await _form(request),
        }:
            told = {**request.query, **await _form(request)}
            if told["grant_type"] in (rule.longer_grant, rule.renew_grant):
                return await self._longer(request, told)
        if path == rule.authorize:
            return self._consent(request)
        if path == rule.token:
            return await self._token(request)
        if rule.revoke and path == rule.revoke.replace("{account}", self.account):
            return await self._revoke(request)
        return await self._api(request)

    def _consent(self, request: web.Request) -> web.StreamResponse:
        """A person who says yes at once, and goes back the way that this vendor sends people."""
        back = self.agree(str(request.url))
        where = request.query["redirect_uri"]
        if self.rule.params.get("response_mode") != "form_post":
            return web.Response(status=302, headers={"Location": f"{where}?{urlencode(back)}"})
        fields = "".join(f'<input name="{name}" value="{value}">' for name, value in back.items())
        page = f'<form method="post" action="{where}">{fields}</form>'
        text = f"<title>consent</title>{page}<script>document.forms[0].submit()</script>"
        return web.Response(text=text, content_type="text/html")

    def _client(self, request: web.Request, form: Mapping[str, str]) -> bool:
        """Whether the app proved itself in the one way that is right here."""
        ways = []
        header = request.headers.get("Authorization", "")
        if header.startswith("Basic "):
            pair = base64.b64decode(header[6:]).decode().split(":", 1)
            ways.append(("basic", tuple(map(unquote, pair)) == (CLIENT, SECRET)))
        if header.startswith("Bearer "):
            ways.append(("bearer", header[7:] == SECRET))
        if "client_secret" in form:
            ways.append(("body", self._is_secret(form) and form.get(self.rule.client_id) == CLIENT))
        if ways == [(self.rule.proof, True)]:
            return True
        self.mistakes.append(f"the app proves itself by {self.rule.proof}, not by {ways}")
        return False

    def _is_secret(self, form: Mapping[str, str]) -> bool:
        if not self.rule.jwt_secret:
            return hmac.compare_digest(form["client_secret"], SECRET)
        try:
            claims = jwt.decode(
                form["client_secret"], self.key, algorithms=["ES256"],
                audience="https://appleid.apple.com",
                options={"verify_exp": False, "verify_iat": False},
            )  # fmt: skip
        except jwt.PyJWTError:
            return False
        kid = jwt.get_unverified_header(form["client_secret"]).get("kid")
        short = claims["exp"] - claims["iat"] <= 15_777_000
        return claims["sub"] == CLIENT and claims["iss"] == "TEAM1" and kid == "KEY1" and short

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = await _form(request)
        if request.method != "POST" or request.query_string:
            self.mistakes.append("the token address takes a POST with a form and no query")
        if self.faults.slow_s:
            await asyncio.sleep(self.faults.slow_s)
        if not self._client(request, form):
            return self._no("invalid_client", 401)
        if self.faults.token_status:
            headers = {"Retry-After": self.faults.retry_after} if self.faults.retry_after else {}
            return web.json_response({}, status=self.faults.token_status, headers=headers)
        if self.faults.declined:
            return self._no(self.faults.declined)
        if form.get("grant_type") == "authorization_code":
            return await self._of_code(request, form)
        if form.get("grant_type") == "refresh_token" and self.rule.refresh:
            return await self._of_refresh(request, form)
        self.mistakes.append(f"grant_type {form.get('grant_type')!r}")
        return self._no("unsupported_grant_type")

    async def _of_code(self, request: web.Request, form: Mapping[str, str]) -> web.StreamResponse:
        consent = self.consents.get(form.get("code", ""))
        if consent is None or consent.used:
            return self._no("invalid_grant")
        consent.used = True
        verifier = form.get("code_verifier", "")
        if form.get("redirect_uri") != consent.redirect:
            self.mistakes.append("another redirect_uri than before")
            return self._no("invalid_grant")
        if consent.challenge:
            self.verifiers.append(verifier)
            hashed = hashlib.sha256(verifier.encode()).digest()
            if base64.urlsafe_b64encode(hashed).decode().rstrip("=") != consent.challenge:
                self.mistakes.append("the verifier does not fit")
                return self._no("invalid_grant")
            if not 43 <= len(verifier) <= 128:
                self.mistakes.append("a verifier has 43 to 128 characters")
        elif verifier:
            self.mistakes.append("a verifier without a challenge")
        return await self._give(request, consent, first=True)

    async def _of_refresh(
        self, request: web.Request, form: Mapping[str, str]
    ) -> web.StreamResponse:
        for name, value in self.rule.refresh_form.items():
            if form.get(name) != value:
                self.mistakes.append(f"a refresh wants {name}={value}")
        known = self.refreshes.get(form.get("refresh_token", ""))
        if known is None or not known.alive:
            return self._no(self.rule.dead)
        if self.rule.rotates:
            known.alive = False
        return await self._give(request, known.consent, first=False)

    async def _longer(self, request: web.Request, told: Mapping[str, str]) -> web.StreamResponse:
        rule = self.rule
        if self.faults.slow_s:
            await asyncio.sleep(self.faults.slow_s)
        if request.method != rule.longer_method:
            self.mistakes.append(f"{request.path} takes {rule.longer_method}")
        is_first = told["grant_type"] == rule.longer_grant
        if is_first or rule.longer_grant == rule.renew_grant:
            if told.get("client_secret") != SECRET:
                self.mistakes.append(f"{told['grant_type']} wants the app's secret")
        elif "client_secret" in told:
            self.mistakes.append(f"{told['grant_type']} does not want the app's secret")
        if self.faults.token_status:
            headers = {"Retry-After": self.faults.retry_after} if self.faults.retry_after else {}
            return web.json_response({}, status=self.faults.token_status, headers=headers)
        known = self.access.get(told.get(rule.longer_field, ""))
        if known is None or not known.alive or self.faults.declined:
            return self._no(rule.dead)
        return await self._give(request, known.consent, first=False)

    async def _give(
        self, request: web.Request, consent: Consent, *, first: bool
    ) -> web.StreamResponse:
        access = f"canary-access-{secrets.token_hex(8)}"
        issued = Issued(consent)
        self.access[access] = issued
        refresh = ""
        if self.rule.refresh and not self.faults.no_refresh and (first or self.rule.rotates):
            refresh = f"{self.refresh_begins}{secrets.token_hex(8)}"
            self.refreshes[refresh] = Issued(consent)
        if self.faults.drop_answer:
            assert request.transport
            request.transport.abort()
            return web.Response()
        said = answer_of(self.rule, access, refresh, consent.scopes, self.faults.expires_in)
        if self.rule.nonce:
            said["id_token"] = self._id_token(consent)
        return web.json_response(said)

    def _id_token(self, consent: Consent) -> str:
        now = int(time.time())
        claims = {
            "iss": self.rule.issuer, "aud": CLIENT, "sub": consent.account, "iat": now,
            "exp": 4_000_000_000, "nonce": self.faults.nonce or consent.nonce,
            "email": "ann@example.com", "tid": "T-1", "oid": consent.account,
        }  # fmt: skip
        return jwt.encode({**claims, **self.faults.claims}, "k" * 32, algorithm="HS256")

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        if self.faults.revoke_status:
            return web.Response(status=self.faults.revoke_status)
        form, rule = await _form(request), self.rule
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ") if rule.revoke_bearer else form.get("token", "")
        if rule.revoke_proof and not self._client(request, form):
            return self._no("invalid_client", 401)
        if request.method != rule.revoke_method:
            self.mistakes.append(f"revoking takes {rule.revoke_method}")
        if rule.revoke_account:
            if form.get(rule.revoke_account) != self.account or form.get("client_id") != CLIENT:
                self.mistakes.append("revoking names the account and the app")
        elif token not in self.access and token not in self.refreshes:
            self.mistakes.append("revoking names a token that is out")
        self.revoked.append(token)
        for issued in (*self.access.values(), *self.refreshes.values()):
            if issued.consent.account == self.account:
                issued.alive = False
        return web.json_response({"ok": True})

    async def _api(self, request: web.Request) -> web.StreamResponse:
        """Anything else is a call of the API with a token."""
        self.seen.append(dict(request.headers))
        if self.faults.redirect_to:
            return web.Response(status=302, headers={"Location": self.faults.redirect_to})
        if "canary" in request.query_string:
            self.mistakes.append("a token stands in an address")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        issued = self.access.get(token)
        if issued is None or not issued.alive:
            if self.rule.ok:
                return web.json_response({"ok": False, "error": "invalid_auth"})
            return web.json_response({"error": {"code": 190}}, status=401)
        if self.rule.appsecret_proof:
            proof = hmac.digest(SECRET.encode(), token.encode(), "sha256").hex()
            if request.query.get("appsecret_proof") != proof:
                self.mistakes.append("a call without its appsecret_proof")
        if request.path == self.rule.permissions:
            data = [{"permission": s, "status": "granted"} for s in issued.consent.scopes]
            return web.json_response({"data": [*data, {"permission": "x", "status": "declined"}]})
        if request.path == self.rule.who:
            return web.json_response(who_of(self.rule, issued.consent.account))
        return web.json_response({"you": issued.consent.account})

    def expire(self) -> None:
        """No access token works any more."""
        for issued in self.access.values():
            issued.alive = False

    def _no(self, word: str, status: int = 400) -> web.StreamResponse:
        if self.rule.ok:
            return web.json_response({"ok": False, "error": word})
        if self.rule.graph:
            code = int(word) if word.isdigit() else 100
            return web.json_response({"error": {"code": code, "message": SECRET}}, status=status)
        return web.json_response({"error": word, "error_description": SECRET}, status=status)


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    return {name: str(value) for name, value in (await request.post()).items()}
