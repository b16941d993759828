"""Publishing on LinkedIn."""

from tests.tools.kit import check_publisher, lines, refusal
from tools.social.linkedin import TOOLS, LinkedInPost, preview

TOOL = TOOLS[0]


async def test_a_post_is_shown_with_whom_it_speaks_for() -> None:
    card = await check_publisher(TOOL, text="We are hiring", page="Rye")
    assert lines(card)["Speaks for"] == "Rye"
    assert lines(preview(LinkedInPost(text="We are hiring")))["Speaks for"] == "yourself"


def test_limits_are_linkedins() -> None:
    assert "3000 fit" in refusal(LinkedInPost, text="a" * 3001)
    assert lines(preview(LinkedInPost(text="👍" * 2)))["Length"] == "4 of 3000"
