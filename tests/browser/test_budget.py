"""The first page is light: bytes, requests, nodes, sizes of text, and nothing jumps."""

import pytest
from playwright.async_api import Response, Route, expect

from bot.web.assets import assets
from tests.browser.conftest import Look, Screen
from tests.browser.furniture import furnish
from tests.browser.house import House

SCRIPT_BYTES = 60_000
STYLE_BYTES = 25_000
REQUESTS = 12
NODES = 600
TEXT_SIZES = 4


async def test_the_first_page_keeps_its_budget(look: Look) -> None:
    house = House()
    furnish(house)
    for number in range(40):
        house.talk(f"Earlier matter {number}", "bri")
    screen = await look(house)
    asked: list[Response] = []
    screen.page.on("response", lambda response: asked.append(response))
    page = await screen.open()
    await page.wait_for_load_state("networkidle")
    sizes = {"javascript": 0, "css": 0}
    for response in asked:
        for kind in sizes:
            if kind in response.headers.get("content-type", ""):
                sizes[kind] += len(await response.body())
    assert sizes["javascript"] <= SCRIPT_BYTES
    assert sizes["css"] <= STYLE_BYTES
    assert len(asked) <= REQUESTS
    assert await page.evaluate("document.querySelectorAll('*').length") <= NODES


async def test_no_script_is_larger_than_the_budget_of_a_page() -> None:
    found = assets()
    assert all(len(found[name].body) <= SCRIPT_BYTES for name in found if name.endswith(".js"))
    assert len(found["app.css"].body) <= STYLE_BYTES


async def test_a_page_has_four_sizes_of_text_at_most_and_one_font(screen: Screen) -> None:
    furnish(screen.house)
    for path in ("/chat", f"/chat/{next(iter(screen.house.talks))}", "/admin", "/admin/sandbox"):
        page = await screen.open(path)
        sizes = await page.evaluate(
            """() => {
                const texts = [...document.querySelectorAll("body *")].filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
                const read = texts.filter((node) => !node.closest("code, pre, kbd, .hidden-char"));
                return [...new Set(read.map((node) => getComputedStyle(node).fontSize))];
            }"""
        )
        assert len(sizes) <= TEXT_SIZES, (path, sizes)
    families = await screen.page.evaluate("document.fonts.size")
    assert families == 0


async def test_nothing_shifts_while_the_page_is_drawn(screen: Screen) -> None:
    furnish(screen.house)
    await screen.page.add_init_script(
        """window.shift = 0;
        new PerformanceObserver((list) => { for (const one of list.getEntries()) window.shift += one.value; }).observe({ type: "layout-shift", buffered: true });"""
    )
    for path in ("/chat", f"/chat/{next(iter(screen.house.talks))}", "/admin/events"):
        page = await screen.open(path)
        await page.wait_for_timeout(150)
        assert await page.evaluate("window.shift") <= 0.01, path


async def test_what_is_drawn_before_the_page_has_come_whole_stays_where_it_is(
    screen: Screen,
) -> None:
    """A slow line brings the beginning of a page first: the menu has its place already."""
    place = "(() => { const {x, y, width} = document.querySelector('.side').getBoundingClientRect(); return [x, y, width]; })()"
    for path in ("/chat", "/admin/events"):
        page = await screen.open(path)
        whole = await page.evaluate(place)

        async def beginning(route: Route) -> None:
            came = await route.fetch()
            text = (await came.text()).partition('<div id="frame"')[0]
            await route.fulfill(response=came, body=text.replace('type="module"', 'type="later"'))

        await page.route("**" + path, beginning)
        await page.goto(screen.url + path, wait_until="commit")
        await page.wait_for_selector(".side")
        assert await page.evaluate(place) == whole, path
        await page.unroute("**" + path)


async def test_ten_thousand_events_are_paged_by_key_and_the_way_back_leads_back(
    screen: Screen,
) -> None:
    page = await screen.open("/admin/events")
    await expect(page.locator("tbody tr")).to_have_count(50)
    first = await page.locator("tbody tr").first.inner_text()
    await page.keyboard.press("n")
    await expect(page.locator("tbody tr").first).not_to_have_text(first)
    assert "after=50" in page.url
    await page.keyboard.press("p")
    await expect(page.locator("tbody tr a").first).to_have_attribute(
        "href", "/admin/events/evt_00000"
    )


