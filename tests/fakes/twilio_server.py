"""A server that speaks as Twilio does: messages, media, numbers, and signed calls to the app.

It is not written from our adapter: what it takes is `twilio_rules`, what it tells `twilio_hooks`,
what people text `twilio_world`. What no client should send is kept in `mistakes`.

    async with TwilioServer() as server:
        server.world.number("+15550100001", "https://bot.example/webhooks/twilio/sms")
        server.webhook_via = "http://127.0.0.1:8080"   # where the app listens
        message, told = await server.world.text("+14155550101", "+15550100001", "hello")

https://www.twilio.com/docs/messaging/api/message-resource (read 2026-11-21)
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlencode

from aiohttp import web

from tests.fakes import twilio_rules as rules
from tests.fakes.openapi import FORM
from tests.fakes.played import Played, Told
from tests.fakes.twilio_hooks import Hooks
from tests.fakes.twilio_rules import Refusal
from tests.fakes.twilio_world import (
    ACCOUNT,
    API_KEY,
    API_SECRET,
    TOKEN,
    VERSION,
    Message,
    Number,
    World,
    sid,
)

Body = dict[str, Any]
Form = dict[str, list[str]]

_SID = "{sid:[A-Z]{2}[0-9a-f]{32}}"
_WRITTEN = {
    "FriendlyName": "friendly_name", "SmsUrl": "sms_url", "SmsMethod": "sms_method",
    "SmsFallbackUrl": "sms_fallback_url", "SmsFallbackMethod": "sms_fallback_method",
    "SmsApplicationSid": "sms_application_sid", "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
}  # fmt: skip


class TwilioServer(Played):
    """One account.

    `rates`: off (texts leave at once) or obey (each number's queue drains at its rate).
    `receipts`: auto (sent and delivered are told by themselves, queued before them when a service
    sends), scrambled (the same, last first, each twice) or held (only `report` tells).
    https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
    """

    def __init__(self, *, rates: str = "off", receipts: str = "auto") -> None:
        super().__init__()
        self.world = World()
        self.hooks = Hooks(self, self.world)
        self.rates, self.receipts = rates, receipts
        self.auth_token = TOKEN
        self.keys = {API_KEY: API_SECRET}
        self.most_at_once = 100
        """More requests at a time are answered with 429 and 20429."""
        self.unlisted_s = 0.0
        """So long a message that was taken is not in the list yet."""
        self.media_needs_auth = True
        self._now = 0
        self._pages: dict[str, tuple[list[Message], int, int, dict[str, str]]] = {}
        self._cdn: dict[str, tuple[str, bytes]] = {}
        self.hooks.replies = self._reply
        self.world.deliver = self.hooks.inbound

    def routes(self, app: web.Application) -> None:
        """See `Played.routes`."""
        root = f"/{VERSION}/Accounts"
        own = root + "/{account}"
        add = app.router.add_route
        add("GET", root + f"/{_SID}.json", self._on("account", self._account))
        add("POST", own + "/Messages.json", self._on("send", self._send))
        add("GET", own + "/Messages.json", self._on("list", self._list))
        add("GET", own + f"/Messages/{_SID}.json", self._on("fetch", self._fetch))
        add("POST", own + f"/Messages/{_SID}.json", self._on("update", self._update))
        add("DELETE", own + f"/Messages/{_SID}.json", self._on("delete", self._delete))
        media = own + f"/Messages/{_SID}/Media"
        add("GET", media + ".json", self._on("media_list", self._media_list))
        add("GET", media + "/{media:ME[0-9a-f]{32}}.json", self._on("media", self._media))
        add("DELETE", media + "/{media:ME[0-9a-f]{32}}.json", self._on("unmedia", self._unmedia))
        add("GET", media + "/{media:ME[0-9a-f]{32}}", self._on("bytes", self._bytes))
        add("GET", "/cdn/{name}", self._from_cdn)
        numbers = own + "/IncomingPhoneNumbers"
        add("GET", numbers + ".json", self._on("numbers", self._numbers))
        add("GET", numbers + f"/{_SID}.json", self._on("number", self._number))
        add("POST", numbers + f"/{_SID}.json", self._on("number_update", self._number_update))
        add("*", "/{rest:.*}", self._on("unknown", self._unknown))

    # --- what a test orders --------------------------------------------------------------------

    async def report(self, message: str | Message, status: str, code: int | None = None) -> Told:
        """Tell the app a status of a message, in whatever order and however often a test likes."""
        found = self.world.messages[message] if isinstance(message, str) else message
        self.world.move(found, status, code)
        return await self.hooks.status(found, status, code)

    async def again(self, message: Message) -> Told:
        """Tell the app once more what a person wrote."""
        return await self.hooks.inbound(message)

    async def forge(self, kind: str, number: str, person: str, body: str = "hello") -> Told:
        """Tell the app something that Twilio did not; see `twilio_hooks.FORGERIES`."""
        return await self.hooks.forge(kind, self.world.numbers[number], person, body)

    # --- the frame of every request ------------------------------------------------------------

    def too_many(self, retry_after: int) -> web.Response:
        """See `Played.too_many`; Twilio names no time to wait."""
        return _refused(Refusal(20429))

    def broken(self) -> web.Response:
        """See `Played.broken`."""
        return _refused(Refusal(20500))

    def _on(
        self, call: str, do: Callable[[web.Request, Form], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            text = await request.text()
            is_form = request.content_type == FORM
            form = parse_qs(text, keep_blank_values=True) if is_form else {}

            async def answer() -> web.StreamResponse:
                try:
                    self._enter(request, call, form, bool(text))
                    return await do(request, form)
                except Refusal as error:
                    if error.mistake:
                        self.mistakes.append(f"{call}: {error.code}: {error.mistake}")
                    return _refused(error)

            self._now += 1
            try:
                return await self.serve(call, request, _single(form), answer)
            finally:
                self._now -= 1

        return serve

    def _enter(self, request: web.Request, call: str, form: Form, has_body: bool) -> None:
        """Who asks, for which account, how much at once, and in which form."""
        if call != "bytes" or self.media_needs_auth:
            self._authorise(request)
        if request.match_info.get("account", ACCOUNT) != ACCOUNT:
            raise Refusal(20404, request.path)
        if self._now > self.most_at_once:
            raise Refusal(20429)
        if request.method == "POST":
            if has_body and request.content_type != FORM:
                self.mistakes.append(f"{call}: the body is {request.content_type}, not a form")
            self.mistakes += rules.misfits(request.path, form)
        elif call not in ("bytes", "unknown"):
            query = {name: request.query[name] for name in request.query}
            self.mistakes += rules.api().query_misfits(request.method, request.path, query)

    def _authorise(self, request: web.Request) -> None:
        kind, _, packed = request.headers.get("Authorization", "").partition(" ")
        try:
            user, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = secret = ""
        good = {ACCOUNT: self.auth_token, **self.keys}
        if kind.lower() != "basic" or not secret or good.get(user) != secret:
            raise Refusal(20003)

    # --- messages ------------------------------------------------------------------------------

    async def _send(self, request: web.Request, form: Form) -> web.StreamResponse:
        rules.check(form)
        made = self.world.accept(form)
        body = self.world.message_body(made)
        self.spawn(self._carry(made))
        return web.json_response(body, status=201)

    async def _carry(self, message: Message) -> None:
        """Take a message out of its number's queue, to the phone, and tell what became of it."""
        number = self.world.numbers[message.sender]
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with number.gate:
            if self.rates == "obey":
                await asyncio.sleep(message.segments / number.per_second)
            number.waiting -= message.segments
        late = loop.time() - began > message.validity_s
        status, code = ("failed", 30036) if late else await self._unfetchable(message)
        status, code = (status, code) if status else self.world.fails.get(message.to, ("", 0))
        if not status:
            self.world.show(message)
        # The status that a message begins with is not told: queued, or accepted of a service.
        steps: list[tuple[str, int | None]] = [("queued", None)] if message.service else []
        if status != "failed":
            steps.append(("sent", None))
        steps.append((status or "delivered", code or None))
        if self.receipts == "scrambled":
            steps = [step for step in reversed(steps) for _ in range(2)]
        for step in steps if self.receipts != "held" else ():
            await self.report(message, *step)

    async def _unfetchable(self, message: Message) -> tuple[str, int]:
        """Fetch what a message is to carry, as Twilio does; what is wrong with it."""
        for url in message.media_urls:
            found = await self.tell(url, None, {"User-Agent": "TwilioProxy/1.1"}, "GET")
            if not found.is_taken:
                return "failed", 11200
            if found.media in ("", "application/octet-stream"):
                return "failed", 12300
            if found.size > rules.MAX_MEDIA_BYTES:
                return "failed", 30019
        return "", 0

    def _reply(self, message: Message, text: str, media: list[str]) -> None:
        """What an answer in TwiML asks to be sent back."""
        made = Message(message.to, message.sender, text, "outbound-reply", media_urls=media)
        made.service = message.service
        self.world.messages[made.sid] = made
        self.world.numbers[message.to].waiting += made.segments
        self.spawn(self._carry(made))

    async def _fetch(self, request: web.Request, form: Form) -> web.StreamResponse:
        return web.json_response(self.world.message_body(self._message(request)))

    async def _update(self, request: web.Request, form: Form) -> web.StreamResponse:
        """Only the text may go: an empty Body redacts."""
        found = self._message(request)
        if form.get("Body") == [""]:
            found.body = ""
        else:
            self.mistakes.append(f"update: {sorted(form)} is nothing that is played here")
        return web.json_response(self.world.message_body(found))

    async def _delete(self, request: web.Request, form: Form) -> web.StreamResponse:
        found = self._message(request)
        if not found.is_inbound and found.status not in (*rules.FINAL, "sent"):
            raise Refusal(20009)
        del self.world.messages[found.sid]
        return web.Response(status=204)

    async def _list(self, request: web.Request, form: Form) -> web.StreamResponse:
        query = dict(request.query)
        size = _size(query)
        page, token = int(query.get("Page") or 0), query.get("PageToken", "")
        if page and token not in self._pages:
            # Twilio walks by its own links only.
            raise Refusal(20404, request.path, mistake="Page without the PageToken of its link")
        asked = {k: v for k, v in query.items() if k not in ("Page", "PageToken")}
        found, start = list(self.world.listed(asked, self.unlisted_s)), 0
        if token in self._pages:
            found, start, size, asked = self._pages[token]
        shown = found[start : start + size]
        following = None
        if start + size < len(found):
            token = f"PA{sid('SM')}"
            self._pages[token] = (found, start + size, size, asked)
            more = {**asked, "PageSize": str(size), "Page": str(page + 1), "PageToken": token}
            following = f"{request.path}?{urlencode(more)}"
        body = {
            "messages": [self.world.message_body(each) for each in shown],
            **_frame(request.path, page, size, start, len(shown), following),
        }
        return web.json_response(body)

    def _message(self, request: web.Request) -> Message:
        found = self.world.messages.get(request.match_info["sid"])
        if found is None:
            raise Refusal(20404, request.path)
        return found

    # --- media ---------------------------------------------------------------------------------

    async def _media_list(self, request: web.Request, form: Form) -> web.StreamResponse:
        found = self._message(request)
        files = [self.world.media_body(found, each) for each in found.media]
        frame = _frame(request.path, 0, _size(dict(request.query)), 0, len(files), None)
        return web.json_response({"media_list": files, **frame})

    async def _media(self, request: web.Request, form: Form) -> web.StreamResponse:
        found = self._message(request)
        return web.json_response(self.world.media_body(found, self._file(request, found)))

    async def _unmedia(self, request: web.Request, form: Form) -> web.StreamResponse:
        found = self._message(request)
        found.media.remove(self._file(request, found))
        return web.Response(status=204)

    async def _bytes(self, request: web.Request, form: Form) -> web.StreamResponse:
        """The bytes lie elsewhere; the way there is signed and takes no other credentials."""
        media = self._file(request, self._message(request))
        name = f"{media.sid}-{next(self.count)}"
        self._cdn[name] = (media.content_type, media.content)
        where = self.base.replace("127.0.0.1", "localhost")
        raise web.HTTPTemporaryRedirect(f"{where}/cdn/{name}?Signature=s")

    async def _from_cdn(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization"):
            self.mistakes.append("the account's credentials were sent on to the place of the bytes")
            return web.Response(status=400, text="Only one auth mechanism allowed")
        kind, content = self._cdn.get(request.match_info["name"], ("", b""))
        if not kind:
            return web.Response(status=403)
        return web.Response(body=content, headers={"Content-Type": kind})

    def _file(self, request: web.Request, message: Message) -> Any:
        for each in message.media:
            if each.sid == request.match_info["media"]:
                return each
        raise Refusal(20404, request.path)

    # --- numbers and the account ---------------------------------------------------------------

    async def _account(self, request: web.Request, form: Form) -> web.StreamResponse:
        if request.match_info["sid"] != ACCOUNT:
            raise Refusal(20404, request.path)
        uri = f"/{VERSION}/Accounts/{ACCOUNT}.json"
        found = {"sid": ACCOUNT, "friendly_name": "Shop", "status": "active", "type": "Full"}
        return web.json_response({**found, "owner_account_sid": ACCOUNT, "uri": uri})

    async def _numbers(self, request: web.Request, form: Form) -> web.StreamResponse:
        wanted = request.query.get("PhoneNumber", "")
        found = [n for n in self.world.numbers.values() if wanted in n.phone_number]
        size = _size(dict(request.query))
        page = int(request.query.get("Page") or 0)
        shown = found[page * size : (page + 1) * size]
        following = None
        if (page + 1) * size < len(found):
            more = {**request.query, "PageSize": str(size), "Page": str(page + 1)}
            following = f"{request.path}?{urlencode(more | {'PageToken': 'PAPN'})}"
        body = {
            "incoming_phone_numbers": [self.world.number_body(each) for each in shown],
            **_frame(request.path, page, size, page * size, len(shown), following),
        }
        return web.json_response(body)

    async def _number(self, request: web.Request, form: Form) -> web.StreamResponse:
        return web.json_response(self.world.number_body(self._own(request)))

    async def _number_update(self, request: web.Request, form: Form) -> web.StreamResponse:
        number = self._own(request)
        for name, values in form.items():
            if name.endswith("Url") and values[-1] and not rules.is_url(values[-1]):
                raise Refusal(21402, values[-1], mistake=f"{name} is no address")
            if name.endswith("Method") and values[-1] not in ("GET", "POST"):
                raise Refusal(21403, values[-1], mistake=f"{name} is no method")
        for name, values in form.items():
            if name in _WRITTEN:
                setattr(number, _WRITTEN[name], values[-1])
        return web.json_response(self.world.number_body(number))

    def _own(self, request: web.Request) -> Number:
        for number in self.world.numbers.values():
            if number.sid == request.match_info["sid"]:
                return number
        raise Refusal(20404, request.path)

    async def _unknown(self, request: web.Request, form: Form) -> web.StreamResponse:
        self.mistakes.append(f"{request.method} {request.path} is nothing that is played here")
        raise Refusal(20404, request.path)


def _refused(error: Refusal) -> web.Response:
    return web.json_response(error.body, status=error.status)


def _single(form: Form) -> Body:
    """A form as tests read it: one value where there is one."""
    return {name: found[0] if len(found) == 1 else found for name, found in form.items()}


def _size(query: dict[str, str]) -> int:
    text = query.get("PageSize", "50")
    return min(1000, max(1, int(text))) if text.isdigit() else 50


def _frame(path: str, page: int, size: int, start: int, number: int, following: str | None) -> Body:
    return {
        "page": page,
        "page_size": size,
        "start": start,
        "end": max(0, start + number - 1),
        "uri": f"{path}?PageSize={size}&Page={page}",
        "first_page_uri": f"{path}?PageSize={size}&Page=0",
        "previous_page_uri": None,
        "next_page_uri": following,
    }
