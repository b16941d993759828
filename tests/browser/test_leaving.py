"""A session that ends in an open page, and files on a slow line: what is written is never lost."""

import re

from playwright.async_api import expect

from bot.files.port import MAX_BYTES
from tests.browser.conftest import Screen


def file(name: str, size: int = 10) -> dict[str, object]:
    return {"name": name, "mimeType": "text/plain", "buffer": b"x" * size}


async def test_a_session_that_ended_is_told_with_the_way_back_and_what_was_written_is_kept(
    screen: Screen,
) -> None:
    page = await screen.open()
    await screen.say("hello")
    await expect(page.locator(".message.assistant")).to_have_count(1)
    screen.house.signed_out = True
    screen.house.epoch += 1
    await expect(page.locator("#link")).to_have_text(re.compile("Signed out"))
    await expect(page.locator("#system")).to_contain_text("You are signed out")
    await screen.say("a thought")
    failed = page.locator(".message.failed")
    await expect(failed).to_contain_text("What you wrote is kept here")
    await expect(failed.get_by_role("link", name="How to sign in")).to_have_attribute("href", "/in")
    assert "Bearer" not in await page.locator("body").inner_text()
    screen.house.signed_out, screen.house.csrf = False, "of-the-next-session"
    await failed.get_by_role("button", name="Send again").click()
    await expect(failed).to_contain_text("This page is older than your sign-in.")
    await failed.get_by_role("button", name="Load the page").click()
    await expect(failed).to_contain_text("because you were signed out")
    await page.get_by_role("button", name="Send again").click()
    await expect(page.locator(".message.assistant")).to_have_count(2)
    assert [sent["text"] for sent in screen.house.sent] == ["hello", "a thought"]


async def test_a_file_says_how_far_it_is_and_the_others_wait_for_it(screen: Screen) -> None:
    page = await screen.open()
    line = await page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 60_000}
    await page.set_input_files("#file", file("warm.txt"))  # what takes files is loaded by then
    await expect(page.locator("#files")).to_contain_text("10 B")
    await line.send("Network.enable")
    await line.send("Network.emulateNetworkConditions", slow)
    await page.set_input_files("#file", [file("film.mp4", 200_000), file("notes.txt")])
    film, notes = (page.locator("#files li", has_text=name) for name in ("film.mp4", "notes"))
    await expect(film).to_contain_text(re.compile(r"uploading, [1-9]\d? %"))
    await expect(notes).to_contain_text("uploading…")
    await page.get_by_role("button", name="Remove film.mp4").click()
    await expect(notes).to_contain_text("10 B")
    await line.detach()


async def test_more_files_than_a_message_takes_are_told_and_so_is_one_too_large(
    screen: Screen,
) -> None:
    page = await screen.open()
    await page.set_input_files("#file", [file(f"{n}.txt") for n in range(23)])
    await expect(page.locator("#composer-note")).to_contain_text("A message takes 20 files. 3 of")
    await expect(page.locator("#files li")).to_have_count(20)
    await page.get_by_role("button", name="Remove 0.txt").click()
    await page.set_input_files("#file", file("film.mp4", MAX_BYTES + 1))
    film = page.locator("#files li").last
    await expect(film).to_contain_text("too large: 25 MB is the most")
    await expect(film.get_by_role("button", name="Try again")).to_have_count(0)
