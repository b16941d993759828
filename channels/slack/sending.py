"""Writing to Slack: answers in parts, cards, drafts that grow, and the proof that it is there.

An answer's first part is its reference, `channel:ts`. What was written of an effect is remembered,
and where that memory fails it is read back from Slack, so no part is written twice.
https://docs.slack.dev/reference/methods/chat.postMessage (read 2026-11-21)
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.core.canonical import Json
from bot.core.channel import Dialect, Outbound, Receipt
from bot.core.effect import Effect, EffectKind, EffectState, Outcome
from bot.core.errors import ConnectionBroken, VendorError, VendorRefused, VendorUnknown
from bot.core.event import Attachment
from bot.core.ids import ApprovalId
from bot.core.ports import Clock
from bot.platforms.files_out import enclose, in_words
from bot.platforms.lent import Shelf
from bot.render.card import Surface, render
from bot.render.cards.layout import Ref
from bot.render.markdown import pieces
from channels.slack.calls import Answer, Calls
from channels.slack.events import Account, text_of
from channels.slack.features import MAX_CHARS
from channels.slack.opinions import below
from channels.slack.sent import Ledger, Written, look, metadata
from channels.slack.uploads import ROOM, NotTaken, Uploads, names_of
from channels.slack.whispers import Whispers, person_of

log = logging.getLogger(__name__)

_QUIET: Final[Mapping[str, Json]] = {"unfurl_links": False, "unfurl_media": False}
_GONE: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""A message that can be replaced no more."""
CARD_LOOK: Final = timedelta(days=1)
"""How far back a card is looked for before it is shown."""
STATUS: Final = "is thinking…"


@dataclass(frozen=True, slots=True)
class _Target:
    """One message that is written."""

    place: str
    thread: str
    body: Mapping[str, Json]


