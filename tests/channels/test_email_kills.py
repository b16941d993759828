"""Killed while mail leaves, on each carrier: what is lost, what goes twice, what is in doubt.

The whole program and its own mailbox; half of the mails are answers, half are sent by the tool.
"""

import asyncio
import contextlib
import json
import random
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.channels.email_side import HOME
from tests.channels.running import Program, found
from tests.channels.test_email_whole import House
from tests.fakes import resend_server, sendgrid_server
from tests.fakes.graph_mail import GraphMail
from tests.fakes.graph_tokens import CLIENT, SECRET, TENANT
from tests.fakes.imap_server import ImapServer
from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.fakes.resend_server import ResendServer
from tests.fakes.sendgrid_server import SendGridServer
from tests.fakes.smtp_server import SmtpServer

pytestmark = pytest.mark.timeout(900)
BEN = "ben@example.org"
SLOW_S = 1.0
"""How long each carrier takes, so that a kill often meets a mail on its way."""
Texts = Callable[[], list[str]]
CARRIERS = ("resend", "graph", "sendgrid", "smtp", "smtp that files")


def answer(body: Body) -> Reply:
    """What the model says to the last thing that it was told."""
    last = body["messages"][-1]
    words = str(last["content"])
    if last["role"] == "tool":
        return Reply(text="That is on its way.")
    if asked := re.findall(r"tell ben (w\d+x)", words):
        told = {"place": BEN, "subject": "A word", "text": f"Table {asked[-1]}"}
        return Reply(calls=[("send_email", json.dumps(told))])
    said = re.findall(r"say (\w+)", words)
    return Reply(text=f"You said {said[-1]}." if said else "Hello.")


def _plain(raw: bytes) -> str:
    body = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
    return str(body.get_content()) if body else ""


async def _slowly(raw: bytes, to: list[str]) -> None:
    await asyncio.sleep(SLOW_S)


def _filing(imap: ImapServer) -> Callable[[bytes, list[str]], Awaitable[None]]:
    """A server that lays what it takes among the sent mails of the mailbox."""

    async def file(raw: bytes, to: list[str]) -> None:
        imap.sent.append(raw)
        await asyncio.sleep(SLOW_S)

    return file


@asynccontextmanager
async def carrier(name: str, imap: ImapServer) -> AsyncIterator[tuple[dict[str, str], Texts]]:
    """A carrier that plays: what the program is told of it, and the texts that it took."""
    if name == "resend":
        async with ResendServer() as resend:
            resend.domains, resend.slow_s = {"bot.example"}, SLOW_S
            told = {"RESEND_API_KEY": resend_server.KEY, "BOT_ENDPOINT_RESEND": resend.base}
            yield told, lambda: [each.text for each in resend.sent.values()]
    elif name == "sendgrid":
        async with SendGridServer() as grid:
            grid.senders, grid.slow_s = {"bot.example"}, SLOW_S
            told = {"SENDGRID_API_KEY": sendgrid_server.KEY, "BOT_ENDPOINT_SENDGRID": grid.base}
            yield told, lambda: [each.text for each in grid.sent]
    elif name == "graph":
        async with GraphMail(HOME) as graph:
            graph.slow_s = SLOW_S
            told = {"MS_TENANT_ID": TENANT, "MS_CLIENT_ID": CLIENT, "MS_CLIENT_SECRET": SECRET}
            told |= {"MS_SENDER_UPN": HOME}
            told |= {"BOT_ENDPOINT_GRAPH": graph.base, "BOT_ENDPOINT_MICROSOFT": graph.base}
            yield told, lambda: [_plain(mime) for mime, _ in graph.sent]
    else:
        async with SmtpServer() as smtp:
            smtp.carry = _slowly if name == "smtp" else _filing(imap)
            told = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(smtp.port)}
            yield told, lambda: [_plain(sent.raw) for sent in smtp.taken]


