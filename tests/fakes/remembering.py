"""What remembers, around a database: a model and an embedder of a test's own, and short talks.

`talk` brings messages in and ends their turns with the store's own transactions, so that positions,
numbers and states are those of a real house. `Meanings` embeds by a table: texts that hold words of
the same row mean the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from agents.runtime.archives import Archives
from agents.runtime.embedding import Embedded, Embedder, WordEmbedder, pack
from agents.runtime.memory import StoredMemory
from agents.runtime.metering import Metered
from agents.runtime.summary import Summaries
from agents.runtime.upkeep import Upkeep
from bot.budgets import Budgets
from bot.core.conversation import Claim, TurnEnd
from bot.core.event import Attachment, Ending, Event, Kind, Place, Sender
from bot.core.ids import AgentName, EventId, PersonId, TenantId, conv_key
from bot.core.model import Usage
from bot.core.people import Person, Role
from bot.core.ports import Clock, Model, new_id
from bot.core.times import to_us
from bot.files.files import Files
from bot.fleet import Alone, Peers
from bot.inbox import arrive
from bot.store import people, turns
from bot.store.script import Database, Script
from tests.fakes.model import ScriptedModel, say

ONE, TWO = TenantId("ten_1"), TenantId("ten_2")
ANA, BOB = PersonId("per_ana"), PersonId("per_bob")
BRI, KELLY = AgentName("bri"), AgentName("kelly")
AFTER = timedelta(days=90)


class Meanings:
    """A model that knows which words mean the same; it costs a micro a text."""

    name = "test/meanings"
    floor = 0.5

    def __init__(self, *rows: Sequence[str]) -> None:
        self.rows = rows
        self.asked: list[str] = []
        self.fails: Exception | None = None

    def reserve(self, tenant: TenantId, texts: Sequence[str]) -> Usage:
        return Usage(tokens_in=len(texts), micros=len(texts))

    async def embed(self, tenant: TenantId, texts: Sequence[str]) -> Embedded:
        if self.fails:
            raise self.fails
        self.asked += texts
        return Embedded(
            values=tuple(pack([*map(float, self._row(text))]) for text in texts),
            usage=Usage(tokens_in=len(texts), micros=len(texts)),
        )

    def _row(self, text: str) -> list[bool]:
        return [any(word in text.casefold() for word in row) for row in self.rows]


@dataclass
class Remembering:
    """The parts, and what they were made of."""

    db: Database
    clock: Clock
    files: Files
    model: ScriptedModel
    embedder: Embedder
    budgets: Budgets
    offline: bool = False
    peers: Peers = field(default_factory=lambda: Alone("own_test"))

    def __post_init__(self) -> None:
        self.metered = Metered(
            self.db, self.clock, self.model, lambda: self.embedder, lambda: self.budgets
        )
        self.memory = StoredMemory(self.db, self.clock, self.metered)
        self.summaries = Summaries(self.db, self.clock, self.metered, lambda: self.offline)
        self.upkeep = Upkeep(self.db, self.clock, self.metered, self.summaries, self.peers)
        self.archives = Archives(self.db, self.clock, self.metered, (self.files, AFTER), self.peers)

    def on(self, db: Database) -> "Remembering":
        """The same parts on another way to the database."""
        return replace(self, db=db)

    async def people(self) -> None:
        """Two tenants, each with an Ana and a Bob."""
        for tenant in (ONE, TWO):
            await self.db.write(people.add_tenant(tenant, tenant, 1))
            for person in (ANA, BOB):
                who = Person(
                    id=person,
                    tenant=tenant,
                    name=person[4:].title(),
                    role=Role.MEMBER,
                    created_at=self.clock.now(),
                )
                await self.db.write(people.add(who))

    async def hear(
        self,
        text: str,
        *,
        thread: str = "t",
        person: PersonId | None = ANA,
        tenant: TenantId = ONE,
        attachments: tuple[Attachment, ...] = (),
    ) -> Claim:
        """A message comes in, and its turn opens."""
        id_ = new_id(self.clock, "evt")
        event = Event(
            id=EventId(id_),
            tenant=tenant,
            channel="web",
            account="",
            ext_id=id_,
            kind=Kind.MESSAGE,
            conv=conv_key("web", "", f"{person}:{thread}"),
            sender=Sender(ext_id=str(person), person=person),
            place=Place(id=str(person), thread=thread),
            text=text,
            at=self.clock.now(),
            attachments=attachments,
        )
        ids = (new_id(self.clock, "cnv"), new_id(self.clock, "msg"))
        _, claim = await self.db.write(arrive(event, ids, to_us(self.clock.now()), "", "me"))
        assert claim
        return claim

    async def answer(
        self, claim: Claim, text: str, agent: AgentName = BRI, tainted: bool = False
    ) -> None:
        """The turn ends."""
        end = TurnEnd(
            ending=Ending.ANSWERED, reply=text, agent=agent, next_agent=agent, tainted=tainted
        )
        await self.db.write(turns.finish(claim, end, to_us(self.clock.now())))

    async def talk(  # noqa: PLR0913 (whose talk it is)
        self,
        *pairs: tuple[str, str],
        thread: str = "t",
        person: PersonId | None = ANA,
        tenant: TenantId = ONE,
        agent: AgentName = BRI,
        tainted: bool = False,
    ) -> str:
        """Messages and answers, one after another; returns the conversation."""
        conv = ""
        for asked, answered in pairs:
            claim = await self.hear(asked, thread=thread, person=person, tenant=tenant)
            await self.answer(claim, answered, agent, tainted)
            conv = claim.conv.id
        return conv


async def ids(
    house: Remembering, query: str, who: tuple[TenantId, AgentName, PersonId] = (ONE, BRI, ANA)
) -> list[str]:
    """What is recalled, by id."""
    return [memo.id for memo in await house.memory.recall(*who, query)]


class Dead(BaseException):
    """The process dies here."""


class Dying:
    """A database whose process dies before a write, or to which something happens then."""

    def __init__(self, db: Database, *, after: int, before_write: object = None) -> None:
        self._db = db
        self._left = after
        self._before = before_write

    async def write(self, script: Script[object]) -> object:
        if self._before:
            before, self._before = self._before, None
            await before()  # type: ignore[operator]
        if self._left == 0:
            raise Dead
        self._left -= 1
        return await self._db.write(script)

    def post(self, script: Script[object]) -> None:
        self._db.post(script)

    async def read(self, script: Script[object]) -> object:
        return await self._db.read(script)


def remembering(
    db: Database,
    clock: Clock,
    files: Files,
    *,
    model: Model | None = None,
    embedder: Embedder | None = None,
    micros: int | None = None,
) -> Remembering:
    """The parts on a database; `micros` is the day's budget of a tenant."""
    asked = model or ScriptedModel([say("In short: they talked.")])
    assert isinstance(asked, ScriptedModel)
    return Remembering(
        db=db,
        clock=clock,
        files=files,
        model=asked,
        embedder=embedder or WordEmbedder(),
        budgets=Budgets(db, clock, micros, None),
    )
