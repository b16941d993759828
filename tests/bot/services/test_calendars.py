"""Calendars are followed: read again when something changed, told of by channels, healed by time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.core.errors import BotError, Invalid, NotFound
from bot.fleet import Alone
from bot.services.calendar_hooks import CalendarHooks
from bot.services.calendars import AHEAD, ANEW, POLL, QUIET, Around, Calendars, hook
from bot.store import calendars as rows
from bot.store.calendars import Copy
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_server import Fault
from tests.fakes.graph_calendar import GraphCalendar
from tests.fakes.graph_subscriptions import FORGERIES
from tests.fakes.oauth_house import ADDRESS, OAuthHouse

Server = GoogleCalendar | GraphCalendar


class Busy(Alone):
    """Another process has the lease."""

    async def take(self, name: str) -> bool:
        return False


class Rig:
    """A house that follows the calendar of one account, its doors open, at today's time."""

    def __init__(self, house: OAuthHouse, server: Server) -> None:
        self.house, self.server = house, server
        house.clock.at = datetime.now(UTC)  # played channels live by the real clock
        if isinstance(server, GraphCalendar):
            server.subscriptions.max_minutes = 40_000  # time goes on here, and not over there
        self.calendars = self.made()

    def made(self, **more: Any) -> Calendars:
        """The same, as a process has it."""
        given = {
            "db": self.house.db,
            "clock": self.house.clock,
            "peers": Alone("one"),
            "accounts": self.house.connections.accounts,
            "inbox": lambda: None,
            "mask": self.house.around.mask,
            "public_url": ADDRESS,
        }
        return Calendars(Around(**{**given, **more}))

    @property
    def bell(self) -> Any:
        """What calls the doors."""
        server = self.server
        return server.follow.bell if isinstance(server, GoogleCalendar) else server.bell

    @property
    def channels(self) -> list[str]:
        """Those that live over there."""
        server = self.server
        found = server.follow.channels if isinstance(server, GoogleCalendar) else None
        return list(found if found is not None else server.subscriptions.found)  # type: ignore[union-attr]

    def put(self, id_: str, days: float = 2, title: str = "Budget") -> Any:
        """An event that stands there."""
        at = self.house.clock.at + timedelta(days=days)
        if isinstance(self.server, GraphCalendar):
            return self.server.put(id_, f"{at:%Y-%m-%dT%H:%M}", subject=title)
        times = {"start": at, "end": at + timedelta(hours=1)}
        told = {name: {"dateTime": when.isoformat()} for name, when in times.items()}
        return self.server.put(id_, summary=title, **told)

    def remove(self, id_: str) -> None:
        """Somebody takes it away."""
        if isinstance(self.server, GraphCalendar):
            self.server.take(self.server.events[id_])
        else:
            event = self.server.events["primary", id_]
            event["status"] = "cancelled"
            self.server.touch(event)

    def deaf(self) -> None:
        """Nothing is told any more."""
        server = self.server
        if isinstance(server, GoogleCalendar):
            server.follow.is_deaf = True
        else:
            server.subscriptions.is_deaf = True

    def forget(self) -> None:
        """What was read to is too old."""
        server = self.server
        if isinstance(server, GoogleCalendar):
            server.follow.forget_tokens()
        else:
            server.views.forget_deltas()

    async def copy(self) -> Copy:
        """How far it is followed."""
        (item,) = await self.house.connections.listed(self.house.owner)
        found = await self.house.db.read(rows.get(self.house.tenant.id, item["id"]))  # type: ignore[call-overload, index]
        assert found
        return found

    async def kept(self) -> dict[str, str]:
        """Id → title of what is kept."""
        item = await self.copy()
        found = await self.house.db.read(rows.events(item.tenant, item.id))
        return {id_: str(body["summary"]) for id_, body in found.items()}

    async def told(self) -> None:
        """Everything that was to be told has been."""
        await self.bell.settled()

    def later(self, span: timedelta) -> None:
        """Time passes."""
        self.house.clock.at += span


