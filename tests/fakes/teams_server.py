"""A server that speaks as Microsoft Teams does to a bot: Bot Framework, Graph's post, Workflows.

It is not written from our adapter. The one address stands for login.microsoftonline.com,
login.botframework.com, smba.trafficmanager.net, graph.microsoft.com and a flow's address; what it
takes is `teams_rules` and `teams_connector`, what people do `teams_world`, how it signs
`teams_keys`. What does not fit is answered with the vendor's own error and kept in `mistakes`.

    async with TeamsServer() as server:
        server.webhook_via = "http://127.0.0.1:8000"
        await server.world.say(Person("Ana"), server.world.personal(Person("Ana")), "hi")

By hand: `python -m tests.fakes.teams_server --port 4400 --bot http://127.0.0.1:8000 --hello ana`.
"""

import argparse
import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

import aiohttp
from aiohttp import web

from tests.fakes.teams_connector import SECRET, WORKFLOW, Connector, Denied, account
from tests.fakes.teams_keys import EVIL_HOST, FORGERIES, Keys
from tests.fakes.teams_rules import REFUSALS, Body, Rates, Refusal
from tests.fakes.teams_world import APP, TENANT, Delivery, Person, Place, Shown, World
from tests.fakes.troubled import Wire

__all__ = ["APP", "FORGERIES", "SECRET", "TENANT", "Person", "TeamsServer"]
BY_STATUS = {status: code for code, (status, _) in REFUSALS.items()}
WORKFLOW_PATH = "/workflows/abc/triggers/manual/paths/invoke"


@dataclass(slots=True)
class _Fault:
    where: str
    how: int | str
    times: int
    retry_after: int


