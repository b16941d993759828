"""A real Chromium, a demo server for each test, and a page that forgives nothing.

Every page in these tests fails its test on an error in its console, a refusal by its own
Content-Security-Policy, a dialog, or a request to any other host. Without Chromium or Playwright
the tests are skipped and say so.
"""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect  # noqa: E402

from tests.browser.demo import make_app  # noqa: E402
from tests.browser.house import House  # noqa: E402

expect.set_options(timeout=30_000)  # a busy machine is no wrong answer

HERE = Path(__file__).parent
WAIT_MS = 60_000
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser serves all these tests, so all of them share its event loop."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass
class Screen:
    """A page with its server, and what it did that it should not have done."""

    page: Page
    house: House
    url: str
    app: web.Application
    problems: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and not message.text.startswith(
                "Failed to load"
            ):
                self.problems.append(f"console: {message.text}")

        def request(asked: Request) -> None:
            if not asked.url.startswith((self.url, "data:", "blob:")):
                self.problems.append(f"outside: {asked.url}")

        async def dialog(shown: Any) -> None:
            self.problems.append(f"dialog: {shown.message}")
            await shown.dismiss()

        page.set_default_timeout(WAIT_MS)
        page.on("console", console)
        page.on("request", request)
        page.on("dialog", dialog)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))

    async def open(self, path: str = "/chat") -> Page:
        """Go there and wait until something is drawn."""
        await self.page.goto(self.url + path)
        await self.page.wait_for_selector("#thread > *, main[data-admin] > *, main.plain")
        await self.page.wait_for_selector("main [aria-busy=true]", state="hidden")
        return self.page

    async def say(self, text: str) -> None:
        """Write a message and send it by Enter."""
        await self.page.fill("#text", text)
        await self.page.press("#text", "Enter")

    async def close(self) -> None:
        """Close every tab of this screen."""
        await self.page.context.set_offline(False)
        for page in self.page.context.pages:
            await page.close()

    async def second(self) -> Page:
        """Another tab of the same browser."""
        page = await self.page.context.new_page()
        self.watch(page)
        return page


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    async with playwright.async_playwright() as driver:
        flags = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
        ]
        opened = await driver.chromium.launch(executable_path=program, args=flags)
        yield opened
        await opened.close()


@asynccontextmanager
async def serving(house: House, posts: Path) -> AsyncIterator[tuple[str, web.Application]]:
    app = make_app(house, posts)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}", app
    finally:
        house.epoch += 1
        await runner.cleanup()


Look = Callable[..., Awaitable[Screen]]
Contexts = dict[bool, BrowserContext]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def contexts(browser: Browser) -> Contexts:
    """The desk and the phone. Each test's server is an origin of its own,
    so nothing that a page keeps in the browser is seen by another test."""
    made: Contexts = {}
    for phone in (False, True):
        size = PHONE if phone else DESK
        made[phone] = await browser.new_context(
            color_scheme="light", reduced_motion="reduce", **size
        )
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def look(contexts: Contexts, tmp_path: Path) -> AsyncIterator[Look]:
    """Return a function that opens a screen: `look(house, phone=True)`."""
    screens: list[Screen] = []
    async with AsyncExitStack() as stack:

        async def make(house: House, *, phone: bool = False) -> Screen:
            url, app = await stack.enter_async_context(serving(house, tmp_path))
            context = contexts[phone]
            screen = Screen(page=await context.new_page(), house=house, url=url, app=app)
            stack.push_async_callback(screen.close)
            screen.watch(screen.page)
            screens.append(screen)
            return screen

        yield make
    for screen in screens:
        assert screen.problems == []


@pytest_asyncio.fixture(loop_scope="session")
async def screen(look: Look) -> Screen:
    """A desk's screen on an empty house."""
    return await look(House())
