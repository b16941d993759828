"""What is printed, what is written from right to left, wide tables, and the list of all pages."""

import pytest
from playwright.async_api import expect

from bot.web.pages import ADMIN_PAGES
from tests.browser.conftest import Look, Screen
from tests.browser.furniture import furnish
from tests.browser.house import House

HEBREW = "שלום עולם, זה טקסט.\n\n- פריט ראשון\n- פריט שני\n\nAnd English again."


async def test_a_conversation_is_printed_whole_and_without_what_one_presses(screen: Screen) -> None:
    talk = screen.house.talk("Long", "bri")
    for number in range(30):
        screen.house.say(
            talk, "user", f"Line {number}\n\n```\n{'word ' * 80}\n```", f"evt_{number}"
        )
    page = await screen.open(f"/chat/{talk.id}")
    await page.emulate_media(media="print", color_scheme="dark")
    for part in ("#side", "#composer", "#system", "#inbox"):
        await expect(page.locator(part)).to_be_hidden()
    clipped = """() => [...document.querySelectorAll("body, body *")].filter((node) =>
        node.checkVisibility() && !node.closest(".unseen, .skip") && node.innerText
        && getComputedStyle(node).overflow !== "visible"
        && (node.scrollHeight > node.clientHeight + 1 || node.scrollWidth > node.clientWidth + 1)
    ).map((node) => node.outerHTML.slice(0, 80))"""
    assert await page.evaluate(clipped) == []
    tall = "[document.documentElement.scrollHeight, document.querySelector('#thread').scrollHeight]"
    whole, thread = await page.evaluate(tall)
    assert whole >= thread
    ink = "getComputedStyle(document.body).color"
    assert await page.evaluate(ink) == "rgb(26, 30, 33)"
    await page.emulate_media(media="screen", color_scheme="light")


@pytest.mark.parametrize("phone", [False, True])
async def test_text_from_right_to_left_keeps_its_bullets_and_each_paragraph_its_own_way(
    look: Look, phone: bool
) -> None:
    house = House()
    talk = house.talk("Hebrew", "bri")
    house.say(talk, "assistant", HEBREW, "evt_1")
    screen = await look(house, phone=phone)
    page = await screen.open(f"/chat/{talk.id}")
    text = page.locator(".message .text")
    room = await text.locator("ul").evaluate(
        "(node) => [getComputedStyle(node).direction, parseFloat(getComputedStyle(node).paddingRight)]"
    )
    assert room[0] == "rtl" and room[1] >= 16
    assert await page.evaluate(
        "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('#main'))"
    )
    stop = """(node) => {
        const range = document.createRange();
        const words = node.firstChild;
        const x = (from, to) => { range.setStart(words, from); range.setEnd(words, to); return range.getBoundingClientRect().x; };
        return x(words.length - 1, words.length) > x(0, 1);
    }"""
    assert await text.locator("p").last.evaluate(stop), "the full stop stands before the sentence"


async def test_a_wide_table_scrolls_on_a_phone_and_no_word_in_it_is_torn(look: Look) -> None:
    house = House()
    talk = house.talk("Table", "bri")
    row = "| " + " | ".join(["something"] * 8) + " |"
    house.say(talk, "assistant", "\n".join([row, "|--" * 8 + "|", row, row]), "evt_1")
    screen = await look(house, phone=True)
    page = await screen.open(f"/chat/{talk.id}")
    lines = """(node) => { const range = document.createRange(); range.selectNodeContents(node); return range.getClientRects().length; }"""
    assert await page.locator(".text td").first.evaluate(lines) == 1
    sheet = page.locator(".text .sheet")
    assert await sheet.evaluate("(node) => node.scrollWidth > node.clientWidth")
    await expect(sheet).to_have_attribute("tabindex", "0")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_every_page_of_the_administration_can_be_gone_to_by_its_name(screen: Screen) -> None:
    furnish(screen.house)
    page = await screen.open()
    await page.keyboard.press("Control+k")
    field, first = page.get_by_role("combobox", name="Go to"), page.get_by_role("option")
    for name in ADMIN_PAGES.values():
        await field.fill(name)
        exact = first.filter(has=page.get_by_text(name, exact=True))
        await expect(exact, name).to_have_count(1, timeout=2000)
