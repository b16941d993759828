"""The whole program is killed while a platform takes a message or a role: done once, or asked about."""

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Any

import pytest

from bot.core.canonical import Json
from tests.channels.teams_side import ANA
from tests.fakes.discord_server import DiscordServer
from tests.fakes.graph_channels import GraphChannels
from tests.fakes.oauth_server import CLIENT
from tests.fakes.oauth_server import SECRET as APP_SECRET
from tests.fakes.teams_connector import WORKFLOW
from tests.fakes.teams_server import APP, SECRET, TENANT, TeamsServer
from tests.program import wait_for
from tests.tools.story import SENT, Story, story

DEED = "deed"


async def asked(told: Story[None], agent: str) -> dict[str, Any]:
    """The question; it is asked for again while the platform has not said yet where the bot is."""
    for _ in range(10):
        told.conv = await asyncio.to_thread(told.running.say, f"@{agent} do it")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                while not (items := await asyncio.to_thread(told.pending)):
                    await asyncio.sleep(0.1)
                return dict(items[0])
    raise AssertionError("Nothing was asked.")


async def killed(told: Story[None], server: Any, call: str, there: Any, agent: str) -> None:
    """Say yes to what is asked for; kill when it is there and its answer is on its way."""
    server.wire.calls = {DEED: call}
    server.wire.fail(DEED, "late")
    await told.decide(await asked(told, agent))
    await asyncio.to_thread(wait_for, there)
    await asyncio.to_thread(told.running.stop, signal.SIGKILL)
    server.wire.end()
    await told.start()


@pytest.mark.long
@pytest.mark.parametrize("tool", ["send_discord_message", "community_role"])
async def test_what_discord_has_taken_is_there_once(tmp_path: Path, tool: str) -> None:
    async with DiscordServer() as server:
        world, ana = server.world, server.world.person("ana")
        given: dict[str, Json] = {"place": "#general", "text": "We are open"}
        call = f"POST /api/v10/channels/{world.general.id}/messages"
        there = lambda: len(server.shown(world.general.id))  # noqa: E731
        if tool == "community_role":
            given = {"action": "assign", "member_id": ana.id, "member_name": "ana"}
            given |= {"role_id": world.role("Helper"), "role_name": "Helper", "reason": "leads"}
            call = "PUT /api/v10/guilds/.*/roles/[0-9]+"
            there = lambda: len(ana.roles)  # noqa: E731
        bot = {"DISCORD_BOT_TOKEN": server.token, "DISCORD_GUILD_ID": world.guild_id}
        bot["BOT_ENDPOINT_DISCORD"] = server.url
        async with story(tmp_path, {"do it": (tool, given)}, **bot) as told:
            await server.gateway.until_connected(30)
            await killed(told, server, call, there, "bri")
            await told.told(SENT)
            assert (there(), server.wire.calls_of(DEED)) == (1, 2), "again by its key"
        assert server.mistakes == []


@pytest.mark.long
async def test_what_teams_has_taken_unheard_is_asked_about_and_stands_there_once(
    tmp_path: Path,
) -> None:
    async with TeamsServer() as server:
        channel = server.world.channel("general", ANA)
        options = f'app_id = "{APP}", app_secret = "{SECRET}", tenant_id = "{TENANT}"'
        bot = {"BOT_CHANNELS": f"{{teams = {{{options}}}}}", "BOT_ENDPOINT_TEAMS": server.base}
        given: dict[str, Json] = {"channel_id": channel, "text": "We are open"}
        async with story(tmp_path, {"do it": ("teams_post_message", given)}, **bot) as told:
            there = lambda: len(server.shown(channel))  # noqa: E731
            await killed(told, server, "POST /.*/v3/conversations", there, "porter")
            doubt = await told.waiting()
            assert "I may have done this" in doubt["shown"]["title"]
            await told.decide(doubt, "there")
            await told.told(SENT)
            assert (there(), server.wire.calls_of(DEED)) == (1, 1)
        assert server.mistakes == []


@pytest.mark.parametrize(
    ("answer", "last"),
    [("there", SENT), pytest.param("again", SENT, marks=pytest.mark.long),
     pytest.param("leave", "in doubt, and left so", marks=pytest.mark.long)],
)  # fmt: skip
async def test_what_a_workflow_took_through_a_kill_is_asked_about_and_done_by_that_word_alone(
    tmp_path: Path, answer: str, last: str
) -> None:
    async with TeamsServer() as server:
        given: dict[str, Json] = {"text": "We are open"}
        flow = {"BOT_WORKFLOW_TEAMS_URL": server.workflow_url}
        async with story(tmp_path, {"do it": ("teams_post_message", given)}, **flow) as told:
            there = lambda: len(server.shown(WORKFLOW))  # noqa: E731
            await killed(told, server, "POST /workflows/.*", there, "porter")
            doubt = await told.waiting()
            assert "I may have done this" in doubt["shown"]["title"]
            assert (there(), server.wire.calls_of(DEED)) == (1, 1), "nothing before the word"
            await told.decide(doubt, answer)
            await told.told(last)
            times = 2 if answer == "again" else 1
            assert (there(), server.wire.calls_of(DEED)) == (times, times)
            assert "flow-secret" not in told.running.said
        assert server.mistakes == []


async def test_what_a_person_posted_through_a_kill_is_asked_about_and_stands_there_once(
    tmp_path: Path,
) -> None:
    team, channel = "fbe2bf47-16c8-47cf-b4a5-4b9b187c508b", "19:4a95@thread.tacv2"
    given: dict[str, Json] = {"team_id": team, "channel_id": channel, "text": "We are open"}
    async with GraphChannels() as server:
        server.members.add(team)
        ours = {"MICROSOFT_CLIENT_ID": CLIENT, "MICROSOFT_CLIENT_SECRET": APP_SECRET}
        ours["BOT_ENDPOINT_MICROSOFT"] = server.base
        calls = {"do it": ("teams_post_message", given | {"as_person": True})}
        async with story(tmp_path, calls, **ours) as told:
            await told.connect(server, "ChannelMessage.Send")
            there = lambda: len(server.posts)  # noqa: E731
            await killed(told, server, "POST /v1.0/teams/.*/messages", there, "porter")
            doubt = await told.waiting()
            assert "I may have done this" in doubt["shown"]["title"]
            await told.decide(doubt, "there")
            await told.told(SENT)
            assert (there(), server.wire.calls_of(DEED)) == (1, 1)
        assert server.mistakes == []
