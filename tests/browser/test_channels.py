"""The page of platforms, in a real browser on the real program, with a Telegram that plays."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

pytest.importorskip("discord")
pytest.importorskip("telegram")

from tests.channels.running import Model, Program, found, standing
from tests.channels.teams_side import ANA as TEAMS_ANA
from tests.channels.test_telegram_whole import ANA, House, whole
from tests.fakes.discord_server import DiscordServer
from tests.fakes.teams_server import APP, SECRET, TENANT, TeamsServer

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_a_platform_is_connected_with_its_token_and_let_go_of(
    browser: Browser, tmp_path: Path
) -> None:
    async with whole(tmp_path, BOTFATHERTOKEN="") as house:
        link = re.search(r"http://\S+/in/\S+", house.program.said)
        assert link
        page = await browser.new_page()
        try:
            await page.goto(link[0])
            await page.get_by_role("button").first.click()
            await page.wait_for_url("**/chat*")
            await page.goto(link[0].split("/in/")[0] + "/admin/channels")
            section = page.get_by_role("region", name="telegram")
            await expect(section).to_contain_text("not connected", timeout=30_000)
            mail = page.get_by_role("region", name="email")
            await mail.get_by_text("Connect", exact=True).click()
            await mail.get_by_label("By").select_option("resend")
            await expect(mail.get_by_label("Resend: begins with re_.")).to_be_visible()
            await expect(mail.get_by_label("SMTP: its port.")).to_have_count(0)
            await mail.get_by_label("By").select_option("")
            await expect(mail.get_by_label("SMTP: its port.")).to_have_count(1)
            await _look_at_slack(page, tmp_path)
            places = page.get_by_role("form", name="Set the place")
            await places.get_by_label("Place (empty").fill("C1")
            await places.get_by_label("What is answered").select_option("all")
            await places.get_by_role("button").click()
            rules = page.get_by_role("table", name="Rules of places")
            await expect(rules).to_contain_text("everything that is said", timeout=30_000)
            await _set_a_kind(page)
            await section.get_by_text("Connect", exact=True).click()
            await _check(section, house, tmp_path)
            await page.screenshot(path=tmp_path / "channels.png", full_page=True)
            house.telegram.world.say(ANA, "/start")
            await found(lambda: any("Give this code" in text for text in house.said()))
            test = section.get_by_role("form", name="Test telegram")
            await test.get_by_label("Place").fill(str(ANA.id))
            await test.get_by_role("button").click()
            await expect(section).to_contain_text("stands in", timeout=30_000)
            await found(lambda: any("This is a test" in text for text in house.said()))
            await section.screenshot(path=tmp_path / "on.png")
            await section.get_by_role("button", name="Let go of telegram").click()
            await expect(section).to_contain_text("not connected", timeout=30_000)
            assert house.telegram.token not in await page.content()
        finally:
            await page.close()


async def _set_a_kind(page: Page) -> None:
    """A kind of messages is to go to a platform that is not connected: the page says the mend."""
    kinds = page.get_by_role("region", name="Kinds of messages")
    await kinds.get_by_label("Kind", exact=True).fill("alarms")
    await kinds.get_by_label("Place that the bot is in").fill("#ops")
    await kinds.get_by_role("button", name="Set the kind").click()
    await expect(kinds.get_by_role("alert")).to_contain_text("bot connect slack")


async def _look_at_slack(page: Page, tmp_path: Path) -> None:
    """How a token begins is said while it is typed; an agent may have an app of its own."""
    slack = page.get_by_role("region", name="slack")
    await slack.get_by_text("Connect", exact=True).click()
    pasted = slack.get_by_role("form", name="Connect slack").get_by_label(re.compile("bot token"))
    await pasted.fill("xapp-1")
    await expect(slack.get_by_text("It has to begin with xoxb-")).to_be_visible()
    await slack.screenshot(path=tmp_path / "typed.png")
    await pasted.fill("xoxb-1")
    await expect(slack.get_by_text("It has to begin with xoxb-")).to_be_hidden()
    await slack.get_by_text("An app for one agent").click()
    await slack.get_by_role("combobox", name="Agent").select_option("kelly")
    own = slack.get_by_role("form", name="Connect the app of kelly")
    await expect(own.get_by_label(re.compile("bot token"))).to_be_visible(timeout=30_000)
    await slack.get_by_role("combobox", name="By").last.select_option("oauth")
    await expect(own.get_by_label(re.compile("bot token"))).to_have_count(0)
    await own.get_by_label(re.compile("client ID")).fill("111.222")
    await own.get_by_role("button", name="Install it").click()
    await expect(slack.get_by_role("alert")).to_contain_text("client_secret", timeout=30_000)
    await slack.screenshot(path=tmp_path / "own.png")


async def _check(section: Locator, house: House, tmp_path: Path) -> None:
    """A wrong token and a silent Telegram change nothing; the right one says whose it is."""
    form = section.get_by_role("form", name="Connect telegram")
    fields = form.locator("input[type=password]")
    await fields.first.fill("1:wrong")
    await form.get_by_role("button").click()
    await expect(section).to_contain_text(re.compile("token|down"), timeout=30_000)
    await expect(form.get_by_role("button")).to_be_enabled(timeout=30_000)
    await fields.first.fill("123456:" + "b" * 35)
    await form.get_by_role("button", name="Check and connect").click()
    await expect(section).to_contain_text("Nothing was changed", timeout=30_000)
    await section.screenshot(path=tmp_path / "refused.png")
    house.telegram.fail("getMe", "cut")
    await fields.first.fill(house.telegram.token)
    await form.get_by_role("button").click()
    keep = section.get_by_role("button", name="Keep it unchecked")
    await expect(keep).to_be_visible(timeout=30_000)
    await section.screenshot(path=tmp_path / "silent.png")
    await form.get_by_role("button").click()
    await expect(section).to_contain_text("listens", timeout=30_000)
    await expect(section).to_contain_text("bot @switchboard_bot")
    test = section.get_by_role("form", name="Test telegram")
    await test.get_by_label("Place").fill("#general")
    await test.get_by_role("button").click()
    await expect(section).to_contain_text("by its number", timeout=30_000)


@asynccontextmanager
async def office(browser: Browser, program: Program) -> AsyncIterator[Page]:
    """The page of platforms of a program that runs, with its owner signed in."""
    link = re.search(r"http://\S+/in/\S+", program.said)
    assert link
    page = await browser.new_page()
    try:
        await page.goto(link[0])
        await page.get_by_role("button").first.click()
        await page.wait_for_url("**/chat*")
        await page.goto(link[0].split("/in/")[0] + "/admin/channels")
        yield page
    finally:
        await page.close()


async def _connect(section: Locator, name: str, pasted: dict[str, str], wrong: str) -> None:
    """Paste one thing wrong, then all of it right."""
    await expect(section).to_contain_text("not connected", timeout=30_000)
    await section.get_by_text("Connect", exact=True).click()
    form = section.get_by_role("form", name=f"Connect {name}")
    for label, value in pasted.items():
        await form.get_by_label(re.compile(label)).fill("wrong" if label == wrong else value)
    await form.get_by_role("button", name="Check and connect").click()
    await expect(section).to_contain_text("Nothing was changed", timeout=30_000)
    await form.get_by_label(re.compile(wrong)).fill(pasted[wrong])
    await form.get_by_role("button", name="Check and connect").click()
    await expect(section).to_contain_text("listens", timeout=30_000)


async def _try(section: Locator, name: str, place: str) -> None:
    """Send a test message."""
    test = section.get_by_role("form", name=f"Test {name}")
    await test.get_by_label("Place").fill(place)
    await test.get_by_role("button").click()


async def test_discord_is_connected_on_the_page_and_a_test_message_stands_there(
    browser: Browser, tmp_path: Path
) -> None:
    async with DiscordServer() as discord, Model() as model:
        program = Program(tmp_path, model, BOT_ENDPOINT_DISCORD=discord.url)
        async with standing(program, discord.token), office(browser, program) as page:
            section = page.get_by_role("region", name="discord")
            await _connect(section, "discord", {"bot's token": discord.token}, "bot's token")
            await expect(section).to_contain_text("Connected: Harbour, bot @")
            await _try(section, "discord", "#nowhere")
            await expect(section).to_contain_text("no place called #nowhere", timeout=30_000)
            await _try(section, "discord", "#general")
            await expect(section).to_contain_text("stands in #general", timeout=30_000)
            (text,) = discord.texts(discord.channel())
            assert "This is a test message" in text
            assert discord.token not in await page.content()


async def test_teams_is_connected_on_the_page_and_a_test_message_stands_there(
    browser: Browser, tmp_path: Path
) -> None:
    async with TeamsServer(again_s=(0.5, 1.0, 2.0)) as teams, Model() as model:
        program = Program(tmp_path, model, BOT_ENDPOINT_TEAMS=teams.base)
        teams.webhook_via = program.url
        async with standing(program, SECRET), office(browser, program) as page:
            section = page.get_by_role("region", name="teams")
            secret = "value of a client secret"
            pasted = {"Microsoft App ID": APP, secret: SECRET, "App Tenant ID": TENANT}
            await _connect(section, "teams", pasted, secret)
            await expect(section).to_contain_text(f"bot app {APP}")
            await _try(section, "teams", "General")
            await expect(section).to_contain_text("Mention the app there", timeout=30_000)
            channel = teams.world.channel("general", TEAMS_ANA)
            await teams.world.mention(TEAMS_ANA, channel, "hello")
            await teams.settled()
            await _try(section, "teams", "General")
            await expect(section).to_contain_text("stands in General", timeout=30_000)
            assert [t for t in teams.world.said(channel) if "This is a test message" in t]
            assert SECRET not in await page.content()
        assert teams.mistakes == [] and teams.lost == []