async def test_hostile_text_costs_no_more_than_its_length(screen: Screen) -> None:
    talk = screen.house.talk("Heavy", "bri")
    for piece in (
        "**a ",
        "[",
        "`" + "x" * 3,
        "<",
        "> ",
        "- ",
        "_a ",
        "|",
        "# ",
        "![](",
        "~~",
        "* * ",
    ):
        screen.house.say(talk, "assistant", piece * (60_000 // len(piece)), "evt_1")
    screen.house.say(talk, "assistant", "the end", "evt_2")
    page = await screen.open(f"/chat/{talk.id}")
    await expect(page.get_by_text("the end", exact=True)).to_be_visible()


LONG = {
    "a table of five thousand columns": "|" + "c|" * 5_000 + "\n|" + "-|" * 5_000 + "\n|v|\n|w|",
    "twenty thousand headings": "\n".join(f"# h{n}" for n in range(20_000)),
    "a table of many rows": "|a|b|\n|-|-|\n" + "".join(f"|{n}|x|\n" for n in range(12_000)),
    "a list of many items": "\n".join(f"- item {n} **b**" for n in range(9_000)),
    "one paragraph of many marks": " ".join(f"word{n} **b**" for n in range(12_000)),
    "a wide table in a quotation": "> |"
    + "c|" * 4_000
    + "\n> |"
    + "-|" * 4_000
    + "\n"
    + "> |\n" * 900,
}
ELEMENTS_AT_ONCE = 3_000
COUNT_ELEMENTS = """
    window.most = 0;
    let made = 0;
    const create = document.createElement.bind(document);
    document.createElement = (...words) => { made++; return create(...words); };
    const frame = () => { window.most = Math.max(window.most, made); made = 0; requestAnimationFrame(frame); };
    frame();
"""


@pytest.mark.parametrize("kind", LONG)
async def test_a_very_long_answer_is_drawn_a_bounded_part_at_a_time(
    screen: Screen, kind: str
) -> None:
    talk = screen.house.talk("Heavy", "bri")
    screen.house.say(talk, "assistant", LONG[kind], "evt_1")
    await screen.page.add_init_script(COUNT_ELEMENTS)
    page = await screen.open(f"/chat/{talk.id}")
    await expect(page.locator(".message .text > *").first).to_be_attached()
    for at in range(0, len(LONG[kind]), 2_000):
        delta = {"turn": "evt_9", "agent": "bri", "delta": LONG[kind][at : at + 2_000]}
        talk.tell("draft", delta, "evt_9", at + 1)
    talk.tell("draft", {"turn": "evt_9", "agent": "bri", "delta": "\n\nend"}, "evt_9", 999_999)
    await page.wait_for_function(
        "chars => [...document.querySelectorAll('[aria-busy] [data-part=rest]')].some((rest) => Number(rest.textContent.replace(/\\D/g, '')) > chars) || document.querySelector('[aria-busy] .text')?.textContent.endsWith('end')",
        arg=0,
    )
    await page.evaluate("() => new Promise(requestAnimationFrame)")
    assert await page.evaluate("window.most") <= ELEMENTS_AT_ONCE


async def test_the_rest_of_a_long_answer_comes_when_it_is_asked_for_and_on_paper(
    screen: Screen,
) -> None:
    talk = screen.house.talk("Long", "bri")
    items = "\n".join(f"{n}. item {n}" for n in range(1, 5_001))
    screen.house.say(talk, "assistant", f"{items}\n\nthe very end", "evt_1")
    page = await screen.open(f"/chat/{talk.id}")
    drawn = page.locator(".message li")
    before = await drawn.count()
    await page.get_by_role("button", name="Show more of this").press("Enter")
    await expect(drawn.nth(before)).to_have_text(f"item {before + 1}")
    starts = await page.eval_on_selector_all(".message ol", "all => all.map((one) => one.start)")
    assert starts[1] > 1, "a list that was cut goes on counting"
    assert await page.evaluate("document.activeElement.tagName") == "OL", "reading goes on there"
    await page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    await expect(page.get_by_text("the very end")).to_be_attached()
    await expect(page.get_by_role("button", name="Show more of this")).to_have_count(0)
    assert await drawn.count() == 5_000


async def test_what_is_too_long_for_a_message_goes_along_as_a_file(screen: Screen) -> None:
    page = await screen.open("/chat")
    await page.evaluate(
        """() => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text", "word ".repeat(50000));
            document.getElementById("text").dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }"""
    )
    await expect(page.locator("#files")).to_contain_text("pasted text.txt")
    await expect(page.locator("#composer-note")).to_contain_text("goes along as a file")
    await expect(page.locator("#text")).to_have_value("")
    await page.fill("#text", "x" * 200_001)
    await page.press("#text", "Enter")
    await expect(page.locator("#composer-note")).to_contain_text("at most 200,000 characters")
    assert screen.house.sent == []
