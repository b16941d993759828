"""Files on their way to Slack: an address, the bytes, and then one message that shows them.

Only the last step is seen by anybody. It takes no mark of ours, so the message before it names the
files in its own mark, and a message of the app that holds just those, after that one and in the
same thread, is taken for it. What two others say at the same time cannot be mistaken for it, but
the very same files sent twice within moments to one channel could be.
https://docs.slack.dev/messaging/working-with-files#upload (read 2026-11-21)
"""

import json
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from bot.core.errors import ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.event import Attachment
from bot.platforms.files_out import MEGABYTE, Room, whole
from bot.platforms.lent import Shelf
from channels.slack.calls import AGAIN_S, Calls
from channels.slack.events import text_of
from channels.slack.sent import Written

ROOM: Final = Room(files=10, max_bytes=25 * MEGABYTE, all_bytes=250 * MEGABYTE)
"""Slack itself takes 1 GB; the house keeps no file above 25 MB."""
UPLOAD_S: Final = 50


class NotTaken(Exception):
    """Slack surely does not take the files; the message says why."""


class Uploads:
    """Brings files."""

    def __init__(self, calls: Calls, shelf: Shelf) -> None:
        self._calls = calls
        self.shelf = shelf

    async def share(self, known: Written, files: Sequence[Attachment]) -> None:
        """Show them below the message that is known.

        Raises NotTaken, VendorRefused with a time to come again, VendorUnknown: may be there.
        """
        try:
            ids = [await self._bring(item) for item in files]
            told = json.dumps(
                [{"id": id_, "title": item.name} for id_, item in zip(ids, files, strict=True)]
            )
            channel = known.channel or known.place
            await self._calls.posts.turn(channel)
            known.sharing = True
            await self._calls.form(
                "files.completeUploadExternal",
                files=told,
                channel_id=channel,
                thread_ts=known.thread,
            )
        except VendorRefused as error:
            known.sharing = False
            if error.retry_after_s is not None:
                raise
            raise NotTaken(error.message) from error
        except ConnectionBroken as error:
            known.sharing = False
            raise NotTaken(error.message) from error
        known.sharing, known.shared = False, True

    async def _bring(self, item: Attachment) -> str:
        """Put the bytes at Slack, where nobody sees them yet; returns the file's id there."""
        content = await whole(self.shelf, item)
        try:
            told = await self._calls.ask(
                "files.getUploadURLExternal", filename=item.name, length=len(content)
            )
            address = text_of(told, "upload_url", 3000)
            self._check(address)
            limit = aiohttp.ClientTimeout(total=UPLOAD_S)
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(address, data=content, allow_redirects=False) as answer,
            ):
                await answer.read()
                if answer.status != 200:
                    raise VendorUnknown("Slack did not take the bytes.")
        except (aiohttp.ClientError, TimeoutError, VendorUnknown) as error:
            # Whatever became of it, nobody can see it.
            raise VendorRefused("Slack did not take the file.", retry_after_s=AGAIN_S) from error
        return text_of(told, "file_id")

    def _check(self, address: str) -> None:
        """A person's file goes to Slack and nowhere else, whatever an answer names."""
        parts, own = urlsplit(address), urlsplit(self._calls.base)
        host = parts.hostname or ""
        is_slack = parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))
        if not is_slack and (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
            raise VendorRefused("Slack named an address for the file that is not its own.")


def names_of(files: Sequence[Attachment]) -> list[str]:
    """How files are named in the mark of their message: name and size."""
    return sorted(f"{item.size}:{item.name}" for item in files)
