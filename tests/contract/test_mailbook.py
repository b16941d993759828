"""The book of mail on both databases: once, closed for good reason, forgiven, and walled."""

from dataclasses import replace

import pytest

from bot.core.ids import TenantId
from bot.core.times import to_us
from bot.platforms.lent import News
from bot.platforms.mailbook import Book
from bot.store import audit
from bot.store.script import Database
from tests.fakes.clock import StillClock

HOME, AWAY = TenantId("ten_home"), TenantId("ten_away")
ANA = "ana@example.org"


def news(state: str, id_: str = "n1", address: str = ANA) -> News:
    return News(id=id_, address=address, state=state, key="k", detail="550 5.1.1 no such user")


def book(kept: Database, tenant: TenantId = HOME) -> Book:
    return Book(kept, StillClock(), tenant)


@pytest.mark.parametrize("state", ["bounced", "complained"])
async def test_an_address_is_closed_once_and_in_its_tenant_alone(
    kept: Database, state: str
) -> None:
    home = book(kept)
    assert [await home.note(news(state)) for _ in range(3)] == [True, False, False]
    assert await home.why_closed(ANA) and not await book(kept, AWAY).why_closed(ANA)
    assert await book(kept, AWAY).note(news("delivered"))
    lines = await kept.read(audit.entries(HOME, 0, 100))
    assert [entry.action for entry, *_ in lines].count("mail.closed") >= 1


@pytest.mark.parametrize("state", ["sent", "delivered", "delayed", "failed"])
async def test_other_news_closes_nothing(kept: Database, state: str) -> None:
    assert await book(kept).note(news(state))
    assert await book(kept).why_closed(ANA) == ""


async def test_news_shows_that_a_mail_was_taken_in_its_tenant_alone(kept: Database) -> None:
    home = book(kept)
    await home.note(replace(news("failed"), key="eff_1"))
    assert await home.told_of("eff_1") == "" and await home.told_of("") == ""
    await home.note(replace(news("sent", "n2"), key="eff_1"))
    assert await home.told_of("eff_1") == "n2" and await home.told_of("eff_2") == ""
    assert await book(kept, AWAY).told_of("eff_1") == ""


async def test_a_bounce_is_forgiven_when_its_owner_writes_and_a_complaint_is_not(
    kept: Database,
) -> None:
    home = book(kept)
    await home.note(news("bounced"))
    await book(kept, AWAY).note(news("bounced"))
    await home.lives(ANA, to_us(StillClock().now()))  # what was written before it came back
    assert await home.why_closed(ANA)
    await home.lives(ANA)
    assert await home.why_closed(ANA) == "" and await book(kept, AWAY).why_closed(ANA)
    await home.note(news("bounced"))  # the same news again closes nothing anew
    assert await home.why_closed(ANA) == ""
    await home.note(news("complained", "n2"))
    await home.lives(ANA)
    assert await home.why_closed(ANA)


async def test_a_servers_words_are_kept_whatever_is_in_them(kept: Database) -> None:
    said = replace(news("bounced"), detail="550\x00 no \ud800such\r\n user")
    assert await book(kept).note(said) and await book(kept).why_closed(ANA)
