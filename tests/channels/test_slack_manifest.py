"""Slack's manifest: it asks for what the program uses and for nothing else, and the page is true."""

import asyncio
import json
from hashlib import sha256
from pathlib import Path

import pytest

from bot.core.errors import NotFound
from bot.core.event import Event
from bot.core.ports import Accepted
from bot.infra.clock import SystemClock
from bot.wiring.setup import channel_manifest
from channels.slack import manifest as book
from channels.slack.channel import make
from channels.slack.hooks import Hooks
from channels.slack.settings import Settings
from tests.channels.slack_side import Desk, lent
from tests.fakes.slack_rules import HISTORY, SCOPES
from tests.fakes.slack_server import SlackServer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "channels" / "slack.md").read_text()
SOURCE = "\n".join(
    path.read_text()
    for path in (ROOT / "channels" / "slack").glob("*.py")
    if path.name != "manifest.py"
)
HEARD = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}
"""The scope that Slack wants for hearing each event."""
FREE = {"app_home_opened", "app_uninstalled", "tokens_revoked"}


def made(address: str = "") -> dict[str, dict]:
    """As Slack reads it: through JSON."""
    version, found = channel_manifest("slack", address)
    assert version == book.VERSION
    return json.loads(json.dumps(found))


ASKED = "4d7e9599d6b4a4f4"
"""What version 3 asks for, as a hash. Where this differs, raise the version and put the new one here."""


def test_its_version_stands_in_it_and_is_raised_when_it_asks_for_something_else() -> None:
    found = made()
    long = found["display_information"]["long_description"]
    assert f"version {book.VERSION} of the manifest" in long
    assert 175 <= len(long) <= 4000, "Slack takes no shorter and no longer one"
    asked = {
        "scopes": found["oauth_config"]["scopes"],
        "events": found["settings"]["event_subscriptions"]["bot_events"],
        "features": found["features"],
    }
    told = sha256(json.dumps([book.VERSION, asked], sort_keys=True).encode()).hexdigest()
    assert told[:16] == ASKED


def test_it_asks_for_the_scopes_that_are_used() -> None:
    called = {scope for method, scope in SCOPES.items() if f'"{method}"' in SOURCE}
    events = set(made()["settings"]["event_subscriptions"]["bot_events"])
    used = called | {HEARD[event] for event in events - FREE} | set(HISTORY.values())
    used |= {"commands", "assistant:write"}
    used |= {"users:read.email"} if '"email"' in SOURCE else set()
    used |= {"groups:read"} if "private_channel" in SOURCE else set()
    assert set(made()["oauth_config"]["scopes"]["bot"]) == used


def test_every_event_of_it_is_read() -> None:
    for event in made()["settings"]["event_subscriptions"]["bot_events"]:
        assert f'"{event.partition(".")[0]}"' in SOURCE, event


def test_every_shortcut_of_it_is_known() -> None:
    for shortcut in made()["features"]["shortcuts"]:
        assert f'"{shortcut["callback_id"]}"' in SOURCE


def test_a_house_that_slack_reaches_is_called_at_the_addresses_that_it_serves() -> None:
    found = made("https://bot.example.org")
    settings = found["settings"]
    told = {
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
        found["features"]["slash_commands"][0]["url"],
    }
    hooks = Hooks.of("secret", SystemClock(), _nothing)
    assert told == {f"https://bot.example.org{path}" for _, path, _ in hooks.routes()}
    assert len(told) == 3
    assert settings["socket_mode_enabled"] is False


async def _silent(event: Event) -> Accepted:
    raise AssertionError(event)


async def _nothing(road: str, payload: object) -> None:
    return None


def test_an_agent_s_own_app_has_its_name_its_command_and_its_addresses() -> None:
    found = channel_manifest("slack", "https://bot.example.org", ("kelly", "Kelly plans"))[1]
    settings, features = found["settings"], found["features"]
    shown = found["display_information"]
    assert (shown["name"], shown["description"]) == ("Kelly", "Kelly plans")
    assert features["bot_user"]["display_name"] == "kelly"
    (command,) = features["slash_commands"]
    assert command["command"] == "/kelly"
    told = {
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
        command["url"],
    }
    hooks = Hooks.of("secret", SystemClock(), _nothing)
    assert told == {f"https://bot.example.org{path}" for _, path, _ in hooks.routes("/kelly")}
    back = "https://bot.example.org/oauth/slack/installed"
    assert found["oauth_config"]["redirect_urls"] == [back]
    assert "http" not in json.dumps(channel_manifest("slack", "", ("kelly", "Kelly plans"))[1])


def test_a_house_that_slack_does_not_reach_calls_slack() -> None:
    found = made()
    assert found["settings"]["socket_mode_enabled"] is True
    assert "http" not in json.dumps(found)


def test_a_platform_without_a_manifest_says_so() -> None:
    for name in ("telegram", "nothing"):
        with pytest.raises(NotFound, match="has no manifest"):
            channel_manifest(name, "")


def test_texts_keep_to_slack_s_limits() -> None:
    """https://docs.slack.dev/reference/app-manifest (read 2026-11-21)."""
    found = made("https://bot.example.org")
    assert len(found["display_information"]["name"]) <= 35
    assert len(found["display_information"]["description"]) <= 140
    assert len(found["features"]["bot_user"]["display_name"]) <= 80
    for shortcut in found["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24 and len(shortcut["description"]) <= 150
    for command in found["features"]["slash_commands"]:
        assert len(command["description"]) <= 2000 and len(command["command"]) <= 32


def test_every_setting_is_explained() -> None:
    for name, field in Settings.model_fields.items():
        assert name in PAGE and field.description, name
        assert f"SLACK_{name.upper()}" in PAGE


async def test_an_app_of_an_older_manifest_says_what_it_lacks_by_now() -> None:
    async with SlackServer() as server:
        server.scopes -= {"commands", "groups:read"}
        channel = make(lent(server, Desk()))
        task = asyncio.create_task(channel.run(_silent))
        await server.connected()
        lacking = channel.behind
        assert (
            "The app lacks commands, groups:read, " in lacking
            and f"version {book.VERSION}" in lacking
        ), lacking
        server.scopes |= set(book.SCOPES)
        await channel.main.places()
        assert channel.behind == "", "as soon as Slack says so"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
