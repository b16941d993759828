"""Slash commands of the server's own community: recognise a volunteer, the VIS score, roles.

They are words to an agent, with the ids that Discord resolved, so that the same tools, cards and
approvals stand behind them as behind a chat. Only members who may manage roles there get them.
https://docs.discord.com/developers/interactions/application-commands (read 2026-11-21)
"""

import re
from collections.abc import Mapping
from typing import Final

from bot.core.canonical import Json
from channels.discord.payloads import Data, Interaction

RECOGNISE, ROLE, SCORE = "recognise", "role", "score"
TEXT, NUMBER, MEMBER, A_ROLE = 3, 4, 6, 8
"""Types of options: a text, a whole number, a member, a role."""
MANAGE_ROLES: Final = 1 << 28
ADMINISTRATOR: Final = 1 << 3
"""https://docs.discord.com/developers/topics/permissions (read 2026-11-21)"""
NOT_HERE: Final = "This command works on the team's own server only."
NO_RIGHT: Final = (
    "Only members with the permission Manage Roles may do this. An administrator of the server "
    "gives it under Server Settings, Roles."
)


def _option(kind: int, name: str, words: str, *, needed: bool = True) -> dict[str, Json]:
    return {"type": kind, "name": name, "description": words, "required": needed}


def _command(name: str, words: str, *options: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": 1,
        "name": name,
        "description": words,
        "options": list(options),
        "default_member_permissions": MANAGE_ROLES,
    }


_ACTION: Final[dict[str, Json]] = {
    **_option(TEXT, "action", "Assign or remove"),
    "choices": [{"name": word, "value": word} for word in ("assign", "remove")],
}
COMMANDS: Final[tuple[dict[str, Json], ...]] = (
    _command(
        RECOGNISE,
        "Praise a volunteer here",
        _option(MEMBER, "member", "Who"),
        _option(TEXT, "text", "For what, as all will read it"),
    ),
    _command(
        ROLE,
        "Assign or remove a role",
        _ACTION,
        _option(MEMBER, "member", "Whose"),
        _option(A_ROLE, "role", "Which"),
        _option(TEXT, "reason", "Why: it stands in the server's audit log"),
    ),
    _command(
        SCORE,
        "Show or set the VIS score",
        _option(NUMBER, "value", "The new score; leave it out to see it", needed=False),
        _option(TEXT, "reason", "Why it changes", needed=False),
    ),
)
NAMES: Final = frozenset(str(each["name"]) for each in COMMANDS)


def refusal(told: Interaction, guild: str) -> str:
    """Why this command is not carried out; empty when it is."""
    if told.data.name not in NAMES:
        return ""
    if not guild or told.guild_id != guild:
        return NOT_HERE
    has = told.member.powers if told.member else 0
    return "" if has & (MANAGE_ROLES | ADMINISTRATOR) else NO_RIGHT


def sentence(told: Interaction) -> str:
    """What the command says to an agent; empty for what is no command of these."""
    data = told.data
    given = {each.name: str(each.value).strip() for each in data.options}
    if data.name == RECOGNISE:
        place = (told.channel.name if told.channel else None) or ""
        here = f"{_plain(place)} (channel {told.channel_id})"
        who = f"{_member(data, given)} (member {given.get('member')})"
        return f"Recognise {who} in {here} on Discord: {given.get('text')}"
    if data.name == ROLE:
        who = f"{_member(data, given)} (member {given.get('member')})"
        id_ = given.get("role", "")
        known = data.resolved.roles.get(id_)
        role = f"{_plain(known.name if known else '')} (role {id_})"
        word, link = ("Assign", "to") if given.get("action") == "assign" else ("Remove", "from")
        return f"{word} the role {role} {link} {who} on Discord: {given.get('reason')}"
    if data.name == SCORE:
        return _score(given)
    return ""


def _score(given: Mapping[str, str]) -> str:
    if not given.get("value"):
        return "Show the VIS score"
    return f"Set the VIS score to {given['value']}: {given.get('reason') or 'no reason given'}"


def _member(data: Data, given: Mapping[str, str]) -> str:
    """The name that the server's people read."""
    id_ = given.get("member", "")
    member, user = data.resolved.members.get(id_), data.resolved.users.get(id_)
    nick = member.nick if member else None
    return _plain(nick or (user.name if user else ""))


def _plain(name: str) -> str:
    """A name as one line that does not look like a part of the sentence."""
    return " ".join(re.sub(r"[\x00-\x1f()]+", " ", name).split())[:100]
