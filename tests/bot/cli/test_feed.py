"""Following a conversation: every event once and in order, through breaks and restarts."""

from collections.abc import Iterator
from queue import Queue
from threading import Thread

import pytest

from bot.cli.client import HttpClient
from bot.cli.feed import Feed
from bot.cli.record import Record
from bot.cli.running import find
from bot.cli.sse import Frame, Parser
from tests.fakes.api_server import ApiServer, Talk

WAIT_S = 20
Heard = Queue[tuple[str, Record]]

# Lines of a stream, and the events that they are.
STREAMS = [
    (
        "one event",
        ["event: draft", "id: t.0.3", 'data: {"a": 1}', ""],
        [("draft", '{"a": 1}', "t.0.3")],
    ),
    ("a comment", [": beat", ""], []),
    ("no name", ["data: x", ""], [("message", "x", "")]),
    ("two lines of data", ["data: x", "data: y", ""], [("message", "x\ny", "")]),
    ("no space after the colon", ["data:x", ""], [("message", "x", "")]),
    ("only one space is dropped", ["data:  x", ""], [("message", " x", "")]),
    ("no colon at all", ["data", "data: x", ""], [("message", "\nx", "")]),
    ("an unknown field", ["retry: 5", "data: x", ""], [("message", "x", "")]),
    ("an id with a zero", ["id: a\0b", "data: x", ""], [("message", "x", "")]),
    (
        "an id stays",
        ["id: 1", "data: x", "", "data: y", ""],
        [("message", "x", "1"), ("message", "y", "1")],
    ),
    ("no end", ["data: x"], []),
    ("a name without data", ["event: draft", "", "data: x", ""], [("message", "x", "")]),
]


@pytest.mark.parametrize(("lines", "events"), [s[1:] for s in STREAMS], ids=[s[0] for s in STREAMS])
def test_the_format_is_read_as_it_is_written_down(
    lines: list[str], events: list[tuple[str, str, str]]
) -> None:
    parser = Parser()
    found = [frame for line in lines if (frame := parser.feed(line))]
    assert found == [Frame(name=name, data=data, id=id_) for name, data, id_ in events]


@pytest.fixture
def talk(server: ApiServer) -> Talk:
    """A conversation with two lines."""
    found = server.talks["cnv_1"] = Talk(id="cnv_1")
    server.line(found, "evt_1", "user", "hello")
    server.line(found, "evt_1", "assistant", "hi")
    return found


@pytest.fixture
def heard(server: ApiServer, talk: Talk) -> Iterator[Heard]:
    """What a feed hands on, without the words about the connection."""
    events: Heard = Queue()

    def connect() -> HttpClient | None:
        found = find(server.home)
        return HttpClient(found.url, found.token) if found else None

    feed = Feed("cnv_1", connect, lambda name, data: events.put((name, data)))
    feed.start()
    yield events
    feed.stop()


def _next(events: Heard, *, skip: tuple[str, ...] = ("lost", "back")) -> tuple[str, str]:
    while True:
        name, data = events.get(timeout=WAIT_S)
        if name not in skip:
            return name, data.text("text") or data.text("delta") or data.text("message")


def test_what_was_said_before_comes_first_and_then_what_happens(
    server: ApiServer, talk: Talk, heard: Heard
) -> None:
    assert [_next(heard), _next(heard)] == [("message", "hello"), ("message", "hi")]
    server.tell(talk, "draft", {"turn": "evt_2", "delta": "more"}, "evt_2.0.4")
    assert _next(heard) == ("draft", "more")


def test_a_house_that_restarts_is_found_again_and_nothing_is_repeated(
    server: ApiServer, talk: Talk, heard: Heard
) -> None:
    _next(heard), _next(heard)
    server.tell(talk, "draft", {"turn": "evt_2", "delta": "one"}, "evt_2.0.3")
    assert _next(heard) == ("draft", "one")
    server.stop()
    server.tell(talk, "draft", {"turn": "evt_2", "delta": " two"}, "evt_2.0.7")
    server.start()
    assert _next(heard, skip=()) == ("lost", "")
    assert _next(heard, skip=()) == ("back", "")
    assert _next(heard) == ("draft", " two")
    assert server.calls[-1].headers["Last-Event-ID"] == "evt_2.0.3"


def test_several_restarts_in_a_row_lose_nothing(
    server: ApiServer, talk: Talk, heard: Heard
) -> None:
    _next(heard), _next(heard)
    for number in range(3):
        server.restart()
        server.line(talk, f"evt_{number}", "assistant", f"line {number}")
        assert _next(heard) == ("message", f"line {number}")
    assert heard.empty()


def test_a_conversation_that_is_gone_ends_the_feed(
    server: ApiServer, talk: Talk, heard: Heard
) -> None:
    _next(heard), _next(heard)
    del server.talks["cnv_1"]
    talk.cut += 1
    with server.changed:
        server.changed.notify_all()
    assert _next(heard) == ("gone", "There is no such thing here.")


def test_what_is_no_json_is_passed_over(server: ApiServer, talk: Talk, heard: Heard) -> None:
    _next(heard), _next(heard)
    server.tell(talk, "draft", {"delta": "still here"})
    assert _next(heard) == ("draft", "still here")


def test_a_feed_that_was_let_go_hands_nothing_on(server: ApiServer, talk: Talk) -> None:
    events: Heard = Queue()
    found = find(server.home)
    assert found is not None
    client = HttpClient(found.url, found.token)
    feed = Feed("cnv_1", lambda: client, lambda name, data: events.put((name, data)))
    feed.start(after=2)
    feed.stop()
    server.line(talk, "evt_2", "assistant", "too late")
    waiter = Thread(target=feed._thread.join, args=(WAIT_S,))
    waiter.start()
    waiter.join()
    assert not feed._thread.is_alive()
    assert events.empty()
