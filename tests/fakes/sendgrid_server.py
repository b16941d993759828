"""A server that speaks as SendGrid does: mails out, Inbound Parse, and the event webhook.

    async with SendGridServer() as server:
        server.parse("shop.example", "https://bot.example/webhooks/sendgrid/SECRET")
        server.webhook_via = "http://127.0.0.1:8080"   # where the app listens
        await server.receive(mails.write("ana@example.com", "desk@shop.example"))

There is no key against sending twice: what was taken stands in `sent`, and comes back in events by
its `custom_args` only. Judged by `sendgrid_rules`; what no client should send is kept in `mistakes`.
https://www.twilio.com/docs/sendgrid/api-reference (read 2026-11-21)
"""

import asyncio
import gzip
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fakes import sendgrid_rules as rules
from tests.fakes.mails import Letter, Outgoing, bare, open_letter
from tests.fakes.openapi import described
from tests.fakes.played import Played, Told
from tests.fakes.sendgrid_rules import Refusal

Body = dict[str, Any]

KEY = "SG.shop.key"
FORGERIES = ("unsigned", "other_key", "changed", "stale", "not_der")
PAGES = described("sendgrid-webhooks")


class SendGridServer(Played):
    """One account. `receipts`: held (only `event` tells) or auto (processed, then delivered…)."""

    def __init__(self, *, receipts: str = "held") -> None:
        super().__init__()
        self.receipts = receipts
        self.again_s: tuple[float, ...] = (0.05, 0.2, 0.5)
        self.senders = {"shop.example"}
        """Verified domains that mail may come from."""
        self.scopes = {"mail.send", "mail.batch.create"}
        """What the key may do."""
        self.bounces: set[str] = set()
        self.sent: list[Outgoing] = []
        self.letters: list[Letter] = []
        self.hosts: dict[str, Body] = {}
        """Receiving host → its parse setting."""
        self.event_hooks: dict[str, Body] = {}
        self.max_bytes = rules.MAX_BYTES
        self.signs_parse = False
        """Whether a security policy signs what comes in."""
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.carry: Callable[[bytes, list[str]], Awaitable[None]] | None = None
        """Where mails go on to: MIME and recipients."""
        self._told: dict[int, tuple[str, bytes, dict[str, str]]] = {}

    def routes(self, app: web.Application) -> None:
        """See `Played.routes`."""
        add = app.router.add_route
        add("POST", "/v3/mail/send", self._on("send", self._send))
        add("GET", "/v3/scopes", self._on("scopes", self._scopes))
        parse = "/v3/user/webhooks/parse/settings"
        add("GET", parse, self._on("parse_list", self._parse_list))
        add("POST", parse, self._on("parse", self._parse_add))
        add("GET", parse + "/{host}", self._on("parse_get", self._parse_get))
        add("PATCH", parse + "/{host}", self._on("parse_change", self._parse_change))
        add("DELETE", parse + "/{host}", self._on("parse_drop", self._parse_drop))
        events = "/v3/user/webhooks/event/settings"
        add("POST", events, self._on("events", self._events_add))
        add("GET", events + "/all", self._on("events_list", self._events_list))
        add("PATCH", events + "/signed/{id}", self._on("events_sign", self._events_sign))
        add("GET", events + "/signed/{id}", self._on("events_key", self._events_key))
        add("*", "/{rest:.*}", self._on("unknown", self._unknown))

    # --- what a test orders --------------------------------------------------------------------

    @property
    def public_key(self) -> str:
        """What checks the signatures: base64 of DER."""
        return rules.public(self.key)

    def parse(self, hostname: str, url: str, *, send_raw: bool = False) -> None:
        """Send mail of a host to an address."""
        made = {"hostname": hostname, "url": url, "spam_check": False, "send_raw": send_raw}
        self.hosts[hostname] = made

    def events_to(self, url: str, *, is_signed: bool = True) -> str:
        """Tell an address of events; gives the id of the setting."""
        made = secrets.token_hex(8)
        self.event_hooks[made] = {"id": made, "url": url, "enabled": True, "signed": is_signed}
        return made

    async def receive(
        self, raw: bytes, to: list[str] | None = None, *, dkim: str | None = None, spf: str = "pass"
    ) -> tuple[Letter, Told]:
        """A mail comes in for one of the hosts and the app is told; status 0: none is ours.

        `dkim`: SendGrid's words on the signatures; by default the From domain's pass.
        """
        letter = open_letter(raw, str(next(self.count)), to or ())
        self.letters.append(letter)
        hosts = {each.rpartition("@")[2].lower() for each in letter.envelope_to}
        found = [self.hosts[host] for host in sorted(hosts) if host in self.hosts]
        if not found:
            return letter, Told(0, "no host")
        domain = bare(letter.sender).rpartition("@")[2]
        words = f"{{@{domain} : pass}}" if dkim is None else dkim
        fields = _parsed(letter, words, spf, is_raw=bool(found[0]["send_raw"]))
        body = rules.multipart(fields)
        headers = {"Content-Type": "multipart/form-data; boundary=xYzZY"}
        return letter, await self._repeat(found[0]["url"], body, headers, self.signs_parse)

    async def event(self, mail: Outgoing, kind: str, address: str = "", **more: Any) -> Told:
        """Tell what became of a mail: processed, delivered, bounce, dropped, spamreport…"""
        mail.status = kind
        made: Body = {
            "email": address or mail.recipients[0],
            "timestamp": int(time.time()),
            "smtp-id": mail.message_id,
            "event": kind,
            "sg_event_id": secrets.token_urlsafe(16),
            "sg_message_id": f"{mail.id}.filter0001.1.0",
            **mail.arguments,
        }
        if kind == "bounce":
            made |= {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no such user"}
        return await self.events([{**made, **more}])

    async def events(self, found: list[Body]) -> Told:
        """Tell events as they are given, together, as SendGrid gathers them."""
        told = Told(0, "no address")
        # The body ends in CR LF, which is signed too.
        body = json.dumps(found).encode() + b"\r\n"
        for hook in self.event_hooks.values():
            headers = {"Content-Type": "application/json; charset=utf-8"}
            told = await self._repeat(hook["url"], body, headers, hook["signed"])
        return told

    async def again(self) -> Told:
        """Tell the app once more what it was told last."""
        url, body, headers = self._told[max(self._told)]
        return await self.tell(url, body, headers)

    async def forge(self, kind: str) -> Told:
        """Tell the app an event that SendGrid did not; see `FORGERIES`."""
        if kind not in FORGERIES:
            raise ValueError(f"no such forgery: {kind}")
        body = b'[{"email":"ana@example.com","event":"spamreport","sg_event_id":"forged"}]\r\n'
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "other_key" else self.key
        at = int(time.time()) - (86_400 if kind == "stale" else 0)
        headers = {"Content-Type": "application/json", **rules.signed(key, at, body)}
        if kind == "unsigned":
            del headers[rules.SIGNATURE]
        if kind == "not_der":
            headers[rules.SIGNATURE] = "AAAA"
        body = body.replace(b"ana@", b"ben@") if kind == "changed" else body
        hook = next(iter(self.event_hooks.values()))
        return await self.tell(hook["url"], body, headers)

    # --- the frame of every request ------------------------------------------------------------

    def too_many(self, retry_after: int) -> web.Response:
        """See `Played.too_many`."""
        headers = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0"}
        headers["X-RateLimit-Reset"] = str(int(time.time()) + retry_after)
        return web.json_response(
            Refusal(429, "too many requests").body, status=429, headers=headers
        )

    def broken(self) -> web.Response:
        """See `Played.broken`."""
        return web.json_response(Refusal(500, "internal error").body, status=500)

    def _on(
        self, call: str, do: Callable[[web.Request, Any], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            text = await request.read()
            try:
                if text[:2] == b"\x1f\x8b":
                    text = gzip.decompress(text)
                body = json.loads(text) if text else None
            except (ValueError, OSError):
                body = text

            async def answer() -> web.StreamResponse:
                try:
                    self._enter(request, call)
                    return await do(request, body)
                except Refusal as error:
                    if error.is_mistake:
                        self.mistakes.append(f"{call}: {error}")
                    return web.json_response(error.body, status=error.status)

            return await self.serve(call, request, body, answer)

        return serve

    def _enter(self, request: web.Request, call: str) -> None:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            raise Refusal(401, "The provided authorization grant is invalid, expired, or revoked", mistake=False)  # fmt: skip
        has_body = request.method in ("POST", "PATCH")
        if has_body and request.content_type != "application/json":
            raise Refusal(415, "Content-Type should be application/json.")
        if call not in ("send", "scopes", "unknown"):
            path = request.path
            self.mistakes += PAGES.query_misfits(request.method, path, dict(request.query))

    # --- mails out -----------------------------------------------------------------------------

    async def _scopes(self, request: web.Request, body: Any) -> web.StreamResponse:
        return web.json_response({"scopes": sorted(self.scopes)})

    async def _send(self, request: web.Request, body: Any) -> web.StreamResponse:
        rules.check(body, self.max_bytes)
        self.mistakes += [f"send: {why}" for why in rules.misfits(body)]
        if bare(body["from"]["email"]).rpartition("@")[2] not in self.senders:
            raise Refusal(403, "The from address does not match a verified Sender Identity.", "from")  # fmt: skip
        settings = body.get("mail_settings") or {}
        if settings.get("sandbox_mode", {}).get("enable"):
            return web.Response(status=200)
        id = secrets.token_urlsafe(16)
        for each in body["personalizations"]:
            made = _outgoing(id, body, each)
            self.sent.append(made)
            self.spawn(self._deliver(made))
        return web.Response(status=202, headers={"X-Message-Id": id})

    async def _deliver(self, made: Outgoing) -> None:
        lost = set(made.recipients) & self.bounces
        if self.carry is not None and not lost:
            await self.carry(made.mime().as_bytes(), made.recipients)
        if self.receipts == "auto":
            await self.event(made, "processed")
            for address in made.recipients:
                await self.event(made, "bounce" if address in lost else "delivered", address)

    # --- settings ------------------------------------------------------------------------------

    async def _parse_list(self, request: web.Request, body: Any) -> web.StreamResponse:
        return web.json_response({"result": list(self.hosts.values())})

    async def _parse_add(self, request: web.Request, body: Any) -> web.StreamResponse:
        self._judge(request, body)
        if not isinstance(body, dict) or not body.get("hostname") or not body.get("url"):
            raise Refusal(400, "hostname and url are required", "hostname")
        if body["hostname"] in self.hosts:
            raise Refusal(400, "Duplicate hostname", "hostname", mistake=False)
        self.parse(body["hostname"], body["url"], send_raw=bool(body.get("send_raw")))
        return web.json_response(self.hosts[body["hostname"]], status=201)

    async def _parse_get(self, request: web.Request, body: Any) -> web.StreamResponse:
        return web.json_response(self._host(request))

    async def _parse_change(self, request: web.Request, body: Any) -> web.StreamResponse:
        self._judge(request, body)
        found = self._host(request)
        found.update(body or {})
        return web.json_response(found)

    async def _parse_drop(self, request: web.Request, body: Any) -> web.StreamResponse:
        del self.hosts[self._host(request)["hostname"]]
        return web.Response(status=204)

    def _host(self, request: web.Request) -> Body:
        found = self.hosts.get(request.match_info["host"])
        if found is None:
            raise Refusal(404, "Not found", mistake=False)
        return found

    async def _events_add(self, request: web.Request, body: Any) -> web.StreamResponse:
        self._judge(request, body)
        id = self.events_to(body["url"], is_signed=False)
        return web.json_response(self._setting(id), status=201)

    async def _events_list(self, request: web.Request, body: Any) -> web.StreamResponse:
        return web.json_response({"webhooks": [self._setting(id) for id in self.event_hooks]})

    async def _events_sign(self, request: web.Request, body: Any) -> web.StreamResponse:
        self._judge(request, body)
        self._hook(request)["signed"] = bool(body.get("enabled"))
        return web.json_response(self._public(request))

    async def _events_key(self, request: web.Request, body: Any) -> web.StreamResponse:
        return web.json_response(self._public(request))

    def _public(self, request: web.Request) -> Body:
        hook = self._hook(request)
        return {"id": hook["id"], "public_key": self.public_key if hook["signed"] else ""}

    def _setting(self, id: str) -> Body:
        hook = self.event_hooks[id]
        return {"id": id, "url": hook["url"], "enabled": hook["enabled"]}

    def _hook(self, request: web.Request) -> Body:
        found = self.event_hooks.get(request.match_info["id"])
        if found is None:
            raise Refusal(404, "Not found", mistake=False)
        return found

    def _judge(self, request: web.Request, body: Any) -> None:
        found = PAGES.body_misfits(request.method, request.path, body)
        self.mistakes += [f"{request.path}: {why}" for why in found]

    async def _unknown(self, request: web.Request, body: Any) -> web.StreamResponse:
        raise Refusal(404, f"{request.method} {request.path} is not played here")

    # --- telling the app -----------------------------------------------------------------------

    async def _repeat(self, url: str, body: bytes, plain: dict[str, str], is_signed: bool) -> Told:
        """Tell, and tell again while the app is broken; a 4xx is the app's last word."""
        told = Told(0, "timeout")
        for pause in (0.0, *self.again_s):
            await asyncio.sleep(pause)
            headers = dict(plain)
            if is_signed:
                headers |= rules.signed(self.key, int(time.time()), body)
            self._told[next(self.count)] = (url, body, headers)
            told = await self.tell(url, body, headers)
            if 0 < told.status < 500:
                return told
        return told


def _outgoing(id: str, body: Body, each: Body) -> Outgoing:
    content = {part["type"]: part["value"] for part in body.get("content") or ()}
    replies = body.get("reply_to_list") or [body[n] for n in ("reply_to",) if n in body]
    return Outgoing(
        id=id,
        sender=_line(each.get("from") or body["from"]),
        to=[_line(person) for person in each["to"]],
        cc=[_line(person) for person in each.get("cc") or ()],
        bcc=[_line(person) for person in each.get("bcc") or ()],
        reply_to=[_line(person) for person in replies],
        subject=each.get("subject") or body.get("subject") or "",
        text=content.get("text/plain", ""),
        html=content.get("text/html", ""),
        headers={**(body.get("headers") or {}), **(each.get("headers") or {})},
        files=rules.files(body),
        arguments={**(body.get("custom_args") or {}), **(each.get("custom_args") or {})},
        # A Message-ID of the app's own is kept: its name is not among the reserved ones.
        message_id=_own_id(body, each) or f"<{id}@geopod-ismtpd-1>",
    )


def _own_id(body: Body, each: Body) -> str:
    headers = {**(body.get("headers") or {}), **(each.get("headers") or {})}
    return next((v for name, v in headers.items() if name.lower() == "message-id"), "")


def _line(person: Body) -> str:
    name = str(person.get("name") or "").replace('"', "'")
    return f'"{name}" <{person["email"]}>' if name else str(person["email"])


def _parsed(letter: Letter, dkim: str, spf: str, *, is_raw: bool) -> list[rules.Field]:
    """The fields of Inbound Parse."""
    envelope = {"to": letter.envelope_to, "from": letter.envelope_from}
    texts: dict[str, str] = {
        "to": letter.header("To"),
        "from": letter.sender,
        "cc": letter.header("Cc"),
        "subject": letter.header("Subject"),
        "sender_ip": "203.0.113.9",
        "SPF": spf,
        "dkim": dkim,
        "envelope": json.dumps(envelope),
        "attachments": str(len(letter.parts)),
    }
    charsets = dict.fromkeys(("to", "from", "cc", "subject", "text", "html"), "UTF-8")
    if is_raw:
        made = [(name, text.encode(), "", "") for name, text in texts.items() if text]
        charset_field = ("charsets", json.dumps(charsets).encode(), "", "")
        return [*made, charset_field, ("email", letter.raw, "", "")]
    head = letter.raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    fields: list[rules.Field] = [("headers", head + b"\n", "", "")]
    fields += [(name, text.encode(), "", "") for name, text in texts.items() if text]
    about = {}
    for n, part in enumerate(letter.parts, 1):
        about[f"attachment{n}"] = {"filename": part.name, "name": part.name, "type": part.media}
        if part.content_id:
            about[f"attachment{n}"]["content-id"] = part.content_id
    for name, text in (("text", letter.text), ("html", letter.html)):
        # A body keeps the charset it was written in, if it can be said in it.
        charsets[name] = _charset(letter, "plain" if name == "text" else "html")
        try:
            content = text.encode(charsets[name])
        except UnicodeEncodeError:
            charsets[name], content = "UTF-8", text.encode()
        if text:
            fields.append((name, content, "", ""))
    fields.append(("charsets", json.dumps(charsets).encode(), "", ""))
    if about:
        fields.append(("attachment-info", json.dumps(about).encode(), "", ""))
    files = [(f"attachment{n}", p.content, p.name, p.media) for n, p in enumerate(letter.parts, 1)]
    return fields + files


def _charset(letter: Letter, subtype: str) -> str:
    for part in letter.message.walk():
        if part.get_content_type() == f"text/{subtype}":
            found = part.get_content_charset() or "utf-8"
            try:
                "".encode(found)
            except LookupError:
                return "UTF-8"
            return found
    return "UTF-8"
