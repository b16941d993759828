"""Files of a message are fetched once, also when its turn begins anew after they are gone there."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bot.core.channel import Features
from bot.core.conversation import Claim
from bot.core.errors import VendorRefused
from bot.core.event import Attachment, Event, Kind, Place, Sender
from bot.core.ids import ConvId, EventId, PersonId, TenantId, conv_key
from bot.core.people import Person, Role
from bot.core.times import to_us
from bot.platforms.files_in import FilesIn
from bot.store import conversations, people
from bot.store.script import Script, restartable
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import StillClock
from tests.fakes.database import InlineDatabase
from tests.fakes.files import local_files

HOME = TenantId("ten_home")


class Pictures(FakeChannel):
    """A platform that forgets each file once it has given it."""

    features = Features(media=True)  # type: ignore[assignment]
    given = 0

    async def fetch(self, item: Attachment) -> AsyncIterator[bytes]:
        if self.given:
            raise VendorRefused("It is gone.")
        self.given += 1
        yield b"ink"


async def test_a_turn_that_begins_anew_keeps_the_file_it_had(tmp_path: Path) -> None:
    clock, db, channel = StillClock(), InlineDatabase(), Pictures()
    person = Person(
        id=PersonId("per_1"), tenant=HOME, name="Ana", role=Role.OWNER, created_at=clock.at
    )
    event = Event(
        id=EventId("evt_1"),
        tenant=HOME,
        channel="chat",
        account="",
        ext_id="1",
        kind=Kind.MESSAGE,
        conv=conv_key("chat", "", "room", ""),
        sender=Sender(ext_id="U1"),
        place=Place(id="room"),
        text="look",
        at=clock.at,
        attachments=(Attachment(name="a.png", media_type="image/png", size=0, source="there"),),
    )

    @restartable
    def furnish() -> Script[Any]:
        yield from people.add_tenant(HOME, "Home", to_us(clock.at))
        yield from people.add(person)
        return (yield from conversations.open_(event, ConvId("cnv_1"), 1, to_us(clock.at)))

    conv = await db.write(furnish())
    claim = Claim(event=event, seq=1, conv=conv, attempt=0, history=(), journal={})
    files_in = FilesIn(db, local_files(db, clock, tmp_path / "files"))
    for _ in range(2):
        (item,) = (await files_in.bring(claim, channel, person)).event.attachments
        assert item.sha256 and item.source == "fil_1x0"
    assert channel.given == 1
