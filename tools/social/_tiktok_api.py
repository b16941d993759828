"""TikTok as its tools speak to it: scopes, what its answers mean, what an account may do.

https://developers.tiktok.com/doc/content-posting-api-reference-query-creator-info (read
2026-11-21). Each answer names a code, `ok` or what is wrong; the status alone does not say it.
"""

from collections.abc import Mapping
from typing import Any

from bot.core.canonical import Json
from bot.core.errors import BotError, ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.ports import Page
from bot.core.tool import ToolContext
from tools.social._account import NO_TIME_S, Account, Gone, Service, Told, account_of, too_many

PUBLISHING = ("video.publish",)
LISTING = ("video.list",)
_BUSY = "rate_limit_exceeded"
_WORDS: Mapping[str, str] = {
    "spam_risk_too_many_posts": "TikTok takes no more posts from this account today.",
    "spam_risk_too_many_pending_share": "Too many posts of this account wait at TikTok.",
    "spam_risk_user_banned_from_posting": "TikTok does not let this account post.",
    "spam_risk": "TikTok takes this for spam.",
    "reached_active_user_cap": "Too many accounts have posted by this app today; TikTok allows few "
    "until it has audited the app.",
    "unaudited_client_can_only_post_to_private_accounts": "Until TikTok has audited the app, it "
    "posts only what nobody else sees: choose privacy only_me, and make the account private.",
    "url_ownership_unverified": "TikTok fetches photos only from addresses that the app's owner "
    "has verified there. Verify this house's address at TikTok, and send the photos in as files.",
    "privacy_level_option_mismatch": "TikTok does not offer this account that privacy.",
}


def _reason(told: Told) -> str:
    error = told.get("error")
    return str(error.get("message") or error.get("code") or "") if isinstance(error, dict) else ""


def _code(told: Told) -> str:
    error = told.get("error")
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _meaning(page: Page, told: Told) -> BotError | None:
    code = _code(told)
    if code == _BUSY and page.status != 429:
        return too_many("TikTok", NO_TIME_S)
    if code == "scope_not_authorized":
        return ConnectionBroken(
            "TikTok was not allowed to do this. An owner connects it again on the page of "
            "connections and allows what is asked there."
        )
    if code == "invalid_publish_id":
        return Gone("TikTok knows nothing of this posting.")
    return VendorRefused(_WORDS[code]) if code in _WORDS else None


SERVICE = Service(name="tiktok", title="TikTok", reason=_reason, meaning=_meaning)


async def tiktok_of(ctx: ToolContext, needs: tuple[str, ...]) -> Account:
    """The account that was asked about. Raises OperatorError, Invalid, Conflict: not done."""
    return await account_of(ctx, SERVICE, needs)


async def told_by(
    account: Account,
    where: str,
    body: Mapping[str, Json],
    query: Mapping[str, str] | None = None,
) -> Mapping[str, Any]:
    """Ask TikTok; the `data` of its answer. Raises VendorRefused, Gone, VendorUnknown."""
    told = await account.call("POST", where, body=body, query=query)
    code, data = _code(told), told.get("data")
    if code in ("ok", "") and isinstance(data, dict):
        return data
    if code in ("ok", ""):
        raise VendorUnknown("TikTok's answer cannot be read.")
    if code in _WORDS:
        raise VendorRefused(_WORDS[code])
    raise VendorUnknown(f"TikTok answered {code[:60]}.")


async def creator_of(account: Account) -> Mapping[str, Any]:
    """What the account may post, and how it is called. Raises VendorError."""
    data = await told_by(account, "/v2/post/publish/creator_info/query/", {})
    if not isinstance(data.get("privacy_level_options"), list):
        raise VendorUnknown("TikTok did not say who may see a post of this account.")
    return data
