"""Publishing on a Facebook Page."""

from tests.tools.kit import check_publisher, lines, refusal
from tools.social.facebook import TOOLS, FacebookPost, preview

TOOL = TOOLS[0]


async def test_a_post_is_shown_with_its_page_and_link() -> None:
    card = await check_publisher(
        TOOL, text="Our menu", link="https://example.org/menu", page="Rye Bakery"
    )
    assert card.body == "Our menu"
    assert lines(card)["Page"] == "Rye Bakery"
    assert lines(card)["Link"] == "https://example.org/menu"
    assert card.recipients == ("the Page Rye Bakery",)


def test_links_to_facebook_itself_are_warned_of() -> None:
    for link in ("https://facebook.com/x", "https://www.facebook.com/x"):
        assert "link to facebook.com" in preview(FacebookPost(text="a", link=link)).warnings[0]
    assert not preview(FacebookPost(text="a", link="https://notfacebook.com")).warnings


def test_length_is_counted_on_the_safe_side() -> None:
    assert lines(preview(FacebookPost(text="👍" * 10)))["Length"] == "20 of 63206"
    assert "63206 fit" in refusal(FacebookPost, text="a" * 63_207)


def test_a_page_is_one_line() -> None:
    assert "one line" in refusal(FacebookPost, text="a", page="Rye\r\nBcc: x")
