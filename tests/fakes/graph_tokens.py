"""The token endpoint before Graph: client credentials only, and the two documents that MSAL reads.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
(read 2026-11-21). MSAL goes to https addresses only: `road` is the `http_client` to give it, which
goes to the played server in place of login.microsoftonline.com.
"""

import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from aiohttp import web

from tests.fakes.played import Played

TENANT = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
CLIENT, SECRET = "5f1c0f7e-0000-4000-8000-00000000c11e", "shop-client-secret"
HOST = "login.microsoftonline.com"


class Tokens:
    """The tokens of one app."""

    def __init__(self, server: Played) -> None:
        self.server = server
        self.lives_s = 3599
        self._until: dict[str, float] = {}

    def routes(self, app: web.Application) -> None:
        """Add what is served."""
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._openid)
        app.router.add_get("/common/discovery/instance", self._instance)

    def is_good(self, token: str) -> bool:
        """Whether Graph takes it."""
        return self._until.get(token, 0) > time.monotonic()

    def forget(self) -> None:
        """Every token has ended."""
        self._until.clear()

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: found[0] for name, found in parse_qs(await request.text()).items()}

        async def answer() -> web.StreamResponse:
            if said := _wrong(request.match_info["tenant"], form):
                word, _, why = said.partition(": ")
                self.server.mistakes.append(f"token: {said}")
                status = 401 if word == "invalid_client" else 400
                return web.json_response({"error": word, "error_description": why}, status=status)
            made = f"graph-token-{next(self.server.count)}"
            self._until[made] = time.monotonic() + self.lives_s
            found = {"token_type": "Bearer", "expires_in": self.lives_s, "access_token": made}
            return web.json_response({**found, "ext_expires_in": self.lives_s})

        return await self.server.serve("token", request, form, answer)

    async def _openid(self, request: web.Request) -> web.StreamResponse:
        where = f"https://{HOST}/{request.match_info['tenant']}"
        return web.json_response(
            {
                "issuer": f"{where}/v2.0",
                "token_endpoint": f"{where}/oauth2/v2.0/token",
                "authorization_endpoint": f"{where}/oauth2/v2.0/authorize",
            }
        )

    async def _instance(self, request: web.Request) -> web.StreamResponse:
        where = f"https://{HOST}/{TENANT}/v2.0/.well-known/openid-configuration"
        about = {"preferred_network": HOST, "preferred_cache": HOST, "aliases": [HOST]}
        return web.json_response({"tenant_discovery_endpoint": where, "metadata": [about]})


def _wrong(tenant: str, form: dict[str, str]) -> str:
    """Microsoft's word for what is wrong, and why; empty when nothing is."""
    if tenant != TENANT:
        return "invalid_request: AADSTS90002: the tenant was not found"
    if form.get("grant_type") != "client_credentials":
        return "unsupported_grant_type: AADSTS70003: this app has client credentials only"
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
        return "invalid_client: AADSTS7000215: invalid client secret provided"
    # MSAL adds nothing to the scope of an app, and more than one is refused.
    if not form.get("scope", "").endswith("/.default") or " " in form["scope"]:
        return "invalid_scope: AADSTS1002012: the scope must end with /.default"
    return ""


@dataclass(frozen=True, slots=True)
class _Answer:
    status_code: int
    text: str
    headers: dict[str, str]

    def raise_for_status(self) -> None:
        """MSAL asks for it; it looks at the status itself."""


class Road:
    """An `http_client` for MSAL that goes to another base address. It blocks: use a thread."""

    def __init__(self, base: str) -> None:
        self.base = base

    def get(self, url: str, **more: Any) -> _Answer:
        """GET."""
        return self._go(url, None, more)

    def post(self, url: str, **more: Any) -> _Answer:
        """POST of a form."""
        data = more.get("data") or {}
        body = data if isinstance(data, str) else urlencode(data)
        return self._go(url, body.encode(), more)

    def close(self) -> None:
        """Nothing is open."""

    def _go(self, url: str, body: bytes | None, more: dict[str, Any]) -> _Answer:
        real = url.replace(f"https://{HOST}", self.base, 1)
        if params := more.get("params"):
            real += f"?{urlencode(params)}"
        request = urllib.request.Request(real, data=body, headers=more.get("headers") or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return _Answer(answer.status, answer.read().decode(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return _Answer(error.code, error.read().decode(), dict(error.headers))
