"""Mail in by IMAP: a mailbox of the house's own, where what is unread was not taken in yet.

A mail is marked as read only after it is stored, so a crash in between brings it again, and its
Message-ID makes the second time nothing. IDLE tells of new mail; every round looks all the same.
The library waits for its socket, so it works in a thread.
https://www.rfc-editor.org/rfc/rfc2177 and https://docs.python.org/3.11/library/imaplib.html
(read 2026-11-21)
"""

import asyncio
import imaplib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.core.errors import (
    Invalid,
    StoreError,
    UserError,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.platforms.lent import Lent
from channels.email.box import Box
from channels.email.intake import Arrival
from channels.email.mime import Unreadable
from channels.email.proof import is_proved
from channels.email.settings import Settings

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
_GONE = (OSError, imaplib.IMAP4.error, ValueError)


class Imap:
    """The inbox."""

    name = "imap"

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._lent, self._settings = lent, settings

    def routes(self) -> Sequence[Any]:
        """It has none: the house calls the server."""
        return ()

    async def run(self, take: Callable[[Arrival], Awaitable[None]]) -> None:
        """Read what is unread, and wait for more. Raises ConnectionBroken."""
        await self._lent.hold()  # two that read one mailbox would store everything twice
        pause = FIRST_PAUSE_S
        while True:
            box = Box(self._settings)
            try:
                await asyncio.to_thread(box.open)
                while True:
                    await self._drain(box, take)
                    pause = FIRST_PAUSE_S
                    await asyncio.to_thread(box.wait)
            except (VendorError, StoreError) as error:
                log.warning("The mailbox is away for a moment: %s", error.message)
            except _GONE as error:
                log.warning("The mailbox is away for a moment: %s", type(error).__name__)
            finally:
                box.cut()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def try_out(self) -> None:
        """Sign in and look at the folder. Raises ConnectionBroken, VendorUnknown."""
        box = Box(self._settings)
        try:
            await asyncio.to_thread(box.open)
        except _GONE as error:
            raise VendorUnknown("The mailbox cannot be reached.") from error
        finally:
            box.cut()

    async def fetch(self, source: str) -> bytes:
        """A mail, by the mailbox's age and the mail's number. Raises VendorError."""
        age, _, uid = source.partition("-")
        box = Box(self._settings)
        try:
            await asyncio.to_thread(box.open)
            if box.age != age or not uid.isdigit():
                raise VendorRefused("The mailbox was made anew; this mail is not there any more.")
            return await asyncio.to_thread(box.read, uid)
        except _GONE as error:
            raise VendorUnknown("The mailbox did not answer.") from error
        finally:
            box.cut()

    async def _drain(self, box: Box, take: Callable[[Arrival], Awaitable[None]]) -> None:
        """Take in what is unread, the oldest first, each once: what has to wait stays unread."""
        tried: set[str] = set()
        while uids := [uid for uid in await asyncio.to_thread(box.unread) if uid not in tried]:
            for uid in uids:
                tried.add(uid)
                await self._one(box, uid, take)

    async def _one(self, box: Box, uid: str, take: Callable[[Arrival], Awaitable[None]]) -> None:
        try:
            mail = await asyncio.to_thread(box.mail, uid)
        except Unreadable as error:
            log.warning("A mail cannot be read and is passed over: %s", error)
        except VendorUnknown as error:  # it stays unread, and keeps no other from being read
            log.warning("A mail waits: %s", error.message)
            return
        else:
            arrival = Arrival(
                mail=mail,
                box=self._settings.home,
                is_proved=is_proved(mail, self._settings.servers),
                source=lambda part: f"imap:{box.age}-{uid}:{part}",
            )
            try:
                await take(arrival)
            except Invalid as error:
                log.warning("A mail cannot be taken and is passed over: %s", error.message)
            except UserError as error:
                log.warning("A mail waits: %s", error.message)
                return
        await asyncio.to_thread(box.mark, uid)
