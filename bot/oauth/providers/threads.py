"""Threads: posts of a person or a brand.

https://developers.facebook.com/docs/threads/get-started (read 2026-11-21). The code has `#_` at its
end. A token of an hour becomes one of 60 days, renewed once it is a day old and not over.
"""

from datetime import timedelta

from bot.oauth.provider import Feature, Longer, Provider, Who

_GRAPH = "https://graph.threads.net"

PROVIDER = Provider(
    name="threads",
    title="Threads",
    authorize_url="https://threads.net/oauth/authorize",
    token_url=f"{_GRAPH}/oauth/access_token",
    hosts=("graph.threads.net",),
    who=Who(url=f"{_GRAPH}/v1.0/me?fields=id,username", name="username"),
    base=("threads_basic",),
    features={
        "publish": Feature(title="Publish posts", scopes=("threads_content_publish",)),
        "replies": Feature(
            title="Read and manage replies",
            scopes=("threads_read_replies", "threads_manage_replies"),
            asked=False,
        ),
        "delete": Feature(title="Delete posts", scopes=("threads_delete",), asked=False),
        "insights": Feature(
            title="See how posts did", scopes=("threads_manage_insights",), asked=False
        ),
    },
    separator=",",
    code_tail="#_",
    dead=("190",),
    busy=("4", "17", "32", "613"),
    refresh=None,
    longer=Longer(
        exchange_url=f"{_GRAPH}/access_token",
        exchange="th_exchange_token",
        renew_url=f"{_GRAPH}/refresh_access_token",
        renew="th_refresh_token",
        with_secret=("th_exchange_token",),
        young=timedelta(hours=24),
    ),
    lasts=timedelta(hours=1),
    by_hand="https://www.threads.net/settings/account",
    app_of="facebook",
    to_do=(
        "Add the use case Threads to Meta's app; its own app ID and secret stand there.",
        "Enter the redirect, uninstall and delete addresses in its settings.",
        "App review, before others than testers can connect.",
    ),
)
