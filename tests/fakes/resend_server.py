"""A server that speaks as Resend does: mails out with keys, mails in, and signed webhooks.

    async with ResendServer() as server:
        secret = server.webhook("https://bot.example/webhooks/resend")
        server.webhook_via = "http://127.0.0.1:8080"   # where the app listens
        await server.receive(mails.write("ana@example.com", "desk@shop.example"))

Judged by `resend_rules`; what no client should send is kept in `mistakes`. Taken mails stand in
`sent`. https://resend.com/docs/api-reference (read 2026-11-21)
"""

import asyncio
import base64
import json
import secrets
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.fakes import resend_rules as rules
from tests.fakes.mails import Letter, Outgoing, bare, open_letter
from tests.fakes.played import Played, Told
from tests.fakes.resend_rules import Refusal

Body = dict[str, Any]

KEY, SENDING_KEY = "re_shop_full", "re_shop_sending"
FORGERIES = ("unsigned", "other_secret", "changed", "stale", "other_id")
AUTHENTIC = "amazonses.com; spf=pass; dkim=pass header.d={domain}; dmarc=pass header.from={domain}"


class ResendServer(Played):
    """One account. `rates`: off, or obey (two requests in a second, then 429).

    `receipts`: held (only `event` tells) or auto (sent, then delivered or bounced, by themselves).
    """

    def __init__(self, *, rates: str = "off", receipts: str = "held") -> None:
        super().__init__()
        self.rates, self.receipts = rates, receipts
        self.per_second = 2
        self.again_s: tuple[float, ...] = (0.05, 0.2, 0.5)
        """Pauses before a webhook that was not taken is told again."""
        self.domains = {"shop.example"}
        """Verified: what mail may come from."""
        self.bounces: set[str] = {"bounced@resend.dev"}
        self.sent: dict[str, Outgoing] = {}
        """Id → a mail that was taken, in order."""
        self.letters: dict[str, Letter] = {}
        self.webhooks: dict[str, Body] = {}
        self.working_s = 0.0
        """How long a send takes, in which its key is in flight."""
        self.carry: Callable[[bytes, list[str]], Awaitable[None]] | None = None
        """Where mails go on to: MIME and recipients."""
        self._keys: dict[str, tuple[str, str]] = {}
        self._calls: deque[float] = deque()
        self._events: dict[str, tuple[str, bytes, str]] = {}

    def routes(self, app: web.Application) -> None:
        """See `Played.routes`."""
        add = app.router.add_route
        add("POST", "/emails", self._on("send", self._send))
        add("POST", "/emails/batch", self._on("batch", self._batch))
        add("GET", "/emails", self._on("list", self._list))
        add("GET", "/emails/receiving", self._on("received", self._received))
        add("GET", "/emails/receiving/{id}", self._on("receive", self._letter))
        add("GET", "/emails/receiving/{id}/attachments", self._on("files", self._files))
        add("GET", "/emails/receiving/{id}/attachments/{file}", self._on("file", self._file))
        add("GET", "/emails/{id}", self._on("fetch", self._fetch))
        add("GET", "/domains", self._on("domains", self._domains))
        add("POST", "/webhooks", self._on("webhook", self._webhook))
        add("GET", "/webhooks", self._on("webhooks", self._webhooks))
        add("DELETE", "/webhooks/{id}", self._on("unwebhook", self._unwebhook))
        add("GET", "/cdn/{id}/{file}", self._from_cdn)
        add("*", "/{rest:.*}", self._on("unknown", self._unknown))

    # --- what a test orders --------------------------------------------------------------------

    def webhook(self, endpoint: str, *events: str) -> str:
        """Tell an address of events (all when none is named); gives its secret."""
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        made = {"id": str(uuid.uuid4()), "endpoint": endpoint, "signing_secret": secret}
        self.webhooks[made["id"]] = {**made, "events": list(events), "created_at": _now()}
        return secret

    async def receive(
        self, raw: bytes, to: list[str] | None = None, *, authentic: str | None = None
    ) -> tuple[Letter, Told]:
        """A mail comes in and the app is told; gives it and the last answer.

        `authentic`: the result of checking the sender; by default the From domain's pass.
        """
        draft = open_letter(raw, "")
        domain = bare(draft.sender).rpartition("@")[2]
        words = AUTHENTIC.format(domain=domain) if authentic is None else authentic
        seal = f"Authentication-Results: {words}\r\n".encode() if words else b""
        letter = open_letter(seal + raw, str(uuid.uuid4()), to or ())
        self.letters[letter.id] = letter
        data = {
            "email_id": letter.id,
            "created_at": _now(),
            "from": letter.sender,
            "to": letter.envelope_to,
            "cc": letter.addresses("Cc"),
            "bcc": [],
            "message_id": letter.header("Message-ID"),
            "subject": letter.header("Subject"),
            "attachments": [_meta(letter, each) for each in letter.parts],
        }
        return letter, await self._announce("email.received", data)

    async def event(self, mail: str | Outgoing, kind: str, **more: Any) -> Told:
        """Tell what became of a mail: delivered, bounced, complained, failed, suppressed…"""
        found = self.sent[mail] if isinstance(mail, str) else mail
        found.status = kind
        data: Body = {
            "email_id": found.id,
            "created_at": found.at.isoformat(),
            "from": found.sender,
            "to": found.to,
            "subject": found.subject,
        }
        if found.headers:
            data["headers"] = [{"name": k, "value": v} for k, v in found.headers.items()]
        if kind == "bounced":
            data["bounce"] = {
                "type": "Permanent", "subType": "General", "message": "No such mailbox.",
                "diagnosticCode": ["smtp; 550 5.1.1 user unknown"],
            }  # fmt: skip
        return await self._announce(f"email.{kind}", {**data, **more})

    async def again(self, letter: Letter) -> Told:
        """Tell the app once more of a mail: same id, same words, signed anew."""
        id, body, endpoint = self._events[letter.id]
        hook = next(each for each in self.webhooks.values() if each["endpoint"] == endpoint)
        return await self._tell(hook, id, body)

    async def forge(self, kind: str, endpoint: str = "") -> Told:
        """Tell the app what Resend did not; see `FORGERIES`."""
        if kind not in FORGERIES:
            raise ValueError(f"no such forgery: {kind}")
        hook = next(each for each in self.webhooks.values() if endpoint in ("", each["endpoint"]))
        data = {"email_id": str(uuid.uuid4()), "from": "boss@shop.example", "subject": "pay"}
        body = json.dumps({"type": "email.received", "created_at": _now(), "data": data}).encode()
        at = int(time.time()) - (3600 if kind == "stale" else 0)
        secret = "whsec_AAAA" if kind == "other_secret" else hook["signing_secret"]
        headers = rules.signed(secret, "msg_forged", at, body)
        if kind == "unsigned":
            headers = {}
        if kind == "other_id":
            headers["svix-id"] = "msg_another"
        body += b" " if kind == "changed" else b""
        return await self.tell(hook["endpoint"], body, headers | _JSON)

    def forget_keys(self) -> None:
        """A day has gone by."""
        self._keys.clear()

    # --- the frame of every request ------------------------------------------------------------

    def too_many(self, retry_after: int) -> web.Response:
        """See `Played.too_many`."""
        refusal = Refusal("rate_limit_exceeded", "Too many requests.", mistake=False)
        headers = {"retry-after": str(retry_after), "ratelimit-limit": str(self.per_second)}
        headers |= {"ratelimit-remaining": "0", "ratelimit-reset": str(retry_after)}
        return web.json_response(refusal.body, status=429, headers=headers)

    def broken(self) -> web.Response:
        """See `Played.broken`."""
        return web.json_response(Refusal("application_error", "Unexpected.").body, status=500)

    def _on(
        self, call: str, do: Callable[[web.Request, Any], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            text = await request.text()
            try:
                body = json.loads(text) if text else None
            except ValueError:
                body = text

            async def answer() -> web.StreamResponse:
                try:
                    self._enter(request, call)
                    if self._excess():
                        return self.too_many(1)
                    found = await do(request, body)
                except Refusal as error:
                    if error.is_mistake:
                        self.mistakes.append(f"{call}: {error}")
                    return web.json_response(error.body, status=error.status)
                return web.json_response(found, status=201 if call == "webhook" else 200)

            return await self.serve(call, request, body, answer)

        return serve

    def _enter(self, request: web.Request, call: str) -> None:
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not key:
            raise Refusal("missing_api_key", "Missing API key in the authorization header.")
        if key not in (KEY, SENDING_KEY):
            raise Refusal("invalid_api_key", "API key is invalid.", mistake=False)
        if key == SENDING_KEY and call not in ("send", "batch"):
            raise Refusal("restricted_api_key", "This API key may only send.", mistake=False)
        if not request.headers.get("User-Agent"):
            raise Refusal("forbidden", "A User-Agent is needed.")
        if request.method == "POST" and request.content_type != "application/json":
            self.mistakes.append(f"{call}: the body is {request.content_type}, not JSON")
        if call != "unknown":
            path, query = request.path, dict(request.query)
            if call == "receive":
                # Newer than the description, as is `raw` in the answer.
                query.pop("html_format", None)
            self.mistakes += rules.api().query_misfits(request.method, path, query)

    def _excess(self) -> bool:
        now = time.monotonic()
        while self._calls and self._calls[0] <= now - 1:
            self._calls.popleft()
        if self.rates == "off" or len(self._calls) < self.per_second:
            self._calls.append(now)
            return False
        return True

    # --- mails out -----------------------------------------------------------------------------

    async def _send(self, request: web.Request, body: Any) -> Body:
        made = await self._once(request, body, lambda: [self._take(body)])
        return {"id": made[0]}

    async def _batch(self, request: web.Request, body: Any) -> Body:
        if not isinstance(body, list) or not 1 <= len(body) <= 100:
            raise Refusal("validation_error", "A batch has 1 to 100 mails.")
        for each in body:
            rules.check(each)
        made = await self._once(request, body, lambda: [self._take(each) for each in body])
        return {"data": [{"id": id} for id in made]}

    async def _once(
        self, request: web.Request, body: Any, take: Callable[[], list[str]]
    ) -> list[str]:
        """The ids of what is taken; the same again for a key that was used with the same words."""
        key = request.headers.get("Idempotency-Key")
        if key is None:
            await asyncio.sleep(self.working_s)
            return take()
        if not 1 <= len(key) <= rules.MAX_KEY:
            raise Refusal("invalid_idempotency_key", "The key must be between 1-256 chars.")
        print_ = json.dumps(body, sort_keys=True)
        known, ids = self._keys.get(key, (print_, ""))
        if known != print_:
            raise Refusal("invalid_idempotent_request", "The key was used with another payload.")
        if key in self._keys and not ids:
            word = "concurrent_idempotent_requests"
            raise Refusal(word, "The first request is still in progress.", mistake=False)
        if ids:
            return ids.split(",")
        self._keys[key] = (print_, "")
        try:
            await asyncio.sleep(self.working_s)
            made = take()
        except BaseException:
            # What was refused is not kept: the same key may try again.
            del self._keys[key]
            raise
        self._keys[key] = (print_, ",".join(made))
        return made

    def _take(self, body: Any) -> str:
        rules.check(body)
        self.mistakes += [f"send: {why}" for why in rules.misfits(body)]
        domain = bare(str(body["from"])).rpartition("@")[2]
        if domain not in self.domains:
            words = f"The {domain} domain is not verified."
            raise Refusal("validation_error", words, status=403)
        made = Outgoing(
            id=str(uuid.uuid4()),
            sender=body["from"],
            to=rules.listed(body["to"]),
            cc=rules.listed(body.get("cc")),
            bcc=rules.listed(body.get("bcc")),
            reply_to=rules.listed(body.get("reply_to")),
            subject=body["subject"],
            text=body.get("text") or "",
            html=body.get("html") or "",
            headers=dict(body.get("headers") or {}),
            files=rules.files(body),
        )
        # The carrier behind Resend gives every mail a Message-ID of its own.
        made.message_id = f"<{secrets.token_hex(16)}@eu-west-1.amazonses.com>"
        self.sent[made.id] = made
        self.spawn(self._deliver(made))
        return made.id

    async def _deliver(self, made: Outgoing) -> None:
        lost = set(made.recipients) & self.bounces
        if self.carry is not None and not lost:
            await self.carry(made.mime().as_bytes(), made.recipients)
        if self.receipts == "auto":
            await self.event(made, "sent")
            await self.event(made, "bounced" if lost else "delivered")

    async def _fetch(self, request: web.Request, body: Any) -> Body:
        found = self.sent.get(_uuid(request))
        if found is None:
            raise Refusal("not_found", "Email not found", mistake=False)
        return {"object": "email", **_mail(found), "html": found.html, "text": found.text}

    async def _list(self, request: web.Request, body: Any) -> Body:
        found = list(reversed(self.sent.values()))
        return _page(request, [(each.id, _mail(each)) for each in found])

    async def _domains(self, request: web.Request, body: Any) -> Body:
        found = [(name, {"id": name, "name": name, "status": "verified"}) for name in self.domains]
        return _page(request, found)

    # --- mails in ------------------------------------------------------------------------------

    async def _received(self, request: web.Request, body: Any) -> Body:
        found = list(reversed(self.letters.values()))
        return _page(request, [(each.id, _letter(each)) for each in found])

    async def _letter(self, request: web.Request, body: Any) -> Body:
        found = self._opened(request)
        # Which of two headers of one name is kept is not documented: here the last, which a
        # stranger may have written, so that an app has to be careful.
        headers = {name.lower(): value for name, value in found.headers()}
        kind = request.query.get("html_format", "data_uri")
        html = rules.inlined(found) if kind == "data_uri" else found.html
        texts = {"html": html or None, "text": found.text or None, "html_format": kind}
        raw = {"download_url": self._link(found, "raw"), "expires_at": _in_an_hour()}
        return {"object": "email", **_letter(found), **texts, "headers": headers, "raw": raw}

    async def _files(self, request: web.Request, body: Any) -> Body:
        found = self._opened(request)
        return _page(request, [(p.name, self._linked(found, p)) for p in found.parts])

    async def _file(self, request: web.Request, body: Any) -> Body:
        found = self._opened(request)
        for part in found.parts:
            if _meta(found, part)["id"] == request.match_info["file"]:
                return {"object": "attachment", **self._linked(found, part)}
        raise Refusal("not_found", "Attachment not found")

    def _linked(self, letter: Letter, part: Any) -> Body:
        meta = _meta(letter, part)
        link = {"download_url": self._link(letter, meta["id"]), "expires_at": _in_an_hour()}
        return {**meta, "size": len(part.content), **link}

    def _link(self, letter: Letter, name: str) -> str:
        where = self.base.replace("127.0.0.1", "localhost")
        return f"{where}/cdn/{letter.id}/{name}?Signature=s"

    async def _from_cdn(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization"):
            self.mistakes.append("the API key was sent on to the place of the files")
            return web.Response(status=400)
        letter = self.letters.get(request.match_info["id"])
        if letter is not None and request.match_info["file"] == "raw":
            return web.Response(body=letter.raw, content_type="message/rfc822")
        for part in letter.parts if letter else ():
            if _meta(letter, part)["id"] == request.match_info["file"]:
                return web.Response(body=part.content, headers={"Content-Type": part.media})
        return web.Response(status=403)

    def _opened(self, request: web.Request) -> Letter:
        found = self.letters.get(_uuid(request))
        if found is None:
            raise Refusal("not_found", "Email not found", mistake=False)
        return found

    # --- webhooks ------------------------------------------------------------------------------

    async def _webhook(self, request: web.Request, body: Any) -> Body:
        if wrong := list(rules.api().body_misfits("POST", "/webhooks", body)):
            raise Refusal("validation_error", "; ".join(wrong))
        secret = self.webhook(body["endpoint"], *body["events"])
        found = next(each for each in self.webhooks.values() if each["signing_secret"] == secret)
        return {"object": "webhook", "id": found["id"], "signing_secret": secret}

    async def _webhooks(self, request: web.Request, body: Any) -> Body:
        names = ("id", "created_at", "endpoint", "events")
        found = [
            (id, {**{name: each[name] for name in names}, "status": "enabled"})
            for id, each in self.webhooks.items()
        ]
        return _page(request, found)

    async def _unwebhook(self, request: web.Request, body: Any) -> Body:
        if self.webhooks.pop(request.match_info["id"], None) is None:
            raise Refusal("not_found", "Webhook not found")
        return {"object": "webhook", "id": request.match_info["id"], "deleted": True}

    async def _announce(self, kind: str, data: Body) -> Told:
        told = Told(0, "no address")
        body = json.dumps({"type": kind, "created_at": _now(), "data": data}).encode()
        for hook in self.webhooks.values():
            if hook["events"] and kind not in hook["events"]:
                continue
            id = f"msg_{secrets.token_hex(12)}"
            self._events[str(data["email_id"])] = (id, body, hook["endpoint"])
            told = await self._tell(hook, id, body)
            for pause in self.again_s:
                if told.is_taken:
                    break
                await asyncio.sleep(pause)
                told = await self._tell(hook, id, body)
        return told

    async def _tell(self, hook: Body, id: str, body: bytes) -> Told:
        headers = rules.signed(hook["signing_secret"], id, int(time.time()), body)
        return await self.tell(hook["endpoint"], body, headers | _JSON)

    async def _unknown(self, request: web.Request, body: Any) -> Body:
        raise Refusal("not_found", f"{request.method} {request.path} is not played here")


_JSON = {"Content-Type": "application/json", "User-Agent": "Svix-Webhooks/1.0"}


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def _uuid(request: web.Request) -> str:
    found = request.match_info["id"]
    try:
        return str(uuid.UUID(found))
    except ValueError:
        raise Refusal("invalid_parameter", "The parameter must be a valid UUID.") from None


def _mail(found: Outgoing) -> Body:
    return {
        "id": found.id,
        "message_id": found.message_id,
        "from": found.sender,
        "to": found.to,
        "cc": found.cc,
        "bcc": found.bcc,
        "reply_to": found.reply_to,
        "subject": found.subject,
        "created_at": found.at.isoformat(),
        "last_event": found.status,
    }


def _letter(found: Letter) -> Body:
    return {
        "id": found.id,
        "from": found.sender,
        "to": found.envelope_to,
        "cc": found.addresses("Cc"),
        "bcc": [],
        "reply_to": found.addresses("Reply-To"),
        "subject": found.header("Subject"),
        "message_id": found.header("Message-ID"),
        "created_at": found.at.isoformat(),
        "attachments": [_meta(found, each) | {"size": len(each.content)} for each in found.parts],
    }


def _meta(letter: Letter, part: Any) -> Body:
    return {
        "id": str(uuid.uuid5(uuid.UUID(letter.id), part.id)),
        "filename": part.name,
        "content_type": part.media,
        "content_id": part.content_id,
        "content_disposition": "inline" if part.is_inline else "attachment",
    }


def _page(request: web.Request, found: list[tuple[str, Body]]) -> Body:
    """A part of a list: at most `limit`, those after one."""
    limit = int(request.query.get("limit", 20))
    if not 1 <= limit <= 100:
        raise Refusal("validation_error", "limit is 1 to 100", status=422)
    after, before = request.query.get("after"), request.query.get("before")
    ids = [id for id, _ in found]
    if after:
        found = found[ids.index(after) + 1 :] if after in ids else []
    elif before:
        found = found[: ids.index(before)][-limit:] if before in ids else []
    data = [each for _, each in found[:limit]]
    return {"object": "list", "has_more": len(found) > limit, "data": data}
