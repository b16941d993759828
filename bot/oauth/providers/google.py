"""Google: Calendar, Gmail and Drive of a person.

https://developers.google.com/identity/protocols/oauth2/web-server (read 2026-11-21). A refresh
token comes only with `access_type=offline` and a consent that was shown. People may untick scopes.
"""

from bot.oauth.provider import Feature, Provider, Revoke, Who

_AUTH = "https://www.googleapis.com/auth/"

PROVIDER = Provider(
    name="google",
    title="Google",
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    token_url="https://oauth2.googleapis.com/token",
    hosts=("www.googleapis.com", "gmail.googleapis.com", "people.googleapis.com"),
    who=Who(url="https://www.googleapis.com/oauth2/v2/userinfo", name="email", claims="{sub}"),
    base=("openid", "email"),
    features={
        "calendar": Feature(
            title="See and change calendars",
            scopes=(f"{_AUTH}calendar.events", f"{_AUTH}calendar.readonly"),
        ),
        "mail_send": Feature(
            title="Write drafts and send mail", scopes=(f"{_AUTH}gmail.compose",), asked=False
        ),
        "mail_read": Feature(title="Read mail", scopes=(f"{_AUTH}gmail.readonly",), asked=False),
        "mail_sort": Feature(
            title="Archive, mark and label mail", scopes=(f"{_AUTH}gmail.modify",), asked=False
        ),
        "drive_read": Feature(
            title="Find and read files on Drive", scopes=(f"{_AUTH}drive.readonly",), asked=False
        ),
        "drive_upload": Feature(
            title="Put files on Drive", scopes=(f"{_AUTH}drive.file",), asked=False
        ),
        "drive_share": Feature(
            title="Share files of Drive", scopes=(f"{_AUTH}drive",), asked=False
        ),
    },
    aliases={f"{_AUTH}userinfo.email": "email", f"{_AUTH}userinfo.profile": "profile"},
    params={
        "access_type": "offline",
        "prompt": "consent",
        "include_granted_scopes": "true",
    },
    pkce=True,
    nonce=True,
    issuer="https://accounts.google.com",
    rotates=False,
    revoke=Revoke(url="https://oauth2.googleapis.com/revoke", proof=False),
    by_hand="https://myaccount.google.com/connections",
    to_do=(
        "Set up the consent screen and the redirect address in the Google Cloud console.",
        "While the screen is in testing, connections end after 7 days: publish it.",
        "Sensitive scopes need Google's verification, with a video that shows what they are for.",
        "For word of accounts that were shut, register the address of security events (RISC API).",
        "Mail and Drive (all but uploading) are restricted: they need a security review besides.",
    ),
)
