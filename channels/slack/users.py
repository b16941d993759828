"""Who is in the workspace, once an hour: their names, and who in the house has the same e-mail.

Username, name and address are kept with the time of asking. That an address makes somebody known is
only where an owner said so: Slack vouches for one when its user confirmed it and belongs to this
very workspace; whoever administers the workspace can change addresses, so an owner names the
domains that are trusted with that. Guests, apps, people of other workspaces and addresses that two
users have are nobody's. Whom it fits is decided by the house (`bot/people.py`): members alone,
never owners, never anybody anew.
https://docs.slack.dev/reference/methods/users.list (read 2026-11-21)
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final

from bot.core.errors import BotError, ConnectionBroken
from bot.platforms.lent import Lent
from bot.store.platform_users import PlatformUser
from channels.slack.calls import Calls
from channels.slack.events import Account, Body, body_of, list_of, text_of

log = logging.getLogger(__name__)

EVERY_S: Final = 3600.0
FRESH_S: Final = 3300.0
"""What another process asked for so lately is not asked for again."""
FIRST_S: Final = 20.0
"""A start has other things to ask Slack."""
PAGE, PAGES = 200, 100
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

    def __init__(self, calls: Calls, lent: Lent, account: Account, domains: frozenset[str]) -> None:
        self._calls = calls
        self._desk = lent.desk
        self._book = lent.users
        self._account = account
        self._domains = domains
        self._names: dict[str, str] = {}

    def name(self, user: str) -> str:
        """What others call somebody; empty while that is not known."""
        return self._names.get(user, "")

    async def keep(self) -> None:
        """Look through them every hour until cancelled."""
        await asyncio.sleep(0.0 if self._domains else FIRST_S)
        while True:
            try:
                if found := await self._look():
                    log.info("People of Slack are known by their e-mail: %s.", found)
            except ConnectionBroken as error:
                wanted = log.warning if self._domains else log.info
                wanted("Slack's users cannot be looked through: %s", error.message)
            except BotError as error:
                log.warning("Slack's users cannot be looked through: %s", error.message)
            await asyncio.sleep(EVERY_S)

    async def _look(self) -> int:
        """Ask Slack, unless another process has just done so and nobody is to be matched."""
        where = (self._account.tenant, self._account.team)
        if self._book and not self._domains and await self._book.age_s(*where) < FRESH_S:
            self._names = await self._book.names(*where)
            return 0
        return await self.sync()

    async def sync(self) -> int:
        """Look once; returns how many are known from now on. Raises VendorError, StoreError."""
        addresses: list[tuple[str, str, str]] = []
        names: dict[str, str] = {}
        cursor, since, is_whole = "", 0, False
        for _ in range(PAGES):
            page = await self._calls.ask("users.list", limit=PAGE, cursor=cursor)
            people = [found for user in list_of(page, "members") if (found := self._person(user))]
            names.update({person.ext_id: person.name for person in people})
            if self._book:
                at = await self._book.keep(self._account.tenant, people)
                since = since or at
            for user in list_of(page, "members"):
                if email := self._vouched(user):
                    addresses.append((email, text_of(user, "id"), text_of(user, "real_name")))
            cursor = text_of(body_of(page, "response_metadata"), "next_cursor", 1000)
            if not cursor:
                is_whole = True
                break
        if self._book and is_whole:
            await self._book.whole(self._account.tenant, self._account.team, since)
        self._names = names
        return await self._match(addresses)

    async def _match(self, addresses: Sequence[tuple[str, str, str]]) -> int:
        often = Counter(email for email, _, _ in addresses)
        found = 0
        for email, user, name in addresses:
            if often[email] == 1:
                found += await self._desk.match(self._account.key, user, name, email)
        return found

    def _person(self, user: Body) -> PlatformUser | None:
        """Somebody of this workspace; None for apps, and for those who are gone."""
        profile, id_ = body_of(user, "profile"), text_of(user, "id")
        if not id_ or user.get("deleted") or user.get("is_bot") or id_ == "USLACKBOT":
            return None
        name = text_of(profile, "display_name") or text_of(profile, "real_name")
        return PlatformUser(
            workspace=self._account.team,
            ext_id=id_,
            username=text_of(user, "name"),
            name=name or text_of(user, "real_name") or text_of(user, "name"),
            email=text_of(profile, "email").strip(),
        )

    def _vouched(self, user: Body) -> str:
        """The address that Slack vouches for; empty where it does not, or nobody trusts it."""
        email = text_of(body_of(user, "profile"), "email").strip().casefold()
        is_ours = text_of(user, "team_id") == self._account.team and text_of(user, "id")
        is_person = not any(user.get(name) for name in _NOT)
        is_trusted = email.rpartition("@")[2] in self._domains and email.count("@") == 1
        is_sure = user.get("is_email_confirmed") is True
        return email if is_ours and is_person and is_trusted and is_sure else ""
