"""What people do on Slack becomes events: once, for the right workspace, and acknowledged after."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from bot.core.errors import ConnectionBroken, LimitReached, StoreError, VendorRefused
from bot.core.event import Attachment, Kind
from bot.logs import VENDORS
from bot.platforms.lent import Known, Manner, Site, Waiting
from bot.testing import StillClock
from channels.slack import views
from channels.slack.events import Account, Reader
from channels.slack.placing import of_home
from channels.slack.sent import Ledger
from channels.slack.words import plain
from tests.channels.slack_side import ANA, BEN, HOME, Desk, lent, listening, out, single, until
from tests.fakes.slack_apps import BOT, BOT_USER, TEAM
from tests.fakes.slack_server import SlackServer
from tests.published import document, needs


async def test_a_direct_message_is_told_and_acknowledged() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.direct(ANA)
        ts = await server.world.say(ANA, place, "Hello &amp; <https://a.example|a.example>")
        (event,) = await side.hears()
        await side.idle()
        assert event.ext_id == f"{TEAM}:{place}:{ts}"
        assert event.text == "Hello & https://a.example"
        assert (event.place.id, event.place.thread, event.place.direct) == (place, "", True)
        assert event.sender.ext_id == ANA.id and event.addressed and event.account == TEAM
        assert server.lost == [] and server.mistakes == []
        assert len(server.delivered) == 1


async def test_a_mention_that_comes_twice_has_one_name() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.channel("general", ANA)
        ts = await server.world.say(ANA, place, f"<@{BOT_USER}> what is up?")
        await side.hears(2)
        first, second = side.heard
        assert first.ext_id == second.ext_id == f"{TEAM}:{place}:{ts}"
        assert first.text == second.text == "what is up?"
        assert first.addressed and second.addressed
        assert first.place.thread == ts and not first.place.direct


async def test_only_what_is_said_to_us_is_addressed() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.channel("general", ANA)
        ts = await server.world.say(ANA, place, "lunch?")
        await server.world.say(BEN, place, f"<@{ANA.id}> yes", thread=ts)
        await side.hears(2)
        assert [event.addressed for event in side.heard] == [False, False]
        answer = server.world.put(place, BOT_USER, "Ours", bot=True)
        await server.world.say(BEN, place, "why?", thread=answer.ts)
        await side.hears(3)
        side.channel._ledger.speak(place, ts)
        await server.world.say(BEN, place, "and you?", thread=ts)
        await side.hears(4)
        assert side.heard[1].text == f"@{ANA.id} yes"
        assert side.heard[3].addressed and side.heard[3].place.thread == ts


async def test_after_a_restart_a_thread_is_looked_up_once() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.channel("general", ANA, BEN)
        ours, theirs = (server.world.put(place, ANA.id, "question") for _ in range(2))
        server.world.put(place, BOT_USER, "Answer", thread_ts=ours.ts, bot=True)
        for _ in range(2):
            await server.world.say(BEN, place, "why?", thread=ours.ts)
            await server.world.say(BEN, place, "lunch?", thread=theirs.ts)
            await side.idle()
        await side.hears(4)
        assert {e.place.thread for e in side.heard if e.addressed} == {ours.ts}
        assert sum(event.addressed for event in side.heard) == 2
        assert len(server.asked("conversations.replies")) == 2


async def test_a_thread_that_is_looked_up_keeps_its_order() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.channel("general", ANA, BEN)
        ours = server.world.put(place, ANA.id, "question")
        server.slow_s = 0.1
        for n in range(5):
            await server.world.say(BEN, place, str(n), thread=ours.ts)
        await side.hears(5)
        assert [event.text for event in side.heard] == list("01234")
        assert len(server.asked("conversations.replies")) == 1


async def test_a_look_up_that_fails_holds_up_nothing() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.channel("general", ANA, BEN)
        for how in ("error", "ratelimited", "missing_scope", "hang"):
            theirs = server.world.put(place, ANA.id, "question")
            server.fail("conversations.replies", how)
            await server.world.say(BEN, place, how, thread=theirs.ts)
            await side.idle()
        assert [event.text for event in side.heard] == [
            "error",
            "ratelimited",
            "missing_scope",
            "hang",
        ]
        assert not any(event.addressed for event in side.heard)


async def test_bots_are_not_heard() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.direct(ANA)
        base = {"type": "message", "channel": place, "ts": "1.1", "text": "echo"}
        for more in (
            {"user": BOT_USER, "bot_id": BOT},
            {"user": "U0BOT", "bot_id": "B0OTHER"},
            {"subtype": "bot_message", "bot_id": "B0OTHER"},
            {"user": "USLACKBOT"},
            {"user": ANA.id, "subtype": "channel_join"},
            {"user": ANA.id, "ts": ""},
            {},
        ):
            await server.world.tell({**base, **more})
        await side.idle()
        assert side.heard == [] and server.lost == []


async def test_a_changed_and_a_deleted_message_are_told() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.direct(ANA)
        ts = await server.world.say(ANA, place, "Hello")
        await side.hears(1)
        await server.world.edit(ANA, place, ts, "Hello there")
        await side.hears(2)
        await server.world.delete(ANA, place, ts)
        await side.hears(3)
        first, edited, deleted = side.heard
        assert (edited.kind, edited.text, edited.reply_to) == (
            Kind.EDITED,
            "Hello there",
            first.ext_id,
        )
        assert deleted.kind == Kind.DELETED and deleted.reply_to == first.ext_id
        assert len({event.ext_id for event in side.heard}) == 3
        assert {event.conv for event in side.heard} == {first.conv}


async def test_what_slack_adds_to_a_message_is_no_change() -> None:
    inner = {"user": ANA.id, "ts": "1.1", "text": "see https://a.example"}
    event = {"type": "message", "subtype": "message_changed", "channel": "D1"}
    preview = {**event, "message": {**inner, "attachments": [{}]}, "previous_message": inner}
    assert reader().read(preview) is None


async def test_files_come_with_where_they_are_and_are_fetched() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.direct(ANA)
        await server.world.say(ANA, place, "look", files=[("a.csv", "text/csv", b"a,b" * 9)])
        (event,) = await side.hears()
        (file,) = event.attachments
        assert (file.name, file.media_type, file.size) == ("a.csv", "text/csv", 27)
        assert b"".join([part async for part in side.channel.fetch(file)]) == b"a,b" * 9
        server.scopes.discard("files:read")
        with pytest.raises(ConnectionBroken, match="files:read"):
            async for _ in side.channel.fetch(file):
                pass


async def test_the_token_goes_to_no_other_host() -> None:
    async with SlackServer() as server, listening(server) as side:
        file = Attachment(name="a", media_type="text/plain", size=1)
        for source in (
            "http://127.0.0.1:1/a",
            "https://slack.com.evil.example/a",
            "https://evil.example/slack.com",
            "http://files.slack.com/a",
            f"{server.base.replace('http://', 'http://x@')}.evil.example/",
            "",
        ):
            with pytest.raises(VendorRefused, match="does not lie at Slack"):
                async for _ in side.channel.fetch(replace(file, source=source)):
                    pass


async def test_what_is_not_stored_is_not_acknowledged_and_comes_again() -> None:
    async with SlackServer() as server, listening(server) as side:
        server.ack_s = 0.3
        side.answer = lambda event: StoreError() if len(side.heard) < 3 else ""
        await server.world.say(ANA, server.world.direct(ANA), "Hello")
        await side.idle()
        assert len(side.heard) == 3 and server.lost == []
        assert len({event.ext_id for event in side.heard}) == 1


async def test_a_cut_connection_comes_again_and_nothing_is_lost() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.direct(ANA)
        await server.refresh()
        await server.connected()
        await server.world.say(ANA, place, "still there?")
        await side.hears(1)
        await side.idle()
        assert server.lost == []


async def test_too_many_messages_are_told_so_once_and_to_their_writer_alone() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.direct(ANA)
        side.answer = lambda event: LimitReached()
        for n in range(3):
            await server.world.say(ANA, place, str(n))
        await side.hears(3)
        await side.idle()
        (said,) = [item for item in server.shown(place) if item.bot]
        assert said.only_for == ANA.id and "Too many messages" in said.text
        assert server.lost == []


async def test_another_workspace_is_set_aside() -> None:
    async with SlackServer() as server, listening(server) as side:
        deliver = server.world.deliver
        payload = {"team_id": "T0OTHER", "event": {"type": "message", "user": ANA.id, "ts": "1.1"}}
        await deliver("events_api", {**payload, "event_id": "Ev1"})
        await side.idle()
        assert side.heard == [] and server.lost == []


@pytest.mark.parametrize(
    "event",
    [
        {"type": "app_uninstalled"},
        {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}},
    ],
)
async def test_an_app_that_was_removed_says_what_mends_it(event: dict[str, Any]) -> None:
    async with SlackServer() as server, listening(server) as side:
        assert side.task
        await server.world.tell(event)
        with pytest.raises(ConnectionBroken, match="Install the app again"):
            await asyncio.wait_for(side.task, 5)


@pytest.mark.parametrize("word", ["invalid_auth", "account_inactive", "token_revoked"])
async def test_a_token_that_opens_nothing_ends_the_run_with_its_mend(word: str) -> None:
    async with SlackServer() as server, listening(server) as side:
        assert side.task
        server.revoke(word)
        with pytest.raises(ConnectionBroken, match="api.slack.com/apps"):
            await side.channel.send(out("D1"))
        with pytest.raises(ConnectionBroken, match="api.slack.com/apps"):
            await asyncio.wait_for(side.task, 5)
        with pytest.raises(ConnectionBroken):
            await side.channel.run(side.sink)


async def test_a_missing_scope_of_the_app_token_is_named() -> None:
    async with SlackServer() as server:
        server.scopes.discard("connections:write")
        with pytest.raises(ConnectionBroken, match="connections:write"):
            await asyncio.wait_for(single(lent(server, Desk())).run(_nobody), 5)


async def test_two_tokens_that_are_of_two_apps_are_not_taken_for_one() -> None:
    async with SlackServer() as server:
        other = server.world.apps.add("kelly")
        mixed = lent(server, Desk(), bot_token=server.bot_token, app_token=other.app_token)
        with pytest.raises(ConnectionBroken, match=f"of another app \\({other.id}\\)"):
            await single(mixed).try_out()
        server.scopes.discard("users:read")  # it cannot be asked then, and is not refused for it
        assert (await single(mixed).try_out()).missing == ("users:read",)


async def test_an_app_that_may_not_write_is_down_until_it_may() -> None:
    async with SlackServer() as server, listening(server) as side:
        assert side.task
        server.scopes.discard("chat:write")
        for _ in range(2):
            with pytest.raises(ConnectionBroken, match="chat:write for chat.postMessage"):
                await side.channel.send(out("D1"))
            with pytest.raises(ConnectionBroken, match="chat:write for chat.postMessage"):
                await asyncio.wait_for(side.task, 5)
            side.task = asyncio.create_task(side.channel.run(side.sink))


async def test_a_thumb_is_feedback_and_taken_back() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.direct(ANA)
        ours = server.world.put(place, BOT_USER, "Answer", bot=True)
        theirs = server.world.put(place, BEN.id, "Lunch")
        await server.world.react(ANA, place, ours.ts, "+1::skin-tone-3")
        await server.world.react(ANA, place, theirs.ts, "-1")
        await server.world.react(ANA, place, ours.ts, "tada")
        await side.idle()
        await server.world.react(ANA, place, ours.ts, "+1::skin-tone-3", take_back=True)
        await side.hears(2)
        up, back = side.heard
        assert (up.kind, up.reply_to) == (Kind.FEEDBACK, f"{place}:{ours.ts}")
        assert (up.payload["value"], back.payload["value"]) == ("up", "")
        assert up.ext_id != back.ext_id


async def test_commands_come_as_what_the_house_knows() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.direct(ANA)
        await server.world.command(ANA, place, "/switchboard", "status")
        await server.world.command(ANA, place, "/stop")
        await server.world.command(ANA, place, "/switchboard", "write a post")
        await server.world.command(ANA, place, "/switchboard")
        texts = [event.text for event in await side.hears(4)]
        assert texts == ["/status", "/stop", "write a post", "/help"]
        assert len({event.ext_id for event in side.heard}) == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("link 2ZR2CT2E", "/link 2ZR2CT2E"),
        ("memory", "/memory"),
        ("Approve 4821", "/approve 4821"),
        ("reject 4821 it is wrong", "/reject 4821 it is wrong"),
        ("agent kelly", "/agent kelly"),
        ("bad it was too long", "/bad it was too long"),
        ("new campaign for the shop", "new campaign for the shop"),
        ("link our page to the post", "link our page to the post"),
        ("help me with a post", "help me with a post"),
        ("approve of what I wrote", "approve of what I wrote"),
        ("stop the campaign on Friday", "stop the campaign on Friday"),
    ],
)
async def test_a_command_is_told_from_words_that_begin_like_one(words: str, told: str) -> None:
    async with SlackServer() as server, listening(server) as side:
        await server.world.command(ANA, server.world.direct(ANA), "/switchboard", words)
        assert [event.text for event in await side.hears(1)] == [told]


async def test_the_home_page_shows_agents_and_what_waits() -> None:
    async with SlackServer() as server, listening(server) as side:
        await server.world.open_home(ANA)
        await until(lambda: ANA.id in server.world.homes)
        words = json.dumps(server.world.homes[ANA.id])
        assert "Post it?" in words and "4821" in words and "Bri writes" in words
        assert "Slack, Telegram" in words and "owner" in words
        assert side.heard == [] and server.mistakes == []


def test_the_home_page_of_somebody_with_much_of_everything_is_within_slack_s_limit() -> None:
    known = Known(
        name="Ana", role="owner", channels=("slack",), accounts=(("X: shop", "works"),) * 50
    )
    waiting = [Waiting(approval="apr_1", code="4821", title="Post it?", agent="bri")] * 50
    places = of_home([Manner(site=Site(workspace=TEAM, place=f"C{n}")) for n in range(50)], TEAM)
    blocks = views.of_home(known, [("bri", "Bri writes")] * 50, waiting, places)["blocks"]
    assert isinstance(blocks, list) and 90 < len(blocks) <= 100
    words = json.dumps(blocks)
    assert "X: shop" in words and "works" in words


async def test_the_home_page_of_a_stranger_says_how_to_be_known_and_nothing_else() -> None:
    async with SlackServer() as server, listening(server) as side:
        await server.world.open_home(BEN)
        await until(lambda: BEN.id in server.world.homes)
        words = json.dumps(server.world.homes[BEN.id])
        assert "Not connected" in words and "/link" in words
        assert "Post it?" not in words and "Bri" not in words and side.heard == []
        assert server.mistakes == []


async def test_the_shortcut_lists_what_waits() -> None:
    async with SlackServer() as server, listening(server) as side:
        server.world.direct(ANA)
        await server.world.shortcut(ANA, "pending_approvals")
        await server.world.shortcut(ANA, "of_another_app")
        await until(lambda: server.world.views)
        (view,) = server.world.views.values()
        assert "4821" in json.dumps(view) and view["type"] == "modal"
        await side.idle()
        assert side.heard == [] and server.mistakes == []


async def test_the_shortcut_tells_a_stranger_how_to_be_known_and_lists_nothing() -> None:
    async with SlackServer() as server, listening(server):
        server.world.direct(BEN)
        await server.world.shortcut(BEN, "pending_approvals")
        await until(lambda: server.world.views)
        (view,) = server.world.views.values()
        assert "not connected" in json.dumps(view) and "4821" not in json.dumps(view)
        assert server.mistakes == []


@needs("slack-samples.json")
def test_every_sample_of_an_event_is_read_or_set_aside() -> None:
    samples = document("slack-samples.json")["events"]
    assert len(samples) > 20
    for name, payload in samples.items():
        assert reader().read(payload["event"]) is None, name  # their values are all empty


@pytest.mark.parametrize(
    "event",
    [
        {"type": ["message"]},
        {"type": "message", "channel": 5, "user": {}, "ts": None},
        {"type": "message", "channel": "C1", "user": "U1", "ts": "1.1", "files": {"a": 1}},
        {
            "type": "message",
            "channel": "C1",
            "user": "U1",
            "ts": "nan",
            "files": [None, 5, "x", {}],
        },
        {"type": "message", "channel": "C1", "user": "U1", "ts": "9" * 199, "text": 7},
        {"type": "message", "subtype": "message_changed", "message": [], "channel": "C1"},
        {"type": "reaction_added", "item": "x", "reaction": "+1"},
        {"type": "message", "channel": "C" * 5000, "user": "U1", "ts": "1.1"},
    ],
)
def test_odd_payloads_break_nothing(event: dict[str, Any]) -> None:
    found = reader().read(event)
    assert found is None or found.ext_id


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<@U0000ANA> hi", "@U0000ANA hi"),
        ("<@U0000ANA|ana> hi", "@ana hi"),
        (f"hey <@{BOT_USER}> hi", "hey hi"),
        ("<!here> and <!subteam^S1|@ops> in <#C1|general>", "@here and @ops in #general"),
        ("<https://a.example/x|the page>", "the page (https://a.example/x)"),
        ("<mailto:ana@a.example|ana@a.example>", "ana@a.example"),
        ("1 &lt; 2 &amp;&amp; &amp;lt; &copy;", "1 < 2 && &lt; &copy;"),
        ("a < b > c", "a < b > c"),
    ],
)
def test_marks_are_read(raw: str, text: str) -> None:
    assert plain(raw, BOT_USER) == text


def reader() -> Reader:
    account = Account(tenant=HOME, team=TEAM, user=BOT_USER)
    return Reader(account, StillClock(), Ledger())


async def _nobody(event: object) -> Any:
    raise AssertionError(event)


async def test_what_people_write_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Also when everything is logged, but for what the house quietens in libraries."""
    for name in VENDORS:
        caplog.set_level("WARNING", logger=name)
    caplog.set_level("DEBUG")
    async with SlackServer() as server, listening(server) as side:
        await server.world.say(ANA, server.world.direct(ANA), "canary-of-a-word")
        await side.hears(1)
        await side.channel.send(out("D0000ANA", "canary-of-an-answer"))
        await side.idle()
    assert "canary" not in caplog.text and "xoxb" not in caplog.text
