"""Messages to saved chats on Telegram: whose chat, exactly which, and never anybody else's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import Conflict, NotFound, OperatorError, VendorUnknown
from bot.core.ids import EffectId, PersonId, TenantId
from bot.core.people import Person, Role
from bot.core.tool import Risk, ToolContext
from bot.platforms.outgoing import Outgoing
from bot.store import people, saved_chats
from bot.store.people import Identity
from bot.store.saved_chats import SavedChat
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import StillClock
from tests.fakes.database import lay
from tests.fakes.vendor import Fate
from tests.tools.kit import ANA, TENANT, context, lines
from tools.messages._settings import TelegramSettings
from tools.messages.telegram import TOOLS, OtherMessage, OwnMessage

OWN, OTHER = TOOLS
AWAY = TenantId("ten_2")


@dataclass
class Side:
    """The rows, the platform, and a call of Ana's agent."""

    db: Database
    channel: FakeChannel
    ctx: ToolContext

    async def person(self, name: str, chat: str, tenant: TenantId = TENANT) -> PersonId:
        """Somebody with a saved chat."""
        id_ = PersonId(f"per_{name.split()[0].lower()}")
        made = Person(
            id=id_, tenant=tenant, name=name, role=Role.MEMBER, created_at=StillClock().now()
        )
        who = Identity(channel="telegram", account="77", ext_id=chat, name=f"{name} T.")
        await self.db.write(people.add(made))
        await self.db.write(people.know(tenant, who, id_, 1))
        await self.save(id_, chat, f"{name} T.", tenant)
        return id_

    async def save(self, id_: str, chat: str, name: str, tenant: TenantId = TENANT) -> None:
        saved = SavedChat(person=id_, account="77", place=chat, name=name, at=1)
        await self.db.write(saved_chats.put(tenant, "telegram", saved))

    def seen(self) -> list[str]:
        return [shown.text for shown in self.channel.book]


@pytest.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    lay(tmp_path / "house.db")
    db = SqliteDatabase(tmp_path / "house.db")
    await db.open()
    channel = FakeChannel(name="telegram")
    outgoing = Outgoing(lambda tenant, name: channel if tenant == TENANT else None, None)
    told = TelegramSettings(db=db, outgoing=outgoing)
    yield Side(db, channel, context(settings=told, effect=EffectId("eff_1")))
    await db.close()


async def full(ctx: ToolContext, tool: Any, **values: str) -> Any:
    return await tool.complete(ctx, tool.arguments.model_validate(values))


async def test_it_goes_to_the_persons_own_chat_as_the_card_says(side: Side) -> None:
    with pytest.raises(NotFound, match="/savechat"):
        await full(side.ctx, OWN, text="hi")
    await side.person("Ana", "11")
    await side.person("Ben", "12")
    args = await full(side.ctx, OWN, text="hi", place="Ben", place_id="12")
    assert isinstance(args, OwnMessage) and (args.place, args.place_id) == ("Ana T.", "11")
    assert lines(OWN.preview(args))["To"] == "Ana T. (11)"  # type: ignore[misc]
    outcome = await OWN.perform(side.ctx, args)
    assert outcome.state is EffectState.SENT and side.seen() == ["hi"]


async def test_a_chat_that_was_saved_anew_or_lost_since_the_card_gets_nothing(side: Side) -> None:
    await side.person("Ana", "11")
    args = await full(side.ctx, OWN, text="hi")
    who = Identity(channel="telegram", account="77", ext_id="99", name="Ana")
    await side.db.write(people.know(TENANT, who, ANA, 2))
    await side.save(ANA, "99", "Ana")
    with pytest.raises(Conflict, match="another than was shown"):
        await OWN.perform(side.ctx, args)
    again = await full(side.ctx, OWN, text="hi")
    await side.db.write(people.know(TENANT, who, "per_eve", 3))
    with pytest.raises(NotFound):
        await OWN.perform(side.ctx, again)
    assert side.seen() == []


async def test_somebody_else_is_found_by_name_within_the_tenant(side: Side) -> None:
    await side.person("Ben", "12")
    await side.person("Cleo", "13", AWAY)
    args = await full(side.ctx, OTHER, place="ben", text="the van is here")
    assert isinstance(args, OtherMessage) and args.place_id == "12"
    await OTHER.perform(side.ctx, args)
    assert side.seen() == ["the van is here"]
    for name in ("Cleo", "nobody"):
        with pytest.raises(NotFound, match="saved a chat"):
            await full(side.ctx, OTHER, place=name, text="hi")


async def test_two_people_of_one_name_are_not_guessed_between(side: Side) -> None:
    await side.person("Ben", "12")
    made = Person(
        id=PersonId("per_2"),
        tenant=TENANT,
        name="BEN",
        role=Role.MEMBER,
        created_at=StillClock().now(),
    )
    await side.db.write(people.add(made))
    who = Identity(channel="telegram", account="77", ext_id="14", name="B")
    await side.db.write(people.know(TENANT, who, "per_2", 1))
    await side.save("per_2", "14", "B")
    with pytest.raises(Conflict, match="Several people"):
        await full(side.ctx, OTHER, place="Ben", text="hi")


async def test_another_tenant_and_nobody_reach_no_chat(side: Side) -> None:
    await side.person("Ana", "11")
    args = await full(side.ctx, OWN, text="hi")
    for ctx in (replace(side.ctx, tenant=AWAY), replace(side.ctx, person=None)):
        with pytest.raises(NotFound):
            await OWN.perform(ctx, args)
    with pytest.raises(OperatorError):
        await full(context(), OWN, text="hi")
    with pytest.raises(Exception, match="not said which chat"):
        await OWN.perform(side.ctx, OwnMessage(text="hi"))
    assert side.seen() == []


async def test_a_missing_answer_is_said_as_such(side: Side) -> None:
    await side.person("Ana", "11")
    args = await full(side.ctx, OWN, text="hi")
    side.channel.fate = lambda name: Fate.SILENT
    with pytest.raises(VendorUnknown):
        await OWN.perform(side.ctx, args)
    assert side.seen() == ["hi"]


async def test_who_leaves_is_told_nothing_any_more(side: Side) -> None:
    ben = await side.person("Ben", "12")
    await side.db.write(saved_chats.forget(TENANT, ben))
    with pytest.raises(NotFound):
        await full(side.ctx, OTHER, place="Ben", text="hi")


def test_both_ask_and_neither_is_repeated_by_itself() -> None:
    assert {(tool.risk, tool.policy, tool.find) for tool in TOOLS} == {
        (Risk.WRITE, Policy.NONE, None)
    }
