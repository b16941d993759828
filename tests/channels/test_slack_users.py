"""Slack's users and e-mail: only where an owner said so, and only addresses that Slack vouches for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.errors import ConnectionBroken, VendorUnknown
from bot.core.ids import TenantId
from bot.infra.clock import SystemClock
from bot.platforms.users import Users as Book
from bot.store import platform_users as rows
from bot.store.sqlite import SqliteDatabase
from channels.slack.events import Account
from channels.slack.users import Users
from tests.channels.slack_side import ANA, HOME, Desk, Side, lent, listening, single, until
from tests.fakes.database import lay
from tests.fakes.slack_apps import TEAM
from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import Person

WANTED = frozenset({"example.com"})


def users(side: Side, domains: frozenset[str] = WANTED, book: Book | None = None) -> Users:
    account = Account(tenant=HOME, team=TEAM, user="UBOT")
    given = replace(lent(side.server, side.desk), users=book)
    return Users(side.channel._calls, given, account, domains)


def live(side: Side, *people: Person) -> None:
    side.server.world.people.clear()
    side.server.world.people.update({person.id: person for person in people})


async def test_a_confirmed_address_of_a_trusted_domain_is_told_to_the_house() -> None:
    async with SlackServer() as server, listening(server) as side:
        live(side, ANA, Person("U0000BEN", "Ben", "Ben@Example.COM"))
        assert await users(side).sync() == 2
        assert side.desk.matched == [
            (TEAM, ANA.id, "ana@example.com"),
            (TEAM, "U0000BEN", "ben@example.com"),
        ]
        assert server.mistakes == []


@pytest.mark.parametrize(
    "person",
    [
        Person("U1", "Eve", "eve@elsewhere.com"),
        Person("U1", "Eve", "eve@sub.example.com"),
        Person("U1", "Eve", "eve@evil@example.com"),
        Person("U1", "Eve", ""),
        *(
            Person("U1", "Eve", "eve@example.com", ((mark, value),))
            for mark, value in (
                ("is_email_confirmed", False),
                ("is_email_confirmed", None),
                ("is_restricted", True),
                ("is_ultra_restricted", True),
                ("is_stranger", True),
                ("is_bot", True),
                ("is_invited_user", True),
                ("deleted", True),
                ("team_id", "T0OTHER"),
            )
        ),
    ],
    ids=lambda person: f"{person.email} {dict(person.marks)}",
)
async def test_what_slack_does_not_vouch_for_is_nobody(person: Person) -> None:
    async with SlackServer() as server, listening(server) as side:
        live(side, person)
        assert await users(side).sync() == 0 and side.desk.matched == []


async def test_an_address_that_two_have_is_nobody_s() -> None:
    async with SlackServer() as server, listening(server) as side:
        live(side, Person("U1", "A", "ana@example.com"), Person("U2", "B", "ANA@example.com"))
        assert await users(side).sync() == 0 and side.desk.matched == []


async def test_nobody_is_known_by_an_address_unless_an_owner_said_so() -> None:
    async with SlackServer() as server, listening(server) as side:
        live(side, ANA)
        assert await users(side, frozenset()).sync() == 0 and side.desk.matched == []
    assert single(lent(server, Desk()))._settings.domains == frozenset()


async def test_where_an_owner_said_so_it_is_looked_at_and_a_missing_scope_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with SlackServer() as server:
        server.world.people[ANA.id] = ANA
        given = {"bot_token": server.bot_token, "app_token": server.app_token}
        desk = Desk()
        channel = single(lent(server, desk, **given, match_emails=" @Example.com, other.org "))
        side = Side(server, channel, desk)  # type: ignore[arg-type]
        task = asyncio.create_task(channel.run(side.sink))
        await until(lambda: desk.matched)
        assert desk.matched == [(TEAM, ANA.id, "ana@example.com")]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        server.fail("users.list", "missing_scope", times=5)
        async with listening(server) as other:
            with pytest.raises(ConnectionBroken):
                await users(other).sync()
            await server.world.say(ANA, server.world.direct(ANA), "Hello")
            await other.hears(1)


AWAY = TenantId("ten_2")


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    lay(tmp_path / "bot.db")
    database = SqliteDatabase(tmp_path / "bot.db")
    await database.open()
    yield database
    await database.close()


async def test_everybody_is_kept_with_the_time_and_whoever_left_is_forgotten(
    db: SqliteDatabase,
) -> None:
    book = Book(db, SystemClock(), "slack")
    ben = Person("U0000BEN", "Ben", "ben@example.com")
    robot = Person("U0000BOT", "Robot", "", (("is_bot", True),))
    async with SlackServer() as server, listening(server) as side:
        live(side, ANA, ben, robot)
        looking = users(side, frozenset(), book)
        await looking.sync()
        kept = await db.read(rows.listed(HOME, "slack", "", 10))
        assert [(u.workspace, u.ext_id, u.name, u.email) for u in kept] == [
            (TEAM, ANA.id, "Ana", "ana@example.com"),
            (TEAM, ben.id, "Ben", "ben@example.com"),
        ]
        assert all(u.synced_at > 0 for u in kept) and await book.age_s(HOME, TEAM) < 60
        assert (looking.name(ANA.id), looking.name("U1")) == ("Ana", "")
        assert await db.read(rows.listed(AWAY, "slack", "", 10)) == []
        assert await db.read(rows.listed(HOME, "slack", f"{TEAM} {ANA.id}", 10)) == kept[1:]
        live(side, ANA)
        await looking.sync()
        assert [u.ext_id for u in await db.read(rows.listed(HOME, "slack", "", 10))] == [ANA.id]


async def test_what_another_process_has_just_asked_is_not_asked_again(db: SqliteDatabase) -> None:
    book = Book(db, SystemClock(), "slack")
    async with SlackServer() as server, listening(server) as side:
        live(side, ANA)
        await users(side, frozenset(), book)._look()
        second = users(side, frozenset(), book)
        await second._look()
        assert len(server.asked("users.list")) == 1 and second.name(ANA.id) == "Ana"
        await users(side, WANTED, book)._look()
        assert len(server.asked("users.list")) == 2, "whom an address fits is looked up anew"


async def test_a_list_that_is_cut_off_forgets_nobody(db: SqliteDatabase) -> None:
    book = Book(db, SystemClock(), "slack")
    async with SlackServer() as server, listening(server) as side:
        live(side, ANA)
        await users(side, frozenset(), book).sync()
        live(side, Person("U0000BEN", "Ben"))
        server.fail("users.list", "error")
        with pytest.raises(VendorUnknown):
            await users(side, frozenset(), book).sync()
        assert [u.ext_id for u in await db.read(rows.listed(HOME, "slack", "", 10))] == [ANA.id]


async def test_whoever_writes_is_called_by_their_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.slack.users.FIRST_S", 0.0)
    async with SlackServer() as server:
        server.world.people[ANA.id] = ANA
        async with listening(server) as side:
            await until(lambda: server.asked("users.list"))
            await side.idle()
            await server.world.say(ANA, server.world.direct(ANA), "Hello")
            assert (await side.hears(1))[0].sender.name == "Ana"
