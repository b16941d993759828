"""Outlook on Microsoft Graph as a box of mails.

https://learn.microsoft.com/graph/api/resources/mail-api-overview (read 2026-11-21)

A mail is put among the drafts as MIME, since only so In-Reply-To and References can be set, and its
draft is sent. Ids stay when a mail moves (`ImmutableId`), so the draft's id tells afterwards
whether it went. Microsoft takes a mail (202) before it has sent it.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

from bot.core.canonical import Json
from bot.core.errors import NotFound, VendorRefused, VendorUnknown
from bot.files.port import MAX_BYTES
from bot.oauth.accounts import Client
from bot.oauth.answers import Vendor
from bot.render.text import clean
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
)

READ = ("Mail.Read",)
DRAFT = ("Mail.ReadWrite",)
"""Holds reading."""
SEND = ("Mail.Send", *DRAFT)
BASE = "/v1.0/me/messages"
STEADY = {"Prefer": 'IdType="ImmutableId"'}
AS_TEXT = {"Prefer": 'IdType="ImmutableId", outlook.body-content-type="text"'}
MIME = {"Content-Type": "text/plain", **STEADY}
BRIEF = "id,from,toRecipients,subject,receivedDateTime,bodyPreview,isRead,isDraft"
WHOLE = f"{BRIEF},ccRecipients,replyTo,body,internetMessageId,internetMessageHeaders,conversationId"
MAX_ANSWER = 8_000_000
MOST_LOOKED = 50
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class Outlook:
    """One connected account."""

    where: Literal["outlook"] = "outlook"
    title = "Outlook"

    def __init__(self, client: Client, needs: Sequence[str]) -> None:
        self.vendor = Vendor(client, self.title, needs)
        self.account, self.name = client.account, client.name

    async def search(self, wanted: Wanted) -> Sequence[Brief]:
        """See `Box`."""
        query = {"$select": BRIEF, "$top": str(MOST_LOOKED), **query_of(wanted)}
        told = await self.vendor.ask("GET", BASE, query=query, headers=STEADY)
        found = [_brief(each) for each in _listed(told)]
        return [each for each in found if _fits(each, wanted)][: wanted.count]

    async def mail(self, id_: str) -> Mail:
        """See `Box`."""
        where = f"{BASE}/{quote(id_, safe='')}"
        page = await self.vendor.page(
            "GET", where, query={"$select": WHOLE}, headers=AS_TEXT, max_bytes=MAX_ANSWER
        )
        told = self.vendor.read(page)
        body = told.get("body")
        text = str(body.get("content", "")) if isinstance(body, dict) else ""
        brief = _brief(told)
        headers = {n.lower(): v for n, v in _headers(told)}
        listed = await self.vendor.page(
            "GET",
            f"{where}/attachments",
            query={"$select": "id,name,contentType,size"},
            headers=STEADY,
            max_bytes=MAX_BYTES * 3 // 2,
        )
        return Mail(
            brief=brief,
            cc=_people(told.get("ccRecipients")),
            text=clean(text)[:MAX_TEXT],
            files=tuple(_attached(self.vendor.read(listed))),
            message_id=str(told.get("internetMessageId") or "").strip(),
            references=headers.get("references", "") or headers.get("in-reply-to", ""),
            reply_to=_people(told.get("replyTo")) or brief.sender,
            thread=str(told.get("conversationId", "")),
        )

    async def bytes_of(self, id_: str, file: Attached) -> bytes:
        """See `Box`."""
        where = f"{BASE}/{quote(id_, safe='')}/attachments/{quote(file.ref, safe='')}/$value"
        page = await self.vendor.page("GET", where, headers=STEADY, max_bytes=MAX_BYTES)
        return page.body

    async def draft(self, data: bytes, thread: str) -> str:
        """See `Box`. The thread follows from References."""
        told = await self.vendor.ask("POST", BASE, body=base64.b64encode(data), headers=MIME)
        return _word(told.get("id"))

    async def blind(self, draft: str, people: Sequence[str]) -> None:
        """See `Box`. That Microsoft reads them in MIME is not documented."""
        if people:
            told: list[Json] = [{"emailAddress": {"address": each}} for each in people]
            where, body = f"{BASE}/{quote(draft, safe='')}", {"bccRecipients": told}
            await self.vendor.ask("PATCH", where, body=dict[str, Json](body), headers=STEADY)

    async def send(self, draft: str) -> Found:
        """See `Box`."""
        where = f"{BASE}/{quote(draft, safe='')}"
        try:
            await self.vendor.page("POST", f"{where}/send", headers=STEADY)
        except VendorRefused as error:
            if error.retry_after_s is None and (await self._state(draft)).state == "sent":
                raise NotFound("This draft was sent.") from None
            raise
        return Found(state="sent", id=draft)

    async def look(self, draft: str, message_id: str) -> Found:
        """See `Box`."""
        if draft and (found := await self._state(draft)).state != "unseen":
            return found
        wanted = message_id.replace("'", "''")
        query = {"$filter": f"internetMessageId eq '{wanted}'", "$select": "id,isDraft,webLink"}
        told = await self.vendor.ask("GET", BASE, query=query, headers=STEADY)
        states = [_state_of(each) for each in _listed(told)]
        sent = [each for each in states if each.state == "sent"]
        return (sent or states or [Found(state="unseen")])[0]

    async def _state(self, id_: str) -> Found:
        where = f"{BASE}/{quote(id_, safe='')}"
        query = {"$select": "id,isDraft,webLink"}
        try:
            return _state_of(await self.vendor.ask("GET", where, query=query, headers=STEADY))
        except NotFound:
            return Found(state="unseen")


def query_of(wanted: Wanted) -> dict[str, str]:
    """The search as Graph takes it: words in `$search`, else a filter and the newest first.

    https://learn.microsoft.com/graph/search-query-parameter
    """
    if wanted.words or wanted.sender:
        parts = _plain(wanted.words).split()
        if wanted.sender:
            parts.append(f"from:{_plain(wanted.sender)}")
        if wanted.since:
            parts.append(f"received>={wanted.since.astimezone(UTC):%Y-%m-%d}")
        if wanted.until:
            parts.append(f"received<={wanted.until.astimezone(UTC):%Y-%m-%d}")
        return {"$search": f'"{" ".join(parts)}"'}
    parts = [f"receivedDateTime ge {_stamp(wanted.since or BEGINNING)}"]
    if wanted.until:
        parts.append(f"receivedDateTime lt {_stamp(wanted.until)}")
    if wanted.is_unread:
        parts.append("isRead eq false")
    return {"$filter": " and ".join(parts), "$orderby": "receivedDateTime desc"}


def _fits(brief: Brief, wanted: Wanted) -> bool:
    """What a search takes no word for: unread, and times of a day."""
    if wanted.is_unread and not brief.is_unread:
        return False
    if brief.at is None:
        return True
    is_late = wanted.until is not None and brief.at >= wanted.until
    return not is_late and (wanted.since is None or brief.at >= wanted.since)


def _plain(text: str) -> str:
    """Words without the marks that a search gives a meaning to."""
    return " ".join("".join(" " if c in '"\\()<>=:*' else c for c in text).split())


def _stamp(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _listed(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = told.get("value")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise VendorUnknown("Outlook's list cannot be read.")
    return found


def _word(told: object) -> str:
    if not is_id(told):
        raise VendorUnknown("Outlook did not say how it calls the mail.")
    return str(told)


def _state_of(told: Mapping[str, Any]) -> Found:
    is_draft = told.get("isDraft")
    if not isinstance(is_draft, bool):
        raise VendorUnknown("Outlook did not say where the mail stands.")
    url = str(told.get("webLink") or "")
    url = url if url.startswith("https://") and len(url) < 2_000 else ""
    return Found(state="draft" if is_draft else "sent", id=_word(told.get("id")), url=url)


def _brief(told: Mapping[str, Any]) -> Brief:
    sender = told.get("from")
    return Brief(
        id=f"outlook:{_word(told.get('id'))}",
        sender=_people([sender] if sender else []),
        to=_people(told.get("toRecipients")),
        subject=line(clean(str(told.get("subject") or "")), MAX_SUBJECT),
        at=_time(told.get("receivedDateTime")),
        preview=line(clean(str(told.get("bodyPreview") or ""))),
        is_unread=told.get("isRead") is False,
        is_draft=told.get("isDraft") is True,
    )


def _people(told: object) -> str:
    found = []
    for each in told[:100] if isinstance(told, list) else []:
        inner = each.get("emailAddress") if isinstance(each, dict) else None
        if isinstance(inner, dict):
            name, address = (line(clean(str(inner.get(k) or "")), 254) for k in ("name", "address"))
            found.append(person(name, address))
    return ", ".join(found)[:5_000]


def _headers(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    found = told.get("internetMessageHeaders")
    for each in found[:500] if isinstance(found, list) else []:
        if isinstance(each, dict):
            yield str(each.get("name", "")), clean(str(each.get("value", "")))[:5_000]


def _attached(told: Mapping[str, Any]) -> Iterator[Attached]:
    for n, each in enumerate(_listed(told)[:200], 1):
        size = each.get("size")
        yield Attached(
            n=n,
            name=line(clean(str(each.get("name") or "")), 200) or f"part-{n}",
            media_type=line(str(each.get("contentType") or ""), 100),
            size=size if isinstance(size, int) else 0,
            ref=_word(each.get("id")),
        )


def _time(told: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
