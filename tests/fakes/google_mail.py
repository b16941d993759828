"""A server that plays Gmail for one account, with the OAuth that leads to it.

Every request is held against Google's published description of Gmail v1, and every answer too; what
does not fit stands in `mistakes`. What it does not say (when a mail joins a thread, that a draft's
message gets a new id when it is sent, ids of attachments that are new each time) is from Google's
guides. There is no key against sending twice, as there is none over there: `delivered` tells.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.fakes.discovery import discovered
from tests.fakes.google_mailbox import Mail, Mailbox, decoded, encoded, letter, recipients
from tests.fakes.google_server import OWNER, Body, G, GoogleServer, Refused, read_json, related

MOST = 36_700_160
"""Bytes of a message (`mediaUpload.maxSize` of the description)."""
SEND, READ, MODIFY, COMPOSE = (f"{G}gmail.{n}" for n in ("send", "readonly", "modify", "compose"))
_READERS, _WRITERS = (READ, MODIFY), (COMPOSE, MODIFY)
_ROUTES = (
    ("GET", r"profile", "_profile", (*_READERS, COMPOSE)),
    ("GET", r"labels", "_labels", _READERS),
    ("POST", r"labels", "_new_label", (MODIFY,)),
    ("GET", r"messages", "_search", _READERS),
    ("GET", r"messages/([^/]+)", "_get", _READERS),
    ("POST", r"messages/send", "_send", (SEND, *_WRITERS)),
    ("POST", r"messages/([^/]+)/modify", "_modify", (MODIFY,)),
    ("POST", r"messages/([^/]+)/trash", "_trash", (MODIFY,)),
    ("GET", r"messages/([^/]+)/attachments/([^/]+)", "_attachment", _READERS),
    ("GET", r"threads/([^/]+)", "_thread", _READERS),
    ("POST", r"drafts", "_draft", _WRITERS),
    ("POST", r"drafts/send", "_send_draft", _WRITERS),
)
_PATH = re.compile(r"(/upload)?/gmail/v1/users/([^/]+)/(.+)")


class GoogleMailServer(GoogleServer):
    """Google, as far as mail needs it."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self.now = now or (lambda: datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
        self.box = Mailbox(lambda: self.now())
        self.delivered: list[tuple[str, str]] = []
        """Who got mail, and its Message-ID."""
        self.replaces_ids = False
        """It gives what is sent a Message-ID of its own, as may happen over there."""
        self.is_late = False
        """A search does not find yet what was just sent."""
        self._upload: bytes | None = None

    def arrive(self, subject: str, text: str, thread: str = "", **more: Any) -> Mail:
        """Mail of somebody else comes in; see `letter` for what can be said of it."""
        labels, at = more.pop("labels", ["INBOX", "UNREAD"]), more.pop("at", None)
        return self.box.put(letter(subject, text, **more), labels, thread, at)

    @property
    def sent(self) -> list[Mail]:
        """What this account sent, in order."""
        return [mail for mail in self.box.mails.values() if "SENT" in mail.labels]

    async def _api(self, request: web.Request) -> web.StreamResponse:
        found = _PATH.fullmatch(request.raw_path.partition("?")[0])
        if not found:
            return await super()._api(request)
        text, who = await request.read(), unquote(found[2])
        route = next(
            (
                (name, match.groups(), scopes)
                for verb, pattern, name, scopes in _ROUTES
                if verb == request.method and (match := re.fullmatch(pattern, found[3]))
            ),
            None,
        )
        if route is None:
            self.mistakes.append(f"{request.method} {request.path} is not played here")
        name, parts, scopes = route or ("", (), ())

        def work() -> web.Response:
            if who not in ("me", OWNER):
                raise Refused(403, "forbidden", f"Delegation denied for {OWNER}")
            body = self._understood(request, text, is_upload=bool(found[1]))
            told = getattr(self, name)(request, body, *map(unquote, parts))
            self._judge_answer(request, told)
            return web.json_response(told)

        return await self.serve(request, scopes, work)

    # --- judging -------------------------------------------------------------------------------

    def _understood(self, request: web.Request, text: bytes, *, is_upload: bool) -> Any:
        """The JSON of a request, judged; what was uploaded besides is kept for the work."""
        self._upload, body = None, None
        if not is_upload:
            body = read_json(text)
            if text and request.content_type != "application/json":
                self.mistakes.append(f"{request.path} takes JSON")
        elif request.query.get("uploadType") == "media":
            self._upload, body = text, {}
            if request.content_type != "message/rfc822":
                self.mistakes.append(f"a {request.content_type} is no message/rfc822")
        elif request.query.get("uploadType") == "multipart":
            body, kind, self._upload = related(request.headers["Content-Type"], text)
            if kind != "message/rfc822":
                self.mistakes.append(f"a {kind} is no message/rfc822")
        else:
            self.mistakes.append("an upload is of the type media or multipart here")
            raise Refused(400, "badRequest")
        path = request.raw_path.partition("?")[0].removeprefix("/upload")
        spec, verb = discovered("google-gmail-v1"), request.method
        query = [(k, v) for k, v in request.query.items() if not is_upload or k != "uploadType"]
        judged = {**body, "raw": ""} if is_upload and path.endswith("messages/send") else body
        found = [*spec.request_misfits(verb, path, {}, judged)]
        for name, value in query:  # some come several times
            found += spec.request_misfits(verb, path, {name: value}, judged)
        self.mistakes.extend(dict.fromkeys(found))
        return body

    def _judge_answer(self, request: web.Request, told: Any) -> None:
        path = request.raw_path.partition("?")[0].removeprefix("/upload")
        spec = discovered("google-gmail-v1")
        self.mistakes.extend(spec.answer_misfits(request.method, path, told))

    # --- reading -------------------------------------------------------------------------------

    def _profile(self, request: web.Request, body: Any) -> Body:
        mails = self.box.mails.values()
        newest = max((mail.history for mail in mails), default=1)
        told = {"messagesTotal": len(mails), "threadsTotal": len({mail.thread for mail in mails})}
        return {"emailAddress": OWNER, "historyId": str(newest), **told}

    def _labels(self, request: web.Request, body: Any) -> Body:
        return {"labels": [self._label(id_) for id_ in self.box.labels]}

    def _new_label(self, request: web.Request, body: Body) -> Body:
        name = body.get("name", "")
        if not name or name.lower() in map(str.lower, self.box.labels.values()):
            raise Refused(409, "aborted", "Label name exists or conflicts")
        id_ = f"Label_{len(self.box.labels)}"
        self.box.labels[id_] = name
        return self._label(id_)

    def _label(self, id_: str) -> Body:
        kind = "user" if id_.startswith("Label_") else "system"
        return {"id": id_, "name": self.box.labels[id_], "type": kind}

    def _search(self, request: web.Request, body: Any) -> Body:
        query = request.query
        spam = query.get("includeSpamTrash") == "true"
        try:
            found = self.box.found(query.get("q", ""), query.getall("labelIds", []), spam=spam)
        except Refused as error:
            self.mistakes.append(error.words)
            raise
        size = min(int(query.get("maxResults", "100")), 500)
        at = int(query.get("pageToken", "0"))
        part = found[at : at + size]
        told: Body = {"resultSizeEstimate": len(found)}
        if part:  # nothing found: no list at all
            told["messages"] = [{"id": mail.id, "threadId": mail.thread} for mail in part]
        if at + size < len(found):
            told["nextPageToken"] = str(at + size)
        return told

    def _get(self, request: web.Request, body: Any, id_: str) -> Body:
        how, names = (
            request.query.get("format", "full"),
            request.query.getall("metadataHeaders", []),
        )
        return self.box.shown(self.box.of(id_), how, names)

    def _thread(self, request: web.Request, body: Any, id_: str) -> Body:
        self.box.of(id_)
        mails = [mail for mail in self.box.mails.values() if mail.thread == id_]
        how, names = (
            request.query.get("format", "full"),
            request.query.getall("metadataHeaders", []),
        )
        told = [self.box.shown(mail, how, names) for mail in mails]
        return {"id": id_, "historyId": str(mails[-1].history), "messages": told}

    def _attachment(self, request: web.Request, body: Any, id_: str, part: str) -> Body:
        self.box.of(id_)
        if part not in self.box.parts:
            raise Refused(400, "invalidArgument", "Invalid attachment token")
        held = self.box.parts[part]
        return {"size": len(held), "data": encoded(held)}

    # --- writing -------------------------------------------------------------------------------

    def _modify(self, request: web.Request, body: Body, id_: str) -> Body:
        mail = self.box.of(id_)
        self.box.change(mail, body)
        return self.box.shown(mail, "minimal")

    def _trash(self, request: web.Request, body: Any, id_: str) -> Body:
        mail = self.box.of(id_)
        mail.labels = [name for name in mail.labels if name != "INBOX"] + ["TRASH"]
        return self.box.shown(mail, "minimal")

    def _raw(self, body: Body) -> bytes:
        raw = self._upload if self._upload is not None else decoded(body.get("raw", ""))
        if len(raw) > MOST:
            raise Refused(413, "uploadTooLarge", "Request Entity Too Large")
        if not raw:
            words = (
                "'raw' RFC822 payload message string or uploading message via /upload/* required"
            )
            raise Refused(400, "invalidArgument", words)
        return raw

    def _send(self, request: web.Request, body: Body) -> Body:
        raw = self._raw(body)
        return _brief(self._post(raw, self.box.thread_for(body.get("threadId", ""), raw)))

    def _draft(self, request: web.Request, body: Body) -> Body:
        message = body.get("message", {})
        raw = self._raw(message)
        recipients(Mail("", "", [], raw, self.now(), 0).message)
        kept = self.box.put(raw, ["DRAFT"], self.box.thread_for(message.get("threadId", ""), raw))
        id_ = f"r{next(self.box.count)}"
        self.box.drafts[id_] = kept.id
        return {"id": id_, "message": _brief(kept)}

    def _send_draft(self, request: web.Request, body: Body) -> Body:
        id_ = body.get("id", "")
        if id_ not in self.box.drafts:
            raise Refused(404, "notFound", "Requested entity was not found.")
        draft = self.box.mails[self.box.drafts[id_]]
        has_new = self._upload is not None or body.get("message", {}).get("raw")
        sent = self._post(
            self._raw(body.get("message", {})) if has_new else draft.raw, draft.thread
        )
        if draft.thread == draft.id:
            sent.thread = sent.id
        del self.box.drafts[id_], self.box.mails[draft.id]
        return _brief(sent)

    def _post(self, raw: bytes, thread: str) -> Mail:
        """Send a message: it gets its headers, goes to everybody, and stays among what was sent."""
        message = Mail("", "", [], raw, self.now(), 0).message
        to = recipients(message)
        if not to:
            raise Refused(400, "invalidArgument", "Recipient address required")
        if OWNER not in str(message.get("From", "")):  # nobody writes as another
            del message["From"]
            message["From"] = OWNER
        given = str(message.get("Message-ID", "")).strip()
        if self.replaces_ids or not re.fullmatch(r"<[^<>\s@]+@[^<>\s@]+>", given):
            del message["Message-ID"]
            message["Message-ID"] = f"<CA{next(self.box.count):x}@mail.gmail.com>"
        if "Date" not in message:
            message["Date"] = self.now()
        kept = self.box.put(message.as_bytes(policy=policy.SMTP), ["SENT"], thread)
        kept.is_searchable = not self.is_late
        self.delivered += [(each, kept.header("Message-ID")) for each in to]
        return kept


def _brief(mail: Mail) -> Body:
    return {"id": mail.id, "threadId": mail.thread, "labelIds": mail.labels}
