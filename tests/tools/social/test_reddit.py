"""Publishing on Reddit."""

import pytest

from tests.tools.kit import check_publisher, lines, refusal
from tools.social.reddit import TOOLS, RedditPost, preview

TOOL = TOOLS[0]


async def test_a_post_is_shown_with_its_subreddit() -> None:
    card = await check_publisher(
        TOOL, subreddit="r/bread", title="My first rye", text="It rested.", flair="Recipe"
    )
    assert card.recipients == ("r/bread",)
    assert lines(card)["Subreddit"] == "bread"
    assert lines(card)["Flair"] == "Recipe"
    assert "edited" in card.warnings[0]


def test_a_link_post_needs_no_text() -> None:
    card = preview(RedditPost(subreddit="bread", title="Rye", link="https://example.org"))
    assert card.body == ""
    assert lines(card)["Link"] == "https://example.org"


@pytest.mark.parametrize(
    "name", ["../admin", "a b", "r/", "bread/comments", "bread\r\nx", "a" * 40, "", "..", "böse"]
)
def test_a_subreddit_that_is_none_is_refused(name: str) -> None:
    assert "subreddit" in refusal(RedditPost, subreddit=name, title="a", text="b")


def test_two_kinds_of_post_at_once_are_refused() -> None:
    fits = {"subreddit": "bread", "title": "a"}
    both = refusal(RedditPost, **fits, text="a", link="https://example.org")
    assert "either a text, a link or media" in both


def test_limits_are_reddits() -> None:
    fits = {"subreddit": "bread", "text": "a"}
    assert "at most 300" in refusal(RedditPost, **fits, title="a" * 301)
    assert "needs a title" in refusal(RedditPost, **fits, title="  ")
    assert "40000 fit" in refusal(RedditPost, subreddit="bread", title="a", text="a" * 40_001)
