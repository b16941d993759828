"""Handing a post for Alignable to a person."""

import pytest

from bot.core.effect import EffectState
from tests.tools.kit import check_publisher, context, effect, lines
from tools.social.alignable import TOOLS, AlignablePost, alignable_publish

(TOOL,) = TOOLS
TEXT = {"text": "New hours", "link": "https://example.org/hours"}


async def test_the_card_is_the_hand_over_and_says_that_nothing_is_published() -> None:
    card = await check_publisher(TOOL, **TEXT)
    assert card.title == "Put this up on Alignable by hand"
    assert card.body == "New hours\nhttps://example.org/hours", "what is to be pasted, whole"
    assert lines(card)["Where"] == "https://www.alignable.com"
    assert "not published yet" in card.warnings[0] and "only then approve" in card.warnings[0]


async def test_after_a_person_s_word_it_counts_as_done_and_not_as_published_by_us() -> None:
    done = await alignable_publish(context(), AlignablePost(text="New hours"))
    assert done.state is EffectState.SENT
    assert "by hand" in str(done.data) and "did not publish it" in str(done.data)


async def test_it_is_not_for_the_sandbox_and_may_be_noted_again_after_a_crash() -> None:
    assert TOOL.provider == "", "no account could ever be connected"
    assert TOOL.find and await TOOL.find(context(), effect(TOOL, TEXT)) is None


def test_a_person_s_own_time_is_not_planned() -> None:
    with pytest.raises(ValueError, match="at their own time"):
        TOOLS[0].arguments.model_validate({"text": "Open", "when": "2027-01-02T09:00+01:00"})
