"""Instagram, by its own login for professional accounts.

https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login (read
2026-11-21). The code has `#_` at its end. A token of an hour becomes one of 60 days, which is
renewed once it is a day old. The token's answer may stand inside `data`, and names the scopes
`permissions`.
"""

from datetime import timedelta

from bot.oauth.provider import Feature, Longer, Provider, Who

_GRAPH = "https://graph.instagram.com"

PROVIDER = Provider(
    name="instagram",
    title="Instagram",
    authorize_url="https://www.instagram.com/oauth/authorize",
    token_url="https://api.instagram.com/oauth/access_token",
    hosts=("graph.instagram.com",),
    who=Who(url=f"{_GRAPH}/v23.0/me?fields=user_id,username", id="user_id", name="username"),
    base=("instagram_business_basic",),
    features={
        "publish": Feature(title="Publish posts", scopes=("instagram_business_content_publish",)),
    },
    scopes_in="permissions",
    separator=",",
    code_tail="#_",
    answer_in="data.0",
    dead=("190",),
    busy=("4", "17", "32", "613"),
    refresh=None,
    longer=Longer(
        exchange_url=f"{_GRAPH}/access_token",
        exchange="ig_exchange_token",
        renew_url=f"{_GRAPH}/refresh_access_token",
        renew="ig_refresh_token",
        with_secret=("ig_exchange_token",),
        young=timedelta(hours=24),
    ),
    lasts=timedelta(hours=1),
    by_hand="https://www.instagram.com/accounts/manage_access/",
    app_of="facebook",
    to_do=(
        "Add the product Instagram to Meta's app; its own app ID and secret stand there.",
        "Enter the redirect, deauthorise and data deletion addresses under business login.",
        "App review, before others than the app's own people can connect.",
    ),
)
