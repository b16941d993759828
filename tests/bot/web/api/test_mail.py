"""Mail over the API: for owners, of their own tenant alone, and what they open is written down."""

from aiohttp import ClientSession

from bot.core.ids import TenantId
from bot.platforms.lent import News
from bot.platforms.mailbook import Book
from bot.store import audit
from tests.bot.web.api.reading import items
from tests.fakes.web_house import WebHouse

ANA, EVE = "ana@example.org", "eve@example.org"


async def filled(house: WebHouse, tenant: TenantId, address: str) -> Book:
    book = Book(house.db, house.clock, tenant)
    for state in ("sent", "bounced"):
        news = News(id=f"{state} {address}", address=address, state=state, detail="550")
        await book.note(news)
    return book


async def test_an_owner_opens_a_closed_address_once_and_it_is_written_down(
    house: WebHouse, owner: ClientSession
) -> None:
    book = await filled(house, house.tenant.id, ANA)
    other = await filled(house, TenantId("ten_other"), EVE)
    assert {item["state"] for item in await items(owner, "/v1/mail/news")} == {"sent", "bounced"}
    (closed,) = await items(owner, "/v1/mail/closed")
    assert (closed["address"], closed["state"]) == (ANA, "bounced")
    for address, status in ((EVE, 404), ("Ana@Example.org", 200), (ANA, 404)):
        async with owner.delete(f"/v1/mail/closed/{address}") as response:
            assert response.status == status, address
    assert await items(owner, "/v1/mail/closed") == []
    assert await book.why_closed(ANA) == "" and await other.why_closed(EVE)
    found = [entry for entry, *_ in await house.db.read(audit.entries(house.tenant.id, 0, 100))]
    (line,) = [entry for entry in found if entry.action == "mail.opened"]
    assert (line.actor, line.target) == (f"person:{house.owner.id}", ANA)
    assert line.details == '{"state":"bounced"}'


async def test_members_see_nothing_of_it_and_open_nothing(house: WebHouse) -> None:
    book = await filled(house, house.tenant.id, ANA)
    member = await house.bearer(await house.member())
    for path in ("/v1/mail/news", "/v1/mail/closed"):
        async with member.get(path) as response:
            assert response.status == 403
    async with member.delete(f"/v1/mail/closed/{ANA}") as response:
        assert response.status == 403
    assert await book.why_closed(ANA)
