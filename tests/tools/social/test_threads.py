"""Publishing on Threads."""

import pytest

from tests.tools.kit import check_publisher, lines, refusal
from tools.social.threads import TOOLS, ThreadsPost, preview

TOOL = TOOLS[0]


async def test_a_post_is_shown_with_its_link_in_the_text() -> None:
    card = await check_publisher(TOOL, text="A year of bread", link="https://example.org")
    assert card.body == "A year of bread\nhttps://example.org"


@pytest.mark.parametrize(
    ("text", "length"), [("a" * 500, 500), ("👍" * 125, 500), ("日" * 500, 500)]
)
def test_emoji_count_as_their_bytes(text: str, length: int) -> None:
    assert lines(preview(ThreadsPost(text=text)))["Length"] == f"{length} of 500"


def test_a_link_counts_with_its_own_length() -> None:
    assert "500 fit" in refusal(ThreadsPost, text="a" * 490, link="https://example.org")
