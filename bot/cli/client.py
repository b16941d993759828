"""Speaks to the house over HTTP, with the standard library alone: a verb must start at once.

`Client` is all that a verb knows. `HttpClient` is used for a house that runs and for one that is
borrowed, so that a verb cannot tell them apart.
"""

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Protocol
from urllib.parse import quote, urlencode, urlsplit

from bot.cli.record import Record
from bot.cli.sse import Frame, Parser
from bot.core.errors import BotError, OperatorError
from bot.core.secret import Secret

ANSWER_S = 60.0
"""A call may try a model key, which asks a provider."""
SILENCE_S = 60.0
"""The server says something at least every 15 s; after this long a stream counts as broken."""
CHANNEL = "terminal"
PIECE = 65_536
Query = Mapping[str, str | int]
NOTHING: Query = {}


class Refused(BotError):
    """The house did not do it."""

    def __init__(self, status: int, body: Record) -> None:
        error = body.record("error")
        super().__init__(error.text("message") or f"The house answered {status}. Look at its log.")
        self.status = status
        self.code = error.text("code", "failed")
        self.body = body


class Unreachable(OperatorError):
    """Switchboard does not answer. `bot status` says whether it runs."""


class Client(Protocol):
    """The house, for a verb."""

    def call(
        self, method: str, path: str, body: object = None, *, query: Query = NOTHING, key: str = ""
    ) -> Record:
        """Ask and return the answer. Raises Refused and Unreachable.

        `key` is an Idempotency-Key; a query's empty values are left out.
        """
        ...

    def stream(self, path: str, last_id: str = "") -> Iterator[Frame]:
        """Events until the connection ends. Raises Refused and Unreachable."""
        ...

    def send(self, path: str, data: bytes, *, query: Query = NOTHING) -> Record:
        """Post bytes as they are. Raises Refused and Unreachable."""
        ...

    def take(self, path: str) -> Iterator[bytes]:
        """The bytes of an answer, in pieces. Raises Refused and Unreachable."""
        ...


class HttpClient:
    """One address and one token."""

    def __init__(self, url: str, token: Secret, timeout_s: float = ANSWER_S) -> None:
        self.url = url
        self._token = token
        self._timeout_s = timeout_s

    def call(
        self, method: str, path: str, body: object = None, *, query: Query = NOTHING, key: str = ""
    ) -> Record:
        """See `Client`."""
        headers = {"Accept": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        return self._answer(method, _asked(path, query), body, headers)

    def send(self, path: str, data: bytes, *, query: Query = NOTHING) -> Record:
        """See `Client`."""
        return self._answer("POST", _asked(path, query), data, {"Accept": "application/json"})

    def take(self, path: str) -> Iterator[bytes]:
        """See `Client`."""
        connection, response = self._send("GET", path, None, {"Accept": "*/*"})
        try:
            if response.status >= 400:
                raise Refused(response.status, _record(response.read()))
            left = int(response.headers.get("Content-Length") or 0)
            while piece := response.read(PIECE):
                left -= len(piece)
                yield piece
            if left > 0:
                raise Unreachable(f"{self.url} broke off the file. Try again.")
        except (OSError, HTTPException) as error:
            raise Unreachable(f"{self.url} broke off the file. Try again.") from error
        finally:
            connection.close()

    def _answer(self, method: str, where: str, body: object, headers: Mapping[str, str]) -> Record:
        connection, response = self._send(method, where, body, headers)
        try:
            raw = response.read()
        except (OSError, HTTPException) as error:
            raise Unreachable(f"{self.url} broke off its answer. Try again.") from error
        finally:
            connection.close()
        answer = _record(raw)
        if response.status >= 400:
            raise Refused(response.status, answer)
        return answer

    def stream(self, path: str, last_id: str = "") -> Iterator[Frame]:
        """See `Client`."""
        headers = {"Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        connection, response = self._send("GET", path, None, headers, SILENCE_S)
        try:
            if response.status >= 400:
                raise Refused(response.status, _record(response.read()))
            parser = Parser(last_id=last_id)
            while line := response.readline():
                frame = parser.feed(line.decode("utf-8", "replace").rstrip("\r\n"))
                if frame is not None:
                    yield frame
        except (OSError, HTTPException) as error:
            raise Unreachable(f"The connection to {self.url} broke.") from error
        finally:
            connection.close()

    def _send(
        self,
        method: str,
        path: str,
        body: object,
        headers: Mapping[str, str],
        timeout_s: float | None = None,
    ) -> tuple[HTTPConnection, HTTPResponse]:
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=timeout_s or self._timeout_s)
        sent = {**headers, "X-Switchboard-Channel": CHANNEL}
        sent["Authorization"] = f"Bearer {self._token.reveal()}"
        raw = None
        if isinstance(body, bytes):
            raw, sent["Content-Type"] = body, "application/octet-stream"
        elif body is not None:
            raw = json.dumps(body, ensure_ascii=False).encode()
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, path, raw, sent)
            return connection, connection.getresponse()
        except (OSError, HTTPException) as error:
            connection.close()
            raise Unreachable(f"Switchboard does not answer at {self.url}.") from error


def _asked(path: str, query: Query) -> str:
    given = {name: value for name, value in query.items() if value != ""}
    return f"{path}?{urlencode(given)}" if given else path


def path_of(*parts: str) -> str:
    """A path of the API with its ids quoted: `path_of("events", id)`."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def pages(client: Client, path: str, most: int = 0, **query: str | int) -> Iterator[Record]:
    """The items of a list, page by page; `most` of them, or all."""
    after = ""
    seen = 0
    while True:
        limit = min(most - seen, 1000) if most else 1000
        page = client.call("GET", path, query={**query, "limit": limit, "after": after})
        for item in page.records("items"):
            seen += 1
            yield item
        after = page.text("next")
        if not after or (most and seen >= most):
            return


def _record(raw: bytes) -> Record:
    try:
        return Record(json.loads(raw))
    except ValueError:
        return Record({})
