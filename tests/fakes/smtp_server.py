"""A mail server that takes mail by SMTP, as strict as the standards, and goes wrong when told.

    async with SmtpServer("ana", "secret") as server:
        smtplib.SMTP(server.host, server.port)

What it took stands in `taken` and goes on by `carry` (to a real mailbox, say). What a careful client
never sends is kept in `mistakes`: bare line feeds, lines over 998 octets, headers with 8 bits that
were not announced, a header twice or lacking. RFC 5321, 5322, 4954, 3207, 6531 and 1870.
"""

import asyncio
import base64
import binascii
import itertools
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from tests.certificate import Certificate

MAX_LINE, MAX_BYTES = 998, 25_000_000
_ONCE = ("from", "date", "message-id", "subject", "to", "cc", "reply-to", "in-reply-to", "references", "sender")  # fmt: skip
_NEEDED = ("from", "date", "message-id")
_PATH = re.compile(r"(FROM|TO):\s*<([^<>]*)>(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail with its envelope."""

    sender: str
    to: list[str]
    raw: bytes
    user: str

    @property
    def mail(self) -> EmailMessage:
        """The mail, read."""
        return message_from_bytes(self.raw, policy=policy.default)


@dataclass(slots=True)
class _Session:
    """What one client has said."""

    user: str = ""
    is_tls: bool = False
    greeted: bool = False
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)
    is_utf8: bool = False

    def reset(self) -> None:
        """The envelope is forgotten."""
        self.sender, self.recipients, self.is_utf8 = None, [], False


