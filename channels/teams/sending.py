"""Writing to Teams: answers in parts, cards, drafts that grow.

An answer's first part is its reference, `conversation|message`. Teams has neither a key for a
message nor a way to look one up, so a send without an answer stays unknown; a message that stands
can be rewritten as often as need be.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/update-and-delete-bot-messages
(read 2026-11-21)
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from html import escape
from typing import Any, Final

import aiohttp

from bot.core.canonical import Json
from bot.core.channel import Dialect, Outbound, Receipt
from bot.core.errors import BotError, VendorRefused, VendorUnknown
from bot.core.event import Attachment
from bot.core.ids import ApprovalId
from bot.platforms.files_out import MEGABYTE, NO_ROOM, enclose
from bot.platforms.lent import Shelf
from bot.render.card import Surface, render
from bot.render.cards.layout import Ref
from bot.render.markdown import pieces
from channels.teams.calls import Answer, Calls, path_to
from channels.teams.places import join, parted, ref_of, split

MAX_CHARS: Final = 12_000
"""Of one message, which may have 28 KB; letters count as two bytes."""
MAX_PICTURE: Final = MEGABYTE
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif"})
"""What Teams shows within a message, and how large.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4 (read 2026-11-21)"""
CHUNK: Final = 65_536
FETCH_S: Final = 120
TEAM_THREAD: Final = "19:"
"""A team as the connector calls it; Graph calls it by a GUID, which the connector does not know."""
Activity = dict[str, Json]


class Sending:
    """The way out."""

    def __init__(self, calls: Calls, shelf: Shelf) -> None:
        self._calls = calls
        self._shelf = shelf

    async def send(self, message: Outbound) -> Receipt:
        """Send or rewrite. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        if message.card is not None and message.approval:
            return Receipt(vendor_ref=await self._write(message, _card(message), message.replace))
        shown = [each for each in message.attachments if self._is_shown(each)]
        others = tuple(each for each in message.attachments if each not in shown)
        enclosed = await enclose(replace(message, attachments=others), self._shelf, NO_ROOM)
        texts = pieces(enclosed.text, Dialect.TEAMS, MAX_CHARS)
        texts = texts or [escape(each.name) for each in shown[:1]]
        if not texts:
            raise VendorRefused("There is nothing to send.")
        bodies = [text_of(text) for text in texts]
        if shown:
            bodies[-1]["attachments"] = [self._picture(each) for each in shown]
        ref = await self._write(message, bodies[0], message.replace)
        for n, body in enumerate(bodies[1:], 1):
            try:
                await self._write(message, body, "")
            except BotError as error:
                raise VendorUnknown(
                    f"Only {n} of {len(texts)} parts of it arrived: {error.message}"
                ) from error
        return Receipt(vendor_ref=ref)

    def _is_shown(self, item: Attachment) -> bool:
        """Whether Teams shows it within a message: it fetches pictures from a public address."""
        fits = item.media_type in PICTURES and item.size <= MAX_PICTURE
        return fits and bool(self._shelf.link(item))

    def _picture(self, item: Attachment) -> Json:
        link = self._shelf.link(item)
        return {"contentType": item.media_type, "contentUrl": link, "name": item.name}

    async def draft(self, message: Outbound) -> Receipt | None:
        """Show so much of an answer in a chat of two, or that somebody works on it.

        None when nothing lasting was shown. Raises VendorRefused, VendorUnknown, ConnectionBroken.
        """
        texts = pieces(message.text, Dialect.TEAMS, MAX_CHARS)
        is_private = message.extra.get("private") is True
        if (texts and not is_private) or message.thread or not self._calls.spare(message.place):
            return None
        if not texts:
            await self._call(message.place, "POST", path_to(message.place), {"type": "typing"})
            return None
        if message.replace:
            conversation, activity = parted(message.replace)
            path = path_to(conversation, activity)
            await self._call(message.place, "PUT", path, text_of(texts[0]))
            return Receipt(vendor_ref=message.replace)
        path = path_to(message.place)
        answer = await self._call(message.place, "POST", path, text_of(texts[0]))
        return Receipt(vendor_ref=ref_of(message.place, id_of(answer))) if answer else None

    async def post(self, team: str, channel: str, text: str) -> Receipt:
        """Begin a thread in a channel; a long text goes on below its first part.

        Raises VendorRefused with what to grant, VendorUnknown, ConnectionBroken.
        https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
        (read 2026-11-21)
        """
        texts = pieces(text, Dialect.TEAMS, MAX_CHARS)
        if not texts:
            raise VendorRefused("There is nothing to send.")
        place: Activity = {"channel": {"id": channel}}
        if team.startswith(TEAM_THREAD):
            place["team"] = {"id": team}
        body: Activity = {"isGroup": True, "channelData": place, "activity": text_of(texts[0])}
        answer = await self._calls.surely(channel, "POST", "", body)
        root = answer.get("activityId") or split(id_of(answer))[1]
        thread = join(channel, str(root))
        for n, more in enumerate(texts[1:], 1):
            try:
                await self._calls.surely(channel, "POST", path_to(thread), text_of(more))
            except BotError as error:
                raise VendorUnknown(
                    f"Only {n} of {len(texts)} parts of it arrived: {error.message}"
                ) from error
        return Receipt(vendor_ref=ref_of(thread, str(root)))

    async def tell(self, conversation: str, text: str) -> None:
        """A text of the channel's own, to the letter and whole."""
        place, _ = split(conversation)
        while text := text.strip():
            line_end = text.rfind("\n", 0, MAX_CHARS)
            end = MAX_CHARS if len(text) <= MAX_CHARS or line_end < 0 else line_end
            body: Activity = {"type": "message", "textFormat": "plain", "text": text[:end]}
            await self._calls.surely(place, "POST", path_to(conversation), body)
            text = text[end:]

    async def chat_with(self, place: str, me: str, person: str, tenant: str) -> str:
        """The chat of the bot and one person alone, by way of the service of `place`."""
        body: Activity = {
            "bot": {"id": me},
            "members": [{"id": person}],
            "tenantId": tenant,
            "channelData": {"tenant": {"id": tenant}},
            "isGroup": False,
        }
        answer = await self._calls.surely(place, "POST", "", body)
        conversation = id_of(answer)
        self._calls.services.learn(split(conversation)[0], self._calls.services.of(place))
        return conversation

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes of a file; the token goes to the connector alone. Raises like `send`."""
        address, services = attachment.source, self._calls.services
        headers = {}
        if services.may_call(address) and "/v3/" in address:
            headers["Authorization"] = f"Bearer {await self._calls.token()}"
        elif not services.may_fetch(address):
            raise VendorRefused("This file does not lie at Microsoft.")
        limit = aiohttp.ClientTimeout(total=FETCH_S)
        try:
            async with self._calls.session.get(
                address, headers=headers, allow_redirects=False, timeout=limit
            ) as answer:
                if answer.status >= 500 or answer.status == 429:
                    raise VendorUnknown("Teams did not give the file.")
                if answer.status != 200:
                    raise VendorRefused("The file is not there any more, or may not be read.")
                async for part in answer.content.iter_chunked(CHUNK):
                    yield part
        except (aiohttp.ClientError, TimeoutError) as error:
            raise VendorUnknown("Teams did not give the file.") from error

    async def _write(self, message: Outbound, body: Activity, replace: str) -> str:
        """Rewrite the message that stands, or write a new one where it stands no more."""
        if replace:
            conversation, activity = parted(replace)
            path = path_to(conversation, activity)
            try:
                await self._calls.surely(message.place, "PUT", path, body)
            except VendorRefused as error:
                if error.ids.get("code") != "NotFound":
                    raise
            else:
                return replace
        conversation = join(message.place, message.thread)
        answer = await self._calls.surely(message.place, "POST", path_to(conversation), body)
        return ref_of(conversation, id_of(answer))

    async def _call(self, place: str, method: str, path: str, body: Activity) -> Answer | None:
        """A call that nobody waits for; None where Teams asks for a pause."""
        try:
            return await self._calls.call(place, method, path, body)
        except VendorRefused as error:
            if error.retry_after_s is None:
                raise
        return None


def text_of(html: str) -> Activity:
    """A message of words."""
    return {"type": "message", "textFormat": "xml", "text": html}


def id_of(answer: Any) -> str:
    """What was made. Raises VendorUnknown where Teams does not say."""
    found = answer.get("id")
    if not isinstance(found, str) or not found:
        raise VendorUnknown("Teams did not say which message it made.")
    return found


def _card(message: Outbound) -> Activity:
    assert message.card is not None  # noqa: S101 - said by the caller
    ref = Ref(approval=ApprovalId(message.approval), version=message.version, url=message.url)
    payload = render(message.card, Surface.TEAMS, ref)
    if isinstance(payload, str):
        raise VendorRefused("The card has no form for Teams.")
    return {**payload, "summary": message.text[:200]}
