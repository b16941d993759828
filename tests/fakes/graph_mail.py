"""A server that speaks as Microsoft Graph does of mail, with its token endpoint.

    async with GraphMail("desk@shop.example") as server:
        server.webhook_via = "http://127.0.0.1:8080"   # where the app listens
        await server.receive(mails.write("ana@example.com", "desk@shop.example"))

Sending gives 202 and no id; the copy in Sent Items comes `copy_s` later. Bodies are judged by the
published description (`microsoft-graph.json`, see `openapi.py`); what no client should send is kept
in `mistakes`. https://learn.microsoft.com/graph/api/resources/mail-api-overview
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
(read 2026-11-21)
"""

import itertools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from tests.fakes import graph_rules as rules
from tests.fakes.graph_files import Files
from tests.fakes.graph_mailbox import FOLDERS, Item, Mailbox, Unfilterable, fits, matches
from tests.fakes.graph_rules import Refusal
from tests.fakes.graph_subscriptions import Rejected, Subscriptions
from tests.fakes.graph_tokens import TENANT, Tokens
from tests.fakes.mails import bounce, is_address, open_letter
from tests.fakes.played import Played, Told

Body = dict[str, Any]

ALL_ROLES = frozenset({"Mail.Send", "Mail.Read", "Mail.ReadWrite"})


