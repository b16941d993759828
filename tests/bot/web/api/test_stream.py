"""The stream of a conversation: nothing missing, nothing twice, whatever breaks in between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.core.conversation import Claim, TurnEnd
from bot.live import Live
from tests.bot.web.api.reading import Answer, Told, answered, say, told, until
from tests.fakes.web_house import WebHouse, said

PIECES = ("The ", "quick ", "brown 🦊 ", "jumps ", "over.")
WHOLE = "".join(PIECES)


class Slowly:
    """A script that says a piece whenever the test lets it."""

    def __init__(self, house: WebHouse) -> None:
        self.house = house
        self.said = 0
        self._go = asyncio.Semaphore(0)
        self._done = asyncio.Semaphore(0)

    async def __call__(self, claim: Claim) -> TurnEnd:
        for piece in PIECES:
            await self._go.acquire()
            self.house.live.text(claim.event.tenant, claim.conv.id, claim.event.id, piece)
            self._done.release()
        await self._go.acquire()
        return said(WHOLE)

    async def say(self, pieces: int) -> None:
        """Let it say so many pieces."""
        for _ in range(pieces):
            self._go.release()
            await self._done.acquire()

    def finish(self) -> None:
        """Let it end."""
        for _ in range(len(PIECES) + 1):
            self._go.release()


@pytest.fixture
def slowly(house: WebHouse) -> Slowly:
    script = Slowly(house)
    house.script = script
    return script


class Connection:
    """One watcher."""

    def __init__(self, client: ClientSession, conversation: str, last: str, query: str) -> None:
        headers = {"Last-Event-ID": last} if last else {}
        path = f"/v1/conversations/{conversation}/stream{query}"
        self._asked = client.get(path, headers=headers)

    async def __aenter__(self) -> AsyncIterator[Told]:
        self._response = await self._asked.__aenter__()
        assert self._response.status == 200, await self._response.text()
        assert self._response.headers["Content-Type"].startswith("text/event-stream")
        return told(self._response)

    async def __aexit__(self, *error: object) -> None:
        self._response.close()


def watch(client: ClientSession, where: Answer, last: str = "", query: str = "") -> Connection:
    return Connection(client, where["conversation"], last, query)


def text_of(events: list[Told]) -> str:
    return "".join(event.data["delta"] for event in events if event.name == "draft")


def names(events: list[Told]) -> list[str]:
    return [event.name for event in events]


async def last_draft(events: AsyncIterator[Told], length: int) -> list[Told]:
    """Events until the draft is so long."""
    seen: list[Told] = []
    async for event in events:
        seen.append(event)
        if event.name == "draft" and int(event.id.split(".")[2]) >= length:
            return seen
    raise AssertionError(seen)


async def test_an_answer_grows_and_is_then_stored(
    house: WebHouse, owner: ClientSession, slowly: Slowly
) -> None:
    where = await say(owner, "Go")
    async with watch(owner, where) as events:
        await slowly.say(5)
        seen = await last_draft(events, len(WHOLE))
        slowly.finish()
        seen += await until(events, "state", state="idle")
    assert text_of(seen) == WHOLE
    assert [event.data["text"] for event in seen if event.name == "message"] == [WHOLE]
    first = next(event for event in seen if event.name == "draft")
    assert first.data["turn"] == where["event"]
    assert set(first.data) == {"turn", "agent", "delta"}


async def test_a_turn_that_ends_while_a_watcher_comes_is_told_before_its_end(
    house: WebHouse, owner: ClientSession, slowly: Slowly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking for lines and looking for the state: there is no other place to end it."""
    where = await say(owner, "Go")
    now, looked = house.transcript.now, 0

    async def late(*given: Any) -> Any:
        nonlocal looked
        looked += 1
        if looked == 2:  # the first look is for the right to watch at all
            slowly.finish()
            while (await now(*given))[1] != "idle":
                await asyncio.sleep(0.005)
        return await now(*given)

    monkeypatch.setattr(house.transcript, "now", late)
    async with watch(owner, where, query="?after=0") as events:
        seen = await until(events, "state", state="idle")
    assert [event.data["role"] for event in seen if event.name == "message"] == [
        "user",
        "assistant",
    ]


async def test_a_line_is_told_as_it_is_stored(
    house: WebHouse, owner: ClientSession, slowly: Slowly
) -> None:
    where = await say(owner, "Go")
    async with watch(owner, where) as events:
        slowly.finish()
        line = (await until(events, "message", role="assistant"))[-1].data
    stored = (await answered(owner, where))[-1]
    assert {name: line[name] for name in stored} == stored


async def test_a_broken_connection_goes_on_at_each_character(
    house: WebHouse, owner: ClientSession, slowly: Slowly
) -> None:
    where = await say(owner, "Go")
    await slowly.say(4)
    sofar = "".join(PIECES[:4])
    for offset in range(len(sofar)):
        async with watch(owner, where, f"{where['event']}.0.{offset}") as events:
            seen = await last_draft(events, len(sofar))
            assert text_of(seen) == sofar[offset:]
            assert "reset" not in names(seen)
    slowly.finish()


