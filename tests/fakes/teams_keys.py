"""The keys of the Teams that only plays: signed tokens, the documents that publish the keys, forgeries.

A forgery is a name of `FORGERIES`; each differs from a good token in the one thing it is named for.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

import base64
import hashlib
import hmac
import itertools
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Body = dict[str, Any]

ISSUER = "https://api.botframework.com"
LIFE_S = 3600
SKEW_S = 300
EVIL_HOST = "https://evil.example/amer/"
FORGERIES = {
    "no_token": "no Authorization header",
    "not_bearer": "another scheme than Bearer",
    "garbage": "three words that are no token",
    "expired": "exp just beyond the skew of five minutes",
    "not_yet": "nbf just beyond the skew of five minutes",
    "no_exp": "no exp",
    "wrong_issuer": "another iss",
    "wrong_audience": "the aud of another app",
    "wrong_key": "signed by a stranger under the kid of a published key",
    "unknown_kid": "signed by a stranger under a kid that nobody published",
    "alg_none": "alg none, no signature",
    "hs256": "HMAC with the public key",
    "jku": "signed by a stranger whose keys stand behind jku and x5u",
    "no_service_url": "no serviceurl claim",
    "service_url": "the activity's serviceUrl is another than the claim's",
    "evil_host": "claim and activity agree on a host that is not Microsoft's",
    "not_endorsed": "signed by a published key that does not endorse msteams",
    "tampered": "one byte of the claims changed after signing",
}


@cache
def _pair(number: int) -> rsa.RSAPrivateKey:
    """Making a key takes a while; a process makes each once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Keys:
    """What signs: `current`, keys that are still published, and a stranger's."""

    def __init__(self, app_id: str) -> None:
        self.app_id = app_id
        self._count = itertools.count(1)
        self._number = {"other": 1000, "stranger": 1001}
        self.published: dict[str, list[str]] = {"other": ["webchat", "directline"]}
        """Key id to the channels it endorses; an empty list publishes no `endorsements` at all."""
        self.current = ""
        self.rotate()

    def rotate(self, *, keep_old: bool = True) -> str:
        """Sign with a new key from now on; gives its id."""
        if not keep_old:
            self.published.pop(self.current, None)
        number = next(self._count)
        self.current = f"key-{number}"
        self._number[self.current] = number
        self.published[self.current] = ["msteams", "skype"]
        return self.current

    def document(self, base: str) -> Body:
        """The OpenID metadata."""
        return {
            "issuer": ISSUER,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": f"{base}/v1/.well-known/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }

    def jwks(self) -> Body:
        """The published keys."""
        return {"keys": [self._public(kid) for kid in self.published]}

    def strangers(self) -> Body:
        """What stands where a forged `jku` leads."""
        return {"keys": [self._public("stranger")]}

    def _public(self, kid: str) -> Body:
        numbers = _pair(self._number[kid]).public_key().public_numbers()
        n = numbers.n.to_bytes(256, "big")
        found: Body = {"kty": "RSA", "use": "sig", "kid": kid, "x5t": kid, "n": _b64(n)}
        found["e"] = _b64(numbers.e.to_bytes(3, "big"))
        if self.published.get(kid):
            found["endorsements"] = self.published[kid]
        return found

    def sign(self, service_url: str, forgery: str = "", base: str = "") -> str:
        """The value of Authorization; empty for no header."""
        if forgery and forgery not in FORGERIES:
            raise ValueError(f"no such forgery: {forgery}; see FORGERIES")
        if forgery in ("no_token", "garbage"):
            return "" if forgery == "no_token" else "Bearer one.two.three"
        claims, kid = self._claims(service_url, forgery), self.current
        headers: Body = {"kid": kid, "x5t": kid}
        key = _pair(self._number[kid])
        if forgery == "not_endorsed":
            headers, key = {"kid": "other", "x5t": "other"}, _pair(self._number["other"])
        if forgery in ("wrong_key", "unknown_kid", "jku"):
            key = _pair(self._number["stranger"])
        if forgery == "unknown_kid":
            headers = {"kid": f"unknown-{next(self._count)}"}
        if forgery == "jku":
            where = f"{base}/evil/keys"
            headers = {"kid": "stranger", "jku": where, "x5u": where}
        if forgery == "alg_none":
            return "Bearer " + jwt.encode(claims, None, algorithm="none", headers=headers)
        if forgery == "hs256":
            return "Bearer " + self._by_hand(claims, kid)
        token = jwt.encode(claims, key, algorithm="RS256", headers=headers)
        if forgery == "tampered":
            head, _, signature = token.split(".")
            claims["exp"] += 1
            token = f"{head}.{_b64(json.dumps(claims).encode())}.{signature}"
        return ("Basic " if forgery == "not_bearer" else "Bearer ") + token

    def _claims(self, service_url: str, forgery: str) -> Body:
        now = int(time.time())
        claims: Body = {
            "serviceurl": EVIL_HOST if forgery == "evil_host" else service_url,
            "iss": "https://evil.example" if forgery == "wrong_issuer" else ISSUER,
            "aud": self.app_id,
            "nbf": now - SKEW_S,
            "exp": now + LIFE_S,
        }
        if forgery == "wrong_audience":
            claims["aud"] = "11111111-0000-0000-0000-000000000000"
        if forgery == "expired":
            claims["exp"] = now - SKEW_S - 5
            claims["nbf"] = now - LIFE_S
        if forgery == "not_yet":
            claims["nbf"] = now + SKEW_S + 60
        if forgery == "no_exp":
            del claims["exp"]
        if forgery == "no_service_url":
            del claims["serviceurl"]
        return claims

    def _by_hand(self, claims: Body, kid: str) -> str:
        public = _pair(self._number[kid]).public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        head = {"alg": "HS256", "typ": "JWT", "kid": kid}
        start = f"{_b64(json.dumps(head).encode())}.{_b64(json.dumps(claims).encode())}"
        return f"{start}.{_b64(hmac.new(pem, start.encode(), hashlib.sha256).digest())}"


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
