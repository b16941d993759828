"""A server that speaks as Slack does: Web API, Socket Mode, signed webhooks, response addresses.

It is not written from our adapter: what it takes is `slack_rules`, what it answers `slack_methods`,
what people see and do `slack_world`. What does not fit is answered with Slack's own error and kept
in `mistakes`. The app's library needs its base address only:

    async with SlackServer() as server:
        AsyncWebClient(server.bot_token, base_url=f"{server.base}/api/")

By hand: `python -m tests.fakes.slack_server --port 4200`.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from tests.fakes import slack_rules as rules
from tests.fakes.slack_apps import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, App, signed
from tests.fakes.slack_installs import Installs
from tests.fakes.slack_methods import Methods, Refused
from tests.fakes.slack_world import Interaction, Person, World
from tests.fakes.troubled import Wire, drop

Body = dict[str, Any]


@dataclass(slots=True)
class _Fault:
    method: str
    how: str
    """A word of Slack's, or: error (HTTP 500), ratelimited, cut, lost, hang."""
    times: int
    retry_after: Any


class SlackServer:
    """One app in one workspace. `rates`: off, obey (429) or ban (nothing is served after excess).

    Events that are not acknowledged within `ack_s` come again after each of `again_s` seconds
    (Slack: at once, a minute, five minutes); presses, forms and commands do not.
    """

    def __init__(self, *, rates: str = "off", again_s: tuple[float, ...] = (0.05, 0.2, 0.5)):
        self.world = World()
        self.installs = Installs()
        self.methods = Methods(self.world, self.installs)
        self.rates = rates
        self.again_s = again_s
        self.ack_s = 3.0
        self.slow_s = 0.0
        self.bot_token, self.app_token = BOT_TOKEN, APP_TOKEN
        self.signing_secret = SIGNING_SECRET
        self.scopes: set[str] = {*rules.SCOPES.values(), *rules.HISTORY.values()}
        self.scopes |= {"connections:write", "assistant:write", "app_mentions:read", "commands"}
        self.scopes |= {"groups:read", "mpim:history"}
        self.webhook_via = ""
        """`http://127.0.0.1:PORT` of an app that is told by HTTP instead of Socket Mode."""
        self.webhook_paths: dict[str, str] = {
            "events_api": "/webhooks/slack/events",
            "interactive": "/webhooks/slack/interactions",
            "slash_commands": "/webhooks/slack/commands",
        }
        self.wire = Wire()
        self.mistakes: list[str] = []
        self.requests: list[tuple[str, Body]] = []
        self.lost: list[Body] = []
        """Envelopes and deliveries that were never acknowledged."""
        self.delivered: list[tuple[str, int]] = []
        """Event id (or kind) and number of the attempt, of all deliveries."""
        self.ack_times: list[float] = []
        self.is_banned = False
        self.host, self.port = "127.0.0.1", 0
        self._count = itertools.count(1)
        self._tickets: dict[str, App] = {}
        self._sockets: list[web.WebSocketResponse] = []
        self._apps: dict[int, App] = {}
        self._turn = 0
        self._waiting: dict[str, asyncio.Future[Body]] = {}
        self._faults: list[_Fault] = []
        self._calls: dict[tuple[str, str], deque[float]] = {}
        self._rest: dict[tuple[str, str], float] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.world.deliver = self._deliver
        app = web.Application(client_max_size=50_000_000, middlewares=[self.wire.stand])
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/link/", self._socket)
        app.router.add_get("/files-pri/{file}/{name}", self._download)
        app.router.add_post("/upload/{file}", self._upload)
        app.router.add_post("/response/{name}", self._response)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]
        self.base = self.world.url = f"http://{self.host}:{self.port}"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        return self

    async def __aexit__(self, *error: object) -> None:
        self._closing.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.cut()
        await self._session.close()
        await self._runner.cleanup()

    # --- what a test asks and orders -----------------------------------------------------------

    def asked(self, method: str) -> list[Body]:
        """The arguments of every call of a method, in order."""
        return [body for name, body in self.requests if name == method]

    def shown(self, channel: str, thread: str = "", by: str = "") -> list[Any]:
        """See `World.shown`."""
        return self.world.shown(channel, thread, by)

    def fail(self, method: str, how: str = "error", times: int = 1, retry_after: int = 1) -> None:
        """The next calls of a method (`*`: any) go wrong.

        `how`: a word of Slack's (`channel_not_found`), `error` (500), `ratelimited`, `cut` (before
        it was done), `lost` (done, no answer), `hang`.
        """
        self._faults.append(_Fault(method, how, times, retry_after))

    def revoke(self, word: str = "token_revoked") -> None:
        """From now on the token is not good: token_revoked, account_inactive, invalid_auth."""
        self.methods.is_revoked = word

    async def cut(self) -> None:
        """Cut every Socket Mode connection without a word."""
        for socket in self._sockets[:]:
            await _abort(socket)

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to come again, as Slack does now and then."""
        for socket in self._sockets[:]:
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            await socket.close()

    @property
    def connections(self) -> int:
        """Open Socket Mode connections."""
        return len(self._sockets)

    async def connected(self, number: int = 1, timeout: float = 10.0) -> None:
        """Wait until so many connections are open."""
        async with asyncio.timeout(timeout):
            while len(self._sockets) < number:
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Wait until everything is acknowledged or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- Web API ---------------------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if self.is_banned:
            return web.json_response({"ok": False, "error": "ratelimited"}, status=403)
        try:
            body = await rules.arguments(request)
        except ValueError as error:
            return self._refuse(method, Refused("invalid_json", str(error)))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = token or str(body.pop("token", ""))
        self.requests.append((method, body))
        if (seconds := self._excess(method, body)) > 0:
            return self._too_many(seconds)
        fault = self._fault(method)
        if fault is not None and (answer := await self._go_wrong(request, fault)) is not None:
            return answer
        await asyncio.sleep(self.slow_s)
        try:
            if method == "oauth.v2.access":
                found = self._exchange(request.headers.get("Authorization", ""), body)
            else:
                self._authorise(method, token, body)
                self.methods.token = token
                found = await self._do(method, body, token)
        except Refused as error:
            return self._refuse(method, error)
        if fault is not None and fault.how == "lost":
            return await drop(request)
        may = {"X-OAuth-Scopes": ",".join(sorted(self.scopes))}
        return web.json_response({"ok": True, **found}, headers=may)

    async def _do(self, method: str, body: Body, token: str) -> Body:
        if method == "apps.connections.open":
            ticket = f"ticket-{next(self._count)}"
            self._tickets[ticket] = self.world.apps.by_token(token)
            return {"url": f"{self.base.replace('http', 'ws', 1)}/link/?ticket={ticket}"}
        if found := list(rules.misfits(method, body)):
            raise Refused("invalid_arguments", "; ".join(found))
        serve = self.methods.table.get(method)
        if serve is None:
            raise Refused("unknown_method", f"no such method: {method}")
        return await serve(body)

    def _exchange(self, authorization: str, body: Body) -> Body:
        if found := list(rules.misfits("oauth.v2.access", body)):
            raise Refused("invalid_arguments", "; ".join(found))
        answer = self.installs.exchange(authorization, body)
        if word := answer.get("error"):
            raise Refused(word)
        return answer

    def _authorise(self, method: str, token: str, body: Body) -> None:
        by_socket = method == "apps.connections.open"
        its = self.world.apps.by_token(token)
        wanted = self.app_token if by_socket else self.bot_token
        if its in self.world.apps.all[1:]:
            wanted = its.app_token if by_socket else its.bot_token
        if not token:
            raise Refused("not_authed", f"{method}: no token")
        if token in self.installs.revoked:
            raise Refused("account_inactive")
        if token in self.world.apps.revoked:
            raise Refused("token_revoked")
        if self.methods.is_revoked and its is self.world.apps.all[0]:
            raise Refused(self.methods.is_revoked)
        if token != wanted and token not in self.installs.tokens:
            word = "not_allowed_token_type" if token in (BOT_TOKEN, APP_TOKEN) else "invalid_auth"
            raise Refused(word)
        needed = rules.SCOPES.get(method, "")
        if method in ("conversations.history", "conversations.replies"):
            needed = rules.HISTORY.get(str(body.get("channel"))[:1], "")
        if method == "apps.connections.open":
            needed = "connections:write"
        if needed and needed not in self.scopes:
            raise Refused("missing_scope", needed=needed, provided=",".join(sorted(self.scopes)))

    def _refuse(self, method: str, error: Refused) -> web.Response:
        if error.mistake:
            self.mistakes.append(f"{method}: {error.word}: {error.mistake}")
        return web.json_response({"ok": False, "error": error.word, **error.more})

    def _excess(self, method: str, body: Body) -> float:
        """Seconds to wait; 0 when the call is within the published rates."""
        if self.rates == "off":
            return 0.0
        channel = str(body.get("channel", ""))
        posts = method == "chat.postMessage"
        key = (method, channel if posts else "")
        most, span = (rules.BURST, float(rules.BURST)) if posts else (rules.TIER.get(method, 0), 60)
        now = time.monotonic()
        calls = self._calls.setdefault(key, deque())
        while calls and calls[0] <= now - span:
            calls.popleft()
        wait = self._rest.get(key, 0.0) - now
        if wait <= 0 and most and len(calls) >= most:
            wait = calls[0] + span - now
        if wait <= 0:
            calls.append(now)
            return 0.0
        if self.rates == "ban":
            self.is_banned = True
            self.mistakes.append(f"banned: too many {method} {channel}")
        return wait

    def _too_many(self, seconds: Any) -> web.Response:
        after = max(1, int(seconds + 0.999)) if isinstance(seconds, float) else seconds
        answer = {"ok": False, "error": "ratelimited"}
        return web.json_response(answer, status=429, headers={"Retry-After": str(after)})

    def _fault(self, method: str) -> _Fault | None:
        for fault in self._faults:
            if fault.method in ("*", method):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    async def _go_wrong(self, request: web.Request, fault: _Fault) -> web.StreamResponse | None:
        if fault.how == "lost":
            return None
        if fault.how == "cut":
            return await drop(request)
        if fault.how == "hang":
            await self._closing.wait()
            return await drop(request)
        if fault.how == "error":
            return web.Response(status=500, text="upstream connect error")
        if fault.how == "ratelimited":
            return self._too_many(fault.retry_after)
        return web.json_response({"ok": False, "error": fault.how})

    # --- files and response addresses ------------------------------------------------------------

    async def _download(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in (self.bot_token, *self.installs.tokens) and not self.world.apps.knows(
            token
        ):
            # Slack sends somebody without a token to its sign-in page.
            return web.Response(text="<!DOCTYPE html>sign in", content_type="text/html")
        if "files:read" not in self.scopes:
            return web.Response(text="<!DOCTYPE html>sign in", content_type="text/html")
        file_id = request.match_info["file"]
        if file_id not in self.world.bytes:
            return web.Response(status=404)
        fault = self._fault("download")
        if fault is not None and (answer := await self._go_wrong(request, fault)) is not None:
            return answer
        kind = self.world.files[file_id]["mimetype"]
        return web.Response(body=self.world.bytes[file_id], content_type=kind)

    async def _upload(self, request: web.Request) -> web.Response:
        content = await request.read()
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            found = [v.file.read() for v in form.values() if isinstance(v, web.FileField)]
            content = found[0] if found else content
        try:
            self.methods.uploaded(request.match_info["file"], content)
        except (KeyError, Refused) as error:
            self.mistakes.append(f"upload: {error}")
            return web.Response(status=400)
        return web.Response(text=f"OK - {len(content)}")

    async def _response(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], await request.json()
        until, left, channel, thread, user = self.world.responses[name]
        if time.monotonic() > until or left <= 0:
            self.mistakes.append("a response address is used too late or too often")
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        self.world.responses[name] = (until, left - 1, channel, thread, user)
        self.requests.append(("response_url", body))
        if word := rules.message_error(body):
            return self._refuse("response_url", Refused(word, word))
        item = self.world.put(channel, "", body.get("text", ""), thread_ts=thread, bot=True)
        item.blocks = body.get("blocks") or []
        item.only_for = "" if body.get("response_type") == "in_channel" else user
        return web.json_response({"ok": True})

    # --- telling the app -------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404)
        app = self._tickets.pop(ticket)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self._sockets) + 1,
                "connection_info": {"app_id": app.id},
                "debug_info": {"host": "fake", "approximate_connection_time": 18060},
            }
        )
        self._sockets.append(socket)
        self._apps[id(socket)] = app
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._heard(message.data)
        finally:
            self._sockets.remove(socket)
        return socket

    def _heard(self, text: str) -> None:
        try:
            body = json.loads(text)
            waiting = self._waiting.get(body["envelope_id"])
        except (ValueError, KeyError, TypeError):
            self.mistakes.append(f"no acknowledgement: {text[:200]}")
            return
        if waiting is not None and not waiting.done():
            waiting.set_result(body.get("payload") or {})

    async def _deliver(self, kind: str, payload: Body) -> Interaction:
        """Tell the app; an event comes again in the background, others wait for their answer."""
        made = Interaction(payload=payload, kind=kind)
        if kind == "events_api":
            task = asyncio.ensure_future(self._repeat(made))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return made
        await self._offer(made, 0)
        return made

    async def _repeat(self, made: Interaction) -> None:
        for attempt, pause in enumerate((0.0, *self.again_s)):
            await asyncio.sleep(pause)
            await self._offer(made, attempt)
            if made.acked:
                return
        self.lost.append(made.payload)

    async def _offer(self, made: Interaction, attempt: int) -> None:
        began = time.monotonic()
        name = str(made.payload.get("event_id") or made.payload.get("type") or made.kind)
        self.delivered.append((name, attempt))
        try:
            async with asyncio.timeout(self.ack_s):
                offer = self._by_http if self.webhook_via else self._by_socket
                found = await offer(made, attempt)
        except (TimeoutError, aiohttp.ClientError, ConnectionError):
            return
        if found is not None:
            made.acked, made.response = True, found
            self.ack_times.append(time.monotonic() - began)

    async def _by_socket(self, made: Interaction, attempt: int) -> Body | None:
        whose = self._whose(made)
        while not (its := [s for s in self._sockets if self._apps[id(s)] is whose]):
            await asyncio.sleep(0.01)
        self._turn += 1
        socket = its[self._turn % len(its)]
        envelope = f"env-{next(self._count)}"
        frame: Body = {"envelope_id": envelope, "type": made.kind, "payload": made.payload}
        frame["accepts_response_payload"] = made.kind != "events_api"
        if made.kind == "events_api":
            frame |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        waiting = self._waiting[envelope] = asyncio.get_running_loop().create_future()
        try:
            await socket.send_json(frame)
            return await waiting
        finally:
            del self._waiting[envelope]

    async def _by_http(self, made: Interaction, attempt: int) -> Body | None:
        headers = {"Content-Type": "application/json"}
        body = json.dumps(made.payload)
        if made.kind == "interactive":
            body = urlencode({"payload": body})
        elif made.kind == "slash_commands":
            body = urlencode(made.payload)
        if made.kind != "events_api":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"}
        app = self._whose(made)
        headers |= self.signed(body, secret=app.signing_secret if app.part else "")
        path = self.webhook_paths[made.kind].replace("/slack/", f"/slack{app.part}/")
        url = self.webhook_via + path
        async with self._session.post(url, data=body.encode(), headers=headers) as answer:
            text = await answer.text()
            if answer.status != 200:
                return None
            with contextlib.suppress(ValueError):
                return dict(json.loads(text)) if text.startswith("{") else {"text": text}
            return {"text": text}

    def _whose(self, made: Interaction) -> App:
        return self.world.apps.by_id(made.payload.get("api_app_id", ""))

    def signed(self, body: str, at: int | None = None, secret: str = "") -> Mapping[str, str]:
        """The two headers that prove who is calling."""
        return signed(body, secret or self.signing_secret, at)


async def _abort(socket: web.WebSocketResponse) -> None:
    request = socket._req
    if request is not None and request.transport is not None:
        request.transport.abort()
    await asyncio.sleep(0)


async def _serve(port: int, rates: str) -> None:
    server = SlackServer(rates=rates)
    server.port = port
    async with server:
        ana = Person("U0000ANA", "Ana", "ana@example.com")
        place = server.world.direct(ana), server.world.channel("general", ana)
        print(
            f"listening on {server.base} {server.bot_token} {server.app_token} {place}", flush=True
        )
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--rates", choices=("off", "obey", "ban"), default="obey")
    given = parser.parse_args()
    asyncio.run(_serve(given.port, given.rates))