class TeamsServer:
    """One bot in one tenant. `rates`: off, obey (429) or ban (nothing is served after excess).

    A message that the bot does not take (no answer, 5xx) comes again after each of `again_s`
    seconds; an invoke does not. The vendor promises neither; both happen.
    """

    def __init__(self, *, rates: str = "off", again_s: tuple[float, ...] = (0.05, 0.2, 0.5)):
        self.world = World()
        self.connector = Connector(self.world)
        self.keys = Keys(APP)
        self.rates, self.limits, self.again_s = rates, Rates(), again_s
        self.ack_s, self.invoke_s, self.slow_s = 15.0, 10.0, 0.0
        self.webhook_via, self.webhook_path = "", "/webhooks/teams/messages"
        self.wire = Wire()
        self.mistakes: list[str] = []
        self.requests: list[tuple[str, str, Any]] = []
        """Kind (send, update, …), conversation or address, and body of every call."""
        self.delivered: list[Delivery] = []
        """Every delivery with its answer, repeated ones too."""
        self.lost: list[Body] = []
        """Activities that were given up."""
        self.is_banned = False
        self.key_fetches = self.metadata_fetches = self.evil_fetches = 0
        self.host, self.port = "127.0.0.1", 0
        self._faults: list[_Fault] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.world.deliver = self.deliver
        self.world.places[WORKFLOW] = Place(WORKFLOW, "workflow")
        app = web.Application(client_max_size=50_000_000, middlewares=[self.wire.stand])
        add = app.router.add_route
        for name in ("openidconfiguration", "openid-configuration"):
            add("GET", f"/v1/.well-known/{name}", self._metadata)
        add("GET", "/v1/.well-known/keys", self._jwks)
        add("GET", "/evil/keys", self._evil)
        add("POST", "/{tenant}/oauth2/v2.0/token", self._token)
        for root in ("/teams", "/amer", f"/amer/{TENANT}"):
            add("POST", f"{root}/v3/conversations", self._create)
            add("POST", f"{root}/v3/conversations/{{place}}/activities", self._send)
            each = f"{root}/v3/conversations/{{place}}/activities/{{id}}"
            add("POST", each, self._send)
            add("PUT", each, self._update)
            add("DELETE", each, self._delete)
            add("GET", f"{root}/v3/conversations/{{place}}/members", self._members)
            add("GET", f"{root}/v3/conversations/{{place}}/members/{{id}}", self._member)
            add("GET", f"{root}/v3/attachments/{{file}}/views/original", self._picture)
        add("GET", "/download/{file}/{name}", self._download)
        posts = "/v1.0/teams/{team}/channels/{channel}/messages"
        add("POST", posts, self._graph)
        add("POST", posts + "/{id}/replies", self._graph)
        add("POST", WORKFLOW_PATH, self._workflow)
        add("*", "/{rest:.*}", self._unknown)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]
        self.base = self.world.url = f"http://{self.host}:{self.port}"
        self.service_url = self.world.service_url = f"{self.base}/amer/{TENANT}/"
        self.workflow_url = f"{self.base}{WORKFLOW_PATH}?api-version=1&sp=run&sig=flow-secret"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._closing.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        await self._runner.cleanup()

    # --- what a test asks and orders --------------------------------------------------------------

    def shown(self, place: str, thread: str = "", by: str = "") -> list[Shown]:
        """See `World.shown`."""
        return self.world.shown(place, thread, by)

    def asked(self, kind: str) -> list[Any]:
        """The bodies of every call of a kind: send, update, delete, create, token, graph, …"""
        return [body for name, _, body in self.requests if name == kind]

    def fail(self, where: str, how: int | str = 500, times: int = 1, retry_after: int = 1) -> None:
        """The next calls of a kind (`*`: any) go wrong.

        `where`: send, update, delete, create, member, token, metadata, keys, download, graph,
        workflow. `how`: a status (412, 429, 502 …), `cut` (before it was done), `lost` (done, no
        answer), `hang`.
        """
        self._faults.append(_Fault(where, how, times, retry_after))

    def forbid(self, place: str = "*", code: str = "BotNotInConversationRoster") -> None:
        """Refuse a conversation with one of REFUSALS; `allow` takes it back."""
        assert code in REFUSALS, f"{code} is none of {sorted(REFUSALS)}"
        self.connector.forbidden[place] = code

    def allow(self, place: str = "*") -> None:
        """Take `forbid` back."""
        self.connector.forbidden.pop(place, None)

    def revoke(self) -> None:
        """The secret is another from now on and no token is good any more."""
        self.connector.secret = "another-secret"
        self.connector.tokens.clear()

    def expire_tokens(self) -> None:
        """Every token that was given ends now; new ones are given."""
        for token, (scope, _) in self.connector.tokens.items():
            self.connector.tokens[token] = (scope, 0.0)

    async def forge(
        self, forgery: str, person: Person, place: str, text: str = "forged"
    ) -> Delivery:
        """Deliver a message with one of `teams_keys.FORGERIES`; nobody sees it."""
        item = self.world.put(place, person.id, text, entities=[self.world._mention()])
        self.world.messages.remove(item)
        activity = self.world.activity_of(item)
        if forgery in ("service_url", "evil_host"):
            activity["serviceUrl"] = EVIL_HOST
        return await self._post(activity, forgery)

    async def again(self, delivery: Delivery | None = None) -> Delivery:
        """Deliver once more what was delivered, the last by default."""
        return await self._post((delivery or self.delivered[-1]).activity)

    async def settled(self) -> None:
        """Wait until everything is taken or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until(self, met: Any, timeout_s: float = 10.0) -> None:
        """Wait until `met()` is true."""
        async with asyncio.timeout(timeout_s):
            while not met():
                await asyncio.sleep(0.01)

    # --- telling the bot ----------------------------------------------------------------------------

    async def deliver(self, activity: Body) -> Delivery:
        """Deliver; repeats of a message go on behind."""
        found = await self._post(activity)
        if found.status == 0 or found.status >= 500:
            if activity["type"] == "invoke" or not self.again_s:
                self.lost.append(activity)
            else:
                task = asyncio.create_task(self._repeat(activity))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return found

    async def _repeat(self, activity: Body) -> None:
        for pause in self.again_s:
            await asyncio.sleep(pause)
            found = await self._post(activity)
            if 0 < found.status < 500:
                return
        self.lost.append(activity)

    async def _post(self, activity: Body, forgery: str = "") -> Delivery:
        is_invoke = activity["type"] == "invoke"
        header = self.keys.sign(self.service_url, forgery, self.base)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        headers |= {"Authorization": header} if header else {}
        found, begun = Delivery(0, activity=activity), time.monotonic()
        within = aiohttp.ClientTimeout(total=self.invoke_s if is_invoke else self.ack_s)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.post(
                self.webhook_via + self.webhook_path,
                data=json.dumps(activity).encode(),
                headers=headers,
                timeout=within,
            ) as answer:
                text = await answer.text()
                found.status = answer.status
                with contextlib.suppress(ValueError):
                    found.body = json.loads(text) if text else None
        found.took_s = time.monotonic() - begun
        self.delivered.append(found)
        if is_invoke:
            self._check_invoke(activity["name"], found)
        return found

    def _check_invoke(self, name: str, found: Delivery) -> None:
        body = found.body if isinstance(found.body, dict) else {}
        if found.status == 0:
            self.mistakes.append(f"{name}: not answered within {self.invoke_s} s")
        elif found.status == 200 and name == "adaptiveCard/action":
            if missing := {"statusCode", "type", "value"} - set(body):
                self.mistakes.append(f"{name}: the answer has no {sorted(missing)}")
        elif found.status == 200 and name.startswith("task/") and body:
            if body.get("task", {}).get("type") not in ("continue", "message"):
                self.mistakes.append(f"{name}: task.type is neither continue nor message")

    # --- doors ----------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request, kind: str, do: Any, good: int = 200) -> Any:
        """Serve one call: fault, then rules, then the answer; `do(body)` gives the answer's body."""
        raw = await request.read()
        where = unquote(request.match_info.get("place", request.path))
        try:
            body = json.loads(raw) if raw and kind != "token" else dict(await request.post())
        except ValueError:
            body = None
        self.requests.append((kind, where, body))
        if self.is_banned:
            return web.json_response({"error": {"code": "Forbidden"}}, status=403)
        fault = self._fault(kind)
        if fault is not None and fault.how != "lost":
            return await self._go_wrong(request, fault)
        await asyncio.sleep(self.slow_s)
        try:
            found = do(body)
        except Refusal as no:
            if no.is_mistake:
                self.mistakes.append(f"{kind} {where}: {no}")
            return web.json_response(no.body, status=no.status)
        except Denied as no:
            if no.mistake:
                self.mistakes.append(f"{kind} {where}: {no.mistake}")
            return web.json_response(no.body, status=no.status)
        if fault is not None:
            return await _drop(request)
        if isinstance(found, web.Response):
            return found
        return (
            web.json_response(found, status=good)
            if found is not None
            else web.Response(status=good)
        )

    def _authorised(self, request: web.Request, place: str = "") -> None:
        self.connector.authorise(request.headers.get("Authorization", ""))
        if not place or self.rates == "off":
            return
        wait = self.limits.excess(place.partition(";")[0])
        if wait > 0 and self.rates == "ban":
            self.is_banned = True
            self.mistakes.append(f"banned: too many operations in {place}")
        if wait > 0:
            raise Refusal("Throttled", mistake=False)

    async def _send(self, request: web.Request) -> Any:
        place, reply_to = request.match_info["place"], request.match_info.get("id", "")
        only = request.query.get("isTargetedActivity", "").lower() == "true"

        def do(body: Any) -> Body:
            self._authorised(request, place)
            return self.connector.send(place, body, reply_to, only)

        return await self._throttled(await self._serve(request, "send", do, 201))

    async def _update(self, request: web.Request) -> Any:
        place, id = request.match_info["place"], request.match_info["id"]

        def do(body: Any) -> Body:
            self._authorised(request, place)
            return self.connector.update(place, id, body)

        return await self._throttled(await self._serve(request, "update", do))

    async def _delete(self, request: web.Request) -> Any:
        place, id = request.match_info["place"], request.match_info["id"]

        def do(_: Any) -> Body:
            self._authorised(request, place)
            return self.connector.delete(place, id)

        return await self._throttled(await self._serve(request, "delete", do))

    async def _create(self, request: web.Request) -> Any:
        def do(body: Any) -> Body:
            self._authorised(request, "create")
            return self.connector.create(body)

        return await self._throttled(await self._serve(request, "create", do, 201))

    async def _throttled(self, answer: Any) -> Any:
        if answer.status == 429 and "Retry-After" not in answer.headers:
            answer.headers["Retry-After"] = "1"
        return answer

    async def _members(self, request: web.Request) -> Any:
        def do(_: Any) -> Any:
            self._authorised(request)
            place = self.connector.place(request.match_info["place"])
            return [account(person) for person in self.world.places[place].people]

        return await self._serve(request, "member", do)

    async def _member(self, request: web.Request) -> Any:
        def do(_: Any) -> Body:
            self._authorised(request)
            return self.connector.member(request.match_info["place"], request.match_info["id"])

        return await self._serve(request, "member", do)

    async def _picture(self, request: web.Request) -> Any:
        def do(_: Any) -> web.Response:
            self._authorised(request)
            return self._bytes(request)

        return await self._serve(request, "download", do)

    async def _download(self, request: web.Request) -> Any:
        def do(_: Any) -> web.Response:
            if "Authorization" in request.headers:
                raise Denied(401, {}, "the app's token goes to a file's address")
            return self._bytes(request)

        return await self._serve(request, "download", do)

    def _bytes(self, request: web.Request) -> web.Response:
        if (found := self.world.files.get(request.match_info["file"])) is None:
            return web.Response(status=404)
        return web.Response(body=found[1], content_type=found[0])

    async def _metadata(self, request: web.Request) -> Any:
        self.metadata_fetches += 1
        return await self._serve(request, "metadata", lambda _: self.keys.document(self.base))

    async def _jwks(self, request: web.Request) -> Any:
        self.key_fetches += 1
        return await self._serve(request, "keys", lambda _: self.keys.jwks())

    async def _evil(self, _: web.Request) -> web.Response:
        self.evil_fetches += 1
        self.mistakes.append("keys are fetched from where a forged token says")
        return web.json_response(self.keys.strangers())

    async def _token(self, request: web.Request) -> Any:
        tenant = request.match_info["tenant"]
        return await self._serve(request, "token", lambda form: self.connector.grant(tenant, form))

    async def _graph(self, request: web.Request) -> Any:
        at, header = request.match_info, request.headers.get("Authorization", "")

        def do(body: Any) -> Body:
            return self.connector.graph_post(
                header, at["team"], at["channel"], body, at.get("id", "")
            )

        return await self._throttled(await self._serve(request, "graph", do, 201))

    async def _workflow(self, request: web.Request) -> Any:
        def do(body: Any) -> None:
            if request.query.get("sig") != "flow-secret":
                error = {"code": "DirectApiAuthorizationRequired", "message": "no valid sig"}
                raise Denied(401, {"error": error})
            self.connector.workflow_post(body)

        return await self._serve(request, "workflow", do, 202)

    async def _unknown(self, request: web.Request) -> web.Response:
        self.mistakes.append(f"no such door: {request.method} {request.path}")
        return web.Response(status=404)

    # --- faults -----------------------------------------------------------------------------------------

    def _fault(self, kind: str) -> _Fault | None:
        for fault in self._faults:
            if fault.where in ("*", kind):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    async def _go_wrong(self, request: web.Request, fault: _Fault) -> web.StreamResponse:
        if fault.how == "hang":
            await self._closing.wait()
        if not isinstance(fault.how, int):
            return await _drop(request)
        code = BY_STATUS.get(fault.how, "ServiceError")
        body = {"error": {"code": code, "message": REFUSALS[code][1]}}
        headers = {"Retry-After": str(fault.retry_after)} if fault.how == 429 else {}
        return web.json_response(body, status=fault.how, headers=headers)


