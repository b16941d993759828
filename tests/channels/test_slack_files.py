"""Files that leave for Slack: whole, below their words, once, and never silently left behind."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.errors import VendorRefused, VendorUnknown
from bot.limits import Rate
from channels.slack import calls
from channels.slack.workspace import Workspace
from tests.channels.slack_side import ANA, Desk, lent, out, single
from tests.channels.test_slack_out import sought
from tests.fakes.shelf import FakeShelf
from tests.fakes.slack_server import SlackServer

DONE = "files.completeUploadExternal"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pace, where pace is not what is tested."""
    for name in ("POSTS", "POSTS_IN_ALL", "EDITS", "EDITS_IN_ALL"):
        monkeypatch.setattr(calls, name, Rate(count=1000, seconds=1))
    monkeypatch.setattr(calls, "AGAIN_S", 0.01)


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server
        assert server.mistakes == []


@pytest.fixture
def shelf() -> FakeShelf:
    return FakeShelf()


def slack(server: SlackServer, shelf: FakeShelf) -> Workspace:
    """A channel that only sends; each is as after a restart."""
    return single(replace(lent(server, Desk()), shelf=shelf))


def files_of(server: SlackServer, place: str, thread: str = "") -> list[list[str]]:
    """The names of the files of each message that has some."""
    shown = server.shown(place, thread) if thread else server.shown(place)
    return [[file["name"] for file in item.files] for item in shown if item.files]


async def test_files_stand_whole_below_their_words_in_the_thread(
    server: SlackServer, shelf: FakeShelf
) -> None:
    place = server.world.channel("general", ANA)
    root = server.world.put(place, ANA.id, "the minutes?")
    files = (shelf.put("minutes.md", b"# Minutes\n" * 500), shelf.put("plan.md", b"plan"))
    receipt = await slack(server, shelf).send(
        out(place, "Here they are.", thread=root.ts, attachments=files)
    )
    _, words, below = server.shown(place, root.ts)
    assert words.text == "Here they are." and receipt.vendor_ref.endswith(words.ts)
    assert [file["name"] for file in below.files] == ["minutes.md", "plan.md"]
    assert [file["size"] for file in below.files] == [5000, 4]


async def test_the_same_effect_twice_shows_the_files_once(
    server: SlackServer, shelf: FakeShelf
) -> None:
    place = server.world.direct(ANA)
    message = out(place, "Here.", attachments=(shelf.put("a.md", b"a"),))
    channel = slack(server, shelf)
    first = await channel.send(message)
    assert await channel.send(message) == first
    assert await slack(server, shelf).send(replace(message, extra={"attempt": 2})) == first
    assert files_of(server, place) == [["a.md"]]


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("how", ["lost", "cut"])
@pytest.mark.parametrize("method", ["chat.postMessage", DONE])
async def test_an_answer_that_never_came_is_looked_up_and_nothing_is_twice(
    server: SlackServer, shelf: FakeShelf, method: str, how: str, dies: bool
) -> None:
    place = server.world.direct(ANA)
    message = out(place, "Here.", attachments=(shelf.put("a.md", b"a"),))
    channel = slack(server, shelf)
    server.fail(method, how)
    with pytest.raises(VendorUnknown):
        await channel.send(message)
    channel = slack(server, shelf) if dies else channel
    found = await channel.find(sought(place))
    is_there = how == "lost" and method == DONE
    assert (found is not None) is is_there
    if found is None:
        await channel.send(replace(message, extra={"attempt": 2}))
    assert files_of(server, place) == [["a.md"]]
    assert [item.text for item in server.shown(place) if not item.files] == ["Here."]


async def test_bytes_that_slack_did_not_take_are_brought_again(
    server: SlackServer, shelf: FakeShelf
) -> None:
    place = server.world.direct(ANA)
    message = out(place, "Here.", attachments=(shelf.put("a.md", b"a"),))
    channel = slack(server, shelf)
    server.fail("files.getUploadURLExternal", "error")
    with pytest.raises(VendorRefused) as refused:
        await channel.send(message)
    assert refused.value.retry_after_s is not None
    await channel.send(message)
    assert files_of(server, place) == [["a.md"]]
    assert [item.text for item in server.shown(place) if not item.files] == ["Here."]


async def test_an_app_that_may_bring_no_files_gives_a_link_instead(
    server: SlackServer, shelf: FakeShelf
) -> None:
    place = server.world.direct(ANA)
    server.scopes = frozenset(server.scopes) - {"files:write"}
    item = shelf.put("a.md", b"a")
    await slack(server, shelf).send(out(place, "Here.", attachments=(item,)))
    words, instead = server.shown(place)
    assert words.text == "Here." and shelf.link(item) in instead.text


async def test_a_file_that_is_gone_is_named(server: SlackServer, shelf: FakeShelf) -> None:
    place = server.world.direct(ANA)
    item = shelf.put("a.md", b"a")
    shelf.kept.clear()
    await slack(server, shelf).send(out(place, "Here.", attachments=(item,)))
    (shown,) = server.shown(place)
    assert "a.md is not kept here any more" in shown.text


async def test_places_are_those_that_the_app_is_in(server: SlackServer, shelf: FakeShelf) -> None:
    place = server.world.channel("general", ANA)
    found = await slack(server, shelf).places()
    assert (place, "#general") in [(spot.id, spot.name) for spot in found]
