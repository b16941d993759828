"""The whole program with a vendor that plays: connected in a browser, killed, and still connected."""

import asyncio
import re
import signal
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import ClientSession, CookieJar

from tests.fakes.oauth_server import CLIENT, SECRET, OAuthServer
from tests.program import TOKEN, Program


def program(folder: Path, server: OAuthServer) -> Program:
    return Program(
        folder,
        "home",
        "",
        X_CLIENT_ID=CLIENT,
        X_CLIENT_SECRET=SECRET,
        BOT_ENDPOINT_X=server.base,
        BOT_ALLOW_PRIVATE_ENDPOINTS="1",
        BOT_LOG_LEVEL="debug",
    )


async def link_of(running: Program) -> str:
    """The sign-in link that it prints a moment after it answers."""
    for _ in range(400):
        if found := re.search(r"https?://\S+/in/\S+", running.said):
            return found[0]
        await asyncio.sleep(0.05)
    raise AssertionError(running.said)


async def test_it_is_connected_survives_a_kill_and_is_let_go_of(tmp_path: Path) -> None:
    async with OAuthServer("x") as server:
        running = await asyncio.to_thread(program(tmp_path, server).started)
        said = ""
        try:
            link = await link_of(running)
            root = f"{urlsplit(link).scheme}://{urlsplit(link).netloc}"
            jar = CookieJar(unsafe=True)
            async with ClientSession(root, headers={"Origin": root}, cookie_jar=jar) as browser:
                async with browser.post(urlsplit(link).path, allow_redirects=False) as response:
                    assert response.status == 303
                async with browser.get("/oauth/x/start", allow_redirects=False) as response:
                    back = server.agree(response.headers["Location"])
                async with browser.post(
                    "/oauth/x/finish", data=back, allow_redirects=False
                ) as response:
                    assert response.status == 303, await response.text()
            running.process.send_signal(signal.SIGKILL)
            running.process.wait()
            said += running.said
            running = await asyncio.to_thread(program(tmp_path, server).started)
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with ClientSession(f"http://127.0.0.1:{running.port}", headers=headers) as client:
                async with client.get("/v1/connections") as response:
                    (item,) = (await response.json())["items"]
                one = f"/v1/connections/{item['id']}"
                async with client.post(f"{one}/check") as response:
                    assert (await response.json())["error"] == ""
                async with client.delete(one) as response:
                    assert "taken our access back" in await response.text()
        finally:
            running.process.terminate()
            await asyncio.to_thread(running.process.wait, 30)
        said += running.said
        assert server.revoked and server.mistakes == []
        assert "canary" not in said
        kept = b"".join(
            path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()
        )
        assert b"canary" not in kept
