"""A house that only plays: the JSON API as the command line sees it, with scripted answers.

It is strict about what it receives: the token, the channel's header, the keys of each body and of
each query. What breaks the contract is answered with an error and kept in `faults`, which tests
assert to be empty. It can be restarted on another port with another token, as a real one may be.
"""

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

Json = Mapping[str, object]
Body = tuple[frozenset[str], frozenset[str]]
"""Keys that must be there, and keys that may be."""


def _body(must: str = "", may: str = "") -> Body:
    return frozenset(must.split()), frozenset((must + " " + may).split())


# Method and path → body and the parameters of the query. A path's `*` stands for one part.
CONTRACT: Mapping[tuple[str, str], tuple[Body | None, str]] = {
    ("GET", "/ready"): (None, ""),
    ("GET", "/v1/me"): (None, ""),
    ("GET", "/v1/status"): (None, ""),
    ("GET", "/v1/agents"): (None, "limit after"),
    ("GET", "/v1/agents/*"): (None, ""),
    ("DELETE", "/v1/agents/*"): (None, ""),
    ("POST", "/v1/messages"): (_body("text", "agent conversation attachments"), ""),
    ("GET", "/v1/conversations/*/messages"): (None, "limit after"),
    ("GET", "/v1/conversations/*/stream"): (None, "after"),
    ("POST", "/v1/conversations/*/stop"): (_body(), ""),
    ("GET", "/v1/approvals"): (None, "state conversation limit after"),
    ("GET", "/v1/approvals/*"): (None, ""),
    ("POST", "/v1/approvals/*/decide"): (_body("decision", "arguments version note"), ""),
    ("GET", "/v1/events"): (None, "state limit after"),
    ("GET", "/v1/events/*"): (None, ""),
    ("GET", "/v1/dead"): (None, "limit after"),
    ("POST", "/v1/dead/*/replay"): (_body(), ""),
    ("GET", "/v1/routes"): (None, "limit after"),
    ("POST", "/v1/routes"): (
        _body("agent", "channel workspace place thread person address"),
        "",
    ),
    ("DELETE", "/v1/routes/*"): (None, ""),
    ("GET", "/v1/routes/explain"): (
        None,
        "channel workspace place thread person address mention",
    ),
    ("GET", "/v1/policies"): (None, "limit after"),
    ("POST", "/v1/policies"): (
        _body("decision", "agent tool above_minor approvers needs hours"),
        "",
    ),
    ("DELETE", "/v1/policies/*"): (None, ""),
    ("GET", "/v1/mcp"): (None, "limit after"),
    ("POST", "/v1/mcp/*/check"): (_body(), ""),
    ("POST", "/v1/mcp/*/approve"): (_body("tool hash"), ""),
    ("PUT", "/v1/channels/*/agents/*"): (_body("options"), ""),
    ("DELETE", "/v1/channels/*/agents/*"): (None, ""),
    ("GET", "/v1/channels/*/installs"): (None, ""),
    ("POST", "/v1/channels/*/installs/*"): (_body("enabled"), ""),
    ("POST", "/v1/channels/*/installs/*/check"): (_body(), ""),
    ("DELETE", "/v1/channels/*/installs/*"): (None, ""),
    ("GET", "/v1/places"): (None, ""),
    ("PUT", "/v1/places"): (
        _body("channel", "workspace place name agent respond_to_mentions respond_to_all"),
        "",
    ),
    ("DELETE", "/v1/places"): (None, "channel workspace place"),
    ("GET", "/v1/bulletins"): (None, ""),
    ("PUT", "/v1/bulletins"): (_body("channel kind place"), ""),
    ("DELETE", "/v1/bulletins"): (None, "channel kind"),
    ("GET", "/v1/people"): (None, "limit after"),
    ("POST", "/v1/people/*"): (_body("", "name role email zone"), ""),
    ("DELETE", "/v1/people/*"): (None, ""),
    ("POST", "/v1/people"): (_body("name", "role email"), ""),
    ("POST", "/v1/pair"): (_body("code", "name person"), ""),
    ("GET", "/v1/tenants"): (None, "limit after"),
    ("POST", "/v1/tenants"): (_body("name", "owner"), ""),
    ("GET", "/v1/tokens"): (None, "limit after"),
    ("POST", "/v1/tokens"): (_body("name", "person"), ""),
    ("DELETE", "/v1/tokens/*"): (None, ""),
    ("GET", "/v1/schedules"): (None, "limit after"),
    ("POST", "/v1/schedules/*"): (_body("state"), ""),
    ("GET", "/v1/sms/numbers"): (None, "limit after"),
    ("POST", "/v1/sms/numbers/*"): (_body("", "purpose default"), ""),
    ("GET", "/v1/sms/threads"): (None, "limit after"),
    ("GET", "/v1/sms/threads/*/*"): (None, "limit"),
    ("GET", "/v1/sms/opt-outs"): (None, "limit after"),
    ("GET", "/v1/sms/undelivered"): (None, "limit after"),
    ("GET", "/v1/mail/news"): (None, "limit after"),
    ("GET", "/v1/mail/closed"): (None, "limit after"),
    ("DELETE", "/v1/mail/closed/*"): (None, ""),
    ("GET", "/v1/memory"): (None, "limit after"),
    ("DELETE", "/v1/memory/*"): (None, ""),
    ("GET", "/v1/archives"): (None, "limit after"),
    ("POST", "/v1/archives/*/restore"): (None, ""),
    ("GET", "/v1/feedback"): (None, "limit after value"),
    ("GET", "/v1/files"): (None, "limit after"),
    ("POST", "/v1/files/*/link"): (_body("", "lasts_s"), ""),
    ("DELETE", "/v1/files/*"): (None, ""),
    ("GET", "/v1/audit"): (None, "limit after"),
    ("GET", "/v1/audit/verify"): (None, ""),
    ("POST", "/v1/login"): (_body("", "person"), ""),
    ("POST", "/v1/models/key"): (_body("key", "model"), ""),
    ("GET", "/v1/channels"): (None, ""),
    ("GET", "/v1/channels/*/manifest"): (None, "socket agent"),
    ("PUT", "/v1/channels/*"): (_body("options", "unchecked"), ""),
    ("POST", "/v1/channels/*/test"): (_body("place"), ""),
    ("DELETE", "/v1/channels/*"): (None, ""),
    ("GET", "/v1/connections"): (None, ""),
    ("POST", "/v1/connections/*/check"): (None, ""),
    ("DELETE", "/v1/connections/*"): (None, ""),
    ("GET", "/v1/services"): (None, ""),
    ("PUT", "/v1/services/*"): (_body("options"), ""),
    ("DELETE", "/v1/services/*"): (None, ""),
    ("POST", "/v1/telegram/save-chat"): (_body("", "chat_id"), ""),
    ("GET", "/v1/telegram/default-chat"): (None, ""),
    ("GET", "/v1/keys"): (None, ""),
    ("POST", "/v1/keys/rotate"): (_body(), ""),
}
OPEN = frozenset({"/ready"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Json
    headers: Mapping[str, str]


@dataclass(slots=True)
class Talk:
    """One conversation: what a watcher is sent, in order."""

    id: str
    frames: list[tuple[str, str, Json]] = field(default_factory=list)
    """Id, name, data."""
    lines: list[Json] = field(default_factory=list)
    cut: int = 0
    """Raised to break every open stream."""


Answer = tuple[int, Json]
Act = Callable[[Call], Answer]
Script = Callable[["ApiServer", Talk, str, str], None]
"""Server, conversation, turn and text: says what happens in a turn."""


def echo(server: "ApiServer", talk: Talk, turn: str, text: str) -> None:
    """The simplest turn: an answer in two pieces."""
    answer = f"You said {text}"
    server.tell(talk, "state", {"state": "running"})
    for at, piece in ((3, answer[:3]), (len(answer), answer[3:])):
        data = {"turn": turn, "agent": "bri", "delta": piece}
        server.tell(talk, "draft", data, f"{turn}.0.{at}")
    server.line(talk, turn, "assistant", answer)
    server.tell(talk, "state", {"state": "idle"})


class ApiServer:
    """The house that only plays."""

    def __init__(self, home: Path, script: Script = echo) -> None:
        self.home = home
        self.script = script
        self.calls: list[Call] = []
        self.faults: list[str] = []
        self.answers: dict[tuple[str, str], Answer | Act] = {}
        """Method and path as sent → what is answered; anything else is an empty object."""
        self.talks: dict[str, Talk] = {}
        self.keys: dict[str, Answer] = {}
        self.changed = threading.Condition()
        self.starts = 0
        self.start()

    def start(self) -> None:
        """Listen on a fresh port with a fresh token, and say so in `server.json`."""
        self.starts += 1
        self.token = f"sbp_{self.starts}"
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.home.mkdir(parents=True, exist_ok=True)
        told = {"url": self.url, "pid": os.getpid(), "token": self.token, "version": "0.1.0"}
        told["since"] = "2026-11-21T10:12:00.000Z"
        (self.home / "server.json").write_text(json.dumps(told))

    def stop(self) -> None:
        """Stop listening and break every connection."""
        with self.changed:
            for talk in self.talks.values():
                talk.cut += 1
            self.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def restart(self) -> None:
        """As after a crash: what was said is kept, port and token are not."""
        self.stop()
        self.start()

    def tell(self, talk: Talk, name: str, data: Json, place: str = "") -> None:
        """Send an event to all who watch, now or later."""
        with self.changed:
            talk.frames.append((place, name, data))
            self.changed.notify_all()

    def line(self, talk: Talk, turn: str, role: str, text: str, **more: object) -> Json:
        """Store a line and tell of it."""
        with self.changed:
            number = len(talk.lines) + 1
            line: Json = {
                "id": f"msg_{talk.id}_{number}",
                "role": role,
                "agent": "bri" if role == "assistant" else None,
                "text": text,
                "at": "2026-11-21T10:12:00.000Z",
                "turn": turn,
                "n": number,
                **more,
            }
            talk.lines.append(line)
        self.tell(talk, "message", line, f"{turn}.m.{number}")
        return line

    def of(self, method: str, path: str) -> list[Call]:
        """The calls of one address."""
        return [call for call in self.calls if (call.method, call.path) == (method, path)]

    def answer(self, call: Call) -> Answer:
        """The answer to a call that kept the contract."""
        known = self.answers.get((call.method, call.path))
        if callable(known):
            return known(call)
        if known is not None:
            return known
        if (call.method, call.path) == ("POST", "/v1/messages"):
            return self._say(call)
        if call.path.endswith("/messages"):
            talk = self.talks.get(call.path.split("/")[3])
            after = int(call.query.get("after", "0"))
            lines = [x for x in talk.lines if int(str(x["n"])) > after] if talk else []
            return (200, {"items": lines, "next": None}) if talk else missing()
        if call.path.endswith("/stop"):
            return 202, {"event": "evt_stop", "conversation": "", "reply": "Stopped."}
        return 200, {"items": [], "next": None}

    def _say(self, call: Call) -> Answer:
        key = call.headers.get("Idempotency-Key", "")
        if key in self.keys:
            return self.keys[key]
        name = str(call.body.get("conversation") or f"cnv_{len(self.talks) + 1}")
        talk = self.talks.setdefault(name, Talk(id=name))
        turn = f"evt_{name}_{len(talk.lines) + 1}"
        text = str(call.body["text"])
        self.line(talk, turn, "user", text)
        threading.Thread(target=self.script, args=(self, talk, turn, text), daemon=True).start()
        self.keys[key] = (202, {"event": turn, "conversation": name})
        return self.keys[key]

    def check(self, call: Call) -> Answer | None:
        """An error, when the call breaks the contract."""
        found = next((k for k in CONTRACT if _fits(k, call.method, call.path)), None)
        if found is None:
            return self._fault(404, f"{call.method} {call.path} is not in the contract")
        if call.path in OPEN:
            return None
        if call.headers.get("Authorization") != f"Bearer {self.token}":
            return 401, _error("signed_out", "This token opens nothing.")
        if call.headers.get("X-Switchboard-Channel") != "terminal":
            return self._fault(400, "the channel's header is missing")
        body, query = CONTRACT[found]
        must, may = body or (frozenset(), frozenset())
        if body is None and call.body:
            return self._fault(400, f"{call.path} takes no body")
        if not must <= set(call.body) <= may:
            return self._fault(422, f"{call.path} got {sorted(call.body)}")
        if not set(call.query) <= set(query.split()):
            return self._fault(422, f"{call.path} was asked with {sorted(call.query)}")
        if call.path == "/v1/messages" and not call.headers.get("Idempotency-Key"):
            return self._fault(422, "a message has no Idempotency-Key")
        return None

    def _fault(self, status: int, what: str) -> Answer:
        self.faults.append(what)
        return status, _error("contract", what)


def missing() -> Answer:
    """The answer for what is not there."""
    return 404, _error("not_found", "There is no such thing here.")


def _error(code: str, message: str) -> Json:
    return {"error": {"code": code, "message": message}}


def _fits(known: tuple[str, str], method: str, path: str) -> bool:
    pattern = re.escape(known[1]).replace(r"\*", "[^/]+")
    if known[1] == "/v1/approvals/*" or known[1] == "/v1/events/*":
        pattern = re.escape(known[1][:-1]) + "[^/]+"
    return known[0] == method and re.fullmatch(pattern, path) is not None


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no error; anything else is told as it always is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _handler(server: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = Call(
                method=self.command,
                path=unquote(parts.path),
                query={k: v[0] for k, v in parse_qs(parts.query).items()},
                body=json.loads(raw) if raw else {},
                headers=dict(self.headers),
            )
            server.calls.append(call)
            refused = server.check(call)
            if refused is None and call.path.endswith("/stream"):
                self._stream(call)
            else:
                self._send(*(refused or server.answer(call)))

        do_GET = do_POST = do_PUT = do_DELETE = _take

        def _send(self, status: int, body: Json) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def _stream(self, call: Call) -> None:
            talk = server.talks.get(call.path.split("/")[3])
            if talk is None:
                return self._send(*missing())
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                self.wfile.write(b"retry: 1000\n\n: hello\n\n")
                for place, name, data in _frames(server, talk, _first(talk, call)):
                    head = f"event: {name}\n" + (f"id: {place}\n" if place else "")
                    self.wfile.write(f"{head}data: {json.dumps(data)}\n\n".encode())
            except OSError:
                return None
            finally:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: tests read `calls`."""

    return Handler


def _frames(server: ApiServer, talk: Talk, at: int) -> Iterator[tuple[str, str, Json]]:
    """The frames from one on, as they come, until the stream is cut."""
    cut = talk.cut
    while True:
        with server.changed:
            while len(talk.frames) <= at and talk.cut == cut:
                server.changed.wait()
            if talk.cut != cut:
                return
            frame = talk.frames[at]
        at += 1
        yield frame


def _first(talk: Talk, call: Call) -> int:
    """The frame from which a watcher goes on."""
    last = call.headers.get("Last-Event-ID")
    after = int(call.query.get("after", "0"))
    at = 0
    for number, (place, name, data) in enumerate(talk.frames):
        is_seen = place == last if last else name == "message" and int(str(data["n"])) <= after
        if is_seen:
            at = number + 1
    return at
