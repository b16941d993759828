"""The whole program: a token that does not work takes the place of none that does."""

import asyncio
import json
from pathlib import Path

import pytest

pytest.importorskip("discord")
pytest.importorskip("telegram")

from tests.channels import test_telegram_whole
from tests.channels.running import Model, Program, found, standing
from tests.channels.slack_side import ANA as SLACK_ANA
from tests.channels.teams_side import ANA as TEAMS_ANA
from tests.channels.test_slack_whole import said, slack
from tests.channels.test_telegram_whole import ANA
from tests.fakes.discord_server import DiscordServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.teams_server import APP, SECRET, TENANT, TeamsServer

__all__ = ["slack"]
pytestmark = pytest.mark.timeout(300)
WRONG = "123456:" + "b" * 35


async def refused(program: Program, *words: str, told: str = "") -> str:
    """What a verb says that fails; the vendors that play go on meanwhile."""
    done = await asyncio.to_thread(program.run, *words, told=told)
    assert done.returncode, done.stdout
    return done.stderr


async def test_telegram_is_on_after_the_check_and_stays_on_after_a_wrong_token(
    tmp_path: Path,
) -> None:
    async with test_telegram_whole.whole(tmp_path, BOTFATHERTOKEN="") as house:
        telegram, verb = house.telegram, house.program.verb
        wrong = json.dumps({"token": WRONG})
        said = await refused(house.program, "connect", "telegram", "--stdin", told=wrong)
        assert "Nothing was changed" in said
        listed = json.loads(await verb("connect", "--json"))["items"]
        (item,) = [each for each in listed if each["name"] == "telegram"]
        assert item["detail"] == "not connected", "nothing was sealed"
        right = json.dumps({"token": telegram.token})
        told = await verb("connect", "telegram", "--stdin", told=right)
        assert "bot @" in told and "telegram listens" in told
        await house.pair()
        said = await refused(house.program, "connect", "telegram", "--stdin", told=wrong)
        assert "Nothing was changed" in said
        assert "@BotFather" in said and WRONG not in said
        before = len(house.said())
        telegram.world.say(ANA, "Are you there?")
        await found(lambda: len(house.said()) > before)
        # A test message: to the chat that the owner names.
        told = await verb("connect", "telegram", "--test", str(ANA.id))
        assert f"the chat {ANA.id}" in told
        await found(lambda: [text for text in house.said() if "This is a test" in text])
        nowhere = await refused(house.program, "connect", "telegram", "--test")
        assert "Say where" in nowhere
        assert WRONG not in house.program.said
        assert telegram.mistakes == ["a token that Telegram does not know"] * 2


async def test_slack_says_whose_app_it_is_and_a_wrong_token_changes_nothing(
    tmp_path: Path, slack: SlackServer
) -> None:
    async with Model() as model:
        program = Program(tmp_path, model, BOT_ENDPOINT_SLACK=slack.base)
        async with standing(program, slack.bot_token, slack.app_token):
            right = {"bot_token": slack.bot_token, "app_token": slack.app_token}
            slack.scopes -= {"files:write"}
            told = await program.verb("connect", "slack", "--stdin", told=json.dumps(right))
            assert "Shop, bot @switchboard" in told and "files:write" in told
            await slack.connected()
            place = slack.world.direct(SLACK_ANA)
            await slack.world.say(SLACK_ANA, place, "hello?")
            (code,) = await said(slack, place, 1)
            await program.admit(code)
            for name in right:
                wrong = json.dumps({**right, name: f"{right[name][:5]}other-0"})
                done = await refused(program, "connect", "slack", "--stdin", told=wrong)
                assert "Nothing was changed" in done, name
            await slack.world.say(SLACK_ANA, place, "hello")
            await said(slack, place, 2)
            channel = slack.world.channel("ops", SLACK_ANA)
            assert "#ops" in await program.verb("connect", "slack", "--test", "#ops")
            await found(lambda: "test" in " ".join(slack.world.said(channel)))
            done = await refused(program, "connect", "slack", "--test", "#nowhere")
            assert "no place called #nowhere" in done


async def test_what_cannot_be_asked_is_kept_only_by_who_says_so(tmp_path: Path) -> None:
    async with Model() as model:
        program = Program(tmp_path, model, BOT_ENDPOINT_TELEGRAM="http://127.0.0.1:9")
        async with standing(program):
            told = json.dumps({"token": WRONG})
            done = await refused(program, "connect", "telegram", "--stdin", told=told)
            assert "--unchecked" in done
            assert "not connected" in await program.verb("connect")
            words = ("connect", "telegram", "--stdin", "--unchecked")
            done = await asyncio.to_thread(program.run, *words, told=told)
            assert "was not checked" in done.stdout
            assert "telegram" in await program.verb("connect")


async def test_discord_is_connected_and_a_test_message_stands_there(tmp_path: Path) -> None:
    async with DiscordServer() as discord, Model() as model:
        program = Program(tmp_path, model, BOT_ENDPOINT_DISCORD=discord.url)
        async with standing(program, discord.token):
            wrong = json.dumps({"token": "of nobody"})
            done = await refused(program, "connect", "discord", "--stdin", told=wrong)
            assert "Nothing was changed" in done and "Reset it under Bot" in done
            right = json.dumps({"token": discord.token})
            told = await program.verb("connect", "discord", "--stdin", told=right)
            assert "Harbour, bot @" in told and "discord listens" in told
            assert "#general" in await program.verb("connect", "discord", "--test", "#general")
            assert [t for t in discord.texts(discord.channel()) if "This is a test message" in t]
            done = await refused(program, "connect", "discord", "--test", "#nowhere")
            assert "no place called #nowhere" in done
            assert len(discord.texts(discord.channel())) == 1


async def test_teams_is_connected_and_a_test_message_stands_there(tmp_path: Path) -> None:
    async with TeamsServer(again_s=(0.5, 1.0, 2.0)) as teams, Model() as model:
        program = Program(tmp_path, model, BOT_ENDPOINT_TEAMS=teams.base)
        teams.webhook_via = program.url
        async with standing(program, SECRET):
            right = {"app_id": APP, "app_secret": SECRET, "tenant_id": TENANT}
            wrong = json.dumps({**right, "app_secret": "expired"})
            done = await refused(program, "connect", "teams", "--stdin", told=wrong)
            assert "Nothing was changed" in done and "client secret" in done
            told = await program.verb("connect", "teams", "--stdin", told=json.dumps(right))
            assert APP in told and "teams listens" in told
            done = await refused(program, "connect", "teams", "--test", "General")
            assert "Mention the app there" in done
            channel = teams.world.channel("general", TEAMS_ANA)
            await teams.world.mention(TEAMS_ANA, channel, "hello")
            await teams.settled()
            assert "General" in await program.verb("connect", "teams", "--test", "General")
            assert [t for t in teams.world.said(channel) if "This is a test message" in t]
        assert teams.mistakes == [] and teams.lost == []
