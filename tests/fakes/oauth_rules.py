"""What each vendor's documents ask of a client, as `oauth_server.py` holds clients to it.

From the vendors' pages as a facts sheet had them on 2026-11-21. Where a document says nothing the rule
asks nothing. The weakest evidence: Instagram, Threads, TikTok and LinkedIn, whose pages are prose.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.oauth.provider import names

Check = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One vendor."""

    authorize: str
    token: str
    who: str
    scopes: frozenset[str]
    separator: str = " "
    client_id: str = "client_id"
    proof: str = "body"
    jwt_secret: bool = False
    pkce: str = ""
    nonce: bool = False
    issuer: str = ""
    iss: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tail: str = ""
    expires_in: int | None = 3600
    refresh: bool = True
    rotates: bool = True
    refresh_form: Mapping[str, str] = field(default_factory=dict)
    dead: str = "invalid_grant"
    longer: str = ""
    renew: str = ""
    longer_grant: str = ""
    renew_grant: str = ""
    longer_field: str = "access_token"
    longer_method: str = "GET"
    revoke: str = ""
    revoke_method: str = "POST"
    revoke_bearer: bool = False
    revoke_proof: bool = True
    revoke_account: str = ""
    permissions: str = ""
    appsecret_proof: bool = False
    graph: bool = False
    ok: bool = False
    headers: Mapping[str, Check] = field(default_factory=dict)
    shape: str = "plain"
    me: str = "id"
    """The shape of "who am I"."""


def _s(text: str) -> frozenset[str]:
    return frozenset(text.split())


_G = "https://www.googleapis.com/auth/"
_META = {"separator": ",", "refresh": False, "dead": "190", "graph": True}

RULES: Mapping[str, Rule] = {
    "google": Rule(
        authorize="/o/oauth2/v2/auth", token="/token", who="/oauth2/v2/userinfo",
        scopes=_s(f"openid email profile {_G}calendar.events {_G}calendar.readonly {_G}gmail.send {_G}gmail.readonly")
        | _s(f"{_G}gmail.compose {_G}gmail.modify {_G}drive {_G}drive.file {_G}drive.readonly"),
        pkce="allowed", nonce=True, issuer="https://accounts.google.com",
        iss="https://accounts.google.com", params={"access_type": "offline", "prompt": "consent"},
        rotates=False, revoke="/revoke", revoke_proof=False, shape="google", me="google",
    ),
    "facebook": Rule(
        authorize="/v23.0/dialog/oauth", token="/v23.0/oauth/access_token", who="/v23.0/me",
        scopes=_s("pages_show_list pages_read_engagement pages_manage_posts instagram_basic instagram_content_publish"),
        longer="/v23.0/oauth/access_token", renew="/v23.0/oauth/access_token",
        longer_grant="fb_exchange_token", renew_grant="fb_exchange_token",
        longer_field="fb_exchange_token", longer_method="POST", expires_in=5_183_944,
        revoke="/v23.0/{account}/permissions", revoke_method="DELETE", revoke_bearer=True,
        revoke_proof=False, permissions="/v23.0/me/permissions", appsecret_proof=True,
        shape="no scope", **_META,
    ),
    "instagram": Rule(
        authorize="/oauth/authorize", token="/oauth/access_token", who="/v23.0/me",
        scopes=_s("instagram_business_basic instagram_business_content_publish"), tail="#_",
        longer="/access_token", renew="/refresh_access_token", longer_grant="ig_exchange_token",
        renew_grant="ig_refresh_token", expires_in=5_184_000, shape="instagram", me="user_id", **_META,
    ),
    "threads": Rule(
        authorize="/oauth/authorize", token="/oauth/access_token", who="/v1.0/me",
        scopes=_s("threads_basic threads_content_publish threads_read_replies threads_manage_replies threads_manage_insights threads_delete"),
        tail="#_", longer="/access_token", renew="/refresh_access_token",
        longer_grant="th_exchange_token", renew_grant="th_refresh_token", expires_in=5_184_000,
        shape="no scope", **_META,
    ),
    "x": Rule(
        authorize="/i/oauth2/authorize", token="/2/oauth2/token", who="/2/users/me", proof="basic",
        scopes=_s("tweet.read tweet.write users.read offline.access media.write dm.read dm.write"),
        pkce="required", expires_in=7200, revoke="/2/oauth2/revoke", me="data",
    ),
    "microsoft": Rule(
        authorize="/organizations/oauth2/v2.0/authorize", token="/organizations/oauth2/v2.0/token",
        who="/v1.0/me", pkce="required", nonce=True,
        scopes=_s("openid profile offline_access User.Read Mail.Send Mail.Read Mail.ReadWrite Calendars.ReadWrite ChannelMessage.Send"),
        issuer="https://login.microsoftonline.com/T-1/v2.0", shape="microsoft",
    ),
    "reddit": Rule(
        authorize="/api/v1/authorize", token="/api/v1/access_token", who="/api/v1/me", proof="basic",
        scopes=_s("identity submit read mysubreddits flair edit history"), params={"duration": "permanent"},
        rotates=False, revoke="/api/v1/revoke_token",
        headers={"User-Agent": lambda text: "/u/" in text and text.count(":") >= 2},
    ),
    "pinterest": Rule(
        authorize="/oauth/", token="/v5/oauth/token", who="/v5/user_account", proof="basic",
        separator=",", scopes=_s("boards:read boards:write pins:read pins:write user_accounts:read"),
        refresh_form={"continuous_refresh": "true"}, expires_in=2_592_000,
    ),
    "linkedin": Rule(
        authorize="/oauth/v2/authorization", token="/oauth/v2/accessToken", who="/v2/userinfo",
        scopes=_s("openid profile email w_member_social w_organization_social r_organization_social "
                  "rw_organization_admin"),
        rotates=False, expires_in=5_184_000, revoke="/oauth/v2/revoke", shape="commas", me="sub",
        headers={"LinkedIn-Version": lambda text: len(text) == 6 and text.isdigit(),
                 "X-Restli-Protocol-Version": lambda text: text == "2.0.0"},
    ),
    "tiktok": Rule(
        authorize="/v2/auth/authorize/", token="/v2/oauth/token/", who="/v2/user/info/",
        scopes=_s("user.info.basic video.upload video.publish video.list"), separator=",",
        client_id="client_key", expires_in=86_400, revoke="/v2/oauth/revoke/", shape="commas",
        me="tiktok",
    ),
    "tumblr": Rule(
        authorize="/oauth2/authorize", token="/v2/oauth2/token", who="/v2/user/info",
        scopes=_s("basic write offline_access"), expires_in=2520, me="tumblr",
    ),
    "apple": Rule(
        authorize="/auth/authorize", token="/auth/token", who="", scopes=_s("name email"),
        params={"response_mode": "form_post"}, jwt_secret=True, pkce="allowed", nonce=True,
        issuer="https://appleid.apple.com", rotates=False, revoke="/auth/revoke", shape="no scope",
    ),
    "discord": Rule(
        authorize="/oauth2/authorize", token="/api/oauth2/token", who="/api/users/@me",
        proof="basic", scopes=_s("identify email bot applications.commands"), expires_in=604_800,
        revoke="/api/oauth2/token/revoke",
    ),
    "slack": Rule(
        authorize="/oauth/v2/authorize", token="/api/oauth.v2.access", who="/api/auth.test",
        proof="basic", separator=",", pkce="allowed", ok=True, expires_in=43_200,
        scopes=_s("chat:write users:read files:read files:write channels:read channels:history"),
        dead="invalid_refresh_token", revoke="/api/auth.revoke", revoke_bearer=True,
        revoke_proof=False, shape="slack", me="slack",
    ),
    "stripe": Rule(
        authorize="/oauth/authorize", token="/oauth/token", who="/v1/account", proof="bearer",
        scopes=_s("read_write read_only"), expires_in=None, rotates=False,
        revoke="/oauth/deauthorize", revoke_account="stripe_user_id",
    ),
}  # fmt: skip


