"""kill -9 around a renewal: the connection is found as it truly is, and no spent token is sent."""

import asyncio
import sys
from pathlib import Path

import pytest

from bot.oauth.renewal import Reconnect
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import OAuthServer

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["x", "google", "threads"])
async def test_a_killed_renewal_is_not_repeated_with_what_may_be_spent(
    tmp_path: Path, name: str, when: str
) -> None:
    async with OAuthServer(name) as server:
        async with OAuthHouse(tmp_path, server) as house:
            item = await house.connect()
            calls = house.token_calls
        command = [sys.executable, "-m", "tests.bot.oauth.dying", str(tmp_path), name, server.base]
        process = await asyncio.create_subprocess_exec(*command, when, cwd=ROOT)
        assert await asyncio.wait_for(process.wait(), 60) == -9
        async with OAuthHouse(tmp_path, server) as house:
            assert item.expires_at
            house.clock.at = item.expires_at
            assert house.token_calls == calls + (when == "after"), "the kill came where it should"
            assert (await house.now(item)).renewing_at is not None
            calls = house.token_calls
            if name == "x":
                for _ in range(2):
                    with pytest.raises(Reconnect, match="cut off"):
                        await house.connections.renewal.fresh(item.tenant, item.id)
                assert house.token_calls == calls and house.told == [(item.tenant, "x", "broken")]
            else:
                _, token = await house.connections.renewal.fresh(item.tenant, item.id)
                assert token.reveal() in server.access and house.told == []
        assert server.mistakes == []
