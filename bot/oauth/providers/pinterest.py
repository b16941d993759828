"""Pinterest: boards and pins of a business account.

https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization (read
2026-11-21). Scopes are separated by commas. Refresh tokens live 60 days from their last use.
"""

from datetime import timedelta

from bot.oauth.provider import Feature, Proof, Provider, Who

PROVIDER = Provider(
    name="pinterest",
    title="Pinterest",
    authorize_url="https://www.pinterest.com/oauth/",
    token_url="https://api.pinterest.com/v5/oauth/token",
    hosts=("api.pinterest.com",),
    who=Who(url="https://api.pinterest.com/v5/user_account", name="username"),
    base=("user_accounts:read",),
    features={
        "publish": Feature(
            title="Publish pins and see boards",
            scopes=("boards:read", "boards:write", "pins:read", "pins:write"),
        ),
    },
    separator=",",
    proof=Proof.BASIC,
    refresh={"continuous_refresh": "true"},
    lasts=timedelta(days=30),
    refresh_lasts=timedelta(days=60),
    by_hand="https://www.pinterest.com/settings/security",
    verification="active",
    to_do=(
        "Enter the redirect address in the app's settings.",
        "With trial access only the app's owner sees the pins: ask for standard access.",
    ),
)
