"""Telegram's Bot API on loopback: what python-telegram-bot talks to when only its address changes.

    async with TelegramServer() as server:
        Bot(server.token, base_url=f"{server.base}/bot", base_file_url=f"{server.base}/file/bot")
        ana = Person(11, "Ana")
        server.world.say(ana, "Hello")
        ...
        assert server.world.said(server.world.private(ana)) == ["Hi Ana"]
        assert not server.mistakes

Requests are held against the published description (`telegram_spec`), done in `telegram_world`, and
counted (`telegram_rates`). What does not fit is answered with Telegram's own error and kept in
`mistakes`. An update stays until a later `offset` confirms it, or a webhook answers 2xx.
`python -m tests.fakes.telegram_server --port 4300` runs it by itself; `POST /people/say` with
`{"text": "Hello"}` writes as Ana, `GET /people/shown` gives what she sees, and `POST /people/press`
with `{"message": 101, "label": "Approve"}` presses.
https://core.telegram.org/bots/api (read 2026-11-21)
"""

import argparse
import asyncio
import dataclasses
import json
import re
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.fakes.telegram_methods import SENDS, Methods
from tests.fakes.telegram_rates import Rates
from tests.fakes.telegram_spec import Body, Refusal, Upload, bad, is_method, read
from tests.fakes.telegram_world import Person, World
from tests.fakes.troubled import Wire

TOKEN = "700001:AAE-a-token-that-opens-nothing-000000"
_OWN = frozenset({"getUpdates", "setWebhook", "deleteWebhook", "getWebhookInfo", "logOut", "close"})
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """What happens in place of a good answer."""

    kind: str
    """error: an answer of `code`; cut: the connection ends before anything is done; lost: it is
    done and the connection ends before the answer; hang: it is not done and nobody answers."""
    code: int = 500
    retry_after: int = 0


