"""A key that one of several processes is given is the key of all of them."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.postgres import own_database
from tests.program import Program, wait_for

pytestmark = pytest.mark.timeout(180)
KEY = "sk-proj-0123456789abcdefghijklmnop"


class Models(BaseHTTPRequestHandler):
    """Lists one model to whoever has the key."""

    def do_GET(self) -> None:
        is_known = self.headers["Authorization"] == f"Bearer {KEY}"
        body = json.dumps({"data": [{"id": "house-small"}]}).encode()
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Not to the screen."""


@pytest.fixture
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Models)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_a_key_pasted_at_one_process_answers_at_the_other_too(
    provider: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        made = own_database()
        database = runner.run(made.__aenter__())
        stack.callback(lambda: runner.run(made.__aexit__(None, None, None)))
        given = {"BOT_ENDPOINT_OPENAI": provider, "BOT_MODELS_TRANSPORT": "direct"}
        programs = []
        for name in ("one", "two"):
            program = Program(tmp_path, name, database, **given)
            stack.callback(program.stop)
            programs.append(program.started())
        one, other = programs
        before = other.ask("GET", "/v1/status")[1]["model"]
        assert before != "openai/house-small"
        status, told = one.ask("POST", "/v1/models/key", {"key": KEY})
        assert (status, told["model"]) == (200, "openai/house-small"), told
        for each in (one, other):
            wait_for(lambda each=each: each.ask("GET", "/v1/status")[1]["model"] == told["model"])
