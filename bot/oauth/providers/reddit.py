"""Reddit: posts and communities of a person.

https://github.com/reddit-archive/reddit/wiki/OAuth2 (read 2026-11-21). Every call names the app and
whom to write to, or is refused. The refresh token of a permanent connection stays the same.
"""

from datetime import timedelta

from bot.oauth.provider import Feature, Proof, Provider, Revoke, Who

PROVIDER = Provider(
    name="reddit",
    title="Reddit",
    authorize_url="https://www.reddit.com/api/v1/authorize",
    token_url="https://www.reddit.com/api/v1/access_token",
    hosts=("oauth.reddit.com",),
    who=Who(url="https://oauth.reddit.com/api/v1/me", sign="u/"),
    base=("identity",),
    features={
        "publish": Feature(
            title="Post, see and delete own posts, and read what was answered",
            scopes=("submit", "read", "mysubreddits", "flair", "history", "edit"),
        ),
    },
    params={"duration": "permanent"},
    proof=Proof.BASIC,
    rotates=False,
    lasts=timedelta(hours=1),
    revoke=Revoke(
        url="https://www.reddit.com/api/v1/revoke_token",
        form={"token_type_hint": "{kind}_token"},
    ),
    by_hand="https://www.reddit.com/prefs/apps",
    headers={"User-Agent": "web:{app}:1.0 (by /u/{contact})"},
    wants={"contact": "the Reddit name of whoever runs the app, without /u/"},
    verification="active",
    to_do=("Make a web app in Reddit's preferences, with the redirect address.",),
)