@asynccontextmanager
async def whole(tmp_path: Path, name: str) -> AsyncIterator[tuple[House, Texts]]:
    """The program on a new folder, with Ana admitted and mail of the tool unasked."""
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(OpenAIServer(otherwise=answer))
        imap = await stack.enter_async_context(ImapServer("u", "secret-pw"))
        told, texts = await stack.enter_async_context(carrier(name, imap))
        options = f'address = "{HOME}", authserv = "mx.bot.example", '
        options += 'smtp_security = "none", imap_security = "none"'
        program = Program(
            tmp_path,
            model,
            BOT_CHANNELS=f"{{email = {{{options}}}}}",
            IMAP_HOST="127.0.0.1",
            IMAP_PORT=str(imap.port),
            IMAP_USERNAME="u",
            IMAP_PASSWORD="secret-pw",
            BOT_LIMITS_PERSON_PER_MINUTE="1000",
            **told,
        )
        house = House(program, None, imap)  # type: ignore[arg-type]
        try:
            await program.start()
            await house.write("hello?")
            await found(lambda: re.search(r"\b[A-Z0-9]{8}\b", "".join(texts())))
            code = re.search(r"\b[A-Z0-9]{8}\b", "".join(texts()))
            assert code
            await program.verb("pair", code[0], "--name", "Ana")
            await program.verb("policies", "set", "auto", "--tool", "send_email")
            yield house, texts
            log = program.log.read_text()
            assert "Traceback" not in log, log
        finally:
            await asyncio.to_thread(program.stop)  # what it waits for is answered by this process


def deeds(home: Path, where: str) -> list[str]:
    """The texts of those."""
    (file,) = home.glob("*.db")
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as conn:
        rows = conn.execute(f"select arguments from effect where {where}").fetchall()
    return [str(json.loads(row[0]).get("text", "")) for row in rows]


def doubts(home: Path) -> list[str]:
    """Texts of which nobody knows whether they left."""
    return deeds(home, "state = 'in_doubt'")


async def kills(tmp_path: Path, name: str, times: int, seed: int) -> Counter[str]:
    """Mails come in and leave while the program is killed again and again; the count."""
    rng = random.Random(seed)
    count: Counter[str] = Counter()
    async with whole(tmp_path, name) as (house, texts):
        words = 0
        for _ in range(times):
            for _ in range(4):
                words += 1
                ask = "say" if words % 2 else "tell ben"
                await house.write(f"{ask} w{words}x", subject=f"Matter {words}")
            await asyncio.sleep(0.5 + rng.random() * 2.5)
            house.program.stop(signal.SIGKILL)
            await house.program.start()
        answers = {f"You said w{n}x." for n in range(1, words + 1, 2)}
        told = {f"Table w{n}x" for n in range(2, words + 1, 2)}

        def shown() -> Counter[str]:
            return Counter(text.strip() for text in texts())

        def lost() -> int:
            return len((answers | told) - set(shown()) - set(doubts(house.program.home)))

        def open_() -> list[str]:
            return deeds(house.program.home, "state in ('sending', 'ready')")

        with contextlib.suppress(TimeoutError):
            await found(lambda: not lost() and not open_(), 150)
        await asyncio.sleep(1)
        seen = shown()
        count["mails"] = words
        count["lost"] = lost()
        count["answers twice"] = sum(max(0, seen[text] - 1) for text in answers)
        count["most of one answer"] = max(seen[text] for text in answers)
        count["tool twice"] = sum(max(0, seen[text] - 1) for text in told)
        count["in doubt"] = len(doubts(house.program.home))
        met = "attempt > 1 or state = 'in_doubt'"
        count["met on their way"] = len(deeds(house.program.home, met))
    return count


@pytest.mark.parametrize("name", ["resend", "smtp"])
async def test_killed_while_mail_leaves_nothing_is_lost_and_what_may_be_twice_is_known(
    tmp_path: Path, name: str
) -> None:
    count = await kills(tmp_path, name, 1, 7)
    judge(name, count)


@pytest.mark.long
@pytest.mark.parametrize("name", CARRIERS)
async def test_killed_often_the_count_is_what_the_page_says(tmp_path: Path, name: str) -> None:
    count = await kills(tmp_path, name, 20, 11)
    print(f"{name}: {dict(count)}")
    judge(name, count)


def judge(name: str, count: Counter[str]) -> None:
    assert (count["lost"], count["tool twice"]) == (0, 0), count
    assert count["most of one answer"] <= 2, count
    if name == "smtp that files":
        assert count["answers twice"] == 0, count
    if name in ("resend", "graph"):
        assert (count["answers twice"], count["in doubt"]) == (0, 0), count