class GraphMail(Played):
    """One organisation with mailboxes and one app. `rates`: off, or obey (four at a time)."""

    def __init__(self, *mailboxes: str, rates: str = "off") -> None:
        super().__init__()
        serials = itertools.count(1)
        self.mailboxes = {owner.lower(): Mailbox(owner, serials) for owner in mailboxes}
        self.tokens = Tokens(self)
        self.files = Files(self, self._one)
        self.subscriptions = Subscriptions(self, TENANT)
        self.rates, self.most_at_once = rates, 4
        self.roles = set(ALL_ROLES)
        """What the administrator has granted to the app."""
        self.copy_s = 0.0
        """So long after sending the copy is not in Sent Items yet."""
        self.bounces: set[str] = set()
        """Addresses outside that do not exist: a report comes into the sender's Inbox."""
        self.spoiled: set[str] = set()
        """Ids of mails whose bytes it cannot give."""
        self.sent: list[tuple[bytes, list[str]]] = []
        """What left: MIME and recipients."""
        self.carry: Callable[[bytes, list[str]], Awaitable[None]] | None = None
        """Where mails go on to: MIME and recipients."""
        self._now = 0
        self._deltas: dict[str, tuple[str, str, str, str, int, int]] = {}
        for box in self.mailboxes.values():
            box.changed = lambda item, kind: self.spawn(self.subscriptions.changed(item, kind))

    def routes(self, app: web.Application) -> None:
        """See `Played.routes`."""
        add, root = app.router.add_route, "/v1.0/users/{user}"
        self.tokens.routes(app)
        add("POST", root + "/sendMail", self._on("sendMail", self._send_mail))
        add("GET", root + "/mailFolders/{folder}", self._on("folder", self._folder))
        folder = root + "/mailFolders/{folder}/messages"
        add("GET", folder, self._on("list", self._list))
        add("GET", folder + "/delta", self._on("delta", self._delta))
        messages = root + "/messages"
        add("GET", messages, self._on("list", self._list))
        add("POST", messages, self._on("draft", self._draft))
        one = messages + "/{id}"
        add("GET", one, self._on("get", self._get))
        add("PATCH", one, self._on("change", self._change))
        add("DELETE", one, self._on("delete", self._delete))
        add("POST", one + "/send", self._on("send", self._send))
        add("POST", one + "/move", self._on("move", self._move))
        add("POST", one + "/createReply", self._on("createReply", self._create_reply))
        add("POST", one + "/reply", self._on("reply", self._reply))
        add("GET", one + "/$value", self._on("mime", self._mime))
        self.files.routes(app, one, self._on)
        add("POST", "/v1.0/subscriptions", self._on("subscribe", self._subscribe))
        add("GET", "/v1.0/subscriptions", self._on("subscriptions", self._subscribed))
        sub = "/v1.0/subscriptions/{id}"
        add("GET", sub, self._on("subscription", self._subscription))
        add("PATCH", sub, self._on("renew", self._renew))
        add("DELETE", sub, self._on("unsubscribe", self._unsubscribe))
        add("POST", sub + "/reauthorize", self._on("reauthorize", self._reauthorize))
        add("*", "/{rest:.*}", self._on("unknown", self._unknown))

    # --- what a test orders --------------------------------------------------------------------

    def receive(self, raw: bytes, to: str = "") -> Item:
        """A mail comes into a mailbox, and subscriptions are told in the background."""
        letter = open_letter(raw, "x", [to] if to else ())
        owner = next(a for a in letter.envelope_to if a.lower() in self.mailboxes)
        box = self.mailboxes[owner.lower()]
        return box.add(box.letter(raw))

    def folder(self, owner: str, name: str) -> list[Item]:
        """What stands in a folder (inbox, drafts, sentitems), newest first."""
        return self.mailboxes[owner.lower()].folder(name)

    def forget_deltas(self) -> None:
        """Every delta link is too old: 410, begin again."""
        self._deltas.clear()

    async def lifecycle(self, event: str) -> Told:
        """Tell the first subscription: missed, subscriptionRemoved, reauthorizationRequired."""
        return await self.subscriptions.lifecycle(next(iter(self.subscriptions.found.values())), event)  # fmt: skip

    # --- the frame of every request ------------------------------------------------------------

    def too_many(self, retry_after: int) -> web.Response:
        """See `Played.too_many`."""
        found = Refusal(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")  # fmt: skip
        headers = {"Retry-After": str(retry_after)}
        return web.json_response(found.body, status=429, headers=headers)

    def broken(self) -> web.Response:
        """See `Played.broken`."""
        found = Refusal(503, "ServiceUnavailable", "The service is not available.")
        return web.json_response(found.body, status=503)

    def _on(
        self, call: str, do: Callable[[web.Request, Any], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            text = await request.read()
            is_json = request.content_type == "application/json"
            try:
                body = json.loads(text) if text and is_json else text
            except ValueError:
                body = text

            async def answer() -> web.StreamResponse:
                try:
                    self._enter(request, call, len(text))
                    if self.rates == "obey" and self._now > self.most_at_once:
                        return self.too_many(1)
                    found = await do(request, body)
                except Refusal as error:
                    if error.is_mistake:
                        self.mistakes.append(f"{call}: {error}")
                    return web.json_response(error.body, status=error.status)
                if isinstance(found, web.StreamResponse):
                    return found
                made = call in ("draft", "createReply", "attach", "upload", "subscribe")
                return web.json_response(found, status=201 if made else 200)

            self._now += 1
            try:
                return await self.serve(call, request, body, answer)
            finally:
                self._now -= 1

        return serve

    def _enter(self, request: web.Request, call: str, size: int) -> None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not self.tokens.is_good(token):
            words = "Access token has expired or is not yet valid."
            raise Refusal(401, "InvalidAuthenticationToken", words, mistake=False)
        if size > rules.MAX_BYTES:
            raise Refusal(413, "ErrorMessageSizeExceeded", "The message exceeds the maximum size.")
        needed = {"Mail.ReadWrite"}
        if call in ("sendMail", "send", "reply"):
            needed = {"Mail.Send"}
        elif request.method == "GET" or "subscri" in call or call in ("renew", "reauthorize"):
            needed = {"Mail.Read", "Mail.ReadWrite"}
        if not needed & self.roles:
            words = "Access is denied. Check credentials and try again."
            raise Refusal(403, "ErrorAccessDenied", words, mistake=False)
        user = request.match_info.get("user")
        if user is not None and user.lower() not in self.mailboxes:
            raise Refusal(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")

    # --- sending -------------------------------------------------------------------------------

    def _box(self, request: web.Request) -> Mailbox:
        return self.mailboxes[request.match_info["user"].lower()]

    async def _send_mail(self, request: web.Request, body: Any) -> web.StreamResponse:
        is_mime = request.content_type == "text/plain"
        message = None
        if not is_mime:
            rules.judge(request, body)
            message = body.get("message")
            if not isinstance(message, dict):
                raise Refusal(400, "ErrorInvalidRequest", "The message is missing.")
        box = self._box(request)
        made = rules.from_mime(box, body) if message is None else _new(box, message)
        is_kept = is_mime or body.get("saveToSentItems") is not False
        self._leave(box, made, is_kept=is_kept)
        return web.Response(status=202)

    def _leave(self, box: Mailbox, made: Item, *, is_kept: bool = True) -> None:
        """A message goes out: its copy stands in Sent Items a little later, under both names."""
        recipients = made.outgoing().recipients
        if not recipients or not all(is_address(each) for each in recipients):
            words = "At least one recipient is not valid."
            raise Refusal(400, "ErrorInvalidRecipients", words)
        mime = made.raw or made.outgoing().mime().as_bytes()
        made.raw, made.is_draft = mime, False
        made.headers = open_letter(mime, "x").headers()
        made.shown_at = time.monotonic() + self.copy_s
        if made in box.items:
            box.move(made, "sentitems")
        elif is_kept:
            made.folder = "sentitems"
            box.add(made)
        self.sent.append((mime, recipients))
        self.spawn(self._deliver(box, mime, recipients))

    async def _deliver(self, box: Mailbox, mime: bytes, recipients: list[str]) -> None:
        outside = []
        for address in recipients:
            if address in self.bounces:
                original = open_letter(mime, "x").message
                report = bounce(original, f"postmaster@{box.owner.rpartition('@')[2]}", address)
                self.receive(report, box.owner)
            elif address.lower() in self.mailboxes:
                self.receive(mime, address)
            else:
                outside.append(address)
        if outside and self.carry is not None:
            await self.carry(mime, outside)

    async def _draft(self, request: web.Request, body: Any) -> Any:
        box = self._box(request)
        if request.content_type == "text/plain":
            made = rules.from_mime(box, body)
        else:
            rules.judge(request, body)
            made = _new(box, body)
        made.is_draft = True
        box.add(made)
        return rules.show(request, made)

    async def _send(self, request: web.Request, body: Any) -> web.StreamResponse:
        found = self._one(request)
        if not found.is_draft:
            raise Refusal(400, "ErrorInvalidRequest", "The message is no draft.", mistake=False)
        self._leave(self._box(request), found)
        return web.Response(status=202)

    def _reply_to(self, request: web.Request, body: Any) -> Item:
        rules.judge(request, body or {})
        return rules.reply(self._box(request), self._one(request), body or {})

    async def _create_reply(self, request: web.Request, body: Any) -> Any:
        made = self._reply_to(request, body)
        made.is_draft = True
        self._box(request).add(made)
        return rules.show(request, made)

    async def _reply(self, request: web.Request, body: Any) -> web.StreamResponse:
        self._leave(self._box(request), self._reply_to(request, body))
        return web.Response(status=202)

    # --- reading and changing ------------------------------------------------------------------

    def _one(self, request: web.Request) -> Item:
        found = self._box(request).find(request.match_info["id"])
        if found is None:
            words = "The specified object was not found in the store."
            raise Refusal(404, "ErrorItemNotFound", words, mistake=False)
        return found

    async def _get(self, request: web.Request, body: Any) -> Any:
        return rules.show(request, self._one(request))

    async def _mime(self, request: web.Request, body: Any) -> web.StreamResponse:
        found = self._one(request)
        if found.id in self.spoiled:
            return self.broken()
        content = found.raw or found.outgoing().mime().as_bytes()
        return web.Response(body=content, content_type="text/plain")

    async def _change(self, request: web.Request, body: Any) -> Any:
        rules.judge(request, body)
        found = self._one(request)
        if "internetMessageHeaders" in body:
            self.mistakes.append("change: headers are set when a draft is made, not later")
        if not found.is_draft and set(body) - {"isRead", "categories", "flag", "importance"}:
            raise Refusal(400, "ErrorInvalidPropertySet", "Only a draft can be changed so.")
        found.is_read = bool(body.get("isRead", found.is_read))
        found.categories = list(body.get("categories", found.categories))
        rules.filled(found, {k: v for k, v in body.items() if k != "internetMessageHeaders"})
        self._box(request).touch(found)
        return rules.show(request, found)

    async def _delete(self, request: web.Request, body: Any) -> web.StreamResponse:
        self._box(request).remove(self._one(request))
        return web.Response(status=204)

    async def _move(self, request: web.Request, body: Any) -> Any:
        rules.judge(request, body)
        found, where = self._one(request), str(body.get("destinationId", "")).lower()
        if where not in FOLDERS:
            raise Refusal(404, "ErrorItemNotFound", f"no folder {where}")
        self._box(request).move(found, where)
        return rules.show(request, found)

    async def _folder(self, request: web.Request, body: Any) -> Any:
        name = rules.folder(request)
        found = self._box(request).folder(name)
        unread = sum(not item.is_read for item in found)
        counts = {"totalItemCount": len(found), "unreadItemCount": unread}
        return {"id": name, "displayName": name, **counts}

    async def _list(self, request: web.Request, body: Any) -> Any:
        folder = rules.folder(request)
        top, skip = rules.number(request, "$top", 10), rules.number(request, "$skip", 0)
        if not 1 <= top <= 1000:
            raise Refusal(400, "ErrorInvalidUrlQuery", "$top is 1 to 1000.")
        wanted, words = request.query.get("$filter", ""), request.query.get("$search", "")
        if words and {"$filter", "$orderby", "$skip"} & set(request.query):
            raise Refusal(400, "SearchWithFilter", "$search goes with no $filter and no $orderby.")
        try:
            # A filter that Graph does not know is refused for an empty folder too.
            matches(Item(0, "", "inbox"), wanted)
            found = [i for i in self._box(request).folder(folder) if matches(i, wanted)]
            found = [i for i in found if not words or fits(i, words)]
        except (Unfilterable, ValueError) as error:
            words = f"Invalid filter clause: {error}"
            raise Refusal(400, "ErrorInvalidUrlQueryFilter", words) from error
        if request.query.get("$orderby", "").strip() in ("receivedDateTime", "receivedDateTime asc"):  # fmt: skip
            found.reverse()
        answer: Body = {"value": [rules.show(request, each) for each in found[skip : skip + top]]}
        if skip + top < len(found):
            more = {**request.query, "$skip": str(skip + top)}
            answer["@odata.nextLink"] = f"{self.base}{request.path}?{urlencode(more)}"
        return answer

    async def _delta(self, request: web.Request, body: Any) -> Any:
        """Changes of a folder since a link, oldest first, ten to a page unless more is preferred."""
        box, folder = self._box(request), rules.folder(request)
        since, until = 0, box.version
        token = request.query.get("$deltatoken") or request.query.get("$skiptoken")
        if token is None:
            rules.judge_delta(request)
            kind, select = request.query.get("changeType", ""), request.query.get("$select", "")
        elif token not in self._deltas or self._deltas[token][:2] != (box.owner, folder):
            words = "The sync state generation is not found; begin again."
            raise Refusal(410, "SyncStateNotFound", words, mistake=False)
        else:
            kind, select, since, until = self._deltas[token][2:]
            until = until or box.version
        changes: list[tuple[int, Body]] = [
            (n, rules.show(request, item, select))
            for item in box.folder(folder)
            if since < (n := item.made if kind == "created" else item.version) <= until
        ]
        if since and kind != "created":
            is_stable = rules.is_immutable(request)
            changes += [
                (n, {"id": i.immutable if is_stable else i.id, "@removed": {"reason": "deleted"}})
                for n, place, i in box.gone
                if place == folder and since < n <= until
            ]
        changes.sort(key=lambda each: each[0])
        size = rules.page_size(request)
        page, rest = changes[:size], changes[size:]
        answer: Body = {"value": [each for _, each in page]}
        name = f"d{next(self.count)}"
        word = "$skiptoken" if rest else "$deltatoken"
        mark = (page[-1][0], until) if rest else (until, 0)
        self._deltas[name] = (box.owner, folder, kind, select, *mark)
        link = f"{self.base}{request.path}?{urlencode({word: name})}"
        answer["@odata.nextLink" if rest else "@odata.deltaLink"] = link
        return answer

    # --- subscriptions -------------------------------------------------------------------------

    async def _subscribe(self, request: web.Request, body: Any) -> Any:
        if not isinstance(body, dict):
            raise Refusal(400, "BadRequest", "The body is no object.")
        try:
            return await self.subscriptions.make(body, immutable=rules.is_immutable(request))
        except Rejected as error:
            code = "ValidationError" if "validation request" in str(error) else "InvalidRequest"
            raise Refusal(400, code, str(error)) from error

    async def _subscribed(self, request: web.Request, body: Any) -> Any:
        found = self.subscriptions
        return {"value": [found.shown(each) for each in found.found.values()]}

    def _sub(self, request: web.Request) -> Body:
        found = self.subscriptions.found.get(request.match_info["id"])
        if found is None:
            raise Refusal(404, "ResourceNotFound", "The object was not found.", mistake=False)
        return found

    async def _subscription(self, request: web.Request, body: Any) -> Any:
        return self.subscriptions.shown(self._sub(request))

    async def _renew(self, request: web.Request, body: Any) -> Any:
        rules.judge(request, body)
        try:
            return self.subscriptions.renew(self._sub(request), body)
        except Rejected as error:
            raise Refusal(400, "InvalidRequest", str(error)) from error

    async def _unsubscribe(self, request: web.Request, body: Any) -> web.StreamResponse:
        del self.subscriptions.found[self._sub(request)["id"]]
        return web.Response(status=204)

    async def _reauthorize(self, request: web.Request, body: Any) -> web.StreamResponse:
        self._sub(request)
        return web.Response(status=204)

    async def _unknown(self, request: web.Request, body: Any) -> Any:
        raise Refusal(404, "UnknownError", f"{request.method} {request.path} is not played here")


def _new(box: Mailbox, message: Body) -> Item:
    return rules.filled(box.new("drafts", sender=box.owner), message)
