"""A mailbox in small, by IMAP as RFC 9051 says it; it refuses what a strict server refuses.

https://www.rfc-editor.org/rfc/rfc9051 (read 2026-11-21). What takes mail is `smtp_server.py`.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@dataclass
class Kept:
    """A mail in the mailbox."""

    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)


class ImapServer:
    """One mailbox."""

    def __init__(self, username: str, password: str) -> None:
        self._server: asyncio.Server | None = None
        self._writers: set[Writer] = set()
        self._login = (username, password)
        self.mails: list[Kept] = []
        self.sent: list[bytes] = []
        """What lies among the sent mails, to be looked for by Message-ID."""
        self.age = 7
        self.idles = True
        self.spoiled: set[int] = set()
        """Numbers of mails that it cannot give."""
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Any:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**26)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """End every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: Reader, writer: Writer) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._talk(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def bring(self, raw: bytes) -> Kept:
        """A mail arrives."""
        kept = Kept(len(self.mails) + 1, raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        async with self._news:
            self.mails.append(kept)
            self._news.notify_all()
        return kept

    async def _talk(self, reader: Reader, writer: Writer) -> None:
        writer.write(b"* OK ready\r\n")
        where = "start"
        while line := await reader.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            word, _, rest = rest.partition(" ")
            word = word.upper()
            if word == "CAPABILITY":
                extra = " IDLE" if self.idles else ""
                writer.write(f"* CAPABILITY IMAP4rev1{extra}\r\n{tag} OK done\r\n".encode())
            elif word == "LOGIN":
                given = tuple(part.strip('"') for part in rest.split(" ", 1))
                where = "in" if given == self._login else where
                writer.write(
                    f"{tag} {'OK' if where == 'in' else 'NO [AUTHENTICATIONFAILED]'} .\r\n".encode()
                )
            elif word == "SELECT" and where == "in" and rest == '"INBOX"':
                where = "open"
                writer.write(
                    f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.age}] .\r\n{tag} OK [READ-WRITE] .\r\n".encode()
                )
            elif word == "LIST" and where == "in":
                writer.write(f'* LIST (\\Sent) "/" "Sent"\r\n{tag} OK done\r\n'.encode())
            elif word == "EXAMINE" and where == "in" and rest == '"Sent"':
                where = "sent"
                told = f"* {len(self.sent)} EXISTS\r\n{tag} OK [READ-ONLY] .\r\n"
                writer.write(told.encode())
            elif word == "UID" and where == "sent":
                _, _, wanted = rest.partition('SEARCH HEADER Message-ID "')
                found = [
                    n for n, raw in enumerate(self.sent, 1) if wanted.strip('"').encode() in raw
                ]
                said = f"* SEARCH {' '.join(map(str, found))}\r\n{tag} OK done\r\n"
                writer.write(said.encode())
            elif word == "NOOP":
                writer.write(f"{tag} OK done\r\n".encode())
            elif word == "LOGOUT":
                writer.write(f"* BYE then\r\n{tag} OK done\r\n".encode())
                return
            elif word == "UID" and where == "open":
                self._uid(tag, rest, writer)
            elif word == "IDLE" and where == "open" and self.idles:
                await self._idle(tag, reader, writer)
            else:
                writer.write(f"{tag} BAD {word} not here\r\n".encode())

    def _uid(self, tag: str, rest: str, writer: Writer) -> None:
        word, _, rest = rest.partition(" ")
        if word == "SEARCH" and rest == "UNSEEN":
            found = " ".join(str(m.uid) for m in self.mails if "\\Seen" not in m.flags)
            writer.write(f"* SEARCH {found}\r\n{tag} OK done\r\n".encode())
            return
        uid, _, rest = rest.partition(" ")
        kept = next((m for m in self.mails if str(m.uid) == uid), None)
        if kept and word == "FETCH" and kept.uid in self.spoiled:
            writer.write(f"{tag} NO it is damaged\r\n".encode())
            return
        if kept and word == "FETCH" and rest == "(RFC822.SIZE)":
            writer.write(f"* {kept.uid} FETCH (UID {uid} RFC822.SIZE {len(kept.raw)})\r\n".encode())
        elif kept and word == "FETCH" and rest == "(BODY.PEEK[])":
            writer.write(f"* {kept.uid} FETCH (UID {uid} BODY[] {{{len(kept.raw)}}}\r\n".encode())
            writer.write(kept.raw + b")\r\n")
        elif kept and word == "STORE" and rest == r"+FLAGS.SILENT (\Seen)":
            kept.flags.add("\\Seen")
        elif word not in ("FETCH", "STORE"):
            writer.write(f"{tag} BAD what\r\n".encode())
            return
        writer.write(f"{tag} OK done\r\n".encode())

    async def _idle(self, tag: str, reader: Reader, writer: Writer) -> None:
        writer.write(b"+ idling\r\n")
        count = len(self.mails)

        async def watch() -> None:
            async with self._news:
                await self._news.wait_for(lambda: len(self.mails) > count)
            writer.write(f"* {len(self.mails)} EXISTS\r\n".encode())

        watching = asyncio.create_task(watch())
        try:
            done = await reader.readline()
            if done:
                assert done == b"DONE\r\n", done
                writer.write(f"{tag} OK done\r\n".encode())
        finally:
            watching.cancel()
