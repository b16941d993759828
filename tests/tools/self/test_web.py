"""Reading a page."""

import pytest

from bot.core.effect import EffectState
from bot.core.errors import Invalid
from bot.core.ports import House, Page
from tests.tools.kit import FakeFetcher, context, house, lines, refusal
from tools.self.web import TOOLS, WebAddress, preview, web_read

(TOOL,) = TOOLS


def answering(answer: Page | Exception) -> House:
    """A house whose fetcher gives this answer."""
    lent = house()
    assert isinstance(lent.fetcher, FakeFetcher)
    lent.fetcher.answers.append(answer)
    return lent


def page(text: str, status: int = 200, title: str = "", body: bytes = b"") -> Page:
    """A page that was fetched."""
    return Page(
        url="https://example.org/news",
        status=status,
        media_type="text/html",
        body=body,
        text=text,
        title=title,
    )


async def test_a_page_is_read_with_its_title_and_address() -> None:
    lent = answering(page("Rye rests.", title="News"))
    outcome = await web_read(context(lent), WebAddress(url="example.org/news"))
    assert outcome.data == "News\nhttps://example.org/news\n\nRye rests."
    assert isinstance(lent.fetcher, FakeFetcher)
    assert lent.fetcher.asked[0].url == "https://example.org/news"


def test_its_words_are_outside_words_and_its_address_may_carry_words_out() -> None:
    assert TOOL.outside
    assert TOOL.egress


async def test_a_long_page_is_cut_and_says_so() -> None:
    lent = answering(page("x" * 10**6, title="T" * 10**6))
    data = str((await web_read(context(lent), WebAddress(url="https://example.org"))).data)
    assert len(data) < 8100
    assert data.endswith("[cut: 1000000 characters in all]")


@pytest.mark.parametrize("status", [301, 403, 404, 500])
async def test_a_page_that_is_not_there_is_said(status: int) -> None:
    lent = answering(page("secret error page", status=status))
    outcome = await web_read(context(lent), WebAddress(url="https://example.org"))
    assert outcome.state is EffectState.FAILED
    assert str(status) in outcome.error
    assert "secret" not in outcome.error


async def test_a_page_without_text_is_said() -> None:
    lent = answering(page(" ", body=b"\x00" * 10))
    outcome = await web_read(context(lent), WebAddress(url="https://example.org"))
    assert "no text to read (10 bytes of text/html)" in str(outcome.data)


async def test_what_the_fetcher_refuses_is_refused() -> None:
    lent = answering(Invalid("That is an inner address."))
    with pytest.raises(Invalid):
        await web_read(context(lent), WebAddress(url="http://169.254.169.254/"))


def test_the_card_shows_the_whole_address_and_warns_of_a_long_one() -> None:
    short = preview(WebAddress(url="https://example.org/news"))
    assert (short.recipients, short.warnings) == (("example.org",), ())
    leak = preview(WebAddress(url="https://example.org/?q=" + "a" * 100))
    assert lines(leak)["Address"].endswith("a" * 100)
    assert "carry words" in leak.warnings[0]


def test_arguments_have_limits() -> None:
    assert "at most 2048" in refusal(WebAddress, url="a" * 10**6)
    assert "Extra" in refusal(WebAddress, url="a", method="POST")
