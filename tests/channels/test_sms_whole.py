"""`bot run` as a user starts it, on a Twilio that plays: paired, asked, edited, approved, stopped.

Nothing of the house is played. What people see on their phones is what is looked at.
"""

import asyncio
import contextlib
import json
import random
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.channels.running import Program, found, standing
from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.fakes.twilio_server import TwilioServer
from tests.fakes.twilio_world import ACCOUNT, TOKEN
from tests.published import vectors

pytestmark = pytest.mark.timeout(300)
OURS, SECOND = "+15550100001", "+15550100002"
ANA, BEN = "+14155550101", "+14155550102"
EVE = "+9914155550101"
"""Ends as Ana's number does."""
POST = {"title": "Sunday", "text": "We are open on Sunday"}
TEXT = {"to": BEN, "text": "Your table is ready"}


def answer(body: Body) -> Reply:
    """What the model says to the last thing that it was told."""
    last = body["messages"][-1]
    words = str(last["content"])
    if last["role"] == "tool":
        return Reply(text="It waits for your yes.")
    if '"outcomes"' in words or "outcome" in words:
        if "did not arrive" in words:
            why = "switched off" if "switched off" in words else "?"
            return Reply(text=f"Outcome: not there, {why}.")
        return Reply(text=f"Outcome: {'opted out' if 'opted out' in words else 'done'}.")
    if "publish" in words:
        return Reply(calls=[("blog_publish", json.dumps(POST))])
    if asked := re.findall(r"tell ben (w\d+x)", words):
        more = {"to": BEN, "text": f"Table {asked[-1]}"}
        return Reply(calls=[("send_sms", json.dumps(more))])
    if "text ben" in words:
        return Reply(calls=[("send_sms", json.dumps(TEXT))])
    said = re.findall(r"say (\w+)", words)
    return Reply(text=f"You said {said[-1]}." if said else "Hello, I am here.")


@asynccontextmanager
async def whole(tmp_path: Path, twilio: TwilioServer, **settings: str) -> AsyncIterator[Program]:
    """The program on a new folder, its number pointed at it, with Ana admitted."""
    twilio.world.number(OURS)
    async with OpenAIServer(otherwise=answer) as model:
        program = Program(
            tmp_path,
            model,
            TWILIO_ACCOUNT_SID=ACCOUNT,
            TWILIO_AUTH_TOKEN=TOKEN,
            BOT_ENDPOINT_TWILIO=twilio.base,
            BOT_PUBLIC_URL="https://bot.example",
            **settings,
        )
        twilio.webhook_via = program.url
        async with standing(program, TOKEN):
            await found(lambda: twilio.world.numbers[OURS].sms_url)
            await twilio.world.text(ANA, OURS, "hello?")
            (text,) = await found(lambda: twilio.world.said(ANA))
            await program.admit(text)
            yield program


async def says(twilio: TwilioServer, text: str, person: str = ANA, number: str = OURS) -> None:
    _, told = await twilio.world.text(person, number, text)
    assert told.status == 200


async def sees(twilio: TwilioServer, words: str, person: str = ANA, after: int = 0) -> str:
    """Wait until a phone shows words; gives the text."""

    def look() -> str:
        texts = twilio.world.said(person)[after:]
        return next((text for text in texts if re.search(words, text)), "")

    return await found(look)


async def code_in(twilio: TwilioServer, title: str, after: int) -> str:
    """The code of the card that comes."""
    card = await sees(twilio, rf"(?s){title}.*Reply OK \d+", after=after)
    return re.findall(r"Reply OK (\d+)", card)[0]


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioServer]:
    """A Twilio whose receipts come last first, each twice."""
    async with TwilioServer(receipts="scrambled") as server:
        yield server
        await server.settled()
        assert server.mistakes == []


