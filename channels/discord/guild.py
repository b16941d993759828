"""The one server that is set: its people and roles, looked up, recognised, given and taken.

An id is acted on only while it still has the name that a person saw on the card. Roles are changed
with the reason in Discord's own audit log; to give or take one twice does no harm.
https://docs.discord.com/developers/resources/guild#add-guild-member-role (read 2026-11-21)
"""

import hashlib
from base64 import b32encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.channel import Dialect, Receipt
from bot.core.errors import Invalid, NotFound, VendorRefused
from bot.core.ids import EffectId, TenantId
from bot.render.markdown import pieces
from channels.discord.calls import Calls
from channels.discord.community import ADMINISTRATOR, MANAGE_ROLES
from channels.discord.sending import MESSAGES

GUILD: Final = "/guilds/{guild_id}"
MEMBER: Final = f"{GUILD}/members/{{user_id}}"
ROLE: Final = f"{MEMBER}/roles/{{role_id}}"
MAX_FOUND: Final = 20
MAX_REASON: Final = 512
"""https://docs.discord.com/developers/reference#audit-log-reason (read 2026-11-21)"""
MAX_TEXT: Final = 1900
TEXT_CHANNELS: Final = frozenset({0, 5, 10, 11, 12})
"""Text, announcements, and the three kinds of threads."""
UNKNOWN: Final[Mapping[int, str]] = {
    10003: "There is no such channel on the server any more.",
    10004: "The bot is not on the server of guild_id. Invite it there, or mend DISCORD_GUILD_ID.",
    10007: "This person is not on the server any more.",
    10011: "There is no such role on the server any more.",
    10013: "There is no such person on Discord.",
}
"""Discord's numbers for what is not there.
https://docs.discord.com/developers/topics/opcodes-and-status-codes#json (read 2026-11-21)"""
MISSING_PERMISSIONS: Final = 50013


Pair = tuple[str, str]
"""An id of the server, and the name that people read."""


