"""The mailbox behind the played Gmail: messages, threads, labels, and what a search finds.

https://support.google.com/mail/answer/7190 (search words), https://developers.google.com/workspace/
gmail/api/guides/threads (read 2026-11-21). A search word that is not played is an error here, where
Gmail would look for it as text: a test must not pass for a search that was never understood.
"""

import base64
import html
import itertools
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any
from zlib import crc32

from tests.fakes.google_server import OWNER, Body, Refused

SYSTEM = ("INBOX", "SENT", "DRAFT", "UNREAD", "STARRED", "IMPORTANT", "SPAM", "TRASH")
_FIXED = {"SENT", "DRAFT"}
_SIZE_OF_SNIPPET = 200
_ID = re.compile(r"<[^<>\s@]+@[^<>\s@]+>")


@dataclass
class Mail:
    """One message."""

    id: str
    thread: str
    labels: list[str]
    raw: bytes
    at: datetime
    history: int
    is_searchable: bool = True

    @property
    def message(self) -> EmailMessage:
        """The message, taken apart."""
        found = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    def header(self, name: str) -> str:
        """One header; empty without it."""
        return str(self.message.get(name, ""))

    @property
    def text(self) -> str:
        """What a person reads in it."""
        part = self.message.get_body(("plain", "html"))
        return "" if part is None else str(part.get_content())

    @property
    def files(self) -> list[str]:
        """Names of what is attached."""
        return [part.get_filename() or "" for part in self.message.iter_attachments()]


