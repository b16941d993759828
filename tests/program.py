"""The whole program in a process of its own, started as a user starts it, and spoken to over HTTP.

`Program` is one `python -m bot run`; several with one database are a fleet. With `release` one is of
another release: the same program, with another number of its schema and migrations of its own.
"""

import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bot.store import schema
from tests.process import Process

T = TypeVar("T")
TOKEN = "token-of-the-first-owner-0123456789abcdef"
OTHER_RELEASE = """
import sys
from pathlib import Path
import bot.store.schema as schema
schema.VERSION, schema.LEAST = {version}, {least}
schema.MIGRATIONS = Path({migrations!r})
from bot.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
DIES = """
import os, signal, sys
from bot import points
from bot.cli.main import main

def die(name):
    if name == "effect.after_call":
        os.kill(os.getpid(), signal.SIGKILL)

points.arm(die)
sys.exit(main(sys.argv[1:]))
"""
"""Code that is `bot` and is killed between the first call of a tool and the row of its end."""
MIGRATION = """
from alembic import op
from sqlalchemy import Column, Text

revision, down_revision = "{new}", "{old}"


def upgrade():
    {adds}
"""


def release(folder: Path, version: int, least: int, adds: str = "") -> str:
    """Code that is `bot` of another schema; `adds` is what its newest migration does."""
    migrations = folder / f"migrations-{version}"
    if not migrations.exists():
        shutil.copytree(schema.MIGRATIONS, migrations)
        if adds:
            text = MIGRATION.format(new=f"{version:04d}", old=f"{version - 1:04d}", adds=adds)
            (migrations / "versions" / f"{version:04d}_next.py").write_text(text)
    given = {"version": version, "least": least, "migrations": str(migrations)}
    return OTHER_RELEASE.format(**given)


class Program(Process):
    """One running program of a fleet."""

    def __init__(self, folder: Path, name: str, database: str, **more: str) -> None:
        """`code` in `more` is run in place of `-m bot`."""
        code = ("-c", more.pop("code")) if "code" in more else ("-m", "bot")
        ours = {
            "BOT_API_TOKEN": TOKEN,
            "BOT_MASTER_KEY": "ab" * 32,
            "BOT_DATABASE_URL": database,
            "BOT_FILES_DIR": str(folder / "files"),
            "BOT_FILES_SHARED": "true",
            "BOT_BLOG_FOLDER": str(folder / "blog"),
        }
        super().__init__(folder, name, code, **{**ours, **more})
        self.database_port = urlsplit(database).port or 5432
        self.launch()

    def started(self) -> "Program":
        """Wait until it is there."""
        self.ready()
        return self

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request: the status and the answer. Raises OSError when it does not answer."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def say(self, text: str, conversation: str = "") -> str:
        """Say something; returns the conversation's id."""
        to = {"conversation": conversation} if conversation else {}
        status, told = self.ask("POST", "/v1/messages", {"text": text, **to})
        assert status == 202, told
        found: str = told["conversation"]
        return found

    def lines(self, conversation: str) -> list[dict[str, Any]]:
        """What was said in a conversation, oldest first."""
        _, told = self.ask("GET", f"/v1/conversations/{conversation}/messages")
        found: list[dict[str, Any]] = told["items"]
        return found


def wait_for(what: Callable[[], T], seconds: float = 60.0) -> T:
    """The first true answer of `what`; an AssertionError when none comes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("It did not come.")
