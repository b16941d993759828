"""The whole program with platforms of a tenant that is not the first: heard below an address of its
own, answered as its own, taken up again after a kill, and nothing of it at the first tenant.
"""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

pytest.importorskip("telegram")

from tests.channels.owner_side import Owner
from tests.channels.running import Model, Program, found, standing
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_world import Person
from tests.fakes.twilio_server import TwilioServer
from tests.fakes.twilio_world import ACCOUNT, TOKEN

pytestmark = pytest.mark.timeout(300)
OURS, SECOND, ANA = "+15550100001", "+15550100002", "+14155550101"
BO = Person(12, "Bo")
SMTP = {"address": "a@example.org", "smtp_host": "127.0.0.1", "smtp_security": "none"}


class House:
    """The program, what plays outside, and both owners."""

    def __init__(self, program: Program, twilio: TwilioServer, telegram: TelegramServer) -> None:
        self.program, self.twilio, self.telegram = program, twilio, telegram
        self.mine, self.theirs = Owner(program.url), Owner(program.url)
        self.tenant = ""

    async def enter(self) -> None:
        """Both owners sign in; the second one's tenant is made."""
        link = re.search(r"http://\S+/in/\S+", self.program.said)
        assert link
        await self.mine.sign_in(link[0])
        told = await self.mine.call("POST", "/v1/tenants", {"name": "Bakery", "owner": "Olga"})
        await self.theirs.sign_in(told["link"])
        self.tenant = told["tenant"]["id"]

    async def events(self, owner: Owner) -> set[str]:
        """The platforms whose events an owner can see."""
        return {item["channel"] for item in (await owner.call("GET", "/v1/events"))["items"]}

    async def listens(self, owner: Owner, name: str) -> bool:
        items = (await owner.call("GET", "/v1/channels"))["items"]
        return any(item["name"] == name and item["up"] for item in items)


@asynccontextmanager
async def whole(folder: Path) -> AsyncIterator[House]:
    async with TwilioServer() as twilio, TelegramServer() as telegram, Model() as model:
        twilio.world.number(OURS)
        ends = {"BOT_ENDPOINT_TWILIO": twilio.base, "BOT_ENDPOINT_TELEGRAM": telegram.base}
        program = Program(folder, model, **ends)
        program.environ["BOT_PUBLIC_URL"] = twilio.webhook_via = program.url
        async with standing(program, TOKEN, telegram.token.partition(":")[2]):
            house = House(program, twilio, telegram)
            try:
                await house.enter()
                yield house
            finally:
                await house.mine.close()
                await house.theirs.close()
        await twilio.settled()
        assert twilio.mistakes == []


async def admit(owner: Owner, text: str, name: str) -> None:
    code = re.search(r"\b[A-Z0-9]{4}-?[A-Z0-9]{4}\b", text)
    assert code, text
    await owner.call("POST", "/v1/pair", {"code": code[0], "name": name})


