"""Who in the workspace is whom in the house, by e-mail: only where an owner said so, once an hour.

Slack vouches for an address when its user confirmed it and belongs to this very workspace; whoever
administers the workspace can change addresses, so an owner names the domains that are trusted with
that. Guests, apps, people of other workspaces and addresses that two users have are nobody's. Whom
it fits is decided by the house (`bot/people.py`): members alone, never owners, never anybody anew.
https://docs.slack.dev/reference/methods/users.list (read 2026-11-21)
"""

import asyncio
import logging
from collections import Counter
from typing import Final

from bot.core.errors import BotError
from bot.lent import Desk
from channels.slack.calls import Calls
from channels.slack.events import Account, Body, body_of, list_of, text_of

log = logging.getLogger(__name__)

EVERY_S: Final = 3600.0
PAGE, PAGES = 200, 100
SCOPES: Final = ("users:read", "users:read.email")
"""What it needs besides, of an app whose owner wants it."""
_NOT: Final = (
    "deleted",
    "is_bot",
    "is_app_user",
    "is_restricted",
    "is_ultra_restricted",
    "is_stranger",
    "is_external",
    "is_invited_user",
    "is_forgotten",
)


class Users:
    """Looks through the users of a workspace."""

    def __init__(self, calls: Calls, desk: Desk, account: Account, domains: frozenset[str]) -> None:
        self._calls = calls
        self._desk = desk
        self._account = account
        self._domains = domains

    async def keep(self) -> None:
        """Look through them every hour until cancelled."""
        while True:
            try:
                if found := await self.sync():
                    log.info("People of Slack are known by their e-mail: %s.", found)
            except BotError as error:
                log.warning("Slack's users cannot be looked through: %s", error.message)
            await asyncio.sleep(EVERY_S)

    async def sync(self) -> int:
        """Look once; returns how many are known from now on. Raises VendorError, StoreError."""
        addresses: list[tuple[str, str, str]] = []
        cursor = ""
        for _ in range(PAGES):
            page = await self._calls.ask("users.list", limit=PAGE, cursor=cursor)
            for user in list_of(page, "members"):
                if email := self._vouched(user):
                    addresses.append((email, text_of(user, "id"), text_of(user, "real_name")))
            cursor = text_of(body_of(page, "response_metadata"), "next_cursor", 1000)
            if not cursor:
                break
        often = Counter(email for email, _, _ in addresses)
        found = 0
        for email, user, name in addresses:
            if often[email] == 1:
                found += await self._desk.match(self._account.key, user, name, email)
        return found

    def _vouched(self, user: Body) -> str:
        """The address that Slack vouches for; empty where it does not, or nobody trusts it."""
        email = text_of(body_of(user, "profile"), "email").strip().casefold()
        is_ours = text_of(user, "team_id") == self._account.team and text_of(user, "id")
        is_person = not any(user.get(name) for name in _NOT)
        is_trusted = email.rpartition("@")[2] in self._domains and email.count("@") == 1
        is_sure = user.get("is_email_confirmed") is True
        return email if is_ours and is_person and is_trusted and is_sure else ""
