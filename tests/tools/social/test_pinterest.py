"""Publishing on Pinterest."""

from tests.tools.kit import check_publisher, lines, refusal
from tools.social.pinterest import TOOLS, PinterestPin

TOOL = TOOLS[0]
PICTURE = {"url": "https://example.org/rye.jpg", "alt": "A loaf"}


async def test_a_pin_is_shown_with_its_board_and_where_it_leads() -> None:
    card = await check_publisher(
        TOOL, text="Baked at night", board="Bread", media=[PICTURE], link="https://example.org/rye"
    )
    assert lines(card)["Board"] == "Bread"
    assert lines(card)["Link"] == "https://example.org/rye"
    assert card.body == "Baked at night", "the link is not part of the description"
    assert card.recipients == ("the board Bread",)


def test_a_pin_without_picture_or_board_is_refused() -> None:
    assert "needs a picture" in refusal(PinterestPin, text="a", board="Bread")
    assert "board: Field required" in refusal(PinterestPin, text="a", media=[PICTURE])
    assert "needs a board" in refusal(PinterestPin, text="a", board=" ", media=[PICTURE])


def test_limits_are_pinterests() -> None:
    fits = {"text": "a", "board": "Bread", "media": [PICTURE]}
    assert "800 fit" in refusal(PinterestPin, **{**fits, "text": "a" * 801})
    assert "at most 100" in refusal(PinterestPin, **fits, title="a" * 101)
    long = {**PICTURE, "alt": "a" * 501}
    assert "at most 500" in refusal(PinterestPin, **{**fits, "media": [long]})
