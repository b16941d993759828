"""The whole program with an app that two tenants install: in browsers, with a kill -9 between.

Each workspace is heard and answered as its own tenant's; an owner says in Slack what is answered;
a removed app is told to its owner alone.
"""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.channels.owner_side import Owner
from tests.channels.running import Model, Program, found, standing
from tests.channels.slack_side import ANA, BEN, until
from tests.fakes.slack_installs import CLIENT_ID, CLIENT_SECRET, Workspace
from tests.fakes.slack_server import SlackServer

SHOP, BAKERY = Workspace(), Workspace("T0000BAKE", "Bakery", "U0000BAKE")
ALL = "/v1/channels/slack/installs"


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer(again_s=(0.5, 1.0, 2.0, 4.0, 8.0, 16.0)) as server:
        yield server
        assert server.mistakes == [] and server.installs.mistakes == []


@asynccontextmanager
async def whole(
    tmp_path: Path, slack: SlackServer, thinks: type[Model] = Model
) -> AsyncIterator[Program]:
    """The program on a new folder, told of by HTTP."""
    async with thinks() as model:
        program = Program(
            tmp_path,
            model,
            SLACK_CLIENT_ID=CLIENT_ID,
            SLACK_CLIENT_SECRET=CLIENT_SECRET,
            SLACK_SIGNING_SECRET=slack.signing_secret,
            BOT_ENDPOINT_SLACK=slack.base,
        )
        program.environ["BOT_PUBLIC_URL"] = slack.webhook_via = program.url
        async with standing(program, CLIENT_SECRET):
            yield program
        assert not [token for token in slack.installs.tokens if token in program.said]


class Browser(Owner):
    """An owner's browser."""

    async def install(
        self, slack: SlackServer, workspace: Workspace, begin: str = "/oauth/slack/install"
    ) -> dict[str, Any]:
        """Press Add, allow it at Slack, come back, and press Connect."""
        async with self.session.get(begin, allow_redirects=False) as response:
            address = response.headers["Location"]
        assert address.startswith(slack.base)
        redirect, query = slack.installs.allow(address, workspace)
        path = redirect.removeprefix(self.base)
        async with aiohttp.ClientSession(self.base) as bare:  # the cookie stays behind
            async with bare.get(path + query) as response:
                page = await response.text()
        form = dict(re.findall(r'name="(state|code)" value="([^"]+)"', page))
        async with self.session.post(path, data=form, allow_redirects=False) as response:
            assert response.status == 303, await response.text()
        items = (await self.call("GET", ALL))["items"]
        return next(item for item in items if item["workspace"] == workspace.id)


async def admit(slack: SlackServer, browser: Browser, place: str, person: str) -> None:
    """Ana was given a code there; the owner lets her in, as an owner."""
    text = (await found(lambda: [t for t in slack.world.said(place) if "code" in t]))[-1]
    code = re.search(r"\b[A-Z0-9]{4}-?[A-Z0-9]{4}\b", text)
    assert code, text
    made = await browser.call("POST", "/v1/pair", {"code": code[0], "name": person})
    await browser.call("POST", f"/v1/people/{made['person']['id']}", {"role": "owner"})


async def heard(browser: Browser) -> int:
    """How many events of Slack an owner can see."""
    items = (await browser.call("GET", "/v1/events"))["items"]
    return len([item for item in items if item["channel"] == "slack"])


async def test_two_tenants_install_the_app_and_each_has_its_own(
    tmp_path: Path, slack: SlackServer
) -> None:
    async with whole(tmp_path, slack) as house:
        base, world = slack.webhook_via, slack.world
        mine, theirs = Browser(base), Browser(base)
        try:
            link = re.search(r"http://\S+/in/\S+", house.said)
            assert link
            await mine.sign_in(link[0])
            told = await mine.call("POST", "/v1/tenants", {"name": "Bakery", "owner": "Olga"})
            await theirs.sign_in(told["link"])
            shop = await mine.install(slack, SHOP)
            bakery = await theirs.install(slack, BAKERY)
            assert (shop["status"], bakery["status"]) == ("active", "active")
            assert [i["workspace"] for i in (await mine.call("GET", ALL))["items"]] == [SHOP.id]
            await theirs.call("POST", "/v1/routes", {"agent": "bri", "channel": "slack"})
            # The program dies and begins again: both are there as before.
            house.stop(signal.SIGKILL)
            await house.start()
            talk = world.channel("general", ANA, BEN)
            await world.say(ANA, talk, f"<@{SHOP.bot_user}> hello")
            await admit(slack, mine, talk, "Ana")
            world.team = BAKERY.id
            bread = world.channel("bread", ANA)
            await world.say(ANA, bread, f"<@{BAKERY.bot_user}> hello")
            await admit(slack, theirs, bread, "Ana of the bakery")
            await world.say(ANA, bread, f"<@{BAKERY.bot_user}> hello")
            await until(lambda: any("You said" in text for text in world.said(bread)), 30)
            assert (await heard(mine), await heard(theirs)) == (1, 2)
            # Ana, an owner now, says in the shop's channel that everything is answered.
            world.team = SHOP.id
            await _configure(slack, talk)
            before = len([t for t in world.said(talk) if "You said" in t])
            await world.say(ANA, talk, "nobody is asked")
            await until(lambda: len([t for t in world.said(talk) if "You said" in t]) > before, 30)
            (place,) = (await mine.call("GET", "/v1/places"))["items"]
            assert (place["place"], place["respond_to_all"]) == (talk, True)
            assert (await theirs.call("GET", "/v1/places"))["items"] == []
            await world.open_home(ANA)
            home = await found(lambda: world.homes.get(ANA.id))
            assert "Change" in str(home)
            # The bakery removes the app: its owner is told, the shop goes on.
            slack.installs.uninstall(BAKERY.id)
            world.team = BAKERY.id
            await world.tell({"type": "app_uninstalled"})
            await _until_error(theirs)
            assert (await mine.call("GET", ALL))["items"][0]["status"] == "active"
            world.team = SHOP.id
            count = len(world.said(talk))
            await world.say(ANA, talk, "still here?")
            await until(lambda: len(world.said(talk)) > count, 30)
            await slack.settled()
            assert slack.lost == []
        finally:
            await mine.close()
            await theirs.close()


async def _configure(slack: SlackServer, place: str) -> None:
    """The form is opened by the command and sent."""
    world = slack.world
    await world.command(ANA, place, "/switchboard", "configure")
    view = next(iter(await found(lambda: world.views)))
    done = await world.submit(ANA, view, {"What is answered": "all"})
    assert done.acked and not done.response.get("errors"), done.response


async def _until_error(browser: Browser) -> None:
    """Wait until the owner's page says that the workspace is lost."""
    async with asyncio.timeout(30):
        while True:
            (item,) = (await browser.call("GET", ALL))["items"]
            if item["status"] == "error":
                assert "removed from the workspace" in item["error"]
                return
            await asyncio.sleep(0.1)