class Guild:
    """The server."""

    def __init__(self, calls: Calls, tenant: TenantId, id_: str) -> None:
        self.tenant = tenant
        self._calls = calls
        self._id = id_

    async def find(self, kind: str, name: str) -> Sequence[Pair]:
        """Id and name of each member, role or channel (`kind`) whose name begins with `name`.

        Raises VendorRefused, VendorUnknown, ConnectionBroken.
        """
        wanted = name.strip().lstrip("@#").lower()
        if kind == "member":
            query: Json = {"query": wanted, "limit": MAX_FOUND}
            found = await self._do("GET", f"{GUILD}/members/search", query)
            return [(str(each["user"]["id"]), _called(each)) for each in found]
        path = f"{GUILD}/{'roles' if kind == 'role' else 'channels'}"
        listed = [
            (str(each["id"]), str(each.get("name", "")))
            for each in await self._do("GET", path)
            if kind == "role" or each.get("type") in TEXT_CHANNELS
        ]
        near = [each for each in listed if each[1].lower().lstrip("@").startswith(wanted)]
        return near[:MAX_FOUND]

    async def manages(self, user: str, role: str) -> bool:
        """Whether a person may give and take a role: the server's owner, or who may manage roles
        and has one above it. The bot's own stands higher, so Discord would let the bot.

        https://docs.discord.com/developers/topics/permissions (read 2026-11-22)
        Raises VendorRefused, VendorUnknown, ConnectionBroken.
        """
        try:
            member = await self._do("GET", MEMBER, user_id=user)
        except NotFound:
            return False
        if (await self._do("GET", GUILD)).get("owner_id") == user:
            return True
        ids, known = {self._id, *member.get("roles", ())}, await self._do("GET", f"{GUILD}/roles")
        theirs = [each for each in known if each["id"] in ids]
        powers = any(
            int(each.get("permissions") or 0) & (MANAGE_ROLES | ADMINISTRATOR) for each in theirs
        )
        highest = max((_place(each) for each in theirs), default=0)
        return powers and all(_place(each) < highest for each in known if each["id"] == role)

    async def recognise(self, channel: Pair, member: Pair, text: str, effect: EffectId) -> Receipt:
        """Praise a member in a channel, once for each effect within Discord's memory of a nonce.

        Raises NotFound, Invalid, VendorRefused, VendorUnknown, ConnectionBroken.
        """
        there = await self._do("GET", "/channels/{channel_id}", channel_id=channel[0])
        if str(there.get("guild_id")) != self._id or there.get("type") not in TEXT_CHANNELS:
            raise NotFound("This channel is not one of the server.")
        _same("channel", channel, str(there.get("name", "")))
        await self._member(member)
        parts = pieces(text, Dialect.DISCORD, MAX_TEXT)
        if len(parts) != 1:
            raise Invalid(f"The text must not be empty, and {MAX_TEXT} characters fit.")
        key = b32encode(hashlib.sha256(f"{effect}\nrecognise".encode()).digest()).decode()[:25]
        body: Json = {
            "content": f"🏅 <@{member[0]}> {parts[0]}",
            "allowed_mentions": {"parse": [], "users": [member[0]]},
            "nonce": key,
            "enforce_nonce": True,
        }
        await self._calls.posts.turn(channel[0])
        made = await self._do("POST", MESSAGES, body, channel_id=channel[0])
        url = f"https://discord.com/channels/{self._id}/{channel[0]}/{made['id']}"
        return Receipt(vendor_ref=f"{channel[0]}:{made['id']}", url=url)

    async def set_role(self, member: Pair, role: Pair, reason: str, *, has: bool) -> None:
        """Give or take a role. Idempotent.

        Raises NotFound, Invalid, VendorRefused with the mend, VendorUnknown, ConnectionBroken.
        """
        found = next(
            (r for r in await self._do("GET", f"{GUILD}/roles") if r["id"] == role[0]), None
        )
        if found is None:
            raise NotFound(UNKNOWN[10011])
        _same("role", role, str(found.get("name", "")))
        if found.get("managed"):
            raise Invalid("Discord itself keeps this role for an integration; nobody can give it.")
        if has and int(found.get("permissions") or 0) & ADMINISTRATOR:
            raise Invalid("This role makes people administrators of the server. Give it by hand.")
        await self._member(member)
        names = {"user_id": member[0], "role_id": role[0]}
        try:
            await self._do("PUT" if has else "DELETE", ROLE, reason=reason[:MAX_REASON], **names)
        except VendorRefused as error:
            if error.ids.get("code") != MISSING_PERMISSIONS:
                raise
            raise VendorRefused(
                "Discord does not let the bot change this role. Under Server Settings, Roles: give "
                f"the bot's own role Manage Roles, and drag it above {role[1]}.",
                code=MISSING_PERMISSIONS,
            ) from error

    async def _member(self, member: Pair) -> None:
        """Raises NotFound, and Invalid when the id is another's than the name says."""
        found = await self._do("GET", MEMBER, user_id=member[0])
        user = found["user"]
        names = (found.get("nick"), user.get("global_name"), user.get("username"))
        _same("member", member, *(str(name) for name in names if name))

    async def _do(
        self, method: str, path: str, body: Json = None, *, reason: str = "", **names: str
    ) -> Any:
        """A call of the server; what is not there is said in words."""
        try:
            if "{guild_id}" in path:
                names["guild_id"] = self._id
            return await self._calls.do(method, path, body, reason=reason, **names)
        except VendorRefused as error:
            code = error.ids.get("code")
            if isinstance(code, int) and code in UNKNOWN:
                raise NotFound(UNKNOWN[code]) from error
            raise


def _place(role: Mapping[str, Any]) -> int:
    """How high a role stands."""
    return int(role.get("position") or 0)


def _called(member: Mapping[str, Any]) -> str:
    user = member["user"]
    return str(member.get("nick") or user.get("global_name") or user.get("username"))


def _same(noun: str, shown: Pair, *names: str) -> None:
    """Raises Invalid when what was shown is not what is there."""
    if shown[1].lstrip("@#").casefold() not in {name.lstrip("@#").casefold() for name in names}:
        raise Invalid(
            f"The {noun} {shown[0]} is {names[0] if names else 'nameless'} on Discord, not "
            f"{shown[1]}. Look it up again and ask anew."
        )
