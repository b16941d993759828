"""Facebook: pages of a person, and Instagram accounts behind them.

https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived (read
2026-11-21). A token that still works is exchanged for a longer one; `appsecret_proof` goes along.
"""

import hashlib
import hmac
from collections.abc import Mapping

from bot.core.secret import Secret
from bot.oauth.provider import App, Feature, Longer, Provider, Revoke, Who

_GRAPH = "https://graph.facebook.com/v23.0"
_TOKEN = f"{_GRAPH}/oauth/access_token"
_PERMISSIONS = f"{_GRAPH}/{{account}}/permissions"
_PAGES = ("pages_show_list", "pages_read_engagement", "pages_manage_posts")
_INSTAGRAM = ("instagram_basic", "instagram_content_publish")


def dress(app: App, token: Secret) -> Mapping[str, str]:
    """The proof that the call is our app's."""
    made = hmac.digest(app.secret.reveal().encode(), token.reveal().encode(), hashlib.sha256)
    return {"appsecret_proof": made.hex()}


PROVIDER = Provider(
    name="facebook",
    title="Facebook",
    authorize_url="https://www.facebook.com/v23.0/dialog/oauth",
    token_url=_TOKEN,
    hosts=("graph.facebook.com", "graph-video.facebook.com"),
    who=Who(url=f"{_GRAPH}/me?fields=id,name"),
    features={
        "pages": Feature(title="Write on pages", scopes=_PAGES),
        "instagram": Feature(title="Publish on pages' Instagram", scopes=_INSTAGRAM, asked=False),
    },
    scopes_url=f"{_GRAPH}/me/permissions",
    separator=",",
    dead=("190",),
    busy=("4", "17", "32", "613"),
    refresh=None,
    longer=Longer(
        exchange_url=_TOKEN,
        exchange="fb_exchange_token",
        renew_url=_TOKEN,
        renew="fb_exchange_token",
        field="fb_exchange_token",
        with_secret=("fb_exchange_token",),
        with_id=True,
        method="POST",
    ),
    revoke=Revoke(url=_PERMISSIONS, method="DELETE", as_bearer=True, proof=False),
    by_hand="https://www.facebook.com/settings/?tab=business_tools",
    dress=dress,
    to_do=(
        "Enter the redirect address under Facebook Login, and both callbacks in the app.",
        "App review of each scope and verification of the business, before others can connect.",
    ),
)
