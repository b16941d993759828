"""Apple: who somebody is (Sign in with Apple).

https://developer.apple.com/documentation/signinwithapplerestapi (read 2026-11-21). The client
secret is a token that we sign with the app's key. The answer comes as a form that Apple's page
posts. There is no address that says who somebody is: the id token does. The name comes the first
time only.
"""

import jwt

from bot.core.errors import OperatorError
from bot.oauth.provider import App, Provider, Revoke, Who

_ISSUER = "https://appleid.apple.com"
SECRET_S = 300
"""How long a client secret of ours lives; Apple takes up to half a year."""


def secret_of(app: App, now_s: int) -> str:
    """A fresh client secret. Raises OperatorError when the key is none."""
    claims = {
        "iss": app.more.get("team_id", ""),
        "iat": now_s,
        "exp": now_s + SECRET_S,
        "aud": _ISSUER,
        "sub": app.id,
    }
    headers = {"kid": app.more.get("key_id", "")}
    try:
        return jwt.encode(claims, app.secret.reveal(), algorithm="ES256", headers=headers)
    except (ValueError, TypeError, jwt.PyJWTError):
        raise OperatorError(
            "The client secret of Apple's app is no private key. Paste the whole .p8 file."
        ) from None


PROVIDER = Provider(
    name="apple",
    title="Apple",
    authorize_url=f"{_ISSUER}/auth/authorize",
    token_url=f"{_ISSUER}/auth/token",
    hosts=(),
    who=Who(claims="{sub}", name="email"),
    base=("name", "email"),
    params={"response_mode": "form_post"},
    pkce=True,
    nonce=True,
    issuer=_ISSUER,
    secret_of=secret_of,
    form_post=True,
    rotates=False,
    revoke=Revoke(url=f"{_ISSUER}/auth/revoke", form={"token_type_hint": "{kind}_token"}),
    by_hand="https://account.apple.com/account/manage/section/security",
    wants={"team_id": "the team's ID", "key_id": "the ID of the key in the .p8 file"},
    to_do=("Make a Services ID with the domain and the redirect address, and a key for it.",),
)
