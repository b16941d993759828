"""Publishing on X."""

import pytest

from bot.core.effect import Policy
from bot.core.errors import ConnectionBroken
from tests.tools.kit import check_publisher, context, effect, lines, refusal
from tools.social.x import TOOLS, XPost, preview, x_publish

TOOL = TOOLS[0]


async def test_a_post_is_shown_as_it_will_appear() -> None:
    card = await check_publisher(TOOL, text="Open on Sunday", link="https://example.org/hours")
    assert card.title == "Publish on X"
    assert card.body == "Open on Sunday\nhttps://example.org/hours"
    assert lines(card)["Length"] == "38 of 280"
    assert card.audience == "everyone (public)"
    assert TOOL.policy is Policy.READBACK


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("a" * 280, 280),
        ("日本" * 70, 280),
        ("👨‍👩‍👧‍👦" * 140, 280),
        ("🇩🇪" * 140, 280),
        ("https://example.org/" + "a" * 500, 23),
        ("see example.com, please", 35),
        ("e\u0301" * 280, 280),
    ],
    ids=["latin", "wide signs", "family emoji", "flags", "a long link", "bare link", "composed"],
)
def test_length_is_counted_as_x_counts(text: str, length: int) -> None:
    assert lines(preview(XPost(text=text)))["Length"] == f"{length} of 280"


@pytest.mark.parametrize("text", ["a" * 281, "日" * 141, "👍🏽" * 141])
def test_a_text_that_is_too_long_is_refused_with_its_length(text: str) -> None:
    assert "as X counts, 280 fit" in refusal(XPost, text=text)


def test_the_link_counts_and_is_not_put_twice() -> None:
    assert "304 characters" in refusal(XPost, text="a" * 280, link="https://example.org")
    said = XPost(text="See https://example.org now", link="https://example.org")
    assert preview(said).body == "See https://example.org now"
    longer = XPost(text="See https://example.org/page", link="https://example.org")
    assert preview(longer).body.endswith("\nhttps://example.org")


def test_media_are_counted_and_described() -> None:
    pictures = [{"url": "https://example.org/a.jpg", "alt": "bread"}] * 5
    assert "takes 4 pictures or films, not 5" in refusal(XPost, text="a", media=pictures)
    card = preview(XPost.model_validate({"text": "a", "media": [{"url": "https://example.org/a"}]}))
    assert lines(card)["Medium 1"] == "https://example.org/a"
    assert any("no description" in warning for warning in card.warnings)


def test_an_uploaded_file_is_taken_and_a_path_is_not() -> None:
    file = "fil_" + "0" * 26
    assert XPost.model_validate({"text": "a", "media": [{"url": file}]}).media
    for path in ("/etc/passwd", "../x", "file:///etc/passwd"):
        assert "address" in refusal(XPost, text="a", media=[{"url": path}])


def test_an_empty_post_is_refused() -> None:
    assert "nothing to publish" in refusal(XPost, text=" \r\n ")


def test_several_cashtags_are_warned_of() -> None:
    assert any("cashtag" in w for w in preview(XPost(text="$RYE and $OAT")).warnings)
    assert not preview(XPost(text="$RYE costs 5$")).warnings


async def test_without_a_connection_nothing_happens_and_the_mend_is_named() -> None:
    with pytest.raises(ConnectionBroken, match="bot connect x"):
        await x_publish(context(), XPost(text="a"))
    assert TOOL.find
    with pytest.raises(ConnectionBroken):
        await TOOL.find(context(), effect(TOOL, {"text": "a"}))
