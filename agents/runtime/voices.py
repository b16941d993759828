"""Voice notes of a message: written down once, as words from outside, and paid for like any call.

Who speaks in a recording nobody can prove, and what a model made of it may be wrong: so its words
are marked like those of others, and a conversation that has them is tainted. What was heard, the
event and what it cost are one commit; a turn that begins again after it asks nobody. A process that
is killed between the answer and that commit has the note heard once more.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from agents.runtime.hearing import MAX_BYTES
from agents.runtime.metering import Metered, Whose
from bot.core.canonical import Json
from bot.core.conversation import Claim
from bot.core.errors import BotError
from bot.core.event import Attachment, Kind
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.files.files import Files
from bot.frozen import frozen
from bot.store import hearings, spends
from bot.store.script import Database

log = logging.getLogger(__name__)

MOST = 3
"""Voice notes of one message; more are files like others."""
NOBODY = "Nobody listens to voice notes here: the setting models.transcription names no model."
TOO_LONG = f"A voice note may have {MAX_BYTES // 1024 // 1024} MB at most."
AWAY = "The voice note could not be fetched."
SILENT = "There are no words in the voice note."


@frozen
class _Note:
    """One voice note, and what became of it."""

    name: str
    text: str = ""
    why: str = ""
    """Why it was not heard."""


class Voices:
    """Hears voice notes."""

    def __init__(self, db: Database, clock: Clock, files: Files | None, metered: Metered) -> None:
        self._db = db
        self._clock = clock
        self._files = files
        self._metered = metered

    async def hear(self, claim: Claim, agent: str, person: Person | None) -> Claim:
        """The claim with what is said in its voice notes. Raises StoreError, Fenced."""
        event = claim.event
        items = [item for item in event.attachments if is_voice(item)][:MOST]
        if person is None or event.kind != Kind.MESSAGE or not items:
            return claim
        if "heard" in event.payload or "unheard" in event.payload:
            return claim  # by an attempt that was cut off later
        whose = Whose(tenant=event.tenant, agent=agent, person=person.id, conv=claim.conv.id)
        costs: list[spends.Cost] = []
        notes = []
        for n, item in enumerate(items):
            notes.append(await self._note(whose, item, f"hrd_{event.id[4:]}x{n}", costs))
        payload = {**event.payload, **_told(notes)}
        event = replace(event, payload=payload)
        said = [f"[{note.name}] {note.text}" for note in notes if note.text]
        text = "\n\n".join(part for part in (event.text, *said) if part)
        at = to_us(self._clock.now())
        await self._db.write(hearings.hear(event, claim.conv.id, text if said else "", costs, at))
        where = replace(claim.conv, tainted=claim.conv.tainted or bool(said))
        return replace(claim, event=event, conv=where)

    async def _note(
        self, whose: Whose, item: Attachment, id_: str, costs: list[spends.Cost]
    ) -> _Note:
        model = self._metered.transcriber
        if model is None:
            return _Note(name=item.name, why=NOBODY)
        if item.size > MAX_BYTES:
            return _Note(name=item.name, why=TOO_LONG)
        try:
            content = await self._bytes(whose.tenant, item)
            if content is None:
                return _Note(name=item.name, why=AWAY)
            heard = await self._metered.hear(whose, (item.name, item.media_type), content)
        except BotError as error:
            log.warning("A voice note was not heard: %s", error.message)
            return _Note(name=item.name, why=error.message)
        costs.append(
            spends.Cost(
                id=id_,
                agent=whose.agent,
                person=whose.person,
                conv=whose.conv,
                model=model.name,
                usage=heard.usage,
            )
        )
        return _Note(name=item.name, text=heard.text, why="" if heard.text else SILENT)

    async def _bytes(self, tenant: TenantId, item: Attachment) -> bytes | None:
        if self._files is None or not item.sha256:
            return None
        file = await self._files.find(tenant, item.source)
        if file is None or file.size > MAX_BYTES:
            return None
        return await self._files.whole(file)


def is_voice(item: Attachment) -> bool:
    """Whether it is something that was said."""
    return item.media_type.partition("/")[0] == "audio"


def refusal(claim: Claim) -> str:
    """What the house answers to a message that is a voice note and no more, and was not heard."""
    event = claim.event
    why = event.payload.get("unheard")
    if event.text.strip() or "heard" in event.payload or not isinstance(why, str):
        return ""
    return why if all(is_voice(item) for item in event.attachments) else ""


def _told(notes: Sequence[_Note]) -> dict[str, Json]:
    heard: list[Json] = [{"name": note.name, "text": note.text} for note in notes if note.text]
    why = " ".join(dict.fromkeys(note.why for note in notes if note.why))
    told: dict[str, Json] = {}
    if heard:
        told["heard"] = heard
    if why:
        told["unheard"] = why
    return told
