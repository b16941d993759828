"""Tumblr: blogs of a person.

https://www.tumblr.com/docs/en/api/v2 (read 2026-11-21). A token lives 42 minutes; each refresh
brings a new pair. There is no address that revokes.
"""

from datetime import timedelta

from bot.oauth.provider import Feature, Provider, Who

PROVIDER = Provider(
    name="tumblr",
    title="Tumblr",
    authorize_url="https://www.tumblr.com/oauth2/authorize",
    token_url="https://api.tumblr.com/v2/oauth2/token",
    hosts=("api.tumblr.com",),
    who=Who(
        url="https://api.tumblr.com/v2/user/info",
        id="response.user.name",
        name="response.user.name",
    ),
    base=("basic", "offline_access"),
    features={"publish": Feature(title="Publish on blogs", scopes=("write",))},
    lasts=timedelta(seconds=2520),
    by_hand="https://www.tumblr.com/settings/apps",
    verification="active",
    to_do=("Register an app, with the redirect address under OAuth2 redirect URLs.",),
)