class SmtpServer:
    """One submission server. With a certificate it offers STARTTLS and wants it before AUTH.

    Without a user name it takes mail from whoever comes.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        username: str = "",
        password: str = "",
        *,
        domain: str = "bot.example",
        certificate: Certificate | None = None,
        implicit_tls: bool = False,
    ) -> None:
        """`domain` is the one that mail may come from."""
        self._login, self._domain = (username, password), domain
        self.certificate, self.implicit_tls = certificate, implicit_tls
        self.port = 0
        self.taken: list[Taken] = []
        self.mistakes: list[str] = []
        self.commands: list[str] = []
        self.unknown: set[str] = set()
        """Recipients that are refused with 550."""
        self.carry: Callable[[bytes, list[str]], Awaitable[None]] | None = None
        self._faults: list[tuple[str, str]] = []
        self._count = itertools.count(1)
        self._open: set[asyncio.StreamWriter] = set()
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        context = self._context() if self.implicit_tls else None
        self._server = await asyncio.start_server(
            self._client, self.host, self.port, ssl=context, limit=MAX_BYTES
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._closing.set()
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    def fail(self, command: str, answer: str) -> None:
        """The next command of a name goes wrong, once.

        `command`: EHLO, AUTH, MAIL, RCPT, DATA (before the mail) or `.` (after it). `answer`: a
        line such as `451 4.7.1 later`, or cut (nothing done, reset), lost (`.` only: taken, then
        reset), hang (nothing done, never answered), late (`.` only: taken, never answered).
        """
        self._faults.append((command.upper(), answer))

    def _context(self) -> ssl.SSLContext:
        assert self.certificate is not None, "TLS needs a certificate"
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate.cert, self.certificate.key)
        return context

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        session = _Session(is_tls=self.implicit_tls)
        try:
            await _say(writer, "220 mail.shop.example ESMTP")
            while line := await reader.readline():
                words = self._line(line)
                if not await self._command(words, session, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    def _line(self, line: bytes) -> str:
        if not line.endswith(b"\r\n"):
            self.mistakes.append(f"a command ends in a bare line feed: {line[:60]!r}")
        return line.rstrip(b"\r\n").decode("utf-8", "replace")

    async def _command(
        self,
        words: str,
        session: _Session,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Do one command; False when the connection ends."""
        name, _, rest = words.partition(" ")
        name = name.upper()
        self.commands.append(name)
        if (answer := self._fault(name)) in ("cut", "hang"):
            if answer == "hang":
                await self._closing.wait()
            writer.transport.abort()
            return False
        if answer:
            await _say(writer, answer)
            return True
        if name == "QUIT":
            await _say(writer, "221 2.0.0 bye")
            return False
        if name == "STARTTLS" and self.certificate is not None and not session.is_tls:
            await _say(writer, "220 2.0.0 go ahead")
            await writer.start_tls(self._context())
            session.is_tls, session.greeted = True, False
        elif name == "AUTH":
            await _say(writer, await self._auth(rest, session, reader, writer))
        elif name == "DATA":
            return await self._data(session, reader, writer)
        else:
            await _say(writer, self._plain(name, rest, session))
        return True

    def _fault(self, name: str) -> str:
        """What was ordered for this command, once; empty when nothing was."""
        for fault in self._faults:
            if fault[0] == name:
                self._faults.remove(fault)
                return fault[1]
        return ""

    def _plain(self, name: str, rest: str, session: _Session) -> str:
        """The answer to a command that needs nothing more."""
        if name in ("EHLO", "HELO"):
            session.greeted = bool(rest.strip())
            session.reset()
            if name == "HELO" or not rest.strip():
                return "250 mail.shop.example" if rest.strip() else "501 5.5.4 who are you"
            offers = ["mail.shop.example", f"SIZE {MAX_BYTES}", "8BITMIME", "SMTPUTF8"]
            offers += ["STARTTLS"] if self.certificate and not session.is_tls else []
            offers += ["AUTH PLAIN LOGIN"] if session.is_tls or not self.certificate else []
            lines = [f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
            return "\r\n".join(lines)
        if name == "MAIL":
            return self._mail(rest, session)
        if name == "RCPT":
            return self._rcpt(rest, session)
        if name == "RSET":
            session.reset()
            return "250 2.0.0 ok"
        if name == "NOOP":
            return "250 2.0.0 ok"
        self.mistakes.append(f"no command {name!r}")
        return "502 5.5.1 not known"

    def _mail(self, rest: str, session: _Session) -> str:
        found = _PATH.fullmatch(rest)
        if not session.greeted or session.sender is not None:
            return self._wrong("503 5.5.1 bad sequence", "MAIL out of turn")
        if self._login[0] and not session.user:
            return "530 5.7.0 authentication required"
        if found is None or found[1].upper() != "FROM":
            return self._wrong("501 5.5.4 syntax", f"MAIL {rest}")
        size = re.search(r"SIZE=(\d+)", found[3], re.IGNORECASE)
        if size and int(size[1]) > MAX_BYTES:
            return "552 5.3.4 too big"
        session.is_utf8 = "SMTPUTF8" in found[3].upper()
        if not found[2].isascii() and not session.is_utf8:
            return self._wrong("553 5.6.7 SMTPUTF8 needed", "8 bits in MAIL without SMTPUTF8")
        if found[2] and found[2].rpartition("@")[2].lower() != self._domain:
            return "550 5.7.1 not your address"
        session.sender = found[2]
        return "250 2.1.0 ok"

    def _rcpt(self, rest: str, session: _Session) -> str:
        found = _PATH.fullmatch(rest)
        if session.sender is None:
            return self._wrong("503 5.5.1 bad sequence", "RCPT before MAIL")
        if found is None or found[1].upper() != "TO" or "@" not in found[2]:
            return self._wrong("501 5.1.3 bad address", f"RCPT {rest}")
        if not found[2].isascii() and not session.is_utf8:
            return self._wrong("553 5.6.7 SMTPUTF8 needed", "8 bits in RCPT without SMTPUTF8")
        if found[2].lower() in self.unknown:
            return "550 5.1.1 no such user"
        session.recipients.append(found[2])
        return "250 2.1.5 ok"

    async def _auth(
        self,
        rest: str,
        session: _Session,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> str:
        kind, _, first = rest.partition(" ")
        if self.certificate is not None and not session.is_tls:
            return self._wrong("538 5.7.11 encryption required", "AUTH before TLS")

        async def ask(word: str) -> bytes:
            await _say(writer, f"334 {base64.b64encode(word.encode()).decode()}")
            return base64.b64decode(await reader.readline(), validate=False)

        try:
            if kind.upper() == "PLAIN":
                words = base64.b64decode(first) if first else await ask("")
                _, user, password = words.split(b"\0")
            elif kind.upper() == "LOGIN":
                user = base64.b64decode(first) if first else await ask("Username:")
                password = await ask("Password:")
            else:
                return "504 5.5.4 not offered"
        except (binascii.Error, ValueError):
            return self._wrong("501 5.5.2 syntax", "AUTH cannot be read")
        if (user.decode(), password.decode()) != self._login:
            return "535 5.7.8 authentication failed"
        session.user = user.decode()
        return "235 2.7.0 welcome"

    async def _data(
        self, session: _Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if not session.recipients:
            await _say(writer, self._wrong("503 5.5.1 no recipients", "DATA without recipients"))
            return True
        await _say(writer, "354 go ahead")
        raw = b"".join([line async for line in _until_dot(reader)])
        how = self._fault(".")
        if how not in ("", "lost", "late"):
            session.reset()
            if how == "hang":
                await self._closing.wait()
            if how in ("cut", "hang"):
                writer.transport.abort()
                return False
            await _say(writer, how)
            return True
        self._judge(raw, session)
        taken = Taken(session.sender or "", list(session.recipients), raw, session.user)
        session.reset()
        self.taken.append(taken)
        if self.carry is not None:
            await self.carry(raw, taken.to)
        if how == "late":
            await self._closing.wait()
        if how:
            writer.transport.abort()
            return False
        await _say(writer, f"250 2.0.0 queued as {next(self._count)}")
        return True

    def _judge(self, raw: bytes, session: _Session) -> None:
        """What a careful program would not have written."""
        if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
            self.mistakes.append("a mail has bare line feeds")
        if any(len(line) > MAX_LINE for line in raw.split(b"\r\n")):
            self.mistakes.append(f"a line of a mail is longer than {MAX_LINE} octets")
        head = raw.partition(b"\r\n\r\n")[0]
        if not head.isascii() and not session.is_utf8:
            self.mistakes.append("headers have 8 bits without SMTPUTF8")
        found = message_from_bytes(raw, policy=policy.compat32)
        names = [name.lower() for name in found]
        for name in _ONCE:
            if names.count(name) > 1:
                self.mistakes.append(f"{name} is there {names.count(name)} times")
        self.mistakes += [f"{name} is missing" for name in _NEEDED if name not in names]
        if "bcc" in names:
            self.mistakes.append("Bcc is shown to everybody")

    def _wrong(self, answer: str, why: str) -> str:
        self.mistakes.append(why)
        return answer


async def _say(writer: asyncio.StreamWriter, words: str) -> None:
    writer.write(words.encode() + b"\r\n")
    await writer.drain()


async def _until_dot(reader: asyncio.StreamReader):  # type: ignore[no-untyped-def]
    """The lines of a mail until the one with a dot alone; a dot in front is taken away."""
    while line := await reader.readline():
        if line in (b".\r\n", b".\n"):
            return
        yield line[1:] if line.startswith(b".") else line
    raise ConnectionError("the mail ended in the middle")
