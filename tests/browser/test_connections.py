"""The page of connections in a real browser: to a vendor on another site and back, light and dark."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import DESK, PHONE
from tests.browser.test_access import check_both, check_fingers
from tests.fakes.oauth_house import PUBLIC
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.web_house import WebHouse

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


@asynccontextmanager
async def standing(folder: Path, name: str) -> AsyncIterator[tuple[WebHouse, OAuthServer]]:
    """A house at 127.0.0.1 and a vendor at localhost: to a browser those are two sites."""
    folder.mkdir(exist_ok=True)
    async with OAuthServer(name, PUBLIC) as server:
        house = WebHouse(folder)
        house.vendors = {name: server.base.replace("127.0.0.1", "localhost")}
        async with house:
            yield house, server
    assert server.mistakes == []


async def sign_in(page: Page, house: WebHouse) -> None:
    code = await house.credentials.link(house.owner, "house")
    await page.goto(f"{house.url}/in/{code}")
    await page.get_by_role("button").first.click()
    await page.wait_for_url("**/chat*")


@pytest.mark.parametrize(
    ("name", "title", "lasts", "left"),
    [
        ("google", "Google", "renewed by itself", "taken our access back"),
        ("apple", "Apple", "renewed by itself", "taken our access back"),
        pytest.param(
            "microsoft",
            "Microsoft 365",
            "renewed by itself, as long as it is used before",
            "Take our app off there as well",
            marks=pytest.mark.long,
        ),
    ],
)
async def test_an_owner_connects_by_the_vendor_s_page_and_lets_go(
    browser: Browser, tmp_path: Path, name: str, title: str, lasts: str, left: str
) -> None:
    async with standing(tmp_path, name) as (house, server):
        context = await browser.new_context(**DESK)
        page = await context.new_page()
        seen: list[str] = []
        page.on("console", lambda message: seen.append(f"{message.type}: {message.text}"))
        try:
            await sign_in(page, house)
            await page.goto(f"{house.url}/admin/connections")
            section = page.get_by_role("region", name=title)
            await expect(section).to_contain_text("not connected")
            await section.get_by_role("link", name="Connect").click()
            await page.wait_for_url("**/admin/connections")
            await expect(section).to_contain_text("connected")
            await expect(section).to_contain_text(lasts)
            await section.get_by_role("button", name="Check").click()
            await expect(section).to_contain_text("Checked")
            assert "canary" not in await page.content()
            await page.screenshot(path=tmp_path / "connections.png", full_page=True)
            leave = section.get_by_role("button", name="Disconnect")
            await leave.click()
            await expect(section).to_contain_text("Really disconnect?")
            await leave.click()
            await expect(section).to_contain_text(left)
            assert bool(server.revoked) is (name != "microsoft")
            assert [line for line in seen if line.startswith("error")] == []
        finally:
            await context.close()


async def test_it_is_read_by_everybody_and_by_fingers(browser: Browser, tmp_path: Path) -> None:
    faults: list[str] = []
    for how in (DESK, PHONE):
        async with standing(tmp_path / str(how["viewport"]["width"]), "x") as (house, server):
            context = await browser.new_context(**how)
            page = await context.new_page()
            try:
                await sign_in(page, house)
                await page.goto(f"{house.url}/admin/connections")
                section = page.get_by_role("region", name="X", exact=True)
                await section.get_by_role("link", name="Connect").click()
                await expect(section).to_contain_text("renewed by itself")
                await page.goto(f"{house.url}/admin/connections?agent=kelly#google")
                await expect(page.get_by_role("region", name="Google")).to_contain_text("Redirect")
                width = how["viewport"]["width"]
                await page.evaluate("document.getElementById('main').scrollTop = 0")
                await check_both(page, f"connections {width}", faults)
                if how is PHONE:
                    await check_fingers(page, f"connections {width}", faults)
                await page.screenshot(path=tmp_path / f"{width}.png", full_page=True)
                await page.emulate_media(color_scheme="dark")
                await page.screenshot(path=tmp_path / f"{width}-dark.png", full_page=True)
                wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
                assert not await page.evaluate(wide), "nothing sticks out"
            finally:
                await context.close()
    assert faults == []
