"""Discord: who somebody is, and a bot in one of their servers.

https://docs.discord.com/developers/topics/oauth2 (read 2026-11-21). Adding a bot is a scope and a
number of permissions. Revoking one token ends all of the same consent.
"""

from datetime import timedelta

from bot.oauth.provider import Feature, Proof, Provider, Revoke, Who

_API = "https://discord.com/api"
PERMISSIONS = 274_878_024_768
"""View channels, send messages (also in threads), embed links, attach files, read history,
react."""

PROVIDER = Provider(
    name="discord",
    title="Discord",
    authorize_url="https://discord.com/oauth2/authorize",
    token_url=f"{_API}/oauth2/token",
    hosts=("discord.com",),
    who=Who(url=f"{_API}/users/@me", name="username"),
    base=("identify", "email"),
    features={
        "bot": Feature(
            title="Add the bot to a server",
            scopes=("bot", "applications.commands"),
            asked=False,
            params={"permissions": str(PERMISSIONS)},
        ),
    },
    params={"prompt": "consent"},
    proof=Proof.BASIC,
    lasts=timedelta(days=7),
    revoke=Revoke(url=f"{_API}/oauth2/token/revoke", form={"token_type_hint": "{kind}_token"}),
    by_hand="https://discord.com/channels/@me",
    verification="active",
    to_do=("Enter the redirect address under OAuth2 of the app.",),
)
