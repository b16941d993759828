"""Slash commands of a server's community: words to an agent, cards, and deeds that are done once."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agents.runtime.offline import _TOOLS
from agents.runtime.phrases import understand
from channels.discord.community import NO_RIGHT, NOT_HERE
from tests.channels.discord_house import House
from tests.channels.running import Model, Program, found, standing
from tests.channels.test_discord_whole import admit
from tests.fakes.discord_rest import Fault
from tests.fakes.discord_server import DiscordServer
from tests.fakes.discord_world import snowflake
from tests.fakes.openai_server import Body, Reply


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server
        assert server.mistakes == []


def options(discord: DiscordServer) -> dict[str, Any]:
    return {"commands": True, "guild_id": discord.world.guild_id}


async def listed(discord: DiscordServer) -> set[str]:
    """The commands that people are offered."""
    await discord.until(lambda: discord.rest.commands)
    return {each["name"] for some in discord.rest.commands.values() for each in some}


async def test_commands_are_sentences_with_the_ids_that_discord_resolved(
    discord: DiscordServer,
) -> None:
    ana, helper = discord.world.person("ana"), discord.world.role("Helper (night)")
    async with House(discord, options(discord)) as house:
        assert {"recognise", "role", "score"} <= await listed(discord)
        place = discord.world.general.id
        await discord.command("olga", "recognise", place, member=ana.id, text="for the tents")
        said = f"Recognise Ana (member {ana.id}) in general (channel {place}) on Discord: for the"
        assert (await house.heard(1)).text == f"{said} tents"
        given = {"action": "assign", "member": ana.id, "role": helper, "reason": "leads"}
        await discord.command("olga", "role", place, **given)
        text = (await house.heard(2)).text
        assert text == (
            f"Assign the role Helper night (role {helper}) to Ana (member {ana.id}) on Discord: "
            "leads"
        ), "a name does not look like a part of the sentence"
        await discord.command("olga", "score", place)
        await discord.command("olga", "score", place, value=87, reason="counted")
        assert (await house.heard(3)).text == "Show the VIS score"
        assert (await house.heard(4)).text == "Set the VIS score to 87: counted"
        assert all(understand(event.text) for event in house.events), "the offline model knows them"


async def test_only_members_who_may_manage_roles_on_this_server_are_heard(
    discord: DiscordServer,
) -> None:
    ana, eve = discord.world.person("ana"), discord.world.person("eve")
    eve.powers = 1 << 11
    async with House(discord, options(discord)) as house:
        await listed(discord)
        place = discord.world.general.id
        refused = await discord.command("eve", "recognise", place, member=ana.id, text="me")
        assert refused.private == [NO_RIGHT]
        elsewhere = await discord.command("olga", "score", discord.direct("olga"))
        assert elsewhere.private == [NOT_HERE]
        discord.world.general.guild = snowflake()
        another = await discord.command("olga", "score", place)
        assert another.private == [NOT_HERE]
        discord.world.general.guild = discord.world.guild_id
        await house.quiet(lambda: house.events == [])
        eve.powers = 1 << 3
        await discord.command("eve", "score", place)
        await house.heard()


async def test_without_a_server_there_are_no_such_commands(discord: DiscordServer) -> None:
    async with House(discord, {"commands": True}):
        assert not {"recognise", "role", "score"} & await listed(discord)


class Volunteer(Model):
    """Does what the sentence says, as a model would."""

    def _reply(self, body: Body) -> Reply:
        last = next(m for m in reversed(body["messages"]) if m["role"] == "user")["content"]
        wish = understand(re.sub(r"^\[[^\]]*\] ?", "", str(last)))
        if wish is None or wish.want not in _TOOLS or body["messages"][-1]["role"] == "tool":
            return Reply(text=f"Told: {last}")
        values = {k: int(v) if k == "value" else v for k, v in wish.values.items()}
        return Reply(calls=[(_TOOLS[wish.want], json.dumps(values))])


async def test_the_whole_program_changes_roles_and_recognises_once_across_a_kill(
    tmp_path: Path, discord: DiscordServer
) -> None:
    ana, helper = discord.world.person("ana"), discord.world.role("Helper")
    steward, place = discord.world.role("Steward"), discord.world.general.id
    discord.world.managers.add(steward)
    discord.world.heights[steward] = 1
    ana.roles.append(steward)
    async with Volunteer() as model:
        settings = {"DISCORD_BOT_TOKEN": discord.token, "BOT_ENDPOINT_DISCORD": discord.url}
        guild = {"DISCORD_GUILD_ID": discord.world.guild_id}
        program = Program(tmp_path, model, **settings, **guild)
        async with standing(program, discord.token):
            await discord.gateway.until_connected(30)
            await listed(discord)
            await admit(program, discord)
            # Nothing happens without a yes; then exactly what the card showed.
            given = {"action": "assign", "member": ana.id, "role": helper, "reason": "leads"}
            await discord.command("ana", "role", place, **given)
            (card,) = await found(lambda: [m for m in discord.shown(place) if m.buttons])
            assert f"Helper ({helper})" in str(card.embeds) and ana.id in str(card.embeds)
            assert ana.roles == [steward]
            (approve,) = [b["custom_id"] for b in card.buttons if b["label"] == "Approve"]
            for _ in range(2):
                await discord.press_raw("ana", card, approve)
            await found(lambda: ana.roles == [steward, helper])
            await found(lambda: not card.buttons)
            assert discord.rest.reasons == ["leads"], "pressed twice, done once"
            # The score, with its history.
            await discord.command("ana", "score", place, value=87, reason="counted")
            (card,) = await found(lambda: [m for m in discord.shown(place) if m.buttons])
            await discord.press("ana", card, "Approve")
            await found(lambda: not card.buttons)
            # Killed when the praise stands there and the answer is lost: it is not said again.
            await discord.command("ana", "recognise", place, member=ana.id, text="for the tents")
            (card,) = await found(lambda: [m for m in discord.shown(place) if m.buttons])
            cut = Fault(where="POST /channels/", times=1, cut=True, after=True)
            discord.rest.faults.append(cut)
            await discord.press("ana", card, "Approve")
            praise = f"🏅 <@{ana.id}> for the tents"
            await found(lambda: praise in discord.texts(place))
            program.stop(signal.SIGKILL)
            await discord.gateway.forget_sessions()
            await program.start()
            await discord.gateway.until_connected(30)
            await found(lambda: not card.buttons, 60)
            await asyncio.sleep(0.5)
            assert discord.texts(place).count(praise) == 1
            assert "score.changed" in await program.verb("audit")