async def test_another_tenant_has_platforms_of_its_own(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        world, told = house.twilio.world, house.telegram.world
        options = {"account_sid": ACCOUNT, "auth_token": TOKEN}
        await house.theirs.call("PUT", "/v1/channels/sms", {"options": options})
        polling = {"token": house.telegram.token, "mode": "polling"}
        await house.theirs.call("PUT", "/v1/channels/telegram", {"options": polling})
        path, told_again = "/v1/channels/telegram", {"options": polling}
        async with house.mine.session.put(path, json=told_again) as refused:
            assert refused.status == 409
            assert "in another part of this house" in await refused.text()
        below = f"{house.program.url}/tenants/{house.tenant}"
        address = await found(lambda: world.numbers[OURS].sms_url)
        assert address.startswith(f"{below}/webhooks/twilio/sms#")
        for name in ("sms", "telegram"):
            await house.theirs.call("POST", "/v1/routes", {"agent": "bri", "channel": name})

        # A text and a message: each is heard as this tenant's, and answered.
        await world.text(ANA, OURS, "hello?")
        (text,) = await found(lambda: world.said(ANA))
        await admit(house.theirs, text, "Ana")
        await world.text(ANA, OURS, "hello")
        await found(lambda: [t for t in world.said(ANA) if "You said" in t])
        chat = told.private(BO)
        told.say(BO, "/start")
        code = await found(lambda: [t for t in told.said(chat) if "Give this code" in t])
        await admit(house.theirs, code[-1], "Bo")
        told.say(BO, "hello")
        await found(lambda: [t for t in told.said(chat) if "You said" in t])
        assert {"sms", "telegram"} <= await house.events(house.theirs)
        assert not {"sms", "telegram"} & await house.events(house.mine)
        assert not await house.listens(house.mine, "sms")

        # Neither the first tenant's address nor anybody else's leads to it.
        async with aiohttp.ClientSession() as session:
            for other in ("", "/tenants/ten_other", f"/tenants/{house.tenant}/x"):
                path = address.removeprefix(below)
                async with session.post(house.program.url + other + path) as answer:
                    assert answer.status == 404, await answer.text()
            forged = {"From": ANA, "To": OURS, "Body": "hello", "MessageSid": "SM1"}
            async with session.post(address, data=forged) as answer:
                assert answer.status == 401, await answer.text()

        # The program dies and begins again: both go on.
        house.program.stop(signal.SIGKILL)
        await house.program.start()
        before = len(world.said(ANA))
        told.say(BO, "still there?")
        await found(lambda: len([t for t in told.said(chat) if "You said" in t]) > 1)
        await world.text(ANA, OURS, "still there?")
        await found(lambda: len(world.said(ANA)) > before)

        # Let go of, nobody hears it; the rest goes on.
        await house.theirs.call("DELETE", "/v1/channels/sms")
        async with aiohttp.ClientSession() as session:
            async with session.post(address) as answer:
                assert answer.status == 404
        async with asyncio.timeout(30):  # a channel is up when it has listened for a while
            while not await house.listens(house.theirs, "telegram"):
                await asyncio.sleep(0.2)


async def test_no_server_in_the_house_s_network_is_reached_for_a_guest(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        with pytest.raises(AssertionError, match="first workspace"):
            await house.theirs.call("PUT", "/v1/channels/email", {"options": SMTP})
        unchecked = {"options": SMTP, "unchecked": True}
        await house.mine.call("PUT", "/v1/channels/email", unchecked)


async def test_a_code_and_a_stop_at_one_tenant_are_nothing_at_another(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        world = house.twilio.world
        world.number(SECOND)
        for owner, number in ((house.mine, OURS), (house.theirs, SECOND)):
            options = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": number}
            await owner.call("PUT", "/v1/channels/sms", {"options": options})
            await found(lambda number=number: world.numbers[number].sms_url)
            await owner.call("POST", "/v1/routes", {"agent": "bri", "channel": "sms"})
            await world.text(ANA, number, "hello?")
            (text,) = await found(lambda number=number: world.said(ANA, number))
            await admit(owner, text, "Ana")
        assert f"/tenants/{house.tenant}/" in world.numbers[SECOND].sms_url
        assert "/tenants/" not in world.numbers[OURS].sms_url

        # Asked at the first tenant; the same phone says yes at the other one, and to both at once.
        await world.text(ANA, OURS, "publish it")
        (code,) = await found(
            lambda: re.findall(r"Reply OK (\d+)", " ".join(world.said(ANA, OURS)))
        )
        n = len(world.said(ANA, SECOND))
        await world.text(ANA, SECOND, f"OK {code}")
        await found(lambda: len(world.said(ANA, SECOND)) > n)
        assert world.said(ANA, SECOND)[n].startswith("You said"), "it is words there"
        assert house.program.posts() == []
        items = (await house.theirs.call("GET", "/v1/approvals"))["items"]
        assert items == []

        # What the one tenant is not to send, the other one may.
        await world.text(ANA, SECOND, "STOP")
        n = len(world.said(ANA, OURS))
        await world.text(ANA, OURS, f"OK {code}")
        await found(house.program.posts)
        await found(lambda: [t for t in world.said(ANA, OURS)[n:] if "Approved by Ana" in t])
        outs = [
            [item["contact"] for item in (await owner.call("GET", "/v1/sms/opt-outs"))["items"]]
            for owner in (house.mine, house.theirs)
        ]
        assert outs == [[], [ANA]]