def answer_of(
    rule: Rule, access: str, refresh: str, scopes: list[str], expires_in: int | None
) -> dict[str, Any]:
    """The token's answer in the vendor's own shape."""
    lasts = rule.expires_in if expires_in is None else expires_in
    said: dict[str, Any] = {"access_token": access, "token_type": "bearer"}
    if lasts:
        said["expires_in"] = lasts
    if refresh:
        said["refresh_token"] = refresh
    match rule.shape:
        case "no scope":
            pass
        case "instagram":
            return {"data": [{**said, "user_id": "1", "permissions": scopes}]}
        case "google":
            names = [f"{_G}userinfo.email" if s == "email" else s for s in scopes]
            said["scope"] = " ".join(names)
        case "microsoft":
            quiet = {"offline_access", "openid", "profile"}
            names = [f"https://graph.microsoft.com/{s}" for s in scopes if s not in quiet]
            said["scope"] = " ".join(names)
        case "commas":
            said["scope"] = ",".join(scopes)
        case "slack":
            said |= {"ok": True, "scope": ",".join(scopes), "team": {"id": "T1", "name": "Team"}}
        case _:
            said["scope"] = " ".join(scopes)
    return said


def who_of(rule: Rule, account: str) -> dict[str, Any]:
    """The answer to "who am I"."""
    return {
        "id": {"id": account, "name": "Ann", "username": "ann", "userPrincipalName": "ann@example.com"},
        "google": {"id": account, "email": "ann@example.com"},
        "user_id": {"user_id": account, "username": "ann"},
        "data": {"data": {"id": account, "username": "ann"}},
        "sub": {"sub": account, "name": "Ann"},
        "tiktok": {"data": {"user": {"open_id": account, "display_name": "Ann"}}, "error": {"code": "ok"}},
        "tumblr": {"response": {"user": {"name": account}}},
        "slack": {"ok": True, "team_id": account, "team": "Team"},
    }[rule.me]  # fmt: skip


def played() -> list[str]:
    """The services that are played; one that was just begun has no rule yet, and is told of."""
    return [name for name in names() if name in RULES]
