"""The VIS score as agents use it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.errors import OperatorError
from bot.core.tool import Risk
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from tests.fakes.database import lay
from tests.tools.kit import context, lines, refusal
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


async def test_without_a_place_it_says_so() -> None:
    with pytest.raises(OperatorError, match="no place"):
        await score_show(context(), NoArguments())


def test_only_showing_runs_unasked() -> None:
    assert {tool.name: tool.risk for tool in TOOLS} == {
        "score_show": Risk.READ,
        "score_update": Risk.WRITE,
    }
