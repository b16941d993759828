"""Microsoft 365: mail, calendars and posts in Teams of a person at work.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow (read 2026-11-21). Who
somebody is stands in `tid` and `oid` of the id token and never in an address. Each refresh gives a
new refresh token; tokens cannot be revoked, the consent is taken back by hand.
"""

from datetime import timedelta

from bot.oauth.provider import Feature, Provider, Who

_LOGIN = "https://login.microsoftonline.com"
_GRAPH = "https://graph.microsoft.com"
_SCOPES = (
    *("User.Read", "Mail.Send", "Mail.Read", "Mail.ReadWrite", "Calendars.ReadWrite"),
    "ChannelMessage.Send",
    *("openid", "profile", "email", "offline_access"),
)

PROVIDER = Provider(
    name="microsoft",
    title="Microsoft 365",
    authorize_url=f"{_LOGIN}/{{tenant}}/oauth2/v2.0/authorize",
    token_url=f"{_LOGIN}/{{tenant}}/oauth2/v2.0/token",
    hosts=("graph.microsoft.com",),
    who=Who(url=f"{_GRAPH}/v1.0/me", name="userPrincipalName", claims="{tid}/{oid}"),
    base=("openid", "profile", "offline_access", "User.Read"),
    features={
        "calendar": Feature(title="See and change calendars", scopes=("Calendars.ReadWrite",)),
        "mail_send": Feature(title="Send mail", scopes=("Mail.Send",)),
        "mail_read": Feature(title="Read mail", scopes=("Mail.Read",), asked=False),
        "mail_write": Feature(
            title="Write drafts, which sending needs too", scopes=("Mail.ReadWrite",), asked=False
        ),
        "teams_post": Feature(
            title="Post in channels of Teams as you", scopes=("ChannelMessage.Send",), asked=False
        ),
    },
    hidden=("offline_access", "openid", "profile"),
    aliases={f"{_GRAPH}/{scope}": scope for scope in _SCOPES},
    params={"response_mode": "query", "prompt": "select_account"},
    pkce=True,
    nonce=True,
    issuer=f"{_LOGIN}/{{tenant}}/v2.0",
    refresh_lasts=timedelta(days=90),
    by_hand="https://myapps.microsoft.com",
    wants={"tenant": "directory (tenant) ID of your organisation; several with commas"},
    to_do=(
        "Register an app in Entra ID with a web redirect address and a client secret.",
        "An administrator may have to consent for the organisation.",
    ),
)
