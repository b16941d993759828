"""Publishing on TikTok."""

from tests.tools.kit import check_publisher, lines, refusal
from tools.social.tiktok import TOOLS, TikTokPost, preview

TOOL = TOOLS[0]
FILM = {"url": "https://example.org/fold.mp4", "alt": "Folding dough"}


async def test_every_choice_stands_on_the_card() -> None:
    card = await check_publisher(TOOL, text="Folding", media=[FILM], privacy="friends")
    assert card.audience == "friends: followers who are followed back"
    assert lines(card)["Viewers may add"] == "nothing"
    assert lines(card)["Promotes"] == "nothing"


def test_privacy_is_never_chosen_for_the_person() -> None:
    assert "privacy: Field required" in refusal(TikTokPost, text="a", media=[FILM])


def test_choices_are_shown_as_made() -> None:
    card = preview(
        TikTokPost.model_validate(
            {"text": "a", "media": [FILM], "privacy": "everyone", "comments": True, "duets": True}
            | {"own_brand": True, "paid_partnership": True}
        )
    )
    assert lines(card)["Viewers may add"] == "comments, duets"
    assert lines(card)["Promotes"] == "the account's own brand and a paid partnership"
    assert any("audited" in warning for warning in card.warnings)


def test_what_tiktok_has_no_place_for_is_refused() -> None:
    fits = {"text": "a", "media": [FILM], "privacy": "only_me"}
    assert "shows no link" in refusal(TikTokPost, **fits, link="https://example.org")
    assert "at most 90" in refusal(TikTokPost, **fits, title="a" * 91)
    assert "private" in refusal(TikTokPost, **fits, paid_partnership=True)
    assert "needs a picture" in refusal(TikTokPost, text="a", privacy="only_me")
