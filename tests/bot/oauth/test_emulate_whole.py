"""The whole program as it is, its settings alone changed, beside a server that somebody else wrote.

Google: an account is connected on its page, a mail is sent by a yes and found, and it is let go of.
Microsoft: an account is connected and checked there; emulate plays its sign-in alone.
Slack: the app is installed on its page, a question asked there is answered there, and the app is let
go of. emulate brings no events and has no `users.conversations`: the question is brought by the test,
signed as Slack signs, and no message is sent to a place by its name.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from aiohttp import ClientSession

from tests.channels.owner_side import Owner
from tests.channels.running import Program, standing
from tests.fakes import emulate
from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.fakes.slack_apps import signed
from tests.process import free_port

ANN = "ann@example.com"
APP, ADMIN, GENERAL = "A0000OURS", "U000000001", "C000000001"
"""Our app at Slack; the person and the channel that emulate begins with."""
SIGNING = "0123456789abcdef0123456789abcdef"
HOOK = "/webhooks/slack/events"
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "mail Ben": (
        "mailbox_send",
        {"to": ["ben@example.org"], "subject": "Tea", "text": "At four?"},
    ),
    "look for it": ("mailbox_search", {"words": "Tea"}),
}


class Model(OpenAIServer):
    """It does what it is asked for, and repeats what a tool says."""

    def __init__(self) -> None:
        super().__init__(otherwise=self._reply)

    def _reply(self, body: Body) -> Reply:
        last = body["messages"][-1]
        words = json.dumps(last["content"])
        if last["role"] == "tool" or "[outcome]" in words:
            return Reply(text=f"It says: {last['content']}")
        for asked, (tool, arguments) in CALLS.items():
            if asked in words:
                return Reply(calls=[(tool, json.dumps(arguments))])
        return Reply(text="Hello to you.")


class House(Owner):
    """An owner's browser, who also talks."""

    async def agree(self, begin: str) -> int:
        """Begin on our page, press Ann on theirs, come back to ours and press its button."""
        async with self.session.get(begin, allow_redirects=False) as response:
            assert response.status == 303, await response.text()
            address = response.headers["Location"]
        async with ClientSession() as elsewhere:
            async with elsewhere.get(address) as response:
                page = await response.text()
                assert response.status == 200, page
            form = next(
                part for part in page.split("<form")[1:] if "ann" in part or "admin" in part
            )
            fields = dict(re.findall(r'name="([^"]+)"\s+value="([^"]*)"', form))
            action = unescape(re.findall(r'action="([^"]+)"', form)[0])
            root = f"{urlsplit(address).scheme}://{urlsplit(address).netloc}"
            data = {name: unescape(value) for name, value in fields.items()}
            async with elsewhere.post(root + action, data=data, allow_redirects=False) as response:
                back = response.headers["Location"].removeprefix(self.base)
        async with self.session.get(back) as response:
            page = await response.text()
        form = page.split("<form")[1]
        told = {k: unescape(v) for k, v in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
        where = re.findall(r'action="([^"]+)"', form)[0]
        async with self.session.post(where, data=told, allow_redirects=False) as response:
            assert response.status == 303, await response.text()
            return response.status

    async def say(self, text: str) -> str:
        """Say something to Bri; the conversation."""
        made = await self.call("POST", "/v1/messages", {"text": text})
        return str(made["conversation"])

    async def told(self, conversation: str, words: str) -> str:
        """The line that holds these words, once it is there."""
        async with asyncio.timeout(40):
            while True:
                path = f"/v1/conversations/{conversation}/messages"
                texts = [str(line["text"]) for line in (await self.call("GET", path))["items"]]
                if found := next((text for text in texts if words in text), ""):
                    return found
                await asyncio.sleep(0.05)

    async def approve(self) -> Any:
        """Say yes to the one question; the question."""
        async with asyncio.timeout(40):
            while not (items := (await self.call("GET", "/v1/approvals?state=pending"))["items"]):
                await asyncio.sleep(0.05)
        (asked,) = items
        path = f"/v1/approvals/{asked['id']}/decide"
        await self.call("POST", path, {"decision": "approve", "version": asked["version"]})
        return asked


@asynccontextmanager
async def whole(folder: Path, **settings: str) -> AsyncIterator[House]:
    """The program, and its owner signed in."""
    async with Model() as model:
        program = Program(folder, model, **settings)
        program.environ["BOT_PUBLIC_URL"] = program.url
        async with standing(program, SECRET):
            link = re.search(r"http://\S+/in/\S+", program.said)
            assert link
            house = House(program.url)
            try:
                await house.sign_in(link[0])
                yield house
            finally:
                await house.close()


async def bring(house: House, item: Any, text: str, seconds: int) -> None:
    """Say it in #general: the event of it, as Slack brings it."""
    event = {
        "type": "message",
        "channel": GENERAL,
        "channel_type": "channel",
        "user": ADMIN,
        "team": item["workspace"],
        "text": f"<@{item['bot_user']}> {text}",
        "ts": f"{int(time.time())}.{seconds:06d}",
    }
    told = {
        "type": "event_callback",
        "team_id": item["workspace"],
        "api_app_id": APP,
        "event_id": f"Ev{seconds}",
        "event_time": int(time.time()),
        "authorizations": [
            {"team_id": item["workspace"], "user_id": item["bot_user"], "is_bot": True}
        ],
        "event": event,
    }
    body = json.dumps(told)
    headers = {**signed(body, SIGNING), "Content-Type": "application/json"}
    async with house.session.post(HOOK, data=body, headers=headers) as response:
        assert response.status == 200, await response.text()


async def shown(there: str, words: str) -> str:
    """What emulate shows of its messages, once these words stand in one."""
    async with asyncio.timeout(40), ClientSession(there) as elsewhere:
        while True:
            async with elsewhere.get("/") as response:
                page = unescape(await response.text())
            if words in page:
                return page
            await asyncio.sleep(0.1)


def ours(back: list[str]) -> dict[str, object]:
    """Our app as the service knows it; where people come back to is known once the house stands."""
    return {"client_id": CLIENT, "client_secret": SECRET, "name": "Ours", "redirect_uris": back}


async def test_google_is_connected_used_and_let_go_of(tmp_path: Path) -> None:
    port, back = free_port(), list[str]()
    seed = {"users": [{"email": ANN, "name": "Ann"}], "oauth_clients": [ours(back)]}
    there = f"http://localhost:{port}"
    settings = {
        "GOOGLE_CLIENT_ID": CLIENT,
        "GOOGLE_CLIENT_SECRET": SECRET,
        "BOT_ENDPOINT_GOOGLE": there,
        "BOT_ENDPOINT_GOOGLE_TOKEN": f"{there}/oauth2/token",
        "BOT_ENDPOINT_GOOGLE_REVOKE": f"{there}/oauth2/revoke",
        "BOT_ENDPOINT_GOOGLE_ISSUER": there,
    }
    async with whole(tmp_path, **settings) as house:
        back.append(f"{house.base}/oauth/google/callback")
        with emulate.running(tmp_path, "google", port, seed):
            query = urlencode({"features": "mail_send,mail_read"})
            await house.agree(f"/oauth/google/start?{query}")
            (item,) = (await house.call("GET", "/v1/connections"))["items"]
            assert (item["status"], item["name"]) == ("active", ANN)
            checked = await house.call("POST", f"/v1/connections/{item['id']}/check")
            assert checked["error"] == ""
            talk = await house.say("mail Ben")
            asked = await house.approve()
            assert ANN in json.dumps(asked["shown"]) and "At four?" in json.dumps(asked["shown"])
            await house.told(talk, "sent")
            talk = await house.say("look for it")
            assert "Tea" in await house.told(talk, "It says")
            gone = await house.call("DELETE", f"/v1/connections/{item['id']}")
            assert "taken our access back" in gone["said"]
            assert (await house.call("GET", "/v1/connections"))["items"] == []


async def test_microsoft_is_connected_checked_and_let_go_of(tmp_path: Path) -> None:
    port, back = free_port(), list[str]()
    seed = {"users": [{"email": ANN, "name": "Ann"}], "oauth_clients": [ours(back)]}
    there = f"http://localhost:{port}"
    settings = {
        "MICROSOFT_CLIENT_ID": CLIENT,
        "MICROSOFT_CLIENT_SECRET": SECRET,
        "BOT_ENDPOINT_MICROSOFT": there,
        "BOT_ENDPOINT_MICROSOFT_AUTHORIZE": f"{there}/oauth2/v2.0/authorize",
        "BOT_ENDPOINT_MICROSOFT_TOKEN": f"{there}/oauth2/v2.0/token",
        "BOT_ENDPOINT_MICROSOFT_ISSUER": f"{there}/{{tenant}}/v2.0",
    }
    async with whole(tmp_path, **settings) as house:
        back.append(f"{house.base}/oauth/microsoft/callback")
        with emulate.running(tmp_path, "microsoft", port, seed):
            await house.agree("/oauth/microsoft/start")
            (item,) = (await house.call("GET", "/v1/connections"))["items"]
            assert (item["status"], item["name"]) == ("active", ANN)
            checked = await house.call("POST", f"/v1/connections/{item['id']}/check")
            assert checked["error"] == ""
            await house.call("DELETE", f"/v1/connections/{item['id']}")
            assert (await house.call("GET", "/v1/connections"))["items"] == []


async def test_slack_is_installed_used_and_let_go_of(tmp_path: Path) -> None:
    port, back = free_port(), list[str]()
    seed = {
        "team": {"name": "Shop", "domain": "shop"},
        "oauth_apps": [ours(back) | {"app_id": APP}],
    }
    there = f"http://localhost:{port}"
    settings = {
        "SLACK_CLIENT_ID": CLIENT,
        "SLACK_CLIENT_SECRET": SECRET,
        "SLACK_SIGNING_SECRET": SIGNING,
        "BOT_ENDPOINT_SLACK": there,
    }
    async with whole(tmp_path, **settings) as house:
        back.append(f"{house.base}/oauth/slack/installed")
        with emulate.running(tmp_path, "slack", port, seed):
            await house.agree("/oauth/slack/install")
            (item,) = (await house.call("GET", "/v1/channels/slack/installs"))["items"]
            assert (item["status"], item["name"]) == ("active", "Shop"), item
            await bring(house, item, "hello", 1)
            page = await shown(there, "code")
            code = re.search(r"\b[A-Z0-9]{4}-?[A-Z0-9]{4}\b", page)
            assert code, page
            await house.call("POST", "/v1/pair", {"code": code[0], "name": "Ann"})
            await bring(house, item, "hello", 2)
            await shown(there, "Hello to you.")
            one = f"/v1/channels/slack/installs/{quote(item['account'], safe='')}"
            await house.call("DELETE", one)
            assert (await house.call("GET", "/v1/channels/slack/installs"))["items"] == []
