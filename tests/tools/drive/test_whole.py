"""The whole program: a kept file goes to the drive and is shared, each by a yes, once through a kill.

So is a share taken back.
"""

import asyncio
import json
import re
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar

from tests.bot.oauth.test_whole import link_of
from tests.fakes.google_drive import GoogleDriveServer
from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.program import Program, wait_for
from tests.tools.calendar.test_whole import approve, said
from tests.tools.drive.conftest import SCOPES
from tests.tools.drive.test_unshare import seen, shared
from tests.tools.mailbox.conftest import fault
from tests.tools.mailbox.test_whole import waiting

MINUTES = {"name": "minutes.txt", "text": "We open on Sundays."}


class Model(OpenAIServer):
    """It keeps a file, puts it on the drive, shares it, reads it, as it is asked to."""

    def __init__(self) -> None:
        super().__init__(otherwise=self._reply)

    def _reply(self, body: Body) -> Reply:
        last = body["messages"][-1]
        words = json.dumps(last["content"])
        if last["role"] == "tool":
            if found := re.search(r"Kept as (fil_\w+)", words):
                return Reply(calls=[("drive_upload", json.dumps({"file": found[1]}))])
            return Reply(text=f"It says: {last['content']}")
        if "outcome" in words:
            return Reply(text=f"Heard: {last['content']}")
        if "put the minutes" in words:
            return Reply(calls=[("file_save", json.dumps(MINUTES))])
        if found := re.search(r"share (\w+) with Bob", words):
            asked = {"file": found[1], "who": "bob@example.org"}
            return Reply(calls=[("drive_share", json.dumps(asked))])
        if found := re.search(r"take (\w+) back from Bob", words):
            asked = {"file": found[1], "who": "bob@example.org"}
            return Reply(calls=[("drive_unshare", json.dumps(asked))])
        if found := re.search(r"read (\w{20,})", words):
            return Reply(calls=[("drive_read", json.dumps({"file": found[1]}))])
        return Reply(text=f"Heard: {last['content']}")


def program(folder: Path, google: GoogleDriveServer, model: Model) -> Program:
    return Program(
        folder,
        "home",
        "",
        GOOGLE_CLIENT_ID=CLIENT,
        GOOGLE_CLIENT_SECRET=SECRET,
        BOT_ENDPOINT_GOOGLE=google.base,
        BOT_ALLOW_PRIVATE_ENDPOINTS="1",
        OPENAI_API_KEY="sk-of-nobody",
        OPENAI_API_BASE=model.url,
        BOT_MODELS_DEFAULT="openai/gpt-4o-mini",
        BOT_MODELS_TRANSPORT="direct",
    )


async def connect(running: Program, google: GoogleDriveServer) -> None:
    """What an owner does in a browser."""
    link = urlsplit(await link_of(running))
    root, jar = f"{link.scheme}://{link.netloc}", CookieJar(unsafe=True)
    async with ClientSession(root, headers={"Origin": root}, cookie_jar=jar) as browser:
        async with browser.post(link.path, allow_redirects=False) as response:
            assert response.status == 303
        wanted = urlencode({"scopes": " ".join(SCOPES)})
        async with browser.get(f"/oauth/google/start?{wanted}", allow_redirects=False) as response:
            back = google.agree(response.headers["Location"])
        async with browser.post("/oauth/google/finish", data=back, allow_redirects=False) as end:
            assert end.status == 303, await end.text()


async def test_a_file_is_put_there_and_shared_once_through_a_kill(tmp_path: Path) -> None:
    async with GoogleDriveServer() as google, Model() as model:
        running = await asyncio.to_thread(program(tmp_path, google, model).started)
        run: Any = asyncio.to_thread
        try:
            await connect(running, google)
            talk = await run(running.say, "put the minutes on the drive")
            await run(wait_for, said(running, talk, "Waiting for your yes"))
            asked = await run(waiting, running)
            shown = json.dumps(asked)
            assert "minutes.txt" in shown and "ann@example.com" in shown and "My Drive" in shown
            google.trouble.append(fault("PUT", slow_s=3.0, after=True))
            await run(approve, running, asked)
            async with asyncio.timeout(20):
                while not google.shelf.files:
                    await asyncio.sleep(0.02)
            running.stop(signal.SIGKILL)  # it is there, and the answer is on its way
            running = await run(program(tmp_path, google, model).started)
            await run(wait_for, said(running, talk, "Heard:"), 40.0)
            (file,) = google.shelf.files.values()
            assert file.held == MINUTES["text"].encode()
            talk = await run(running.say, f"share {file.id} with Bob")
            await run(wait_for, said(running, talk, "Waiting for your yes"))
            asked = await run(waiting, running)
            assert "bob@example.org, who may read it" in json.dumps(asked)
            google.trouble.append(fault("POST permissions", slow_s=3.0, after=True))
            await run(approve, running, asked)
            async with asyncio.timeout(20):
                while not google.mails:
                    await asyncio.sleep(0.02)
            running.stop(signal.SIGKILL)
            running = await run(program(tmp_path, google, model).started)
            await run(wait_for, said(running, talk, "Heard:"), 40.0)
            talk = await run(running.say, f"read {file.id}")
            line = await run(wait_for, said(running, talk, "It says"))
            assert "We open on Sundays." in line and "<outside" in line
        finally:
            running.stop()
        assert len(google.shelf.files) == 1 and len(google.mails) == 1
        assert google.mistakes == [] and model.violations == []
        assert "canary" not in running.said


@pytest.mark.long
async def test_a_file_is_taken_back_once_through_a_kill(tmp_path: Path) -> None:
    async with GoogleDriveServer() as google, Model() as model:
        file = shared(google.shelf, "eve@example.org")
        running = await asyncio.to_thread(program(tmp_path, google, model).started)
        run: Any = asyncio.to_thread
        try:
            await connect(running, google)
            talk = await run(running.say, f"take {file.id} back from Bob")
            await run(wait_for, said(running, talk, "Waiting for your yes"))
            asked = await run(waiting, running)
            shown = json.dumps(asked)
            assert "bob@example.org (writer)" in shown and "eve@example.org (reader)" in shown
            assert len(file.grants) == 3
            google.trouble.append(fault("DELETE permissions", slow_s=3.0, after=True))
            await run(approve, running, asked)
            async with asyncio.timeout(20):
                while len(file.grants) == 3:
                    await asyncio.sleep(0.02)
            running.stop(signal.SIGKILL)  # it is taken back, and the answer is on its way
            running = await run(program(tmp_path, google, model).started)
            line = await run(wait_for, said(running, talk, "Heard:"), 40.0)
            assert '"state":"sent"' in line
        finally:
            running.stop()
        assert seen(file) == ["ann@example.com", "eve@example.org"] and google.mails == []
        assert len([each for each in google.asked if each.startswith("DELETE")]) == 1
        assert google.mistakes == [] and model.violations == []
