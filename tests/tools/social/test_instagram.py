"""Publishing on Instagram."""

from tests.tools.kit import check_publisher, refusal
from tools.social.instagram import TOOLS, InstagramPost, preview

TOOL = TOOLS[0]
PICTURE = {"url": "https://example.org/bread.jpg", "alt": "A loaf"}


async def test_a_picture_with_its_caption_is_shown() -> None:
    card = await check_publisher(TOOL, text="Fresh", media=[PICTURE])
    assert card.body == "Fresh"
    assert "deletes nothing" in card.warnings[0]


def test_text_alone_is_refused() -> None:
    assert "Instagram needs a picture" in refusal(InstagramPost, text="Fresh")


def test_a_link_and_a_png_are_warned_of() -> None:
    card = preview(
        InstagramPost.model_validate(
            {"text": "a", "link": "https://example.org", "media": [{"url": "https://e.org/a.PNG"}]}
        )
    )
    assert card.body == "a\nhttps://example.org"
    assert any("cannot be tapped" in warning for warning in card.warnings)
    assert any("JPEG" in warning for warning in card.warnings)


def test_captions_and_pictures_have_their_limits() -> None:
    assert "2200 fit" in refusal(InstagramPost, text="a" * 2201, media=[PICTURE])
    assert "takes 10" in refusal(InstagramPost, text="a", media=[PICTURE] * 11)