@web.middleware
async def says(request: web.Request, handler: Callable[[Any], Awaitable[Any]]) -> Any:
    """Errors as the house answers them."""
    try:
        return await handler(request)
    except BotError as error:
        status = {NotFound: 404, Invalid: 400}.get(type(error), 500)
        return web.Response(status=status)


@pytest.fixture(params=["google", "outlook"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    made: Server = GoogleCalendar() if request.param == "google" else GraphCalendar()
    async with made as server, OAuthHouse(tmp_path, server) as house:
        rig = Rig(house, server)
        await house.connect()
        app = web.Application(middlewares=[says])
        for route in CalendarHooks(rig.calendars).routes():
            app.router.add_route(route.method, route.path, route.handler)  # type: ignore[arg-type]
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        rig.bell.webhook_via = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield rig
        finally:
            await runner.cleanup()
    assert server.mistakes == []


async def test_what_stands_there_is_kept_and_changes_follow(rig: Rig) -> None:
    rig.put("evt01")
    rig.put("evt02", 3, "Lunch")
    rig.put("later", AHEAD.days + 5)
    assert await rig.calendars.tend() == 1
    assert await rig.kept() == {"evt01": "Budget", "evt02": "Lunch"}
    assert await rig.calendars.tend() == 0, "nothing is due"
    rig.put("evt03", 4, "Party")
    rig.remove("evt02")
    await rig.told()
    assert await rig.calendars.tend() == 1, "its channel has told"
    assert await rig.kept() == {"evt01": "Budget", "evt03": "Party"}


async def test_what_no_channel_told_is_found_by_looking(rig: Rig) -> None:
    await rig.calendars.tend()
    rig.later(POLL)
    await rig.calendars.tend()
    rig.deaf()
    rig.put("evt01")
    assert await rig.calendars.tend() == 0
    rig.later(QUIET)
    assert await rig.calendars.tend() == 1 and await rig.kept() == {"evt01": "Budget"}


async def test_a_place_that_is_too_old_is_begun_anew(rig: Rig) -> None:
    rig.put("evt01")
    rig.put("evt02")
    await rig.calendars.tend()
    rig.deaf()
    rig.remove("evt01")
    rig.put("evt03")
    rig.forget()
    rig.later(QUIET)
    assert await rig.calendars.tend() == 1
    assert set(await rig.kept()) == {"evt02", "evt03"}


async def test_the_time_that_is_followed_goes_on_with_the_days(rig: Rig) -> None:
    rig.put("far", AHEAD.days + 5)
    await rig.calendars.tend()
    assert await rig.kept() == {}
    rig.later(ANEW + timedelta(hours=1))
    await rig.calendars.tend()
    assert await rig.kept() == {"far": "Budget"}


async def test_a_channel_is_renewed_and_the_old_one_stopped(rig: Rig) -> None:
    await rig.calendars.tend()
    (first,) = rig.channels
    was = await rig.copy()
    assert was.channel == first and was.watched_until > was.due_at
    lives = datetime.fromtimestamp(was.watched_until / 1e6, UTC) - rig.house.clock.at
    most = {"google": timedelta(days=7), "microsoft": timedelta(minutes=4_230)}
    assert timedelta(days=2) < lives <= most[rig.server.name]
    rig.house.clock.at = datetime.fromtimestamp(was.renew_at / 1e6, UTC)
    await rig.calendars.tend()
    now = await rig.copy()
    assert [now.channel] == rig.channels and now.watched_until > was.watched_until
    assert now.old_channel == "" and now.renew_at > was.renew_at


async def test_a_channel_that_ended_is_made_anew(rig: Rig) -> None:
    await rig.calendars.tend()
    (first,) = rig.channels
    was = await rig.copy()
    if isinstance(rig.server, GraphCalendar):
        made = rig.server.subscriptions.found[first]
        told = await rig.server.subscriptions.lifecycle(made, "subscriptionRemoved")
        assert told.status == 202
    else:
        rig.server.follow.channels.clear()
        rig.house.clock.at = datetime.fromtimestamp(was.renew_at / 1e6, UTC)
    await rig.calendars.tend()
    now = await rig.copy()
    assert [now.channel] == rig.channels != [first]


async def test_cut_off_between_two_channels_the_old_one_is_stopped_later(rig: Rig) -> None:
    await rig.calendars.tend()
    (first,) = rig.channels
    was = await rig.copy()
    stuck = {"old_channel": first, "old_resource": was.resource, "channel": "", "renew_at": 0}
    names = ("cursor", "begins_at", "ends_at", "synced_at")
    kept = {name: getattr(was, name) for name in names}
    new = Copy(tenant=was.tenant, id=was.id, version=was.version + 1, **kept, **stuck)
    assert await rig.house.db.write(rows.put(new, was.version))
    await rig.calendars.tend()
    now = await rig.copy()
    assert now.old_channel == "" and [now.channel] == rig.channels and now.channel != first


async def test_without_a_public_address_it_is_read_more_often(rig: Rig) -> None:
    calendars = rig.made(public_url="http://127.0.0.1:8080")
    await calendars.tend()
    assert rig.channels == []
    rig.put("evt01")
    rig.later(POLL)
    assert await calendars.tend() == 1 and await rig.kept() == {"evt01": "Budget"}


async def test_what_is_forged_wakes_nothing(rig: Rig) -> None:
    await rig.calendars.tend()
    await rig.told()
    (channel,) = rig.channels
    due = (await rig.copy()).due_at
    if isinstance(rig.server, GoogleCalendar):
        follow = rig.server.follow
        assert (await follow.tell(channel, "exists", token="guessed")).status == 401
        assert (await follow.tell(channel, "exists", token="")).status == 401
        assert (await follow.tell(channel, "exists", channel="unknown")).status == 404
        assert (await follow.tell(channel, "exists", resource="another")).status == 404
        assert (await follow.tell(channel, "sync")).status == 200
        assert (await rig.copy()).due_at == due
        assert (await follow.tell(channel, "exists")).status == 200
    else:
        subscriptions = rig.server.subscriptions
        for kind in FORGERIES:
            status = 404 if kind == "unknown_subscription" else 401
            assert (await subscriptions.forge(kind, "ann@example.com")).status == status, kind
        assert (await rig.copy()).due_at == due
        made = subscriptions.found[channel]
        assert (await subscriptions.lifecycle(made, "missed")).status == 202
    assert (await rig.copy()).due_at <= due


async def test_what_is_no_notice_is_refused(rig: Rig) -> None:
    url = f"{rig.bell.webhook_via}{hook('microsoft')}"
    async with aiohttp.ClientSession() as browser:
        for body in (b"", b"{}", b"[]", b'{"value": []}', b'{"value": 1}', b"[" * 100_000):
            async with browser.post(url, data=body) as answer:
                assert answer.status == 400, body[:20]
        async with browser.post(url, data=b'{"value": [1, {}]}') as answer:
            assert answer.status == 401
        async with browser.post(f"{url}?validationToken={'x' * 2_001}") as answer:
            assert answer.status == 400
        async with browser.post(f"{url}?validationToken=%3Cb%3E") as answer:
            assert (answer.status, await answer.text()) == (200, "<b>")
            assert answer.content_type == "text/plain"


async def test_a_vendor_that_is_away_is_asked_later_and_later(rig: Rig) -> None:
    rig.server.trouble.append(Fault(verb="GET", status=500, times=2))  # type: ignore[arg-type]
    rig.put("evt01")
    assert await rig.calendars.tend() == 0
    first = await rig.copy()
    assert first.tries == 1 and "status 500" in first.error
    assert await rig.calendars.tend() == 0
    rig.later(timedelta(minutes=1))
    assert await rig.calendars.tend() == 0
    assert (await rig.copy()).tries == 2
    rig.later(timedelta(minutes=1))
    assert await rig.calendars.tend() == 0, "not so soon"
    rig.later(timedelta(minutes=1))
    assert await rig.calendars.tend() == 1
    now = await rig.copy()
    assert (now.tries, now.error) == (0, "") and await rig.kept() == {"evt01": "Budget"}


async def test_one_strange_calendar_holds_up_no_other(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A patch: nothing that a vendor says is known to do this."""
    await rig.house.connect(agent="bri")
    one = rig.calendars._one

    async def stumbles(due: rows.Due) -> bool:
        if due.agent:
            raise ZeroDivisionError
        return await one(due)

    monkeypatch.setattr(rig.calendars, "_one", stumbles)
    assert await rig.calendars.tend() == 1
    assert "could not be followed" in caplog.text
    assert await rig.calendars.tend() == 0, "it rests"


async def test_a_pause_is_as_long_as_the_vendor_says(rig: Rig) -> None:
    told = {"Retry-After": "600"}
    rig.server.trouble.append(Fault(verb="GET", status=429, headers=told))  # type: ignore[arg-type]
    await rig.calendars.tend()
    rig.later(timedelta(minutes=9))
    assert await rig.calendars.tend() == 0
    rig.later(timedelta(minutes=1))
    assert await rig.calendars.tend() == 1


async def test_without_a_channel_for_now_it_is_read_all_the_same(rig: Rig) -> None:
    rig.server.trouble.append(Fault(verb="POST", status=403))  # type: ignore[arg-type]
    rig.put("evt01")
    assert await rig.calendars.tend() == 1
    assert await rig.kept() == {"evt01": "Budget"} and rig.channels == []
    rig.later(timedelta(hours=1))
    await rig.calendars.tend()
    assert len(rig.channels) == 1


async def test_one_process_at_a_time_and_a_wake_in_between_is_not_lost(rig: Rig) -> None:
    assert await rig.made(peers=Busy("two")).tend() == 0
    await rig.calendars.tend()
    item = await rig.copy()
    await rig.house.db.write(rows.wake(item.tenant, item.id, 1))
    assert not await rig.house.db.write(rows.put(item, item.version)), "it was overtaken"
    assert (await rig.copy()).due_at == 1


async def test_what_is_kept_goes_with_the_connection(rig: Rig) -> None:
    rig.put("evt01")
    await rig.calendars.tend()
    item = await rig.copy()
    await rig.house.connections.end(rig.house.owner, item.id)
    assert await rig.house.db.read(rows.get(item.tenant, item.id)) is None
    assert await rig.house.db.read(rows.events(item.tenant, item.id)) == {}
    assert await rig.calendars.tend() == 0


@pytest.mark.parametrize("when", ["before it was asked", "before it was written"])
async def test_nothing_is_kept_of_a_connection_that_went_while_it_was_read(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    rig.put("evt01")
    (listed,) = await rig.house.connections.listed(rig.house.owner)
    id_ = str(dict(listed)["id"])  # type: ignore[call-overload]
    ways = rig.calendars._ways

    async def meanwhile(due: Any) -> Any:
        following, book = await ways(due)
        changes = following.changes

        async def found(*asked: Any) -> Any:
            told = await changes(*asked) if "written" in when else None
            await rig.house.connections.end(rig.house.owner, id_)
            return told or await changes(*asked)

        monkeypatch.setattr(following, "changes", found)
        return following, book

    monkeypatch.setattr(rig.calendars, "_ways", meanwhile)
    await rig.calendars.tend()
    home = rig.house.tenant.id
    assert await rig.house.db.read(rows.events(home, id_)) == {}
    assert await rig.house.db.read(rows.get(home, id_)) is None


async def test_one_without_the_calendar_is_not_followed(rig: Rig) -> None:
    await rig.house.connect(features=("mail_send",), agent="donna")
    await rig.calendars.tend()
    assert len(rig.channels) == 1
