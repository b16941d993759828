"""Slash commands: the house's own words where Discord lists them, registered when they changed.

https://docs.discord.com/developers/interactions/application-commands (read 2026-11-21)
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.commands import is_for_one
from bot.core.canonical import Json
from channels.discord import community
from channels.discord.calls import Calls
from channels.discord.payloads import Interaction

TEXT: Final = 3
"""The type of an option that is a text."""


def _option(name: str, words: str) -> dict[str, Json]:
    return {"type": TEXT, "name": name, "description": words, "required": True}


def _command(name: str, words: str, *options: dict[str, Json]) -> dict[str, Json]:
    return {"type": 1, "name": name, "description": words, "options": list(options)}


ASK: Final = "ask"
COMMANDS: Final[tuple[dict[str, Json], ...]] = (
    _command(ASK, "Ask an agent", _option("question", "What you want to know or have done")),
    _command("help", "What you can write"),
    _command("agents", "Who is here"),
    _command("agent", "Talk to this agent from now on", _option("name", "The agent's name")),
    _command("new", "Begin anew"),
    _command("stop", "Stop what is running"),
    _command("status", "What is running and waiting"),
    _command("approvals", "What waits for a yes"),
    _command("approve", "Approve", _option("code", "The number on the card")),
    _command("reject", "Refuse", _option("code", "The number on the card")),
    _command("usage", "What today cost"),
    _command("memory", "What the agents keep about you"),
    _command("forget", "Delete one of these notes", _option("note", "As /memory names it")),
    _command("good", "The last answer was good"),
    _command("bad", "The last answer was not good", _option("why", "What was wrong")),
    _command("link", "This is you too", _option("code", "What you were told elsewhere")),
    _command("whoami", "Who the house thinks you are"),
)
_NAMES: Final = {str(each["name"]) for each in COMMANDS}


def is_private(told: Interaction) -> bool:
    """Whether the answer is for whoever asked alone; what an agent answers, all may read."""
    name = told.data.name
    return (name != ASK and name not in community.NAMES) or is_for_one(text_of(told))


def text_of(told: Interaction) -> str:
    """What the command says, as a person would have written it; empty for an unknown one."""
    data = told.data
    if data.name in community.NAMES:
        return community.sentence(told)
    if data.name not in _NAMES:
        return ""
    values = " ".join(str(each.value) for each in data.options).strip()
    return values if data.name == ASK else f"/{data.name} {values}".strip()


async def register(calls: Calls, guild: str) -> bool:
    """Make Discord list the commands; True when they had changed. Raises VendorError."""
    path, names = "/applications/{app}/commands", {"app": calls.app}
    wanted = [*COMMANDS, *community.COMMANDS] if guild else list(COMMANDS)
    if guild:
        path, names = "/applications/{app}/guilds/{guild_id}/commands", {**names, "guild_id": guild}
    listed = await calls.do("GET", path, **names)
    if _plain(listed) == _plain(wanted):
        return False
    await calls.do("PUT", path, wanted, **names)
    return True


def _plain(commands: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """So much of each as we say ourselves."""
    return sorted(
        (
            str(each.get("name")),
            str(each.get("description")),
            str(each.get("default_member_permissions")),
            *((o.get("name"), o.get("description")) for o in each.get("options") or ()),
        )
        for each in commands
    )
