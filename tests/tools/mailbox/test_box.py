"""Which mailbox is meant where both are connected, and what mends it where neither is."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.config.values import own_addresses
from bot.connections import Connections
from bot.core.errors import Invalid, OperatorError
from bot.core.tool import ToolContext
from bot.fetch.client import WebFetcher
from bot.files.library import Library
from bot.oauth.apps import Apps
from bot.oauth.flow import Returned, Wanted
from bot.reach import Reach
from tests.fakes.files import local_files
from tests.fakes.google_mail import GoogleMailServer
from tests.fakes.oauth_house import OAuthHouse, app_of
from tests.fakes.outlook_mail import OutlookMail
from tests.tools.kit import context
from tests.tools.mailbox.conftest import SCOPES
from tools.mailbox._box import DRAFT, READ, SEND, opened, parted
from tools.mailbox.read import Read, mailbox_read


@dataclass
class Two:
    """A house with both services."""

    house: OAuthHouse
    connections: Connections
    servers: dict[str, Any]
    settings: Reach

    async def connect(self, side: str, agent: str = "", scopes: Any = None) -> None:
        """One of them, for everybody or for one agent."""
        name = {"gmail": "google", "outlook": "microsoft"}[side]
        visit = self.house.visit()
        wanted = Wanted(features=(), scopes=tuple(scopes or SCOPES[side]), agent=agent)
        back = self.servers[side].agree(await self.connections.start(visit, name, wanted))
        await self.connections.finish(visit, name, Returned(**back))

    def call(self, **more: Any) -> ToolContext:
        """A call in this house."""
        return context(
            tenant=self.house.tenant.id, clock=self.house.clock, settings=self.settings, **more
        )


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with GoogleMailServer() as gmail, OutlookMail() as outlook:
        async with OAuthHouse(tmp_path, gmail) as house:
            ends = {"google": gmail.base, "microsoft": outlook.base}
            around = replace(
                house.around,
                endpoints=ends,
                fetcher=WebFetcher(allow=own_addresses(*ends.values()), redirects=0),
                apps=Apps(house.db, house.room, {name: app_of(name) for name in ends}),
            )
            made = Connections(around)
            library = Library(local_files(house.db, house.clock, tmp_path / "files"))
            settings = Reach(accounts=made.accounts, library=library)
            yield Two(house, made, {"gmail": gmail, "outlook": outlook}, settings)
            await made.renewal.close()
    assert gmail.mistakes == outlook.mistakes == []


async def test_the_one_that_is_connected_is_meant(two: Two) -> None:
    for side in ("outlook", "gmail"):
        await two.connect(side)
        if side == "outlook":
            assert (await opened(two.call(), READ)).where == side
    with pytest.raises(Invalid, match="both connected. Say which"):
        await opened(two.call(), READ)
    for side in ("outlook", "gmail"):
        assert (await opened(two.call(), READ, side)).where == side


async def test_an_agent_s_own_goes_first(two: Two) -> None:
    await two.connect("gmail")
    await two.connect("outlook", agent="kelly")
    assert (await opened(two.call(agent="kelly"), READ)).where == "outlook"
    assert (await opened(two.call(agent="kelly"), READ, "gmail")).where == "gmail"
    assert (await opened(two.call(agent="bri"), READ)).where == "gmail"


async def test_what_holds_reading_is_enough_to_read(two: Two) -> None:
    await two.connect("outlook", scopes=["Mail.ReadWrite"])
    assert (await opened(two.call(), READ)).where == "outlook"
    assert (await opened(two.call(), DRAFT)).where == "outlook"
    with pytest.raises(OperatorError, match=r"was not allowed to: Mail.Send\."):
        await opened(two.call(), SEND)


async def test_an_id_says_its_box(two: Two) -> None:
    for side in ("gmail", "outlook"):
        await two.connect(side)
        item = two.servers[side].arrive(f"From {side}", "Hello")
        id_ = f"{side}:{item.id if side == 'gmail' else item.immutable}"
        told = str((await mailbox_read(two.call(), Read(mail=id_))).data)
        assert f"Subject: From {side}" in told
    for bad in ("18f2", ":x", "gmail:", "yahoo:1"):
        with pytest.raises(Invalid, match="begins with"):
            parted(bad)


async def test_one_that_may_not_read_is_passed_over_for_one_that_may(two: Two) -> None:
    await two.connect("gmail", scopes=["https://www.googleapis.com/auth/calendar.events"])
    with pytest.raises(
        OperatorError, match=r"Google was not allowed to: .*gmail.readonly.*#google"
    ):
        await opened(two.call(), READ)
    await two.connect("outlook")
    assert (await opened(two.call(), READ)).where == "outlook"
