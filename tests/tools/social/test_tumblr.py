"""Publishing on Tumblr."""

from tests.tools.kit import check_publisher, lines, refusal
from tools.social.tumblr import TOOLS, TumblrPost, preview

TOOL = TOOLS[0]


async def test_a_post_is_shown_with_title_tags_and_blog() -> None:
    card = await check_publisher(
        TOOL, title="Rye", text="It rests.", tags=["bread", "rye"], blog="night-bakers"
    )
    assert lines(card)["Title"] == "Rye"
    assert lines(card)["Tags"] == "bread, rye"
    assert lines(card)["Blog"] == "night-bakers"


def test_length_is_counted_in_code_points() -> None:
    assert lines(preview(TumblrPost(text="👍🏽" * 3)))["Length"] == "6 of 40000"


def test_a_paragraph_has_a_limit_and_the_text_may_have_more() -> None:
    assert "at most 4096" in refusal(TumblrPost, text="a" * 4097)
    longer = TumblrPost(text="\n\n".join(["a" * 4096] * 2))
    assert len(longer.text) == 8194


def test_a_tag_with_a_comma_is_refused() -> None:
    assert "no comma" in refusal(TumblrPost, text="a", tags=["rye, bread"])
    assert "one line" in refusal(TumblrPost, text="a", tags=["rye\nbread"])
