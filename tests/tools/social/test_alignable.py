"""Preparing a post for Alignable."""

import pytest

from bot.core.errors import ConnectionBroken
from tests.tools.kit import check_publisher, context
from tools.social.alignable import TOOLS, AlignablePost, alignable_publish

(TOOL,) = TOOLS


async def test_the_card_says_that_a_person_must_put_it_up() -> None:
    card = await check_publisher(TOOL, text="New hours")
    assert "put it up there yourself" in card.warnings[0]


async def test_nothing_ever_claims_that_it_was_published() -> None:
    with pytest.raises(ConnectionBroken, match="by hand"):
        await alignable_publish(context(), AlignablePost(text="New hours"))
