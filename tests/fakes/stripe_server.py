"""A server that speaks as Stripe does: forms, keys that do a thing once, states, signed events.

    async with StripeServer() as server:
        server.world.customer({"name": "Acme", "email": "pay@acme.example"})
        server.order("POST /v1/invoices", "lost_after")

A key keeps its first answer, a failing one too; with other parameters it is refused. What was
refused as a form is not kept. `mistakes` holds what no client should have sent.
https://docs.stripe.com/api (read 2026-11-21)
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable

from aiohttp import web

from tests.fakes import stripe_forms as forms
from tests.fakes.openapi import Body
from tests.fakes.played import Asked, Played, Told
from tests.fakes.stripe_world import Refused, World
from tests.fakes.troubled import drop

KEY = "sk_test_of_the_played_account_0123456789"
WEBHOOK_SECRET = "whsec_of_the_played_endpoint"
LISTS = {
    "customers": "cus",
    "invoices": "in",
    "refunds": "re",
    "payment_links": "plink",
    "prices": "price",
    "products": "prod",
    "subscriptions": "sub",
    "events": "evt",
    "payment_intents": "pi",
    "invoice_payments": "inpay",
    "sessions": "cs",
}
ANSWERS: dict[str, tuple[int, str]] = {
    "401": (401, "invalid_request_error"),
    "402": (402, "card_error"),
    "403": (403, "invalid_request_error"),
    "404": (404, "invalid_request_error"),
    "409": (409, "invalid_request_error"),
    "413": (413, "invalid_request_error"),
    "422": (422, "invalid_request_error"),
    "500_before": (500, "api_error"),
    "503_before": (503, "api_error"),
}
"""How a call can go wrong with nothing done, beside `429`, `redirect` and `lost_before`."""
Stored = tuple[str, int, Body]


class StripeServer(Played):
    """The played Stripe, with one account."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.key = KEY
        self.account = "acct_1Played"
        """Whose the key is; empty: it may not ask."""
        self.redirect_to = "https://elsewhere.example/"
        self.keep_keys = True
        """Whether a key still gives its first answer."""
        self._orders: list[tuple[str, str]] = []
        self._keys: dict[str, Stored] = {}

    def routes(self, app: web.Application) -> None:
        """Everything is looked up by its path."""
        app.router.add_route("*", "/{rest:.*}", self._request)

    def order(self, call: str, how: str) -> None:
        """The next call of a name, such as `POST /v1/invoices/{}/send`, goes wrong.

        `how`: a key of ANSWERS, 429, redirect, lost_before (nothing done); 500_after, lost_after,
        late_after, truncated (done).
        """
        self._orders.append((call, how))

    def forget_keys(self) -> None:
        """A day has passed."""
        self._keys.clear()

    def signature(self, body: bytes, secret: str = WEBHOOK_SECRET, at: int | None = None) -> str:
        """The header of an event."""
        stamp = int(time.time()) if at is None else at
        told = hmac.digest(secret.encode(), f"{stamp}.".encode() + body, "sha256").hex()
        return f"t={stamp},v1={told}"

    async def notify(self, url: str, event: Body, secret: str = WEBHOOK_SECRET) -> Told:
        """Tell the app of an event."""
        body = json.dumps(event).encode()
        signed = {"Stripe-Signature": self.signature(body, secret)}
        return await self.tell(url, body, {"Content-Type": "application/json", **signed})

    async def _request(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        call = f"{request.method} {_template(request.path)}"
        form = forms.decode(text)
        self.requests.append(Asked(call, form, dict(request.headers), dict(request.query)))
        how = next((how for name, how in self._orders if name == call), "")
        if how:
            self._orders.remove((call, how))
        if how == "lost_before":
            return await drop(request)
        if how == "redirect":
            return web.Response(status=307, headers={"Location": self.redirect_to})
        if how == "429":
            return self._answer(429, Refused(429, "Too many requests").body, {"Retry-After": "7"})
        status, body = await self._once(request, text, form, how)
        if how == "lost_after":
            return await drop(request)
        if how == "late_after":
            await self._closing.wait()
        if how == "truncated":
            whole = json.dumps(body)
            return web.Response(text=whole[: len(whole) // 2], content_type="application/json")
        return self._answer(status, body)

    async def _once(
        self, request: web.Request, text: str, form: Body, how: str
    ) -> tuple[int, Body]:
        """Do it under its key, or give what the key kept."""
        key = request.headers.get("Idempotency-Key", "")
        print_ = hashlib.sha256(f"{request.method} {request.path} {text}".encode()).hexdigest()
        if request.method != "POST" or not key:
            if request.method == "POST":
                self.mistakes.append(f"{request.path}: a POST without a key of its own")
            status, body, _ = self._do(request, form, how)
            return status, body
        if len(key) > 255:
            return 400, Refused(400, "The key is too long.", "idempotency_error").body
        if key in self._keys:
            was, status, body = self._keys[key]
            if was != print_:
                said = "Keys for idempotent requests can only be used with the same parameters."
                return 400, Refused(400, said, "idempotency_error").body
            return status, body
        status, body, kept = self._do(request, form, how)
        if kept and self.keep_keys:
            self._keys[key] = (print_, status, json.loads(json.dumps(body)))
        return status, body

    def _do(self, request: web.Request, form: Body, how: str) -> tuple[int, Body, bool]:
        """Status, body, and whether a key keeps it: not what was refused before it began."""
        try:
            self._enter(request)
            typed = self._checked(request, form)
            if how in ANSWERS:
                status, kind = ANSWERS[how]
                kept = status == 402 or status >= 500
                return status, Refused(status, f"Ordered: {how}.", kind).body, kept
            body = self._work(request, typed)
        except Refused as error:
            return error.status, error.body, False
        if how == "500_after":
            return 500, Refused(500, "An error occurred.", "api_error").body, True
        return 200, body, True

    def _enter(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            raise Refused(401, "Invalid API Key provided")
        if not request.headers.get("Stripe-Version"):
            self.mistakes.append(f"{request.path}: no version is pinned")

    def _checked(self, request: web.Request, form: Body) -> Body:
        if request.method == "GET":
            names = {name.partition("[")[0]: "" for name in request.query}
            newer = forms.NEWER_READS.get(request.path)
            if newer is None:
                self.mistakes += forms.api().query_misfits("GET", request.path, names)
            else:
                self.mistakes += [f"no parameter {each}" for each in set(names) - newer]
            return {}
        kind = request.content_type
        if form and kind != "application/x-www-form-urlencoded":
            self.mistakes.append(f"{request.path}: the body is {kind}, not a form")
        typed, wrong = forms.read(request.method, request.path, form)
        if wrong:
            self.mistakes += [f"{request.path}: {each}" for each in wrong]
            raise Refused(400, f"Received unknown parameter: {wrong[0]}", code="parameter_unknown")
        return typed

    def _work(self, request: web.Request, form: Body) -> Body:
        parts = request.path.removeprefix("/v1/").split("/")
        query = dict(request.query)
        if parts == ["balance"]:
            return {"object": "balance", "available": [], "pending": [], "livemode": False}
        if parts == ["account"]:
            if not self.account:
                raise Refused(403, "The provided key does not have the required permissions.")
            return {"object": "account", "id": self.account}
        if parts[:2] == ["checkout", "sessions"]:
            parts = ["sessions", *parts[2:]]
        if request.method == "GET" and len(parts) == 2 and parts[1] == "search":
            return self._search(LISTS[parts[0]], query)
        if request.method == "GET" and parts[0] in LISTS:
            prefix = LISTS[parts[0]]
            if len(parts) == 2:
                return self.world.get(prefix, parts[1])
            return _page(self.world.listed(prefix, query), query, request.path)
        if request.method == "DELETE" and parts[0] == "subscriptions" and len(parts) == 2:
            return self.world.unsubscribe(parts[1])
        return self._write(parts, form)

    def _write(self, parts: list[str], form: Body) -> Body:
        world = self.world
        new: dict[str, Callable[[Body], Body]] = {
            "customers": world.customer,
            "invoices": world.invoice,
            "invoiceitems": world.item,
            "refunds": world.refund,
            "payment_links": world.link,
            "prices": world.price,
            "products": world.product,
            "subscriptions": world.subscribe,
            "sessions": world.session,
        }
        to: dict[str, Callable[[str, Body], Body]] = {
            "finalize": world.finalise,
            "send": world.send,
            "void": world.void,
        }
        if len(parts) == 1 and parts[0] in new:
            return new[parts[0]](form)
        if len(parts) == 3 and parts[0] == "invoices" and parts[2] in to:
            return to[parts[2]](parts[1], form)
        if len(parts) == 2 and parts[0] == "customers":
            return world.recustomer(parts[1], form)
        if len(parts) == 2 and parts[0] == "subscriptions":
            return world.resubscribe(parts[1], form)
        self.mistakes.append(f"{'/'.join(parts)} is nothing that is played here")
        raise Refused(404, "Unrecognized request URL")

    def _search(self, prefix: str, query: dict[str, str]) -> Body:
        """`name:'Acme'` or `metadata['effect']:'eff_1'`; behind by what is `unsearchable`."""
        found = re.fullmatch(r"(?:(\w+)|metadata\['(\w+)'\]):'(.*)'", query.get("query", ""))
        if found is None:
            raise Refused(400, "We were unable to parse your search query.")
        field, meta, value = found.groups()
        value = value.replace("\\'", "'").replace("\\\\", "\\")
        hits = [
            item
            for item in self.world.things[prefix].values()
            if (item["metadata"].get(meta) if meta else item.get(field)) == value
            and item["id"] not in self.world.unsearchable
        ]
        return {"object": "search_result", "data": hits, "has_more": False, "url": "/v1/search"}

    def _answer(self, status: int, body: Body, more: dict[str, str] | None = None) -> web.Response:
        headers = {"Request-Id": "req_1", "Stripe-Version": "2026-10-28.endive", **(more or {})}
        return web.json_response(body, status=status, headers=headers)


def _page(found: list[Body], query: dict[str, str], path: str) -> Body:
    after, limit = query.get("starting_after", ""), int(query.get("limit", "10"))
    if after:
        found = found[[item["id"] for item in found].index(after) + 1 :]
    more = len(found) > limit
    return {"object": "list", "data": found[:limit], "has_more": more, "url": path}


def _template(path: str) -> str:
    return re.sub(r"/(?:[a-z]+_\d+)(?=/|$)", "/{}", path)
