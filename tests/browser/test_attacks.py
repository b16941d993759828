"""Every hostile text in every field of every page: shown as text, run by nobody."""

from typing import Any
from urllib.parse import quote

from tests.browser.conftest import Look, Screen
from tests.browser.furniture import XSS, poison
from tests.browser.house import House
from tests.browser.office import OFFICE


async def assert_only_text(screen: Screen, path: str) -> None:
    page = await screen.open(path)
    await page.wait_for_timeout(50)
    found = await page.evaluate(
        """() => {
            const ours = "meta, link, head script";
            const bad = [...document.querySelectorAll("script, img, svg, iframe, object, embed, base, [style]")].filter((node) => !node.matches(ours));
            const links = [...document.links].filter((link) => !/^(https?|mailto):/.test(link.protocol));
            const handlers = [...document.querySelectorAll("*")].filter((node) => [...node.attributes].some(({ name }) => name.startsWith("on")));
            return [...bad, ...links, ...handlers].map((node) => node.outerHTML.slice(0, 120));
        }"""
    )
    assert found == [], path


async def test_hostile_texts_stay_texts_in_the_chat(look: Look) -> None:
    house = House()
    worst = poison(house)
    screen = await look(house)
    await assert_only_text(screen, f"/chat/{worst.id}")
    for _ in range(len(house.pending)):
        await screen.page.get_by_role("button", name="Edit", exact=True).first.click()
    await screen.page.locator("#inbox").click()
    await screen.page.wait_for_selector("dialog .card")
    await screen.page.keyboard.press("Escape")
    await screen.page.keyboard.press("Control+k")
    assert await screen.page.get_by_text(XSS[0]).count() > 0


def hostile_file(text: str) -> dict[str, Any]:
    """A file of which every word is hostile."""
    names = dict.fromkeys(("id", "name", "media_type", "person"), text)
    return {**names, "size": 1, "shared": False, "created_at": "2026-01-01T00:00:00Z"}


async def test_hostile_texts_stay_texts_in_the_administration(look: Look) -> None:
    house = House()
    poison(house)
    screen = await look(house)
    office = screen.app[OFFICE]
    for text in XSS:
        office.people.append(
            {
                "id": text,
                "name": text,
                "role": text,
                "email": text,
                "created_at": "2026-01-01T00:00:00Z",
            }
        )
        office.routes.append({"id": text, "agent": text, "channel": text, "person": text})
        office.schedules.append(
            {
                "id": text,
                "words": text,
                "zone": text,
                "prompt": text,
                "agent": text,
                "state": "active",
                "next_at": None,
            }
        )
        office.files.append(hostile_file(text))
        office.dead.append({"id": text, "at": "2026-01-01T00:00:00Z", "detail": text, "text": text})
        args = {
            "text": text,
            "title": text,
            "to": [text],
            "media": [text],
            "link": text,
            text: text,
        }
        office.sandbox.append(
            {
                "id": text,
                "tool": text,
                "agent": text,
                "at": "2026-01-01T00:00:00Z",
                "event": text,
                "arguments": args,
            }
        )
    for page in (
        "",
        "/approvals",
        "/routes",
        "/people",
        "/schedules",
        "/files",
        "/sandbox",
        "/events/evt_00001",
    ):
        await assert_only_text(screen, f"/admin{page}")


async def test_a_code_in_the_address_stays_text(screen: Screen) -> None:
    await assert_only_text(screen, f"/in/{quote(XSS[2], safe='')}")


async def test_the_page_itself_forbids_inline_script_and_turning_text_into_html(
    screen: Screen,
) -> None:
    page = await screen.open()
    tried = await page.evaluate(
        """() => {
            const tries = [() => { document.body.innerHTML = "<p>x"; }, () => document.write("x")];
            return tries.map((one) => { try { one(); return "done"; } catch (error) { return error.name; } });
        }"""
    )
    assert tried == ["TypeError", "TypeError"]
    screen.problems.clear()
