"""One connection to a mailbox: the folder that is read, and a look among what was sent.

The library waits for its socket, so all of it works in a thread.
https://docs.python.org/3.11/library/imaplib.html (read 2026-11-21)
"""

import contextlib
import imaplib
import re
import select
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any, Final

from bot.core.errors import ConnectionBroken, VendorUnknown
from channels.email.mime import MAX_MAIL, Mail, Unreadable, parse
from channels.email.settings import Settings

TIMEOUT_S: Final = 60
IDLE_S: Final = 25.0
"""How long one IDLE waits. A notice that came in the very moment is missed, and seen by then."""
GLANCE_S = 0.5
_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,12})")
_MARKED = re.compile(rb'\(([^)]*)\) (?:"[^"]*"|NIL) (.+)')

Connection = imaplib.IMAP4


class Box:
    """One connection, for one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._conn: Connection | None = None
        self._over = False
        self.age = ""
        """UIDVALIDITY: numbers of mails hold as long as it is the same."""

    def open(self) -> None:
        """Connect, sign in, and choose the folder. Raises ConnectionBroken, VendorUnknown."""
        conn = self._signed_in()
        folder = self._settings.imap_folder
        kind, _ = conn.select(_quoted(folder))
        if kind != "OK":
            raise ConnectionBroken(f"The mailbox has no folder {folder}. Set imap_folder.")
        _, told = conn.response("UIDVALIDITY")
        self.age = (told[0] or b"").decode("ascii", "replace") if told else ""
        if self._over:
            self.cut()

    def was_sent(self, start: str) -> str:
        """The number of a mail among the sent ones whose Message-ID has this in it; or empty.

        Connects by itself and reads only. Raises as `open` does.
        """
        conn = self._signed_in()
        kind, _ = conn.select(_quoted(self._sent_folder(conn)), readonly=True)
        if kind != "OK":
            raise VendorUnknown("The mailbox has no folder of sent mail.")
        return next(iter(self._numbers("HEADER", "Message-ID", f'"{start}"')), "")

    def _sent_folder(self, conn: Connection) -> str:
        """The folder that the server marks as that of sent mail; `Sent` where it marks none.

        https://www.rfc-editor.org/rfc/rfc6154#section-2 (read 2026-11-21)
        """
        _, listed = conn.list()
        for line in listed:
            found = _MARKED.fullmatch(line) if isinstance(line, bytes) else None
            if found and rb"\sent" in found[1].lower().split():
                return found[2].decode("ascii", "replace").strip('"').replace('\\"', '"')
        return "Sent"

    def _signed_in(self) -> Connection:
        conn = self._conn = self._connect()
        try:
            conn.login(
                self._settings.imap_username, self._settings.imap_password.get_secret_value()
            )
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise ConnectionBroken(
                "The mailbox does not take imap_username and imap_password. Set them again in "
                "[channels.email]."
            ) from error
        return conn

    def _connect(self) -> Connection:
        host, port = self._settings.imap_host, self._settings.imap_port
        if self._settings.imap_security == "tls":
            context = ssl.create_default_context()
            return imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=TIMEOUT_S)
        conn = imaplib.IMAP4(host, port, timeout=TIMEOUT_S)
        if self._settings.imap_security == "starttls":
            conn.starttls(ssl.create_default_context())
        return conn

    def unread(self) -> list[str]:
        """The numbers of mails that were not taken in yet."""
        return self._numbers("UNSEEN")

    def _numbers(self, *wanted: str) -> list[str]:
        found = self._ask("SEARCH", *wanted)
        return b" ".join(each for each in found if isinstance(each, bytes)).decode().split()

    def mail(self, uid: str) -> Mail:
        """One mail, read. Raises Unreadable."""
        return parse(self.read(uid))

    def read(self, uid: str) -> bytes:
        """One mail's bytes; it stays unread. Raises Unreadable."""
        size = _SIZE.search(b" ".join(_flat(self._ask("FETCH", uid, "(RFC822.SIZE)"))))
        if size and int(size[1]) > MAX_MAIL:
            raise Unreadable("It is larger than thirty megabytes.")
        for each in self._ask("FETCH", uid, "(BODY.PEEK[])"):
            if isinstance(each, tuple) and len(each) > 1:
                return bytes(each[1])
        raise Unreadable("It is not there any more.")

    def mark(self, uid: str) -> None:
        """It is taken in."""
        self._ask("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")

    def wait(self) -> None:
        """Return when the server says that something changed, or after a while."""
        conn = self._there()
        if "IDLE" not in conn.capabilities:
            self._watch(conn)
            conn.noop()
            return
        conn.send(b"IDLE1 IDLE\r\n")
        if not conn.readline().startswith(b"+"):
            raise VendorUnknown("The mail server does not wait.")
        is_here = isinstance(conn.sock, ssl.SSLSocket) and conn.sock.pending()
        if not is_here:
            self._watch(conn)
        conn.send(b"DONE\r\n")
        while line := conn.readline():
            if line.startswith(b"IDLE1 "):
                return
        raise VendorUnknown("The mail server ended the connection.")

    def _watch(self, conn: Connection) -> None:
        """Wait for a word of the server, or that it is over.

        To close a socket does not always wake who waits for it, so that it is over is looked at.
        """
        until = time.monotonic() + IDLE_S
        while not self._over and (left := until - time.monotonic()) > 0:
            if select.select([conn.sock], [], [], min(left, GLANCE_S))[0]:
                return

    def cut(self) -> None:
        """End it at once, also while a thread waits for the server."""
        self._over = True
        if self._conn is not None:
            with contextlib.suppress(OSError):
                self._conn.sock.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits
            with contextlib.suppress(OSError, ValueError):
                self._conn.shutdown()

    def _ask(self, *words: str) -> list[Any]:
        kind, found = self._there().uid(*words)
        if kind != "OK":
            raise VendorUnknown("The mail server refused to answer.")
        return [each for each in found if each is not None]

    def _there(self) -> Connection:
        if self._conn is None:
            raise VendorUnknown("There is no connection to the mailbox.")
        return self._conn


def _flat(found: Sequence[Any]) -> list[bytes]:
    return [each if isinstance(each, bytes) else bytes(each[0]) for each in found]


def _quoted(folder: str) -> str:
    plain = folder.replace("\\", "").replace('"', "")
    return f'"{plain}"'
