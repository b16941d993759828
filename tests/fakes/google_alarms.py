"""Google as it tells of accounts: signed security event tokens, and where its keys are published.

https://developers.google.com/identity/protocols/risc (read 2026-11-22). A token has `iss`, `aud`,
`iat`, `jti` and `events`, and no `exp`. Of one token it names no account, but how that begins, or
the SHA-512 of its SHA-512.
"""

import base64
import hashlib
from typing import Any

import jwt
from aiohttp import web

from tests.fakes.oauth_server import CLIENT, OAuthServer
from tests.fakes.teams_keys import Keys, _pair

KIND = "https://schemas.openid.net/secevent"
TAKEN = f"{KIND}/oauth/event-type/tokens-revoked"
ONE = f"{KIND}/oauth/event-type/token-revoked"
SHUT = f"{KIND}/risc/event-type/account-disabled"
Body = dict[str, Any]


class GoogleAlarms(OAuthServer):
    """Google, which also publishes what it signs with."""

    def __init__(self) -> None:
        super().__init__("google", "https://house.example")
        self.signs = Keys(CLIENT)
        self.keys_at = "https://www.googleapis.com/oauth2/v3/certs"
        self.keys_asked = 0
        self.away, self.refused = False, 0

    async def _api(self, request: web.Request) -> web.StreamResponse:
        if self.away:
            self.refused += 1
            return web.Response(status=503)
        if request.path == "/.well-known/risc-configuration":
            told = {"issuer": "https://accounts.google.com/", "jwks_uri": self.keys_at}
            return web.json_response(told)
        if request.path == "/oauth2/v3/certs":
            self.keys_asked += 1
            return web.json_response(self.signs.jwks())
        return await super()._api(request)

    def one(self, at: float, refresh: str, *, is_hashed: bool, **more: Any) -> str:
        """What Google posts about one refresh token."""
        twice = hashlib.sha512(hashlib.sha512(refresh.encode()).digest()).digest()
        said = base64.b64encode(twice).decode() if is_hashed else refresh[:16]
        how = "hash_base64_sha512_sha512" if is_hashed else "prefix"
        subject = {"subject_type": "oauth_token", "token_type": "refresh_token"}
        subject |= {"token_identifier_alg": how, "token": said} | more
        return self.token(at, events={ONE: {"subject": subject}})

    def token(self, at: float, kind: str = TAKEN, *, key: str = "", **more: Any) -> str:
        """What Google posts about the account; `key`: another number of a key than its own."""
        issuer = "https://accounts.google.com/"
        subject = {"subject_type": "iss-sub", "iss": issuer, "sub": self.account}
        claims: Body = {"iss": issuer, "aud": CLIENT, "iat": int(at), "jti": "1"}
        claims |= {"events": {kind: {"subject": subject}}} | more
        signed = _pair(int(key)) if key else _pair(1)
        kid = {"kid": self.signs.current}
        return jwt.encode({k: v for k, v in claims.items() if v is not None}, signed, "RS256", kid)