async def test_a_conversation_an_edit_a_yes_and_a_stop(
    tmp_path: Path, twilio: TwilioServer
) -> None:
    twilio.world.number(SECOND)
    async with whole(tmp_path, twilio) as program:
        world = twilio.world
        # An answer in the same thread, from the number that was written to.
        await says(twilio, "say hi")
        await sees(twilio, "^You said hi.$")
        assert world.shown(ANA)[-1].sender == OURS
        # Another number, another agent, another thread.
        await program.verb("routes", "add", "kelly", "--channel", "sms", "--address", SECOND)
        where = ("--channel", "sms", "--address", SECOND)
        assert "kelly" in await program.verb("routes", "explain", *where)
        await says(twilio, "say two", number=SECOND)
        await sees(twilio, "^You said two.$")
        assert world.said(ANA, SECOND) == ["You said two."]
        # A card, changed and approved by text.
        n = len(world.said(ANA))
        await says(twilio, "publish it")
        code = await code_in(twilio, "Sunday", n)
        await says(twilio, f"Edit {code} We are open on Monday")
        (post,) = await found(program.posts)
        assert "We are open on Monday" in post.read_text()
        await sees(twilio, "^Edited and approved by Ana", after=n)
        await sees(twilio, "^Outcome: done", after=n)
        # The same words again decide nothing more.
        await says(twilio, f"OK {code}")
        # A text to somebody else: shown with its segments, approved by a code, sent once.
        n = len(world.said(ANA))
        await says(twilio, "text ben")
        code = await code_in(twilio, "text message", n)
        card = await sees(twilio, "Reply OK", after=n)
        assert BEN in card and "Your table is ready" in card and "1 segment (GSM-7" in card
        assert world.said(BEN) == []
        await says(twilio, f"ok {code}")
        await sees(twilio, "Your table is ready", BEN)
        await sees(twilio, "^Outcome: done", after=n)
        # He says STOP: what is approved after that is not sent, and she is told why.
        await says(twilio, "STOP", BEN)
        n = len(world.said(ANA))
        await says(twilio, "text ben")
        code = await code_in(twilio, "text message", n)
        await says(twilio, f"OK {code}")
        await sees(twilio, "^Outcome: opted out", after=n)
        assert [t for t in world.said(BEN) if "table" in t] == ["Your table is ready"]
        # She says STOP, and is never texted again, also not with what still waited for her.
        await says(twilio, "STOP")
        n, ended = len(twilio.world.said(ANA)), rows(program, ENDED)
        await says(twilio, "say more")
        await says(twilio, "publish it")
        await found(lambda: rows(program, ENDED) >= ended + 2)
        await asyncio.sleep(1)  # for the card, which goes by itself
        assert world.said(ANA)[n:] == []
        # A stranger is given a code, once, whatever her number ends with.
        await says(twilio, "who is this?", EVE)
        await says(twilio, "hello?", EVE)
        await sees(twilio, "I do not know you yet", EVE)
        await twilio.settled()
        assert len(world.said(EVE)) == 1


async def test_a_text_that_does_not_arrive_is_told_once_to_who_asked_and_to_the_owner(
    tmp_path: Path, twilio: TwilioServer
) -> None:
    twilio.world.fails[BEN] = ("undelivered", 30003)
    async with whole(tmp_path, twilio) as program:
        n = len(twilio.world.said(ANA))
        await says(twilio, "text ben")
        code = await code_in(twilio, "text message", n)
        await says(twilio, f"OK {code}")
        await sees(twilio, "^Outcome: not there, switched off", after=n)
        await twilio.settled()
        told = [t for t in twilio.world.said(ANA)[n:] if t.startswith("Outcome: not there")]
        assert len(told) == 1  # though its end was told out of order, and each word twice
        assert "switched off or cannot be reached (Twilio 30003)" in await program.verb(
            "sms", "undelivered"
        )


async def test_a_picture_is_removed_at_twilio_once_it_is_kept_and_its_turn_is_over(
    tmp_path: Path, twilio: TwilioServer
) -> None:
    async with whole(tmp_path, twilio) as program:
        picture, ended = [("image/png", b"\x89PNG ink")], rows(program, ENDED)
        message, _ = await twilio.world.text(ANA, OURS, "say seen", media=picture)
        strange, _ = await twilio.world.text(EVE, OURS, "look", media=picture)
        await sees(twilio, "^You said seen.$")
        # What Twilio does not do now is done at the next round, and a killed one loses nothing.
        twilio.fail("unmedia", "error")
        await found(lambda: rows(program, ENDED) >= ended + 2)  # its next round is its next start
        program.stop(signal.SIGKILL)
        await program.start()
        await found(lambda: "stays at Twilio for now" in program.log.read_text())
        assert len(message.media) == 1
        program.stop(signal.SIGKILL)
        await program.start()
        await found(lambda: message.media == [])
        assert len(strange.media) == 1  # nobody fetched it
        asked = len(twilio.asked("unmedia"))
        assert "picture-1.png" in await program.verb("files")
        program.stop(signal.SIGKILL)
        await program.start()
        await found(lambda: program.log.read_text().count("is running") == 4)
        await says(twilio, "say end")
        await sees(twilio, "^You said end.$")
        assert len(twilio.asked("unmedia")) == asked