class Sending:
    """The way out."""

    def __init__(
        self,
        calls: Calls,
        ledger: Ledger,
        clock: Clock,
        account: Callable[[], Account | None],
        shelf: Shelf,
    ) -> None:
        self._uploads = Uploads(calls, shelf)
        self.whispers = Whispers(calls, clock)
        self._clock = clock
        self._calls = calls
        self._ledger = ledger
        self._account = account
        self._drawn: dict[str, str] = {}
        self._no_status = False

    async def send(self, message: Outbound) -> Receipt:
        """Send or rewrite. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        if message.card is not None:
            return await self._card(message)
        if person := person_of(message.thread):
            return await self._whisper(message, person)
        enclosed = await enclose(message, self._uploads.shelf, ROOM)
        texts = pieces(enclosed.text, Dialect.SLACK, MAX_CHARS)
        known = self._ledger.of(message.effect, message.place, message.thread)
        await self._recall(message, known)
        draft = message.replace or (
            known.draft and f"{known.channel or message.place}:{known.draft}"
        )
        if not texts:
            return await self._nothing(message, draft)
        self._drawn.pop(draft, None)
        known.of = len(texts)
        for n, text in enumerate(texts):
            if n in known.parts:
                continue
            files = names_of(enclosed.files) if n == 0 else ()
            mark = metadata(message.effect, n, len(texts), files=files)
            body: dict[str, Json] = {"text": text, "metadata": mark}
            if _is_rated(message) and n == len(texts) - 1:
                body["blocks"] = list(below(text, known.parts[0] if n else ""))
            target = _Target(message.place, message.thread, body)
            known.unsure = True
            try:
                answer = await self._write(target, draft if n == 0 else "")
            except (VendorRefused, ConnectionBroken):
                known.unsure = False
                raise
            known.unsure = False
            self._note(known, n, answer, message.thread)
        if enclosed.files and not known.shared:
            await self._share(message, known, enclosed.files)
        return self._receipt(known)

    async def find(self, effect: Effect) -> Outcome | None:
        """Whether an answer is there, whole. None means that it surely is not."""
        place, thread = effect.progress.get("place"), effect.progress.get("thread")
        if isinstance(thread, str) and person_of(thread):
            return None  # nobody can look: it is said once more, to the same person alone
        known = self._ledger.of(
            effect.id,
            place if isinstance(place, str) else "",
            thread if isinstance(thread, str) else "",
        )
        try:
            await self._look(effect.id, known, effect.started_at)
        except VendorError as error:
            return Outcome(state=EffectState.IN_DOUBT, error=error.message)
        if not known.is_whole:
            return None
        receipt = self._receipt(known)
        return Outcome(state=EffectState.SENT, vendor_ref=receipt.vendor_ref, url=receipt.url)

    async def draft(self, message: Outbound) -> Receipt | None:
        """Show a text that grows; None when it is let be. Raises ConnectionBroken."""
        if person_of(message.thread):
            return None  # what one person alone is shown cannot be rewritten
        try:
            return await (self._grow(message) if message.text.strip() else self._status(message))
        except VendorError as error:
            log.info("A draft was not shown: %s", error.message)
            return None

    async def _whisper(self, message: Outbound, person: str) -> Receipt:
        """Say it to one person alone. Files are named, with an address where there is one."""
        shelf = self._uploads.shelf
        named = [in_words(item, shelf.link(item)) for item in message.attachments]
        texts = pieces("\n\n".join([message.text, *named]), Dialect.SLACK, MAX_CHARS)
        if not texts:
            raise VendorRefused("There is nothing to send.")
        known = self._ledger.of(message.effect, message.place, message.thread)
        for n, text in enumerate(texts):
            if n not in known.parts:
                await self.whispers.say(message.place, person, text)
                known.parts[n] = message.thread
        return Receipt(vendor_ref=f"{message.place}:{message.thread}")

    async def _share(self, message: Outbound, known: Written, files: Sequence[Attachment]) -> None:
        """Show the files, or say where they are when Slack does not take them."""
        known.files = tuple(names_of(files))
        try:
            await self._uploads.share(known, files)
        except NotTaken as error:
            log.warning("Slack did not take a file: %s", error)
            words = "\n".join(in_words(i, self._uploads.shelf.link(i)) for i in files)
            text = "\n\n".join(pieces(words, Dialect.SLACK, MAX_CHARS)[:1])
            mark = metadata(message.effect, len(known.parts), len(known.parts))
            target = _Target(message.place, message.thread, {"text": text, "metadata": mark})
            await self._write(target, "")
            known.shared = True

    # --- parts ------------------------------------------------------------------------------

    async def _recall(self, message: Outbound, known: Written) -> None:
        """Read back what an earlier attempt, maybe of another process, left behind."""
        attempt = message.extra.get("attempt")
        is_new = not (known.parts or known.draft or known.looked)
        is_unsure = known.unsure or known.sharing
        if is_unsure or (isinstance(attempt, int) and attempt > 1 and is_new):
            await self._look(message.effect, known, None)

    async def _look(self, effect: str, known: Written, since: datetime | None) -> None:
        account = self._account()
        await look(self._calls, account.user if account else "", effect, known, since)

    async def _write(self, target: _Target, replace: str) -> Answer:
        """Rewrite the message that stands, or write a new one where it stands no more."""
        channel, _, ts = replace.partition(":")
        if ts:
            try:
                return await self._calls.edit(channel, ts=ts, **target.body)
            except VendorRefused as error:
                if error.ids.get("code") not in _GONE:
                    raise
        body = {**target.body, **_QUIET, "thread_ts": target.thread}
        return await self._calls.post(target.place, **body)

    async def _nothing(self, message: Outbound, draft: str) -> Receipt:
        """An answer without words: its draft goes."""
        channel, _, ts = draft.partition(":")
        if not ts:
            raise VendorRefused("There is nothing to send.")
        await self._calls.do("chat.delete", channel=channel, ts=ts)
        return Receipt(vendor_ref=draft)

    def _note(self, known: Written, part: int, answer: Answer, thread: str) -> None:
        ts, channel = text_of(answer, "ts"), text_of(answer, "channel")
        if not ts or not channel:
            raise VendorUnknown("Slack did not say which message it made.")
        known.channel, known.parts[part] = channel, ts
        self._ledger.speak(channel, thread)
        if part:
            self._ledger.join(f"{channel}:{ts}", f"{channel}:{known.parts[0]}")

    def _receipt(self, known: Written) -> Receipt:
        channel, ts = known.channel or known.place, known.parts[0]
        return Receipt(vendor_ref=f"{channel}:{ts}", url=self._url(channel, ts))

    def _url(self, channel: str, ts: str) -> str:
        account = self._account()
        if account is None or not account.url:
            return ""
        return f"{account.url}archives/{channel}/p{ts.replace('.', '')}"

    # --- cards ------------------------------------------------------------------------------

    async def _card(self, message: Outbound) -> Receipt:
        """A card, or the same one rewritten. What is one person's goes where it can be rewritten:
        to their direct messages."""
        if person := person_of(message.thread):
            message = replace(message, place=person, thread="")
        assert message.card is not None  # noqa: S101 - said by the caller
        ref = Ref(approval=ApprovalId(message.approval), version=message.version, url=message.url)
        payload = render(message.card, Surface.SLACK, ref)
        if isinstance(payload, str):
            raise VendorRefused("The card has no form for Slack.")
        body = {name: value for name, value in payload.items() if name not in _QUIET}
        body["metadata"] = metadata(message.effect, 0, 1)
        stands = message.replace or await self._shown(message)
        answer = await self._write(_Target(message.place, message.thread, body), stands)
        ts, channel = text_of(answer, "ts"), text_of(answer, "channel")
        if not ts or not channel:
            raise VendorUnknown("Slack did not say which message it made.")
        self._ledger.speak(channel, message.thread)
        return Receipt(vendor_ref=f"{channel}:{ts}", url=self._url(channel, ts))

    async def _shown(self, message: Outbound) -> str:
        """Where a card stands that a killed process has shown already; empty where it does not."""
        known = Written(place=message.place, thread=message.thread)
        try:
            await self._look(message.effect, known, self._clock.now() - CARD_LOOK)
        except (VendorError, ConnectionBroken) as error:
            log.info("It is not known whether a card stands: %s", error.message)
        return f"{message.place}:{known.parts[0]}" if 0 in known.parts else ""

    # --- drafts -----------------------------------------------------------------------------

    async def _grow(self, message: Outbound) -> Receipt | None:
        known = self._ledger.of(message.effect, message.place, message.thread)
        texts = pieces(message.text, Dialect.SLACK, MAX_CHARS)
        if not texts:
            return None  # such as the beginning of an address
        text = texts[0]
        body: dict[str, Json] = {
            "text": text,
            "metadata": metadata(message.effect, 0, 1, draft=True),
        }
        if known.unsure:
            return None
        if not message.replace:
            await self._recall(message, known)
        if known.parts:
            return None
        found = known.draft and f"{known.channel or message.place}:{known.draft}"
        if ref := message.replace or found:
            channel, _, ts = ref.partition(":")
            if self._drawn.get(ref) == text or not self._calls.edits.spare(channel):
                return None
            await self._quick("chat.update", channel, {**body, "ts": ts})
            self._remember(ref, text)
            return Receipt(vendor_ref=ref)
        if not self._calls.posts.spare(message.place):
            return None
        known.unsure = True
        given = {**body, **_QUIET, "thread_ts": message.thread}
        try:
            answer = await self._quick("chat.postMessage", message.place, given)
        except (VendorRefused, ConnectionBroken):
            known.unsure = False
            raise
        known.unsure = False
        known.channel, known.draft = text_of(answer, "channel"), text_of(answer, "ts")
        self._ledger.speak(known.channel, message.thread)
        ref = f"{known.channel}:{known.draft}"
        self._remember(ref, text)
        return Receipt(vendor_ref=ref)

    async def _quick(self, method: str, place: str, body: Mapping[str, Json]) -> Answer:
        """A call that nobody waits for; Slack's wish for rest is obeyed by all."""
        try:
            return await self._calls.do(method, channel=place, **body)
        except VendorRefused as error:
            pace = self._calls.edits if method == "chat.update" else self._calls.posts
            pace.rest(error.retry_after_s or 0.0, "" if method == "chat.update" else place)
            raise

    async def _status(self, message: Outbound) -> None:
        """Say that somebody works on it; only threads have a place for that."""
        if self._no_status or not message.thread or not self._calls.edits.spare(message.place):
            return  # what is spare of posts is for the draft
        try:
            await self._calls.do(
                "assistant.threads.setStatus",
                channel_id=message.place,
                thread_ts=message.thread,
                status=STATUS,
            )
        except (VendorRefused, ConnectionBroken) as error:
            self._no_status = getattr(error, "retry_after_s", None) is None
            log.info("Slack shows no status: %s", error.message)

    def _remember(self, ref: str, text: str) -> None:
        self._drawn[ref] = text
        while len(self._drawn) > 1000:
            self._drawn.pop(next(iter(self._drawn)))


def _is_rated(message: Outbound) -> bool:
    """Whether it is an agent's answer; the house's own words are not rated."""
    return message.kind is EffectKind.REPLY and bool(message.extra.get("agent"))