async def test_breaking_off_after_every_event_loses_and_repeats_nothing(
    house: WebHouse, owner: ClientSession, slowly: Slowly
) -> None:
    where = await say(owner, "Go")
    last, draft, messages = "", "", []
    for step in range(40):
        async with watch(owner, where, last, "?after=0") as events:
            if step < 5:
                await slowly.say(1)
            elif step == 5:
                slowly.finish()
                await answered(owner, where)
            async for event in events:
                if event.name == "draft":
                    draft += event.data["delta"]
                elif event.name == "message":
                    messages.append(event.data["text"])
                last = event.id or last
                if event.id:
                    break
                if event.name == "state" and event.data["state"] == "idle":
                    break
        if messages[-1:] == [WHOLE]:
            break
    assert messages == ["Go", WHOLE]
    assert WHOLE.startswith(draft)


async def test_whoever_missed_the_end_gets_the_stored_line(
    house: WebHouse, owner: ClientSession, slowly: Slowly
) -> None:
    where = await say(owner, "Go")
    await slowly.say(2)
    place = f"{where['event']}.0.{len(''.join(PIECES[:2]))}"
    slowly.finish()
    await answered(owner, where)
    async with watch(owner, where, place) as events:
        seen = await until(events, "state")
    assert [(e.name, e.data.get("text")) for e in seen[:-1]] == [("message", WHOLE)]


async def test_a_line_that_was_seen_is_not_sent_again(
    house: WebHouse, owner: ClientSession
) -> None:
    where = await say(owner, "Hello")
    await answered(owner, where)
    async with watch(owner, where, query="?after=0") as events:
        seen = await until(events, "message", role="assistant")
    async with watch(owner, where, seen[-1].id) as events:
        assert names(await until(events, "state")) == ["state"]
    async with watch(owner, where, seen[0].id) as events:
        again = await until(events, "state")
    assert [event.data["role"] for event in again[:-1]] == ["assistant"]


async def test_after_a_restart_the_draft_is_reset_and_begun_anew(
    house: WebHouse, owner: ClientSession, slowly: Slowly
) -> None:
    where = await say(owner, "Go")
    await slowly.say(3)
    place = f"{where['event']}.0.{len(''.join(PIECES[:3]))}"
    house.parts.live._drafts.clear()  # what a restart leaves: nothing
    async with watch(owner, where, place) as events:
        seen = await until(events, "state")
        assert names(seen) == ["reset", "state"]
        assert seen[0].data == {"turn": where["event"]}
        tenant, conv = house.tenant.id, house.claims[0].conv.id
        house.live.begin(tenant, conv, where["event"], 1)
        house.live.text(tenant, conv, where["event"], "Anew")
        seen = await until(events, "draft")
    assert text_of(seen) == "Anew"
    assert seen[-1].id == f"{where['event']}.1.4"
    slowly.finish()


async def test_a_fresh_watcher_gets_the_draft_so_far_but_no_old_lines(
    house: WebHouse, owner: ClientSession, slowly: Slowly
) -> None:
    where = await say(owner, "Go")
    await slowly.say(2)
    async with watch(owner, where) as events:
        seen = await last_draft(events, 10)
    assert text_of(seen) == "The quick "
    assert names(seen) == ["state", "draft"]
    assert seen[0].data == {"state": "running"}
    slowly.finish()


async def test_whoever_watches_from_the_first_word_on_hears_whose_each_later_draft_is(
    house: WebHouse, owner: ClientSession, slowly: Slowly
) -> None:
    where = await say(owner, "Go")
    await slowly.say(1)
    async with watch(owner, where) as events:  # nobody's conversation yet
        await last_draft(events, 4)
        slowly.finish()
        await until(events, "state", state="idle")
        await say(owner, "And again", conversation=where["conversation"])
        seen = await until(events, "draft")  # of the one piece that finish let it say too many
        slowly.finish()
        seen += await until(events, "message", role="assistant")
    assert {event.data["agent"] for event in seen if event.name == "draft"} == {"bri"}


async def test_what_others_write_meanwhile_is_seen_in_its_order(
    house: WebHouse, owner: ClientSession
) -> None:
    where = await say(owner, "One")
    await answered(owner, where)
    async with watch(owner, where) as events:
        await until(events, "state", state="idle")
        await say(owner, "Two", conversation=where["conversation"])
        await say(owner, "/whoami", conversation=where["conversation"])
        seen: list[Told] = []
        while sum(event.name == "message" for event in seen) < 4:
            seen += await until(events, "message")
    positions = [event.data["n"] for event in seen if event.name == "message"]
    assert positions == [3, 4, 5, 6]


