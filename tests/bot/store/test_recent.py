"""What is kept at hand of a conversation is what its rows say, or it is not taken."""

import random
from dataclasses import replace
from typing import Any

import pytest

from bot.core.canonical import Json
from bot.core.conversation import Claim, TurnEnd
from bot.core.event import Attachment, Ending
from bot.core.model import ModelMessage, ToolCall
from bot.inbox import arrive
from bot.store import archives, conversations, turns
from bot.store.recent import MOST_CHARS, MOST_LINES, Recent
from bot.store.script import Ask, Script
from tests.bot.store.test_lockstep import Watched, arriving, said
from tests.fakes.clock import StillClock

READ = conversations._HISTORY


class House:
    """A process that keeps what was said lately."""

    def __init__(self, db: Watched, clock: StillClock | None = None) -> None:
        self.db = db
        self.recent = Recent(clock or StillClock())
        self.read = 0

    def run(self, script: Script[Any]) -> Any:
        """One transaction, counting how often lines were read."""
        asked: list[Ask] = []
        execute = self.db.execute

        def watch(ask: Ask) -> Any:
            asked.append(ask)
            return execute(ask)

        self.db.execute = watch
        try:
            (result,) = self.db.one_by_one([script])
        finally:
            self.db.execute = execute
        self.read += sum(ask.statement is READ for ask in asked)
        return result

    def come(self, n: int, at: int, **more: Any) -> Claim | None:
        """Something is said; its turn, where one opens."""
        event = replace(said(n, at, "a"), **more)
        known = self.recent.known("a", event.conv)
        ids = (f"cnv_{event.id}", f"msg_{event.id}")
        got, claim = self.run(arrive(event, ids, 1_000, "", "me", known))
        if claim:
            self.recent.opened(claim, got.said)
        return claim if isinstance(claim, Claim) else None

    def end(self, claim: Claim, reply: str = "Yes.", raw: tuple[ModelMessage, ...] = ()) -> None:
        """The turn is over."""
        end = TurnEnd(ending=Ending.ANSWERED, reply=reply, raw=raw)
        done = self.run(turns.finish(claim, end, 2_000))
        self.recent.closed(claim, done.said, done.last)

    def really(self, claim: Claim) -> Any:
        """What the rows say was said before."""
        return self.db.one_by_one([conversations.history("a", claim.conv.id, claim.seq)])[0]


@pytest.fixture
def house() -> House:
    return House(Watched())


def talk(house: House, n: int, turns_: int) -> None:
    for at in range(turns_):
        claim = house.come(n, at)
        assert claim
        assert claim.history == house.really(claim)
        house.end(claim, f"answer {at}")


def test_a_talk_is_never_read_again_and_grows_to_its_bound(house: House) -> None:
    talk(house, 0, 50)
    assert house.read == 0
    claim = house.come(0, 50)
    assert claim
    assert len(claim.history) == conversations.HISTORY_LINES
    assert claim.history == house.really(claim)


@pytest.mark.parametrize("what", ["a line", "an event", "a turn", "an archive"])
def test_what_comes_in_between_is_read(house: House, what: str) -> None:
    talk(house, 0, 3)
    other = House(house.db)
    conv = house.db.conn.execute("select id from conv").fetchone()[0]
    if what == "a line":
        line = house.db.one_by_one([conversations.history("a", conv, 99)])[0][0]
        house.run(conversations.say("a", conv, replace(line, id="msg_more", text="News.")))
    elif what == "an event":
        house.run(arrive(said(0, 8, "a"), ("cnv_x", "msg_x"), 1_000, "", ""))
        (claim,) = house.run(turns.claim("other", 3_000, 1))
        other.end(claim)
    elif what == "a turn":
        claim = other.come(0, 8)
        assert claim
        other.end(claim)
    else:
        house.run(_emptied(conv))
    read = house.read
    claim = house.come(0, 9)
    assert claim
    assert house.read == read + 1
    assert claim.history == house.really(claim)


