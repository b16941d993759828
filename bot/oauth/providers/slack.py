"""Slack, for tools that call it with a bot's token; talking there is a channel's business.

https://docs.slack.dev/reference/methods/oauth.v2.access (read 2026-11-21). HTTP 200 with `ok:
false` for errors. Tokens end only where the app rotates them: then they live 12 hours, and a
refresh token is good once.
"""

from bot.oauth.provider import Feature, Proof, Provider, Revoke, Who

_API = "https://slack.com/api"

PROVIDER = Provider(
    name="slack",
    title="Slack",
    authorize_url="https://slack.com/oauth/v2/authorize",
    token_url=f"{_API}/oauth.v2.access",
    hosts=("slack.com",),
    who=Who(url=f"{_API}/auth.test", id="team_id", name="team", tells="ok"),
    base=("chat:write", "users:read"),
    features={
        "files": Feature(
            title="Read and write files", scopes=("files:read", "files:write"), asked=False
        ),
        "channels": Feature(
            title="Read public channels",
            scopes=("channels:read", "channels:history"),
            asked=False,
        ),
    },
    separator=",",
    proof=Proof.BASIC,
    pkce=True,
    ok="ok",
    dead=("invalid_refresh_token", "token_revoked", "account_inactive", "invalid_auth"),
    busy=("ratelimited",),
    revoke=Revoke(url=f"{_API}/auth.revoke", as_bearer=True, proof=False),
    by_hand="https://slack.com/apps/manage",
    verification="active",
    to_do=(
        "People talk to agents in Slack under Channels; connect here only what tools need.",
        "Enter the redirect address under OAuth & Permissions of the app.",
    ),
)