async def test_nobody_but_twilio_is_heard_and_a_number_that_is_not_ours_is_not_answered(
    tmp_path: Path, twilio: TwilioServer
) -> None:
    async with whole(tmp_path, twilio) as program:
        asked = len(twilio.asked("send"))
        for kind in ("unsigned", "other_token", "changed", "added", "other_address"):
            assert (await twilio.forge(kind, OURS, ANA, "say evil")).status == 401
        async with aiohttp.ClientSession() as session:
            for vector in vectors("twilio"):  # signed by others, or for another address
                body, headers = vector["body"].encode(), vector["headers"]
                hook = f"{program.url}/webhooks/twilio/sms"
                async with session.post(hook, data=body, headers=headers) as got:
                    assert got.status in (401, 415), vector["case"]
        hook = twilio.world.numbers[OURS].sms_url
        twilio.world.number("+15550109999", hook)
        await says(twilio, "say lost", number="+15550109999")
        await says(twilio, "say end")
        await sees(twilio, "^You said end.$")
        assert len(twilio.asked("send")) == asked + 1
        assert "which is no number here" in program.said


def rows(program: Program, which: str) -> int:
    """How many rows of the program's database there are of that kind."""
    (file,) = program.home.glob("*.db")
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as conn:
        return int(conn.execute(f"select count(*) from {which}").fetchone()[0])


DOUBTS = "effect where state = 'in_doubt'"
ENDED = "inbox where state in ('done', 'dead')"


async def test_connected_while_it_runs_it_lists_its_numbers_and_what_became_of_each_text(
    tmp_path: Path, twilio: TwilioServer
) -> None:
    twilio.world.number(OURS, friendly_name="Shop")
    async with OpenAIServer(otherwise=answer) as model:
        program = Program(
            tmp_path,
            model,
            BOT_ENDPOINT_TWILIO=twilio.base,
            BOT_PUBLIC_URL="https://bot.example",
        )
        twilio.webhook_via = program.url
        async with standing(program, TOKEN):
            told = json.dumps({"account_sid": ACCOUNT, "auth_token": TOKEN})
            assert "sms listens" in await program.verb("connect", "sms", "--stdin", told=told)
            await found(lambda: twilio.world.numbers[OURS].sms_url)
            assert OURS in await program.verb("sms")
            await says(twilio, "hello?")
            await sees(twilio, "I do not know you yet")
            await twilio.settled()
            assert "1/1" in await program.verb("sms", "threads")
            assert "delivered" in await program.verb("sms", "threads", OURS, ANA)
            await says(twilio, "STOP")
            assert "STOP" in await program.verb("sms", "opted-out")
            # Begun again, it finds what was connected, and still knows who said STOP.
            program.stop(signal.SIGKILL)
            await program.start()
            assert "STOP" in await program.verb("sms", "opted-out")
            await program.verb("sms", "set", OURS, "--purpose", "orders", "--default")
            assert "orders" in await program.verb("sms", "numbers")


async def kills(tmp_path: Path, twilio: TwilioServer, times: int, seed: int) -> Counter[str]:
    """Texts come in and answers leave while the program is killed again and again; the count."""
    rng = random.Random(seed)
    count: Counter[str] = Counter()
    async with whole(tmp_path, twilio, BOT_LIMITS_PERSON_PER_MINUTE="1000") as program:
        await program.verb("policies", "set", "auto", "--tool", "send_sms")
        words = 0
        for _ in range(times):
            for _ in range(4):
                words += 1
                ask = "say" if words % 2 else "tell ben"
                await twilio.world.text(ANA, OURS, f"{ask} w{words}x")
                await asyncio.sleep(rng.random() * 0.15)
            await asyncio.sleep(rng.random() * 0.4)
            program.stop(signal.SIGKILL)
            await program.start()
        wanted = {f"You said w{n}x." for n in range(1, words + 1, 2)}
        wanted |= {f"Table w{n}x" for n in range(2, words + 1, 2)}

        def shown() -> list[str]:
            return [*twilio.world.said(ANA), *twilio.world.said(BEN)]

        with contextlib.suppress(TimeoutError):
            await found(lambda: not wanted - set(shown()), 120)
        await twilio.settled()
        times_shown = Counter(text for text in shown() if text in wanted)
        count["sent"] = sum(times_shown.values())
        count["lost"] = len(wanted - set(times_shown))
        count["twice"] = sum(n - 1 for n in times_shown.values())
        count["texts"] = words
        count["in doubt"] = rows(program, DOUBTS)
    return count


async def test_killed_while_it_answers_it_loses_nothing_and_says_nothing_twice(
    tmp_path: Path, twilio: TwilioServer
) -> None:
    count = await kills(tmp_path, twilio, 3, 7)
    assert (count["lost"], count["twice"], count["in doubt"]) == (0, 0, 0), count


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(3))
async def test_killed_many_times(tmp_path: Path, twilio: TwilioServer, seed: int) -> None:
    count = await kills(tmp_path, twilio, 12, seed)
    print(dict(count))
    assert (count["lost"], count["twice"], count["in doubt"]) == (0, 0, 0), count
