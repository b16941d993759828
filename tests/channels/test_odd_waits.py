"""A platform that asks for a rest in no form that its documents know: it is one refusal, with a
bearable wait, and never a fault of the house or a deed of which nobody knows."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("discord")
pytest.importorskip("telegram")

from bot.core.channel import Channel
from bot.core.effect import Policy
from bot.core.errors import VendorRefused, VendorUnknown
from channels.slack.channel import make as make_slack
from channels.teams.channel import make as make_teams
from channels.telegram.channel import make as make_telegram
from tests.channels import slack_side, teams_side, telegram_side
from tests.channels.discord_house import House, outbound
from tests.fakes.discord_rest import ABSENT
from tests.fakes.discord_server import DiscordServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.teams_server import TeamsServer
from tests.fakes.telegram_server import TelegramServer

DAY_S = 86_400.0
ODD = [0, -1, 1.5, 10**15, "soon", "", None, "nan", "inf", [3], True]


async def rests(channel: Channel, message: Any) -> None:
    """It is refused for so long, or a second try went well."""
    try:
        async with asyncio.timeout(9):
            await channel.send(message)
    except VendorRefused as error:
        assert error.retry_after_s is not None, error
        assert 0.0 <= error.retry_after_s <= DAY_S, error.retry_after_s
    except VendorUnknown:  # where its library breaks: what it sends has a key, and is sent again
        assert channel.features.policy is Policy.KEYED


@pytest.mark.parametrize("told", ODD)
async def test_telegram(told: Any) -> None:
    async with TelegramServer() as server:
        channel = make_telegram(telegram_side.lent_for(server))
        server.world.private(telegram_side.ANA)
        server.fail("sendMessage", code=429, retry_after=told)
        try:
            await rests(channel, telegram_side.outbound())
        finally:
            await channel._api.close()


@pytest.mark.parametrize("told", ODD)
async def test_slack(told: Any) -> None:
    async with SlackServer() as server:
        channel = make_slack(slack_side.lent(server, slack_side.Desk()))
        place = server.world.channel("general", slack_side.ANA)
        server.fail("chat.postMessage", "ratelimited", retry_after=told)
        await rests(channel.main, slack_side.out(place))


@pytest.mark.parametrize("told", ODD)
async def test_teams(told: Any) -> None:
    async with TeamsServer() as server:
        channel = make_teams(teams_side.lent(server))
        place = server.world.personal(teams_side.ANA)
        server.fail("send", 429, retry_after=told)
        try:
            await rests(channel, teams_side.outbound(place))
        finally:
            await channel._calls.close()


@pytest.mark.parametrize("told", [*ODD, ABSENT])
async def test_discord(told: Any) -> None:
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.direct("ana")
        server.fail("POST /channels/{channel_id}/messages", status=429, told=told)
        await rests(house.channel, outbound(place))
