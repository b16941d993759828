"""The VIS score as agents use it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.errors import OperatorError, StoreError
from bot.core.tool import Risk
from bot.store.script import Database, Script
from bot.store.sqlite import SqliteDatabase
from tests.fakes.database import lay
from tests.program import DIES
from tests.tools.kit import context, lines, refusal
from tests.tools.story import SENT, story
from tools.community._settings import ScoreSettings
from tools.community.score import (
    TOOLS,
    Change,
    NoArguments,
    preview,
    score_show,
    score_update,
)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    lay(tmp_path / "house.db")
    made = SqliteDatabase(tmp_path / "house.db")
    await made.open()
    yield made
    await made.close()


async def test_it_is_shown_with_its_history(db: Database) -> None:
    ctx = context(settings=ScoreSettings(db=db))
    assert (await score_show(ctx, NoArguments())).data == "Nobody has set the VIS score yet."
    for key, change in (
        ("eff_1", Change(value=87, reason="counted in June")),
        ("eff_2", Change(step=-3, reason="two\nleft")),
        ("eff_2", Change(step=-3, reason="two left")),
    ):
        done = await score_update(context(settings=ScoreSettings(db=db), key=key), change)
    assert done.data == "The VIS score is 84 now."
    shown = str((await score_show(ctx, NoArguments())).data)
    assert shown.startswith("The VIS score is 84.")
    assert "84 (two left)" in shown and "87 (counted in June)" in shown


def test_the_card_shows_the_number_and_the_reason() -> None:
    assert lines(preview(Change(value=87, reason="counted")))["VIS score"] == "87"
    assert "+5" in lines(preview(Change(step=5, reason="counted")))["VIS score"]


def test_a_change_says_one_number_and_why() -> None:
    assert "either value or step" in refusal(Change, reason="why")
    assert "either value or step" in refusal(Change, value=1, step=1, reason="why")
    assert "reason" in refusal(Change, value=1)
    assert "value" in refusal(Change, value=10**12, reason="why")


async def test_a_database_that_fails_changes_nothing_and_the_same_deed_counts_once(
    db: Database,
) -> None:
    class Failing:
        """It takes the change, and the answer is lost; or it takes nothing."""

        def __init__(self, is_taken: bool) -> None:
            self.is_taken = is_taken

        async def write(self, script: Script[int]) -> int:
            if self.is_taken:
                await db.write(script)
            raise StoreError("The database cannot be used.")

    change = Change(step=5, reason="counted")
    for is_taken in (False, True):
        lent = ScoreSettings(db=Failing(is_taken))  # type: ignore[arg-type]
        with pytest.raises(OperatorError, match="database"):
            await score_update(context(settings=lent), change)
    done = await score_update(context(settings=ScoreSettings(db=db)), change)
    assert done.data == "The VIS score is 5 now."


@pytest.mark.long
async def test_the_score_changes_once_through_a_kill(tmp_path: Path) -> None:
    calls = {"add five": ("score_update", {"step": 5, "reason": "counted"})}
    async with story(tmp_path, calls, code=DIES) as told:
        await told.decide(await told.ask("add five"))
        await told.die()
        await told.told(SENT)
        await told.told("score is 5 now")
        assert (await told.running.verb("audit")).count("score.changed") == 1


async def test_without_a_place_it_says_so() -> None:
    with pytest.raises(OperatorError, match="no place"):
        await score_show(context(), NoArguments())


def test_only_showing_runs_unasked() -> None:
    assert {tool.name: tool.risk for tool in TOOLS} == {
        "score_show": Risk.READ,
        "score_update": Risk.WRITE,
    }