@dataclass
class Mailbox:
    """The mail of one account."""

    now: Callable[[], datetime]
    mails: dict[str, Mail] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)
    """Draft → its message."""
    labels: dict[str, str] = field(default_factory=lambda: {name: name for name in SYSTEM})
    """Id → name."""
    parts: dict[str, bytes] = field(default_factory=dict)
    """Ids of attachments that were told, which are new each time, and what they hold."""
    count: Any = field(default_factory=lambda: itertools.count(0x18F0000000000001, 0x1001))

    def put(self, raw: bytes, labels: list[str], thread: str = "", at: Any = None) -> Mail:
        """Keep a message."""
        number = next(self.count)
        id_ = f"{number:016x}"
        made = Mail(id_, thread or id_, labels, raw, at or self.now(), number // 0x1000)
        self.mails[id_] = made
        return made

    def of(self, id_: str) -> Mail:
        """A message. Raises Refused."""
        if not re.fullmatch(r"[0-9a-f]{16}", id_):
            raise Refused(400, "invalidArgument", "Invalid id value")
        if id_ not in self.mails:
            raise Refused(404, "notFound", "Requested entity was not found.")
        return self.mails[id_]

    def thread_for(self, wanted: str, raw: bytes) -> str:
        """The thread that a message joins: it says so, answers one of it and is called the same."""
        if not wanted:
            return ""
        there = [mail for mail in self.mails.values() if mail.thread == wanted]
        if not there:
            raise Refused(404, "notFound", "Requested entity was not found.")
        new = Mail("", "", [], raw, self.now(), 0)
        named = set(_ID.findall(new.header("References") + new.header("In-Reply-To")))
        is_answer = any(mail.header("Message-ID").strip() in named for mail in there)
        is_same = _subject(new) == _subject(there[0])
        return wanted if is_answer and is_same else ""

    def change(self, mail: Mail, body: Mapping[str, Any]) -> None:
        """Put labels on and take them off. Raises Refused."""
        on, off = body.get("addLabelIds", []), body.get("removeLabelIds", [])
        for name in (*on, *off):
            if name not in self.labels or name in _FIXED:
                raise Refused(400, "invalidArgument", f"Invalid label: {name}")
        mail.labels = [name for name in dict.fromkeys([*mail.labels, *on]) if name not in off]

    # --- searching -----------------------------------------------------------------------------

    def found(self, query: str, labels: list[str], *, spam: bool) -> list[Mail]:
        """What a search gives, the newest first. Raises Refused."""
        try:
            words = shlex.split(query.replace("'", "\\'"))
        except ValueError:
            words = query.split()
        hidden = set() if spam or "in:anywhere" in words else {"SPAM", "TRASH"}
        hidden -= {word.removeprefix("in:").upper() for word in words}
        rules = [self._rule(word) for word in words]
        told = [
            mail
            for mail in self.mails.values()
            if mail.is_searchable and not hidden.intersection(mail.labels)
            if set(labels) <= set(mail.labels) and all(rule(mail) for rule in rules)
        ]
        return sorted(told, key=lambda mail: (mail.at, mail.id), reverse=True)

    def _rule(self, word: str) -> Callable[[Mail], bool]:
        if word.startswith("-") and len(word) > 1:
            rule = self._rule(word[1:])
            return lambda mail: not rule(mail)
        name, sep, value = word.partition(":")
        if not sep:
            return lambda mail: word.lower() in f"{mail.header('Subject')} {mail.text}".lower()
        if name in ("from", "to", "cc", "bcc", "subject"):
            return lambda mail: value.lower() in mail.header(name).lower()
        if name == "rfc822msgid":
            return lambda mail: mail.header("Message-ID").strip("<> ") == value.strip("<>")
        if name in ("in", "is", "label"):
            return self._labelled(value)
        if name in ("has", "filename"):
            return lambda mail: any(value in ("attachment", *_names(file)) for file in mail.files)
        if name in ("after", "newer", "before", "older", "newer_than", "older_than"):
            return self._when(name, value)
        raise Refused(400, "notPlayed", f"{name}: is not played here")

    def _labelled(self, value: str) -> Callable[[Mail], bool]:
        if value == "anywhere":
            return lambda _: True
        if value == "read":
            return lambda mail: "UNREAD" not in mail.labels
        plural = {"drafts": "draft"}
        ids = [
            id_
            for id_, name in self.labels.items()
            if name.lower().replace(" ", "-") == plural.get(value, value).lower()
        ]
        return lambda mail: bool(set(ids) & set(mail.labels))

    def _when(self, name: str, value: str) -> Callable[[Mail], bool]:
        if name.endswith("_than"):
            found = re.fullmatch(r"(\d+)([dmy])", value)
            if not found:
                raise Refused(400, "notPlayed", f"{name}:{value} is not played here")
            days = int(found[1]) * {"d": 1, "m": 30, "y": 365}[found[2]]
            when = self.now() - timedelta(days=days)
        elif value.isdigit():
            when = datetime.fromtimestamp(int(value), UTC)
        else:
            try:
                when = datetime.strptime(value.replace("-", "/"), "%Y/%m/%d").replace(tzinfo=UTC)
            except ValueError:
                raise Refused(400, "notPlayed", f"{name}:{value} is not played here") from None
        if name in ("after", "newer", "newer_than"):
            return lambda mail: mail.at >= when
        return lambda mail: mail.at < when

    # --- showing -------------------------------------------------------------------------------

    def shown(self, mail: Mail, how: str = "full", headers: list[str] | None = None) -> Body:
        """A message as Gmail tells it in a format."""
        told: Body = {
            "id": mail.id,
            "threadId": mail.thread,
            "labelIds": mail.labels,
            "snippet": html.escape(" ".join(mail.text.split())[:_SIZE_OF_SNIPPET]),
            "sizeEstimate": len(mail.raw),
            "historyId": str(mail.history),
            "internalDate": str(int(mail.at.timestamp() * 1000)),
        }
        if how == "raw":
            told["raw"] = encoded(mail.raw)
        elif how == "full":
            told["payload"] = self._part(mail.message, "")
        elif how == "metadata":
            payload = self._part(mail.message, "")
            if headers:
                wanted = {name.lower() for name in headers}
                payload["headers"] = [h for h in payload["headers"] if h["name"].lower() in wanted]
            told["payload"] = {"mimeType": payload["mimeType"], "headers": payload["headers"]}
        return told

    def _part(self, part: Any, where: str) -> Body:
        told: Body = {
            "partId": where,
            "mimeType": part.get_content_type(),
            "filename": part.get_filename() or "",
            "headers": [{"name": name, "value": str(value)} for name, value in part.items()],
        }
        if part.is_multipart():
            told["body"] = {"size": 0}
            prefix = f"{where}." if where else ""
            inner = part.iter_parts() if hasattr(part, "iter_parts") else part.get_payload()
            told["parts"] = [self._part(each, f"{prefix}{n}") for n, each in enumerate(inner)]
            return told
        held = part.get_payload(decode=True) or b""
        if told["filename"]:
            id_ = f"ANGjdJ{next(self.count):x}-_{len(held)}"
            self.parts[id_] = held
            told["body"] = {"attachmentId": id_, "size": len(held)}
        else:
            told["body"] = {"size": len(held), "data": encoded(held)} if held else {"size": 0}
        return told


def encoded(held: bytes) -> str:
    """Bytes as Gmail writes them."""
    return base64.urlsafe_b64encode(held).decode()


def decoded(text: Any) -> bytes:
    """Bytes as a client wrote them. Raises Refused."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*={0,2}", text):
        raise Refused(400, "invalidArgument", "Invalid value for ByteString: raw")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Refused(400, "invalidArgument", "Invalid value for ByteString: raw") from None


def recipients(mail: EmailMessage) -> list[str]:
    """To whom it goes. Raises Refused."""
    told: list[str] = []
    for name in ("To", "Cc", "Bcc"):
        for _, address in getaddresses([str(each) for each in mail.get_all(name, [])]):
            if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
                raise Refused(400, "invalidArgument", f"Invalid {name} header")
            told.append(address)
    return told


def letter(subject: str, text: str, **more: Any) -> bytes:
    """A message for a test: `sender`, `to`, `id`, `files` {name: bytes}, other headers by name."""
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = more.pop("sender", "Bob <bob@example.org>")
    made["To"] = more.pop("to", OWNER)
    made["Subject"] = subject
    made["Message-ID"] = more.pop("id", f"<{crc32((subject + text).encode())}@example.org>")
    files: Mapping[str, bytes] = more.pop("files", {})
    markup = more.pop("html", "")
    for name, value in more.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    if markup:
        made.add_alternative(markup, subtype="html")
    for name, held in files.items():
        made.add_attachment(held, "application", "octet-stream", filename=name)
    return made.as_bytes()


def _subject(mail: Mail) -> str:
    return re.sub(r"^((re|fwd?|aw|wg):\s*)+", "", mail.header("Subject").strip().lower())


def _names(file: str) -> tuple[str, str]:
    return file, file.rpartition(".")[2]