async def test_a_watcher_that_lost_notes_starts_from_the_rows(
    house: WebHouse, owner: ClientSession
) -> None:
    where = await say(owner, "One")
    await answered(owner, where)
    conv = house.claims[0].conv.id
    async with watch(owner, where) as events:
        await until(events, "state", state="idle")
        for number in range(400):  # more than a watcher holds, in one step of the loop
            house.live.tell(house.tenant.id, conv, "activity", {"turn": "", "text": str(number)})
        await say(owner, "Two", conversation=where["conversation"])
        seen = await until(events, "message", role="assistant")
    assert [e.data["text"] for e in seen if e.name == "message"] == ["Two", "You said: Two"]


async def test_an_approval_is_told(house: WebHouse, owner: ClientSession) -> None:
    house.script = house.asks()
    where = await say(owner, "Publish")
    found = await answered(owner, where)
    async with watch(owner, where) as events:
        await until(events, "state", state="idle")
        path = f"/v1/approvals/{found[1]['approval']}/decide"
        async with owner.post(path, json={"decision": "reject"}) as response:
            assert response.status == 200
        seen = await until(events, "approval", state="rejected")
    assert seen[-1].data["id"] == found[1]["approval"]


async def test_a_reminder_is_told_as_a_line_and_as_the_approval_that_waits(
    house: WebHouse, owner: ClientSession
) -> None:
    house.script = house.asks()
    where = await say(owner, "Publish")
    id_ = (await answered(owner, where))[1]["approval"]
    async with watch(owner, where) as events:
        await until(events, "state", state="idle")
        house.clock.advance(hours=4, seconds=1)
        assert await house.approvals.remind() == 1
        seen = await until(events, "approval", id=id_)
    seen = [event for event in seen if event.name != "state"]  # of the end of the turn, perhaps
    assert names(seen) == ["message", "approval"]
    assert (seen[0].data["approval"], seen[1].data["state"]) == (id_, "pending")


async def test_one_more_stream_than_allowed_is_refused_until_another_is_closed(
    tmp_path: Path,
) -> None:
    async with WebHouse(tmp_path, streams_per_person=2) as house:
        owner = await house.bearer()
        where = await say(owner, "Hello")
        await answered(owner, where)
        path = f"/v1/conversations/{where['conversation']}/stream"
        async with watch(owner, where), watch(owner, where):
            async with owner.get(path) as response:
                assert response.status == 429
                assert "streams_per_person" in (await response.json())["error"]["message"]
            member = await house.bearer(await house.member())
            own = await say(member, "Hello")
            async with watch(member, own):
                pass  # somebody else's seats are their own
        for _ in range(100):  # the server notices that they left
            async with owner.get(path) as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.05)
        raise AssertionError("a closed stream still counts")


async def test_nobody_watches_what_they_may_not_read(house: WebHouse, owner: ClientSession) -> None:
    where = await say(owner, "Mine")
    member = await house.bearer(await house.member())
    other = await house.bearer((await house.other_tenant())[1])
    for client in (member, other):
        for conversation in (where["conversation"], "cnv_unknown"):
            async with client.get(f"/v1/conversations/{conversation}/stream") as response:
                assert response.status == 404


async def test_a_watcher_whose_token_ended_is_let_go(house: WebHouse) -> None:
    person = await house.member()
    client = await house.bearer(person)
    where = await say(client, "Hello")
    await answered(client, where)
    conv = house.claims[0].conv.id
    async with watch(client, where) as events:
        await until(events, "state", state="idle")
        await house.people.remove(house.tenant.id, person.id, "house")
        house.clock.advance(seconds=16)
        house.live.tell(house.tenant.id, conv, "activity", {"turn": "", "text": "secret"})
        house.live.tell(house.tenant.id, conv, "activity", {"turn": "", "text": "secret"})
        assert len([event async for event in events]) <= 1


@pytest.mark.parametrize(
    "place", ["x", "a.b.c", "evt_1.0.0", "evt_1.m.9", "..", "evt.0.99999999999999999999", "é.²."]
)
async def test_a_place_that_makes_no_sense_harms_nothing(
    house: WebHouse, owner: ClientSession, place: str
) -> None:
    where = await say(owner, "Hello")
    await answered(owner, where)
    async with watch(owner, where, place) as events:
        assert (await until(events, "state"))[-1].data == {"state": "idle"}


async def test_the_end_of_the_house_ends_the_stream_cleanly(
    house: WebHouse, owner: ClientSession
) -> None:
    where = await say(owner, "Hello")
    await answered(owner, where)
    async with watch(owner, where) as events:
        await until(events, "state", state="idle")
        house.live.close()
        assert [event async for event in events] == []


async def test_without_the_running_draft_characters_would_be_lost(
    house: WebHouse, owner: ClientSession, slowly: Slowly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A negative control: a stream that cannot go on in a draft must say so, not skip."""
    monkeypatch.setattr(
        Live, "subscribe", lambda self, tenant, conv: self._join((tenant, conv), None)
    )
    where = await say(owner, "Go")
    await slowly.say(2)
    async with watch(owner, where, f"{where['event']}.0.4") as events:
        seen = await until(events, "state")
    assert "reset" in names(seen)
    slowly.finish()
