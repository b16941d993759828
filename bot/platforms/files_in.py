"""Files that came with a message on a platform outside: fetched when the turn opens, and kept.

The first commit has only their names. The person is known by now, so nothing is fetched for
strangers; a file is kept under the id of its event and place, so that a turn that begins again
fetches nothing twice. One that cannot be had is named to the agent as it is.
"""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from bot.core.channel import Channel
from bot.core.conversation import Claim
from bot.core.errors import BotError
from bot.core.event import Attachment
from bot.core.people import Person
from bot.files.files import Files, NewFile
from bot.files.kinds import UNSAID, begun, kind_of
from bot.store import conversations
from bot.store.files import File
from bot.store.script import Database

log = logging.getLogger(__name__)

Fetch = Callable[[Attachment], AsyncIterator[bytes]]
MOST = 10
"""Files of one message; more are only named."""


class FilesIn:
    """Fetches files."""

    def __init__(self, db: Database, files: Files | None) -> None:
        self._db = db
        self._files = files

    async def bring(self, claim: Claim, channel: Channel, person: Person | None) -> Claim:
        """The claim with its files kept, as far as they could be had."""
        event, files = claim.event, self._files
        if files is None or person is None or not channel.features.media:
            return claim
        if not any(_is_away(item) for item in event.attachments):
            return claim
        fetch: Fetch = channel.fetch  # type: ignore[attr-defined]
        found = list(event.attachments)
        for n, item in enumerate(found[:MOST]):
            if _is_away(item):
                new = NewFile(
                    tenant=event.tenant,
                    person=person.id,
                    name=item.name,
                    media_type=item.media_type,
                    id=f"fil_{event.id[4:]}x{n}",
                )
                found[n] = await _kept(files, new, item, fetch)
        kept = tuple(found)
        await self._db.write(conversations.attach(event.tenant, claim.conv.id, event.id, kept))
        return replace(claim, event=replace(event, attachments=kept))


async def _kept(
    files: Files,
    new: NewFile,
    item: Attachment,
    fetch: Callable[[Attachment], AsyncIterator[bytes]],
) -> Attachment:
    there = await files.find(new.tenant, new.id)
    if there and there.state == "kept":
        return _named(there)
    try:
        pieces = fetch(item)
        if item.media_type == UNSAID:  # such as a picture that was pasted in Teams
            head, pieces = await begun(pieces)
            media_type, end = kind_of(head)
            name = item.name if "." in item.name else f"{item.name}{end}"
            new = replace(new, name=name, media_type=media_type or UNSAID)
        file = await files.keep(new, pieces)
    except BotError as error:
        log.warning("A file could not be had: %s", error.message)
        return item
    except Exception:
        log.exception("A file could not be had.")
        return item
    return _named(file)


def _named(file: File) -> Attachment:
    """A kept file as a message carries it."""
    return Attachment(
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        source=file.id,
    )


def _is_away(item: Attachment) -> bool:
    return not item.sha256 and bool(item.source)
