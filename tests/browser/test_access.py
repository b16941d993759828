"""Everybody can use every page: axe finds nothing, the keyboard reaches all, fingers hit all.

axe-core is fetched by npm into a cache outside the repository and injected here:
`npm install --prefix ~/.cache/switchboard axe-core lighthouse`. Without it these tests are skipped.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Look, Screen
from tests.browser.furniture import furnish
from tests.browser.house import House
from tests.browser.office import OFFICE

AXE = Path.home() / ".cache/switchboard/node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ADMIN = ("", "/agents", "/approvals", "/routes", "/people", "/events", "/events/evt_00001", "/schedules", "/files", "/memory", "/feedback", "/audit", "/sandbox")  # fmt: skip


@cache
def axe_source() -> str:
    if not AXE.exists():
        pytest.skip(
            "axe-core is not in the cache: npm install --prefix ~/.cache/switchboard axe-core"
        )
    return AXE.read_text("utf-8")


async def check(page: Page, where: str, faults: list[str], *, colours_only: bool = False) -> None:
    """Run axe on the page as it stands and note what it finds."""
    if not await page.evaluate("typeof window.axe === 'object'"):
        await page.evaluate(axe_source())
    only: dict[str, Any] = {"type": "tag", "values": TAGS}
    if colours_only:
        only = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
    run = "only => axe.run(document, { runOnly: only, resultTypes: ['violations'] })"
    found = await page.evaluate(run, only)
    for rule in found["violations"]:
        nodes = [node["html"][:160] for node in rule["nodes"][:3]]
        faults.append(f"{where}: {rule['id']}: {nodes}")


async def check_both(page: Page, where: str, faults: list[str]) -> None:
    """Run axe by light, and its rules about colours in the dark as well."""
    await check(page, where, faults)
    await page.emulate_media(color_scheme="dark")
    await check(page, f"dark {where}", faults, colours_only=True)
    await page.emulate_media(color_scheme="light")


Step = Callable[[Screen], Awaitable[object]]


async def chat_states(screen: Screen) -> list[tuple[str, Step]]:
    """Every state of the chat page by name, each reached from the one before."""
    page = screen.page
    card = page.locator(".card").last

    async def after(act: Awaitable[object], selector: str) -> None:
        await act
        await page.wait_for_selector(selector)

    return [
        ("start", lambda s: s.open()),
        ("empty send", lambda s: after(page.press("#text", "Enter"), ".notice")),
        ("not sent", lambda s: after(s.say("nokey"), ".failed")),
        ("answered", lambda s: after(s.say("long"), ".message.assistant .actions")),
        ("card", lambda s: after(s.say("publish"), ".card")),
        ("edit", lambda s: after(card.get_by_role("button", name="Edit").click(), ".card form")),
        ("refused", lambda s: refuse_edit(page)),
        ("palette", lambda s: after(page.keyboard.press("Control+k"), ".palette")),
        ("inbox", lambda s: inbox(page)),
        ("help", lambda s: help_(page)),
        ("failed turn", lambda s: after(s.say("badkey"), "#thread > .problem")),
        ("running", lambda s: after(s.say("wait"), ".activity")),
    ]


async def refuse_edit(page: Page) -> None:
    await page.locator(".card [name=text]").fill("")
    await page.get_by_role("button", name="Approve this version").click()
    await page.wait_for_selector(".card .problem")


async def inbox(page: Page) -> None:
    await page.keyboard.press("Escape")
    await page.locator("#inbox").click()
    await page.wait_for_selector("dialog .card")


async def help_(page: Page) -> None:
    await page.keyboard.press("Escape")
    await page.locator("#inbox").focus()
    await page.keyboard.press("?")
    await page.wait_for_selector("dialog .keys")
    await page.keyboard.press("Escape")


SMALL = """() => {
    const kinds = "button, select, textarea, input:not([type=file]), summary, a.button, .side-row, .rows a, td > a, .pager a";
    const shown = [...document.querySelectorAll(kinds)].filter((node) => node.checkVisibility({ visibilityProperty: true }));
    const box = (node) => (node.type === "checkbox" ? node.closest("label") : node).getBoundingClientRect();
    return shown.filter((node) => box(node).height < 43.5).map((node) => node.outerHTML.slice(0, 90));
}"""


async def check_fingers(page: Page, where: str, faults: list[str]) -> None:
    """Note everything to press that is lower than 44 pixels."""
    faults += [f"{where}: too small: {node}" for node in await page.evaluate(SMALL)]


async def test_axe_finds_nothing_in_any_state_of_the_chat(look: Look) -> None:
    screen = await look(House())
    faults: list[str] = []
    for name, step in await chat_states(screen):
        await step(screen)
        await check_both(screen.page, name, faults)
    assert faults == []


async def test_on_a_phone_axe_finds_nothing_in_the_chat_and_fingers_hit_all(look: Look) -> None:
    screen = await look(House(), phone=True)
    faults: list[str] = []
    for name, step in await chat_states(screen):
        await step(screen)
        if name not in ("answered", "help", "running"):
            await check(screen.page, f"phone {name}", faults)
        await check_fingers(screen.page, f"phone {name}", faults)
    await screen.page.get_by_role("button", name="Agents and conversations").tap()
    await check(screen.page, "drawer", faults)
    await check_fingers(screen.page, "drawer", faults)
    assert faults == []


@pytest.mark.parametrize("phone", [False, True])
async def test_axe_finds_nothing_on_any_other_page(look: Look, phone: bool) -> None:
    house = House()
    furnish(house)
    screen = await look(house, phone=phone)
    same = {
        "/admin/people",
        "/admin/audit",
        "/admin/agents",
        "/admin/schedules",
        "/admin/files",
        "/blog",
        "/nothing",
    }
    faults: list[str] = []
    for path in [*(f"/admin{page}" for page in ADMIN), "/in/CODE", "/blog", "/nothing"]:
        await screen.open(path)
        if not phone:
            await check_both(screen.page, path, faults)
            continue
        await check_fingers(screen.page, path, faults)
        if path not in same:
            await check(screen.page, f"phone {path}", faults)
    assert faults == []


async def test_axe_finds_nothing_on_empty_pages(look: Look) -> None:
    screen = await look(House())
    screen.app[OFFICE].is_empty = True
    faults: list[str] = []
    for path in ("/agents", "/events", "/approvals"):
        await screen.open(f"/admin{path}")
        await check(screen.page, f"empty {path}", faults)
    assert faults == []


async def test_the_first_stop_skips_to_the_content_and_every_stop_is_seen(screen: Screen) -> None:
    furnish(screen.house)
    page = await screen.open(f"/chat/{next(iter(screen.house.talks))}")
    await page.wait_for_selector(".card")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the conversation")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    unseen = []
    for _ in range(60):
        await page.keyboard.press("Tab")
        stop = await page.evaluate(
            """() => {
                const node = document.activeElement;
                const ring = getComputedStyle(node.id === "text" ? node.parentElement : node);
                const seen = ring.outlineStyle !== "none" || ring.boxShadow !== "none";
                return { name: node.outerHTML.slice(0, 80), seen, body: node === document.body };
            }"""
        )
        if stop["body"]:
            break
        if not stop["seen"]:
            unseen.append(stop["name"])
    assert unseen == []


async def test_a_new_answer_and_a_new_approval_are_announced(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("hello")
    await expect(page.locator("#polite")).to_contain_text("Bri: You said: hello")
    await screen.say("publish it")
    await expect(page.locator("#polite")).to_contain_text(
        "Waiting for your decision: Publish on the blog"
    )


async def test_nothing_moves_for_those_who_asked_for_stillness(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("wait")
    await page.wait_for_selector(".activity")
    assert await page.evaluate("document.getAnimations().length") == 0
