"""Gmail as a box of mails.

https://developers.google.com/workspace/gmail/api/reference/rest (read 2026-11-21)

Gmail knows no key against sending twice. A mail is put among the drafts first and its draft is
sent: a draft goes once, and is gone then. Where a mail of ours stands is looked up by its
Message-ID, and where Gmail gave it another by a header of ours among the newest that were sent.
"""

import base64
import binascii
import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import getaddresses
from typing import Any, Literal
from urllib.parse import quote, urlencode

from bot.core.errors import VendorUnknown
from bot.fetch.reading import read as read_page
from bot.files.port import MAX_BYTES
from bot.oauth.accounts import Client
from bot.oauth.answers import Vendor
from bot.render.text import clean
from tools.mailbox._letter import KEY, key_in
from tools.mailbox._mail import (
    MAX_SUBJECT,
    MAX_TEXT,
    Attached,
    Brief,
    Found,
    Mail,
    Wanted,
    is_id,
    line,
    person,
    words,
)

READ = ("https://www.googleapis.com/auth/gmail.readonly",)
WRITE = ("https://www.googleapis.com/auth/gmail.compose", *READ)
SORT = ("https://www.googleapis.com/auth/gmail.modify", *READ)
BASE = "https://gmail.googleapis.com/gmail/v1/users/me"
MAX_ANSWER = 8_000_000
SHOWN = ("From", "To", "Subject", "Date")
MOST_PARTS = 200
MOST_MARKED = 10
Part = Mapping[str, Any]