async def _drop(request: web.Request) -> web.Response:
    """Cut the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def serve(port: int, bot: str, hello: str) -> None:
    """Run until interrupted."""
    server = TeamsServer()
    server.port = port
    async with server:
        server.webhook_via = bot
        shown = {"url": server.base, "app_id": APP, "app_secret": SECRET, "tenant_id": TENANT}
        print(json.dumps(shown | {"workflow_url": server.workflow_url}), flush=True)
        if hello:
            person = Person(hello, f"{hello}@example.com")
            place = server.world.personal(person)
            await server.world.say(person, place, "hello")
            told = server.delivered[-1]
            print(json.dumps({"place": place, "answered": told.status}), flush=True)
        seen = 0
        while True:
            await asyncio.sleep(0.2)
            for item in server.world.messages[seen:]:
                print(
                    json.dumps({"place": item.place, "from": item.sender, "text": item.words}),
                    flush=True,
                )
            seen = len(server.world.messages)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="A stub that speaks as Microsoft Teams does.")
    parser.add_argument("--port", type=int, default=4400)
    parser.add_argument("--bot", default="http://127.0.0.1:8000", help="where the bot listens")
    parser.add_argument("--hello", default="", help="a person who says hello at once")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.port, given.bot, given.hello))


if __name__ == "__main__":
    main()