def _emptied(conv: str) -> Script[None]:
    """As `archives.put_away` does it."""
    yield Ask(archives._TAKE_OUT, {"tenant": "a", "conv": conv, "last": 4})
    yield Ask(archives._PASS, {"tenant": "a", "conv": conv})


def test_of_files_that_are_written_into_their_line_later_nothing_is_kept(house: House) -> None:
    file = Attachment(name="a.png", media_type="image/png", size=1)
    claim = house.come(0, 0, attachments=(file,))
    assert claim
    house.end(claim)
    assert house.recent.known("a", claim.conv.key) is None


def test_a_turn_whose_task_is_gone_keeps_nothing(house: House) -> None:
    claim = house.come(0, 0)
    assert claim
    house.recent.left(claim.conv.id)
    house.end(claim)
    assert house.recent.known("a", claim.conv.key) is None


def test_nothing_is_at_hand_after_the_database_may_have_gone_back(house: House) -> None:
    talk(house, 0, 2)
    open_ = house.come(1, 0)
    assert open_
    house.recent.forget()
    house.end(open_)
    assert house.recent.known("a", open_.conv.key) is None
    claim = house.come(0, 9)
    assert claim
    assert house.read == 1
    assert claim.history == house.really(claim)


def test_it_is_bounded_and_let_go_of_after_a_while() -> None:
    clock = StillClock()
    house = House(Watched(), clock)
    for n in range(MOST_LINES // 2 + 10):
        talk(house, n, 1)
    assert len(house.recent._kept) == MOST_LINES // 2
    last = said(MOST_LINES // 2 + 9, 0, "a").conv
    assert house.recent.known("a", last)
    clock.move(seconds=601)
    assert house.recent.known("a", last) is None


@pytest.mark.parametrize("what", ["arguments", "thinking"])
def test_what_an_agent_wrote_beside_its_words_counts_as_well(house: House, what: str) -> None:
    long = "x" * (MOST_CHARS // 4)
    call = ToolCall(id="call_1", name="site_publish", arguments=long)
    thought: dict[str, Json] = {"role": "assistant", "reasoning_content": long}
    made = ModelMessage(role="assistant", tool_calls=(call,))
    raw = made if what == "arguments" else ModelMessage(role="assistant", raw=thought)
    for n in range(10):
        claim = house.come(n, 0)
        assert claim
        house.end(claim, raw=(raw,))
    assert len(house.recent._kept) <= 4


@pytest.mark.parametrize("seed", range(30))
def test_whatever_two_processes_do_each_is_given_what_was_said(seed: int) -> None:
    chance, db = random.Random(seed), Watched()
    houses = [House(db), House(db)]
    opened: list[tuple[House, Claim]] = []
    for at in range(120):
        house = chance.choice(houses)
        deed = chance.random()
        if deed < 0.55:
            claim = house.come(chance.randrange(3), at)
        elif deed < 0.65:
            found = house.run(turns.claim("me", 3_000, 1))
            claim = found[0] if found else None
        else:
            claim = None
            if opened:
                whose, old = opened.pop(chance.randrange(len(opened)))
                whose.end(old, chance.choice(("Yes.", "")))
        if claim:
            assert claim.history == house.really(claim)
            opened.append((house, claim))
    assert sum(house.read for house in houses) < 100


def test_an_event_is_its_tenants_alone(house: House) -> None:
    talk(house, 0, 2)
    assert house.recent.known("b", said(0, 0, "a").conv) is None
    ((_, claim),) = house.db.one_by_one([arriving(said(0, 0, "b"))])
    assert claim.history == ()


def test_what_is_kept_is_counted_whole_though_only_what_is_new_is_counted(house: House) -> None:
    call = ToolCall(id="call_1", name="site_publish", arguments="{}" * 40)
    for at in range(4):
        claim = house.come(1, at)
        assert claim
        house.end(claim, f"answer {at}", (ModelMessage(role="assistant", tool_calls=(call,)),))
    known = house.recent.known("a", said(1, 0, "a").conv)
    assert known and len(known.lines) == 8
    assert known.chars == sum(len(line.text) for line in known.lines) + 4 * 80
