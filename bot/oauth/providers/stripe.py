"""Stripe Connect: a Standard account that a platform acts for.

https://docs.stripe.com/connect/oauth-standard-accounts (read 2026-11-21). Not advised for new
platforms, which use account links. The client secret is the platform's secret key; a code lives
five minutes, and the account's id is what calls name.
"""

from bot.oauth.provider import Feature, Proof, Provider, Revoke, Who

_CONNECT = "https://connect.stripe.com/oauth"

PROVIDER = Provider(
    name="stripe",
    title="Stripe Connect",
    authorize_url=f"{_CONNECT}/authorize",
    token_url=f"{_CONNECT}/token",
    hosts=("api.stripe.com",),
    who=Who(url="https://api.stripe.com/v1/account", name="email"),
    base=("read_write",),
    features={
        "account": Feature(title="Act for the account", scopes=("read_write",)),
    },
    proof=Proof.BEARER,
    rotates=False,
    revoke=Revoke(url=f"{_CONNECT}/deauthorize", form={"stripe_user_id": "{account}"}),
    by_hand="https://dashboard.stripe.com/settings/apps",
    verification="active",
    to_do=(
        "To be paid, connect Stripe by its key under Channels; here are accounts of others that a "
        "platform of yours acts for.",
        "Enter the redirect address under Connect, and the client ID (ca_…) here.",
    ),
)