class Gmail:
    """One connected account."""

    where: Literal["gmail"] = "gmail"
    title = "Gmail"

    def __init__(self, client: Client, needs: Sequence[str]) -> None:
        self.vendor = Vendor(client, self.title, needs)
        self.account, self.name = client.account, client.name

    async def search(self, wanted: Wanted) -> Sequence[Brief]:
        """See `Box`."""
        query = {"q": query_of(wanted), "maxResults": str(wanted.count)}
        told = await self.vendor.ask("GET", f"{BASE}/messages", query=query)
        headers = urlencode([("format", "metadata"), *(("metadataHeaders", n) for n in SHOWN)])
        found = []
        for id_ in _ids(told)[: wanted.count]:
            mail = await self.vendor.ask("GET", f"{BASE}/messages/{quote(id_)}?{headers}")
            found.append(_brief(mail))
        return found

    async def mail(self, id_: str) -> Mail:
        """See `Box`."""
        where = f"{BASE}/messages/{quote(id_, safe='')}"
        page = await self.vendor.page("GET", where, query={"format": "full"}, max_bytes=MAX_ANSWER)
        told = self.vendor.read(page)
        payload = told.get("payload")
        parts = list(_parts(payload if isinstance(payload, dict) else {}))
        return Mail(
            brief=_brief(told),
            cc=line(_people(told, "Cc")),
            text=_text(parts),
            files=tuple(_attached(parts)),
            message_id=_header(told, "Message-ID").strip(),
            references=_header(told, "References") or _header(told, "In-Reply-To"),
            reply_to=_people(told, "Reply-To") or _people(told, "From"),
            thread=str(told.get("threadId", "")),
        )

    async def bytes_of(self, id_: str, file: Attached) -> bytes:
        """See `Box`."""
        where = f"{BASE}/messages/{quote(id_, safe='')}/attachments/{quote(file.ref, safe='')}"
        page = await self.vendor.page("GET", where, max_bytes=MAX_BYTES * 3 // 2)
        return _decoded(self.vendor.read(page).get("data"))

    async def draft(self, data: bytes, thread: str) -> str:
        """See `Box`."""
        message: dict[str, Any] = {"raw": base64.urlsafe_b64encode(data).decode()}
        if thread:
            message["threadId"] = thread
        told = await self.vendor.ask("POST", f"{BASE}/drafts", body={"message": message})
        return _word(told.get("id"), "draft")

    async def blind(self, draft: str, people: Sequence[str]) -> None:
        """See `Box`. Gmail reads them in the mail, and takes that line out when it sends."""

    async def send(self, draft: str) -> Found:
        """See `Box`."""
        told = await self.vendor.ask("POST", f"{BASE}/drafts/send", body={"id": draft})
        return _there("sent", _word(told.get("id"), "mail"))

    async def look(self, draft: str, message_id: str) -> Found:
        """See `Box`."""
        query = {"q": f"rfc822msgid:{message_id.strip('<>')}", "maxResults": "10"}
        query["includeSpamTrash"] = "true"
        told = await self.vendor.ask("GET", f"{BASE}/messages", query=query)
        state = Found(state="unseen")
        for id_ in _ids(told):
            where = f"{BASE}/messages/{quote(id_)}"
            labels = (await self.vendor.ask("GET", where, query={"format": "minimal"})).get(
                "labelIds"
            )
            if not isinstance(labels, list):
                raise VendorUnknown("Gmail did not say where the mail stands.")
            if "SENT" in labels:
                return _there("sent", id_)
            if "DRAFT" in labels:
                state = _there("draft", id_)
        return await self._marked(key_in(message_id)) if draft and not state.id else state

    async def _marked(self, key: str) -> Found:
        """The newest mail that carries our key: Gmail may have given it another Message-ID."""
        query = {"labelIds": "SENT", "maxResults": str(MOST_MARKED)}
        told = await self.vendor.ask("GET", f"{BASE}/messages", query=query)
        wanted = {"format": "metadata", "metadataHeaders": KEY}
        for id_ in _ids(told):
            mail = await self.vendor.ask("GET", f"{BASE}/messages/{quote(id_)}", query=wanted)
            if _header(mail, KEY) == key:
                return _there("sent", id_)
        return Found(state="unseen")


def query_of(wanted: Wanted) -> str:
    """The search as Gmail writes it. https://support.google.com/mail/answer/7190"""
    words = [f'"{word}"' for word in wanted.words.replace('"', " ").split()]
    if wanted.sender:
        sender = wanted.sender.replace('"', " ")
        words.append(f'from:"{sender}"')
    if wanted.since:
        words.append(f"after:{int(wanted.since.timestamp())}")
    if wanted.until:
        words.append(f"before:{int(wanted.until.timestamp())}")
    if wanted.is_unread:
        words.append("is:unread")
    return " ".join(words)


def _ids(told: Mapping[str, Any]) -> list[str]:
    found = told.get("messages", [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise VendorUnknown("Gmail's list of mails cannot be read.")
    return [_word(each.get("id"), "mail") for each in found]


def _word(told: object, what: str) -> str:
    if not is_id(told):
        raise VendorUnknown(f"Gmail did not say how it calls the {what}.")
    return str(told)


def _there(state: Literal["draft", "sent"], id_: str) -> Found:
    return Found(state=state, id=id_, url=f"https://mail.google.com/mail/#all/{quote(id_)}")


def _brief(told: Mapping[str, Any]) -> Brief:
    labels = told.get("labelIds")
    kinds = set(map(str, labels)) if isinstance(labels, list) else set()
    stamp = str(told.get("internalDate", ""))
    at = datetime.fromtimestamp(int(stamp[:13]) / 1000, UTC) if stamp.isdecimal() else None
    return Brief(
        id=f"gmail:{_word(told.get('id'), 'mail')}",
        sender=line(_people(told, "From")),
        to=line(_people(told, "To")),
        subject=words(_header(told, "Subject"))[:MAX_SUBJECT],
        at=at,
        preview=line(html.unescape(str(told.get("snippet", "")))),
        is_unread="UNREAD" in kinds,
        is_draft="DRAFT" in kinds,
    )


def _header(told: Mapping[str, Any], name: str) -> str:
    payload = told.get("payload")
    headers = payload.get("headers") if isinstance(payload, dict) else None
    for each in headers if isinstance(headers, list) else []:
        if isinstance(each, dict) and str(each.get("name", "")).lower() == name.lower():
            return clean(str(each.get("value", "")))[:5_000]
    return ""


def _people(told: Mapping[str, Any], name: str) -> str:
    """Those whom a header names. Addresses are read before names are decoded."""
    found = getaddresses([_header(told, name)])
    return ", ".join(person(words(each), address) for each, address in found[:100] if address)


def _parts(part: Part) -> Iterator[Part]:
    """All that hold something, in their order; a bounded walk of what a stranger nested."""
    waiting, seen = [part], 0
    while waiting and seen < MOST_PARTS:
        seen += 1
        first = waiting.pop(0)
        inner = first.get("parts")
        if isinstance(inner, list):
            waiting = [each for each in inner if isinstance(each, dict)] + waiting
        else:
            yield first


def _text(parts: Sequence[Part]) -> str:
    """The words: plain ones before HTML."""
    bodies = [part for part in parts if not part.get("filename")]
    for kind in ("text/plain", "text/html"):
        found = [_words(part, kind) for part in bodies if part.get("mimeType") == kind]
        if text := "\n".join(each for each in found if each.strip()):
            return text[:MAX_TEXT]
    return ""


def _words(part: Part, kind: str) -> str:
    body = part.get("body")
    data = _decoded(body.get("data", "")) if isinstance(body, dict) else b""
    # Gmail gives text in UTF-8, whatever it came in.
    return clean(read_page(kind, "utf-8", data[: 4 * MAX_TEXT], "")[1])


def _attached(parts: Sequence[Part]) -> Iterator[Attached]:
    n = 0
    for part in parts:
        body = part.get("body")
        if not part.get("filename") or not isinstance(body, dict):
            continue
        ref, size = body.get("attachmentId"), body.get("size")
        if is_id(ref) and isinstance(size, int):
            n += 1
            name = line(clean(str(part["filename"])), 200)
            kind = line(str(part.get("mimeType", "")), 100)
            yield Attached(n=n, name=name, media_type=kind, size=size, ref=str(ref))


def _decoded(told: object) -> bytes:
    text = str(told or "")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise VendorUnknown("Gmail's answer cannot be read.") from None
