"""The whole program posts to a blog's webhook, whatever that answers, and through a kill: once."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any, Self

import pytest
from aiohttp import web

from bot.core.canonical import Json
from tests.program import wait_for
from tests.tools.story import SENT, Story, story

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
POST: dict[str, Json] = {"title": "Open on Sunday", "text": "We are open."}
DOUBT = "I may have done this"


class Receiver:
    """A blog that verifies by the standard's own package, and publishes each id once."""

    def __init__(self) -> None:
        self.judge = pytest.importorskip("standardwebhooks").Webhook(SECRET)
        self.posts: dict[str, Any] = {}
        self.calls = 0
        self.answers: list[tuple[int, dict[str, str]]] = []
        """Status and headers, in order; the last one stays."""
        self.refuses_again = False
        """It takes the first call alone."""
        self.late_s = 0.0
        """How long its first answer takes, after the work."""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.judge.verify(body, dict(request.headers))
        self.calls += 1
        status, headers = self.answers[min(self.calls, len(self.answers)) - 1]
        if self.refuses_again and self.calls > 1:
            return web.Response(status=401)
        if status not in (429, 503):
            self.posts.setdefault(request.headers["webhook-id"], json.loads(body))
        if self.calls == 1:
            await asyncio.sleep(self.late_s)
        return web.Response(status=status, headers=headers)

    def told(self, folder: Path) -> Any:
        """The program that posts here."""
        blog = {"BOT_BLOG_FOLDER": "", "BOT_BLOG_WEBHOOK_URL": self.url}
        blog["BOT_BLOG_WEBHOOK_SECRET"] = SECRET
        return story(folder, {"reynolds post": ("blog_publish", POST)}, **blog)


async def asked(told: Story[None]) -> None:
    """Ask for the post and say yes."""
    await told.decide(await told.ask("@reynolds post it"))


@pytest.mark.parametrize(
    "is_stubborn", [True, pytest.param(False, marks=pytest.mark.long)], ids=["refuses", "redirects"]
)
async def test_what_a_receiver_published_without_saying_so_is_asked_about_and_never_denied(
    tmp_path: Path, is_stubborn: bool
) -> None:
    async with Receiver() as blog, blog.told(tmp_path) as told:
        blog.answers = [(303, {"Location": "/posts/1"})]
        blog.refuses_again = is_stubborn
        await asked(told)
        doubt = await told.waiting()
        assert DOUBT in doubt["shown"]["title"] and "it is surely the same one" in doubt["why"]
        said = json.dumps([doubt, told.running.lines(told.conv)])
        assert "303" in said and "nothing was published" not in said
        await told.decide(doubt, "there")
        await told.told(SENT)
        assert len(blog.posts) == 1 and blog.calls > 1


async def test_a_receiver_that_asks_for_a_pause_gets_it_and_then_the_post(tmp_path: Path) -> None:
    async with Receiver() as blog, blog.told(tmp_path) as told:
        blog.answers = [(503, {"Retry-After": "1"}), (429, {"Retry-After": "1"}), (201, {})]
        await asked(told)
        await told.told(SENT)
        assert (len(blog.posts), blog.calls) == (1, 3) and told.pending() == []


async def test_killed_while_the_receiver_works_the_post_is_there_once(tmp_path: Path) -> None:
    async with Receiver() as blog, blog.told(tmp_path) as told:
        blog.answers, blog.late_s = [(201, {})], 5.0
        await asked(told)
        await asyncio.to_thread(wait_for, lambda: blog.calls)
        await asyncio.to_thread(told.running.stop, signal.SIGKILL)
        await told.start()
        await told.told(SENT)
        assert (len(blog.posts), blog.calls) == (1, 2), "again by its key"
