"""The whole program on a mailbox at Microsoft: killed, it goes on in the inbox where it was."""

import asyncio
import contextlib
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.channels.email_side import ANA, HOME
from tests.channels.running import Program, found
from tests.channels.test_email_graph import PASS
from tests.fakes import mails
from tests.fakes.graph_mail import GraphMail
from tests.fakes.graph_tokens import CLIENT, SECRET, TENANT
from tests.fakes.openai_server import OpenAIServer, Reply

pytestmark = pytest.mark.timeout(200)


def bookmarks(home: Path) -> list[tuple[str, str]]:
    """Channel and name of each."""
    (file,) = home.glob("*.db")
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as conn:
        return conn.execute("select channel, name from bookmark").fetchall()


async def test_killed_it_fetches_no_mail_again_and_misses_none(tmp_path: Path) -> None:
    async with (
        OpenAIServer(otherwise=lambda body: Reply(text="Yes.")) as model,
        GraphMail(HOME) as server,
    ):
        program = Program(
            tmp_path,
            model,
            BOT_CHANNELS=f'{{email = {{address = "{HOME}", ms_read = true}}}}',
            MS_TENANT_ID=TENANT,
            MS_CLIENT_ID=CLIENT,
            MS_CLIENT_SECRET=SECRET,
            MS_SENDER_UPN=HOME,
            BOT_ENDPOINT_GRAPH=server.base,
            BOT_ENDPOINT_MICROSOFT=server.base,
        )
        server.receive(mails.write(ANA, HOME, "First", headers=PASS))
        try:
            await program.start()
            await found(lambda: server.sent)
            await found(lambda: bookmarks(program.home) == [("email", f"graph:{HOME}")])
            program.stop(signal.SIGKILL)
            for n in range(3):
                server.receive(mails.write(ANA, HOME, f"While away {n}", headers=PASS))
            await program.start()
            await found(lambda: len(server.asked("mime")) == 4)
            await asyncio.sleep(1)
            assert len(server.asked("mime")) == 4
            assert "Traceback" not in program.log.read_text()
        finally:
            await asyncio.to_thread(program.stop)
        assert server.mistakes == []
