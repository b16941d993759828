"""Messages on Discord: repeated with their nonce while Discord knows it, asked about later."""

import asyncio

from bot.core.effect import Policy
from channels.discord.channel import WINDOW_S
from tests.fakes.database import Disk
from tests.fakes.switchboard import Switchboard, image
from tests.sim.loop import virtual
from tests.tools.messages.test_slack import DISCORD, house_of, platform, sending
from tools.messages.discord import NONCE_KNOWN_S, TOOLS


def test_the_tool_trusts_a_nonce_no_longer_than_the_channel_does() -> None:
    assert NONCE_KNOWN_S <= WINDOW_S and TOOLS[0].window_s == NONCE_KNOWN_S


@virtual
async def test_when_discord_may_have_forgotten_the_nonce_a_person_is_asked() -> None:
    tool, name, policy = DISCORD
    assert policy is Policy.KEYED
    disk, outside = Disk(image()), platform(name, policy)
    model = sending(tool, place="#general", text="Hi")
    async with house_of(outside, model, disk=disk) as house:
        await house.ask("tell the others")
        began = house.now_us - (NONCE_KNOWN_S + 60) * 1_000_000
    disk.all("update approval set state = 'approved'")
    disk.all("update effect set state = 'sending', attempt = 1, started_at = ?", began)
    async with house_of(outside, model, disk=disk) as again:
        await _doubtful(again)
        assert outside.sent == []


async def _doubtful(house: Switchboard) -> None:
    async with asyncio.timeout(60):
        while house.states() != [("send_discord_message", "in_doubt")]:
            await asyncio.sleep(0.1)
