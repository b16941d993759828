"""Slack's users and e-mail: only where an owner said so, and only addresses that Slack vouches for."""

import asyncio

import pytest

from bot.core.errors import ConnectionBroken
from channels.slack.events import Account
from channels.slack.users import Users
from tests.channels.slack_side import ANA, HOME, Desk, Side, lent, listening, single, until
from tests.fakes.slack_apps import TEAM
from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import Person

WANTED = frozenset({"example.com"})


def users(side: Side, domains: frozenset[str] = WANTED) -> Users:
    account = Account(tenant=HOME, team=TEAM, user="UBOT")
    return Users(side.channel._calls, side.desk, account, domains)


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


async def test_nothing_is_looked_at_unless_an_owner_said_so() -> None:
    async with SlackServer() as server, listening(server) as side:
        live(side, ANA)
        assert await users(side, frozenset()).sync() == 0
        assert side.channel._after.is_idle
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
