"""Microsoft's inbox after downtime: all that came is taken, once, however long it lasted."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.errors import StoreError
from bot.infra.clock import SystemClock
from channels.email import graph_in, graph_inbox
from channels.email.channel import Email, make
from channels.email.graph_inbox import Mark
from tests.channels.email_side import ANA, HOME, KELLY, Sink, lent, listening, until
from tests.channels.test_email_graph import PASS
from tests.fakes import graph_rules, mails
from tests.fakes.graph_mail import GraphMail
from tests.fakes.graph_mailbox import Item
from tests.fakes.graph_tokens import CLIENT, SECRET, TENANT

NAME = f"graph:{KELLY}"


@dataclass
class Shelf:
    """Keeps bookmarks as the database does, while channels come and go."""

    kept: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    clock: SystemClock = field(default_factory=SystemClock)
    fails: int = 0

    async def read(self, name: str) -> tuple[str, datetime] | None:
        return self.kept.get(name)

    async def keep(self, name: str, value: str) -> None:
        if self.fails:
            self.fails -= 1
            raise StoreError("full")
        self.kept[name] = (value, self.clock.now())

    @property
    def mark(self) -> Mark:
        return Mark.model_validate_json(self.kept[NAME][0])


class Earlier(SystemClock):
    """So many days ago."""

    def __init__(self, days: float) -> None:
        self._days = timedelta(days=days)

    def now(self) -> datetime:
        return super().now() - self._days


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_in, "POLL_S", 0.05)


@pytest.fixture
async def server() -> AsyncIterator[GraphMail]:
    async with GraphMail(HOME, KELLY) as played:
        yield played
        assert played.mistakes == []


def box(server: GraphMail, shelf: Shelf, days_ago: float = 0, **options: Any) -> Email:
    told = {"ms_tenant_id": TENANT, "ms_client_id": CLIENT, "ms_client_secret": SECRET}
    ends = {"graph": server.base, "microsoft": server.base}
    shelf.clock = Earlier(days_ago)
    made = lent("", ends, ms_read=True, **told, **options)
    return make(replace(made, bookmarks=shelf, clock=shelf.clock))


def came(server: GraphMail, subject: str, days_ago: float = 0) -> Item:
    item = server.receive(mails.write(ANA, KELLY, subject, headers=PASS))
    item.at = datetime.now(UTC) - timedelta(days=days_ago)
    return item


def heads(sink: Sink) -> list[str]:
    return [event.text.partition("\n")[0] for event in sink.events]


async def rounds(server: GraphMail, count: int = 2) -> None:
    """Wait until both inboxes were asked so often again."""
    asked = len(server.asked("delta"))
    await until(lambda: len(server.asked("delta")) >= asked + 2 * count)


async def test_what_came_in_ten_days_of_downtime_is_taken_and_nothing_is_fetched_again(
    server: GraphMail,
) -> None:
    shelf, sink = Shelf(), Sink()
    came(server, "Before", 31)
    async with listening(box(server, shelf, 30), sink):
        await until(lambda: len(sink.events) == 1)
        await rounds(server)
    fetched = len(server.asked("mime"))
    for days in (10, 5, 1):
        came(server, f"{days} days ago", days)
    async with listening(box(server, shelf), sink):
        await until(lambda: len(sink.events) == 4)
        await rounds(server)
    assert heads(sink) == ["Before", "10 days ago", "5 days ago", "1 days ago"]
    assert len(server.asked("mime")) == fetched + 3 and sink.calls == 4
    preferred = {each.headers["Prefer"] for each in server.requests if each.call == "delta"}
    assert preferred == {'IdType="ImmutableId", odata.maxpagesize=200'}


async def test_how_far_an_empty_inbox_was_read_is_kept_as_well(server: GraphMail) -> None:
    shelf, sink = Shelf(), Sink()
    async with listening(box(server, shelf, 30), sink):
        await until(lambda: NAME in shelf.kept)
    came(server, "10 days ago", 10)
    async with listening(box(server, shelf), sink):
        await until(lambda: sink.events)


async def test_what_lay_there_long_before_the_house_came_is_not_answered(server: GraphMail) -> None:
    came(server, "Last year", 400)
    came(server, "Yesterday", 1)
    shelf, sink = Shelf(), Sink()
    for _ in range(2):
        async with listening(box(server, shelf), sink):
            await until(lambda: sink.events)
            await rounds(server)
    assert heads(sink) == ["Yesterday"] and sink.calls == 1


@pytest.mark.parametrize("how", ["forgotten", "another address", "rubbish"])
async def test_a_link_that_is_no_good_any_more_begins_the_inbox_anew(
    server: GraphMail, how: str
) -> None:
    shelf, sink = Shelf(), Sink()
    came(server, "First", 21)
    async with listening(box(server, shelf, 20), sink):
        await until(lambda: sink.events)
        await rounds(server)
    came(server, "Second", 15)
    if how == "forgotten":
        server.forget_deltas()
    else:
        value = shelf.mark.model_copy(update={"link": "https://graph.example/v1.0/x"})
        told = "{" if how == "rubbish" else value.model_dump_json()
        shelf.kept[NAME] = (told, shelf.kept[NAME][1])
    async with listening(box(server, shelf), sink):
        await until(lambda: len(sink.events) == 2)
        await rounds(server)
        came(server, "Third")
        await until(lambda: len(sink.events) == 3)
    assert heads(sink) == ["First", "Second", "Third"]
    assert shelf.mark.link.startswith(server.base)


class Turning(GraphMail):
    """One mailbox of five mails, two to a page; something happens before the pages of `turns`."""

    def __init__(self, turns: dict[int, str]) -> None:
        super().__init__(KELLY)
        self.turns = turns
        self.pages: list[str] = []

    async def _delta(self, request: Any, body: Any) -> Any:
        self.pages.append("".join(key for key in request.query if "token" in key) or "start")
        turn = self.turns.get(len(self.pages))
        if turn == "forget":
            self.forget_deltas()
        if turn == "break":
            raise graph_rules.Refusal(503, "ServiceUnavailable", "", mistake=False)
        return await super()._delta(request, body)


@pytest.mark.parametrize(
    ("turns", "pages"),
    [
        ({}, ["start", "$skiptoken", "$skiptoken", "$deltatoken"]),
        ({3: "break"}, ["start", "$skiptoken", "$skiptoken", "$skiptoken", "$deltatoken"]),
        ({2: "forget"}, ["start", "$skiptoken", "start", "$skiptoken", "$skiptoken"]),
        ({4: "forget"}, [*["start", "$skiptoken", "$skiptoken"], "$deltatoken", "start"]),
    ],
)
async def test_a_long_list_is_read_page_by_page_and_goes_on_where_it_was_cut_off(
    monkeypatch: pytest.MonkeyPatch, turns: dict[int, str], pages: list[str]
) -> None:
    monkeypatch.setattr(graph_inbox, "WANTED", {"Prefer": "odata.maxpagesize=2"})
    sink = Sink()
    async with Turning(turns) as played:
        for n in range(5):
            came(played, f"Mail {n}", (20 - n) / 24)
        async with listening(box(played, Shelf(), address=KELLY, agents=""), sink):
            await until(lambda: len(played.pages) >= len(pages) and len(sink.events) == 5)
        assert played.pages[: len(pages)] == pages
    assert heads(sink) == [f"Mail {n}" for n in range(5)] and sink.calls <= 10


async def test_what_could_not_be_taken_yet_is_not_lost_by_a_restart(server: GraphMail) -> None:
    shelf, sink = Shelf(), Sink()
    stuck = came(server, "Stuck")
    server.spoiled.add(stuck.id)
    came(server, "Fine")
    async with listening(box(server, shelf), sink):
        await until(lambda: sink.events)
        await until(lambda: NAME in shelf.kept)
    assert list(shelf.mark.waits) == [stuck.immutable]
    server.spoiled.clear()
    async with listening(box(server, shelf), sink):
        await until(lambda: len(sink.events) == 2)
        await until(lambda: not shelf.mark.waits)
    assert heads(sink) == ["Fine", "Stuck"] and sink.calls == 2


async def test_a_mail_that_cannot_be_taken_for_days_is_passed_over_in_the_end(
    server: GraphMail,
) -> None:
    shelf, sink = Shelf(), Sink()
    server.spoiled.add(came(server, "Stuck", 8).id)
    for days in (8, 4):
        async with listening(box(server, shelf, days), sink):
            await until(lambda: server.asked("mime"))
            await rounds(server)
    assert not shelf.mark.waits and sink.events == []


async def test_mails_that_went_before_they_were_read_hold_up_no_other(server: GraphMail) -> None:
    shelf, sink = Shelf(), Sink()
    gone = [came(server, f"Gone {n}") for n in range(5)]
    real = server._one

    def without(request: Any) -> Item:
        found = real(request)
        if found in gone:
            raise graph_rules.Refusal(404, "ErrorItemNotFound", "", mistake=False)
        return found

    server._one = without  # type: ignore[method-assign]
    came(server, "There")
    async with listening(box(server, shelf), sink):
        await until(lambda: sink.events)
        await until(lambda: NAME in shelf.kept)
    assert heads(sink) == ["There"] and len(shelf.mark.waits) == 5
    async with listening(box(server, shelf, -0.1), sink):  # two hours later
        await until(lambda: not shelf.mark.waits)


async def test_with_too_many_that_wait_an_older_link_is_kept_behind_which_all_are(
    server: GraphMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_inbox, "MOST_WAITING", 1)
    shelf, sink = Shelf(), Sink()
    for n in range(2):
        server.spoiled.add(came(server, f"Stuck {n}").id)
    came(server, "Fine")
    async with listening(box(server, shelf), sink):
        await until(lambda: sink.events)
        await rounds(server)
    assert NAME not in shelf.kept
    server.spoiled.clear()
    async with listening(box(server, shelf), sink):
        await until(lambda: len(sink.events) == 3)
        await until(lambda: NAME in shelf.kept)


async def test_what_is_marked_or_moved_is_no_new_mail_and_what_is_rescued_is(
    server: GraphMail,
) -> None:
    shelf, sink = Shelf(), Sink()
    item = came(server, "Tea")
    junk = came(server, "Rescued")
    mailbox = server.mailboxes[KELLY]
    mailbox.move(junk, "archive")
    async with listening(box(server, shelf), sink):
        await until(lambda: sink.events)
        item.is_read = True
        mailbox.touch(item)
        mailbox.move(junk, "inbox")
        await until(lambda: len(sink.events) == 2)
        await rounds(server)
    assert heads(sink) == ["Tea", "Rescued"] and len(server.asked("mime")) == 2


async def test_a_bookmark_that_is_not_kept_loses_nothing_and_doubles_nothing(
    server: GraphMail,
) -> None:
    shelf, sink = Shelf(fails=3), Sink()
    came(server, "Tea")
    async with listening(box(server, shelf), sink):
        await until(lambda: sink.events)
        await asyncio.sleep(0)
    came(server, "Cake")
    shelf.fails = 0
    async with listening(box(server, shelf), sink):
        await until(lambda: len(sink.events) == 2)
        await rounds(server)
    assert heads(sink) == ["Tea", "Cake"]
