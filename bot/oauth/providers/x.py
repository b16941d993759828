"""X: posts, media and direct messages of a person.

https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code (read 2026-11-21). PKCE
is a must. A code lives 30 seconds, a token two hours; each refresh ends the refresh token before.
"""

from datetime import timedelta

from bot.oauth.provider import Feature, Proof, Provider, Revoke, Who

PROVIDER = Provider(
    name="x",
    title="X",
    authorize_url="https://x.com/i/oauth2/authorize",
    token_url="https://api.x.com/2/oauth2/token",
    hosts=("api.x.com", "upload.x.com"),
    who=Who(url="https://api.x.com/2/users/me", id="data.id", name="data.username", sign="@"),
    base=("tweet.read", "users.read", "offline.access"),
    features={
        "publish": Feature(title="Publish posts", scopes=("tweet.write", "media.write")),
        "messages": Feature(
            title="Read and write direct messages", scopes=("dm.read", "dm.write"), asked=False
        ),
    },
    pkce=True,
    proof=Proof.BASIC,
    lasts=timedelta(hours=2),
    revoke=Revoke(
        url="https://api.x.com/2/oauth2/revoke", form={"token_type_hint": "{kind}_token"}
    ),
    by_hand="https://x.com/settings/connected_apps",
    verification="active",
    to_do=(
        "In the developer portal, set the app up for OAuth 2.0 as a web app (a confidential "
        "client), and enter the redirect address exactly.",
    ),
)
