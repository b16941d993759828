"""Pressroom, a service that an owner connects an account of: addresses and scopes of its OAuth.

A made-up vendor; a real one's file names the address of its documents and the day they were read.
"""

from bot.oauth.provider import Feature, Provider, Revoke, Who

PROVIDER = Provider(
    name="pressroom",
    title="Pressroom",
    authorize_url="https://pressroom.example/oauth/authorize",
    token_url="https://pressroom.example/oauth/token",
    hosts=("api.pressroom.example",),
    who=Who(url="https://api.pressroom.example/me"),
    base=("profile",),
    features={"print": Feature(title="Have papers printed", scopes=("print",))},
    pkce=True,
    revoke=Revoke(url="https://pressroom.example/oauth/revoke"),
    by_hand="https://pressroom.example/settings/apps",
    to_do=("Register an app on pressroom.example, with the redirect address.",),
)