class TelegramServer:
    """One bot, its chats and its people."""

    def __init__(self, *, token: str = TOKEN, rates: str = "off") -> None:
        """`rates`: off, obey (429 with retry_after when exceeded) or ban (refuse all after that)."""
        self.token, self.rates, self.world = token, rates, World()
        self.methods = Methods(self.world)
        self.wire = Wire()
        self.mistakes: list[str] = []
        """What was asked against the description, a limit or a rule."""
        self.requests: list[tuple[str, Body]] = []
        """Method and parameters of all that was asked, but for getUpdates."""
        self.slow_s = 0.0
        self.silent_after = ""
        """Words of a message that is taken and whose answer never comes."""
        self.banned = self.revoked = False
        self.webhook: Body = {}
        self._secret = ""
        self.webhook_via = ""
        """Where the webhook's host is really found, such as `http://127.0.0.1:8080`."""
        self.webhook_pause_s = 0.05
        """Before an update that was not taken is offered again."""
        self.offered: list[tuple[int, int]] = []
        """Update and the status that the webhook answered."""
        self.base = ""
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._counted = Rates()
        self._rest_until = 0.0
        self._news = asyncio.Event()
        self._poll: asyncio.Event | None = None
        self._runner: web.AppRunner | None = None
        self._pusher: asyncio.Task[None] | None = None
        self.world.on_update = lambda: self._news.set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1."""
        app = web.Application(client_max_size=60 * 2**20, middlewares=[self.wire.stand])
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.*}", self._download)
        app.router.add_route("*", "/people/{verb}", self._people)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._pusher = asyncio.create_task(self._push())

    async def stop(self) -> None:
        """Listen no more."""
        if self._pusher:
            self._pusher.cancel()
            await asyncio.gather(self._pusher, return_exceptions=True)
        if self._poll:
            self._poll.set()
        if self._runner:
            await self._runner.cleanup()

    def fail(
        self,
        method: str,
        kind: str = "error",
        *,
        code: int = 500,
        retry_after: int = 0,
        times: int = 1,
    ) -> None:
        """Answer the next calls of a method (`*`: of any) otherwise; see Fault."""
        self._faults[method].extend([Fault(kind, code, retry_after)] * times)

    def revoke(self) -> None:
        """The token works no more, as after /revoke at BotFather."""
        self.revoked = True
        self._news.set()

    def asked(self, method: str) -> list[Body]:
        """The parameters of each call of a method."""
        return [given for name, given in self.requests if name == method]

    # --- calls ------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        try:
            if request.match_info["token"] != self.token or self.revoked:
                self.mistakes += [] if self.revoked else ["a token that Telegram does not know"]
                raise Refusal(401, "Unauthorized")
            if self.banned:
                raise Refusal(429, "Too Many Requests: retry after 86400", retry_after=86_400)
            if not is_method(method):
                raise Refusal(404, "Not Found")
            given, is_json = await _parameters(request)
            body, wrong = read(method, given, is_json=is_json)
            self.mistakes += [f"{method}: {why}" for why in wrong]
            if method != "getUpdates":
                self.requests.append((method, body))
            if lacking := [why for why in wrong if "has no parameter" not in why]:
                raise bad(lacking[0])
            await self._trouble(request, method)
            return _ok(await self._do(request, method, body))
        except Refusal as refusal:
            if refusal.code in (400, 404):
                self.mistakes.append(f"{method}: {refusal.description}")
            return _error(refusal)

    async def _do(self, request: web.Request, method: str, body: Body) -> Any:
        if method == "getUpdates":
            return await self._updates(body)
        if method in _OWN:
            return self._hook(method, body)
        self._count(method, body)
        if not self.methods.knows(method):
            self.mistakes.append(f"{method}: this server does not play it")
            return True
        result = self.methods.perform(method, body)
        if self.silent_after and self.silent_after == body.get("text"):
            _drop(request)
        for name in (method, "*"):
            if self._faults[name] and self._faults[name][0].kind == "lost":
                self._faults[name].popleft()
                _drop(request)
        return result

    async def _trouble(self, request: web.Request, method: str) -> None:
        if self.slow_s and method != "getUpdates":
            await asyncio.sleep(self.slow_s)
        for name in (method, "*"):
            if not self._faults[name] or self._faults[name][0].kind == "lost":
                continue
            fault = self._faults[name].popleft()
            if fault.kind == "cut":
                _drop(request)
            if fault.kind == "hang":
                await asyncio.sleep(600)
            if fault.code == 429:
                words = f"Too Many Requests: retry after {fault.retry_after}"
                raise Refusal(429, words, retry_after=fault.retry_after)
            raise Refusal(
                fault.code,
                {401: "Unauthorized", 409: CONFLICT, 502: "Bad Gateway"}.get(
                    fault.code, "Internal Server Error"
                ),
            )

    def _count(self, method: str, body: Body) -> None:
        chat = self.world.chats.get(body.get("chat_id", 0))
        if self.rates == "off" or method not in SENDS or chat is None:
            return
        wait = self._counted.take(chat.id, chat.kind != "private")
        if wait <= 0:
            return
        if self.rates == "ban":
            self.banned = True
        self.mistakes.append(f"{method}: too fast by {wait:.2f} s in chat {chat.id}")
        seconds = 86_400 if self.banned else int(wait) + 1
        raise Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)

    # --- updates ----------------------------------------------------------------------------

    async def _updates(self, body: Body) -> list[Body]:
        if self.webhook.get("url"):
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            )
        if self._poll:
            self._poll.set()
        over = self._poll = asyncio.Event()
        self._heed(body)
        offset = body.get("offset") or 0
        updates = self.world.updates
        updates[:] = (
            updates[offset:] if offset < 0 else [u for u in updates if u["update_id"] >= offset]
        )
        if not updates and body.get("timeout"):
            await self._wait(over, body["timeout"])
        if over.is_set():
            raise Refusal(409, CONFLICT)
        if self.revoked:
            raise Refusal(401, "Unauthorized")
        return [u for u in updates if u["update_id"] >= offset][: body.get("limit") or 100]

    async def _wait(self, over: asyncio.Event, seconds: float) -> None:
        self._news.clear()
        waits = [asyncio.ensure_future(each.wait()) for each in (self._news, over)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()

    def _heed(self, body: Body) -> None:
        if "allowed_updates" in body:
            self.world.allowed = body["allowed_updates"] or None

    def _hook(self, method: str, body: Body) -> Any:
        if method == "getWebhookInfo":
            base = {"url": "", "has_custom_certificate": False, **self.webhook}
            return {**base, "pending_update_count": len(self.world.updates)}
        if method in ("logOut", "close"):
            return True
        if body.get("drop_pending_updates"):
            self.world.updates.clear()
        self.webhook = {}
        if method == "setWebhook" and body["url"]:
            self._set_hook(body)
        return True

    def _set_hook(self, body: Body) -> None:
        if not body["url"].startswith("https://"):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        if "secret_token" in body and not _SECRET.fullmatch(body["secret_token"]):
            raise bad("secret token contains unallowed characters")
        self._heed(body)
        self.webhook = {"url": body["url"], "max_connections": body.get("max_connections", 40)}
        self._secret = body.get("secret_token", "")
        self._news.set()

    async def _push(self) -> None:
        """Offer each update to the webhook until it is taken."""
        async with aiohttp.ClientSession() as session:
            while True:
                self._news.clear()
                if not (self.webhook.get("url") and self.world.updates and self.webhook_via):
                    await self._news.wait()
                    continue
                update = self.world.updates[0]
                if await self._offer(session, update) and update in self.world.updates:
                    self.world.updates.remove(update)
                else:
                    await asyncio.sleep(self.webhook_pause_s)

    async def _offer(self, session: aiohttp.ClientSession, update: Body) -> bool:
        path = "/" + self.webhook["url"].split("/", 3)[3]
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._secret} if self._secret else {}
        limit = aiohttp.ClientTimeout(total=10)
        try:
            async with session.post(
                self.webhook_via + path, json=update, headers=headers, timeout=limit
            ) as answer:
                self.offered.append((update["update_id"], answer.status))
                if not 200 <= answer.status < 300:
                    return False
                return self._in_answer(await answer.read())
        except (aiohttp.ClientError, TimeoutError):
            self.offered.append((update["update_id"], 0))
            return False

    def _in_answer(self, raw: bytes) -> bool:
        """A webhook may call one method in its answer."""
        try:
            given = json.loads(raw)
        except ValueError:
            return True
        if isinstance(given, dict) and isinstance(method := given.pop("method", None), str):
            try:
                body, wrong = read(method, given, is_json=True)
                self.mistakes += [f"{method}: {why}" for why in wrong]
                self.requests.append((method, body))
                self.methods.perform(method, body)
            except (Refusal, KeyError) as error:
                self.mistakes.append(f"{method} in an answer: {error}")
        return True

    # --- files and people -------------------------------------------------------------------

    async def _download(self, request: web.Request) -> web.Response:
        found = self.world.files.get(request.match_info["path"].removeprefix("documents/"))
        if (
            request.match_info["token"] != self.token
            or self.revoked
            or self.banned
            or found is None
        ):
            self.mistakes.append("a file that is not there was asked for")
            return _error(Refusal(404, "Not Found"))
        await self._trouble(request, "download")
        return web.Response(body=found[1], content_type="application/octet-stream")

    async def _people(self, request: web.Request) -> web.Response:
        """For trying by hand: Ana alone with the bot."""
        ana, verb = Person(11, "Ana"), request.match_info["verb"]
        given = json.loads(await request.text() or "{}")
        if verb == "say":
            return web.json_response(self.world.say(ana, given["text"]))
        if verb == "press":
            return web.json_response(self.world.press_label(ana, given["message"], given["label"]))
        shown = [dataclasses.asdict(each) for each in self.world.shown(self.world.private(ana))]
        return web.json_response({"shown": shown, "mistakes": self.mistakes})


CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


def _drop(request: web.Request) -> None:
    if request.transport:
        request.transport.abort()
    raise asyncio.CancelledError


async def _parameters(request: web.Request) -> tuple[Mapping[str, Any], bool]:
    """The parameters, and whether they have types already."""
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        return {**given, **json.loads(await request.text() or "{}")}, True
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            with value.file as file:
                given[name] = Upload(value.filename, value.content_type, file.read())
        else:
            given[name] = value
    for name, value in given.items():
        if isinstance(value, str) and value.startswith("attach://"):
            given[name] = given.get(value.removeprefix("attach://"), value)
    return {
        k: v for k, v in given.items() if not (isinstance(v, Upload) and k.startswith("attached"))
    }, False


def _ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _error(refusal: Refusal) -> web.Response:
    body: Body = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    return web.json_response(body, status=refusal.code)


async def _serve(port: int, rates: str) -> None:
    server = TelegramServer(rates=rates)
    await server.start(port)
    print(f"{server.base} {server.token}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--rates", choices=("off", "obey", "ban"), default="off")
    chosen = options.parse_args()
    asyncio.run(_serve(chosen.port, chosen.rates))
