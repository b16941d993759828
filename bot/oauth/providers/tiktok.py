"""TikTok: videos of a person.

https://developers.tiktok.com/doc/oauth-user-access-token-management (read 2026-11-21). The client
id is called `client_key`, scopes are separated by commas, and a refresh may bring a new refresh
token.
"""

from datetime import timedelta

from bot.oauth.provider import Feature, Provider, Revoke, Who

_OPEN = "https://open.tiktokapis.com/v2"

PROVIDER = Provider(
    name="tiktok",
    title="TikTok",
    authorize_url="https://www.tiktok.com/v2/auth/authorize/",
    token_url=f"{_OPEN}/oauth/token/",
    hosts=("open.tiktokapis.com",),
    who=Who(
        url=f"{_OPEN}/user/info/?fields=open_id,display_name",
        id="data.user.open_id",
        name="data.user.display_name",
    ),
    base=("user.info.basic",),
    features={
        "publish": Feature(title="Publish videos", scopes=("video.upload", "video.publish")),
        "list": Feature(
            title="See what was published, and its numbers", scopes=("video.list",), asked=False
        ),
    },
    separator=",",
    client_id="client_key",
    lasts=timedelta(hours=24),
    refresh_lasts=timedelta(days=365),
    revoke=Revoke(url=f"{_OPEN}/oauth/revoke/"),
    by_hand="https://www.tiktok.com/setting",
    to_do=(
        "Add Login Kit and the Content Posting API to the app, with the redirect address.",
        "Until TikTok has audited the app, posts are visible to their author alone.",
    ),
)
