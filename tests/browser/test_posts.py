"""The pages of texts and of mail: numbers, threads, what failed, and addresses that are closed."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Look, Screen
from tests.browser.house import House
from tests.browser.posts import OURS, POSTS, SECOND
from tests.browser.test_access import check, check_both


async def test_an_owner_sees_numbers_with_agents_and_says_what_one_is_for(screen: Screen) -> None:
    page = await screen.open("/admin/texts")
    numbers = page.get_by_role("table", name="Numbers")
    await expect(numbers.get_by_role("row").nth(1)).to_contain_text(
        re.compile(r"\+15550100001.*Kelly.*orders.*default.*come here", re.DOTALL)
    )
    await expect(numbers.get_by_role("row").nth(2)).to_contain_text("go elsewhere")
    form = page.get_by_role("form", name="Say what it is for")
    await form.locator("select[name=number]").select_option(SECOND)
    await form.get_by_label("What it is for").fill("support")
    await form.locator("select[name=default]").select_option("yes")
    await form.get_by_role("button").click()
    await expect(numbers.get_by_role("row").nth(2)).to_contain_text("support")
    kept = {item["number"]: item for item in screen.app[POSTS].numbers}
    assert kept[SECOND]["default"] and not kept[OURS]["default"]


async def test_threads_have_counts_and_open_and_what_did_not_arrive_says_why(
    screen: Screen,
) -> None:
    page = await screen.open("/admin/texts")
    threads = page.get_by_role("table", name="Threads")
    await expect(threads.get_by_role("row")).to_have_count(5)
    await expect(threads.get_by_role("row").nth(1)).to_contain_text("1 heard, 2 said")
    await threads.get_by_role("button", name="Messages").first.click()
    await expect(page.get_by_role("table", name="2 messages between")).to_contain_text("received")
    fallen = page.get_by_role("table", name="Texts that did not arrive")
    await expect(fallen).to_contain_text("switched off or cannot be reached (Twilio 30003)")
    await expect(page.get_by_role("table", name="Who said it")).to_contain_text("STOP")


async def test_a_closed_address_is_opened_again_after_a_second_press(screen: Screen) -> None:
    page = await screen.open("/admin/mail")
    closed = page.get_by_role("table", name="Closed addresses")
    await expect(closed.get_by_role("row")).to_have_count(3)
    await expect(closed).to_contain_text("<b>eve</b>@example.org")
    await expect(page.get_by_role("table", name="News")).to_contain_text("delivered")
    button = closed.get_by_role("button", name="Open again ben@example.org")
    await button.click()
    await expect(closed.get_by_role("row")).to_have_count(3)
    await button.click()
    await expect(closed.get_by_role("row")).to_have_count(2)
    assert [item["state"] for item in screen.app[POSTS].closed] == ["complained"]


async def test_an_empty_house_says_so(screen: Screen) -> None:
    posts = screen.app[POSTS]
    posts.numbers = posts.threads = posts.closed = posts.news = posts.fallen = posts.out = []
    page = await screen.open("/admin/texts")
    await expect(page.get_by_text("No number is connected.")).to_be_visible()
    page = await screen.open("/admin/mail")
    await expect(page.get_by_text("Every address is open.")).to_be_visible()


@pytest.mark.parametrize("path", ["/admin/texts", "/admin/mail"])
async def test_everybody_can_use_them_by_light_by_dark_and_on_a_phone(
    look: Look, path: str
) -> None:
    faults: list[str] = []
    desk = await look(House())
    await check_both(await desk.open(path), path, faults)
    page = await (await look(House(), phone=True)).open(path)
    await check(page, f"phone {path}", faults)
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{path} is {wide} px too wide"
    assert faults == []
