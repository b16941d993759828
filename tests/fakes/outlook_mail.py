"""The Outlook mail of one account, as an app that its person connected sees it: `/me` on Graph.

    async with OutlookMail() as outlook:
        outlook.arrive("Budget", "Numbers please", sender="Bob <bob@example.org>")
        outlook.trouble.append(Fault(verb="POST send", status=503, after=True))

The mailbox behind it is `graph_mail.GraphMail`, which judges every body by the published description;
here is the door: sign-in of a person, delegated scopes, `/me` for their own mailbox. What a client
should not have sent stands in `mistakes`, of both.
https://learn.microsoft.com/graph/permissions-reference (read 2026-11-21)
"""

import asyncio
import json
from io import BytesIO
from typing import Any, Self

import aiohttp
from aiohttp import web
from yarl import URL

from tests.fakes import mails
from tests.fakes.google_server import OWNER, Fault
from tests.fakes.graph_mail import GraphMail
from tests.fakes.graph_mailbox import Item
from tests.fakes.graph_rules import Refusal
from tests.fakes.graph_tokens import CLIENT, SECRET, TENANT
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.openapi import described
from tests.fakes.troubled import drop

API = described("microsoft-graph")
ROOT = "/v1.0/me"
_PASSED = ("Content-Type", "Prefer", "If-Match")
_CODES = {401: "InvalidAuthenticationToken", 403: "ErrorAccessDenied", 404: "ErrorItemNotFound"}
_LACKING = ("/attachments/",)
"""Part of Graph and not of the description that is at hand: one attachment by its id."""


class OutlookMail(OAuthServer):
    """Microsoft, as far as a person's mail needs it."""

    def __init__(self) -> None:
        super().__init__("microsoft")
        self.graph = GraphMail(OWNER)
        self.trouble: list[Fault] = []
        self.asked: list[str] = []

    async def __aenter__(self) -> Self:
        await self.graph.__aenter__()
        self._road = aiohttp.ClientSession(auto_decompress=False)
        form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        form["scope"] = "https://graph.microsoft.com/.default"
        where = f"{self.graph.base}/{TENANT}/oauth2/v2.0/token"
        async with self._road.post(where, data=form) as answer:
            self._app_token = (await answer.json())["access_token"]
        return await super().__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await self._road.close()
        await super().__aexit__(*error)
        await self.graph.__aexit__(*error)
        self.mistakes += self.graph.mistakes

    # --- what a test orders and asks -----------------------------------------------------------

    def arrive(self, subject: str, text: str, **more: Any) -> Item:
        """Mail of somebody else comes in: `sender`, `headers`, `files`, `html`."""
        sender = more.pop("sender", "Bob <bob@example.org>")
        return self.graph.receive(mails.write(sender, OWNER, subject, text, **more))

    @property
    def delivered(self) -> list[str]:
        """Who got mail of this account, in order."""
        return [each for _, to in self.graph.sent for each in to]

    # --- what it serves ------------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith(f"{ROOT}/"):
            return await super()._api(request)
        self.asked.append(f"{request.method} {request.path}")
        self.seen.append(dict(request.headers))
        if self.faults.redirect_to:
            return web.Response(status=302, headers={"Location": self.faults.redirect_to})
        fault = next((f for f in self.trouble if f.is_for(request.method, request.path)), None)
        if fault:
            fault.times -= 1
        if no := self._no_entry(request):
            return web.json_response(no.body, status=no.status)
        if fault and not fault.after:
            return await self._fail(request, fault, web.json_response({"id": "of nothing"}))
        answer = await self._forward(request)
        return await self._fail(request, fault, answer) if fault else answer

    def _no_entry(self, request: web.Request) -> Refusal | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        issued = self.access.get(token)
        if issued is None or not issued.alive:
            return Refusal(401, "InvalidAuthenticationToken", "canary-words expired")
        needed = {"Mail.ReadWrite"}
        if request.path.endswith(("/send", "/sendMail", "/reply")):
            needed = {"Mail.Send"}
        elif request.method == "GET":
            needed = {"Mail.Read", "Mail.ReadWrite"}
        if not needed & set(issued.consent.scopes):
            return Refusal(403, "ErrorAccessDenied", "canary-words Access is denied.")
        where = request.path.removeprefix("/v1.0")
        if API and API.operation(request.method, where) is None and not _is_known(where):
            self.mistakes.append(f"{request.method} {where} is not described")
        return None

    async def _forward(self, request: web.Request) -> web.Response:
        where = request.raw_path.replace(ROOT, f"/v1.0/users/{OWNER}", 1)
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        headers["Authorization"] = f"Bearer {self._app_token}"
        async with self._road.request(
            request.method,
            URL(f"{self.graph.base}{where}", encoded=True),
            data=BytesIO(await request.read()),
            headers=headers,
        ) as answer:
            body = await answer.read()
            self._judge(request, answer.status, body, answer.content_type)
            return web.Response(
                status=answer.status,
                body=body,
                headers={"Content-Type": answer.headers.get("Content-Type", "text/plain")},
            )

    def _judge(self, request: web.Request, status: int, body: bytes, kind: str) -> None:
        """What the answers are is held to the description too."""
        where = request.path.removeprefix("/v1.0")
        if status >= 300 or kind != "application/json" or _is_known(where) or not API:
            return
        found = API.answer_misfits(request.method, where, status, json.loads(body))
        self.mistakes.extend(f"the answer to {request.method} {where}: {each}" for each in found)

    async def _fail(
        self, request: web.Request, fault: Fault, answer: web.Response
    ) -> web.StreamResponse:
        if fault.slow_s:
            await asyncio.sleep(fault.slow_s)
        if fault.cut:
            return await drop(request)
        if fault.half:
            said = answer.body if isinstance(answer.body, bytes) else b""
            return web.Response(
                status=answer.status,
                body=said[: len(said) // 2],
                headers={"Content-Type": "application/json"},
            )
        if not fault.status:
            return answer
        told = Refusal(
            fault.status,
            fault.reason or _CODES.get(fault.status, "ErrorInternalServerError"),
            "canary-words",
        )
        return web.json_response(told.body, status=fault.status, headers=fault.headers)


def _is_known(where: str) -> bool:
    return any(each in where for each in _LACKING)
