"""Text messages over the API: for owners, and of their own tenant alone."""

from aiohttp import ClientSession

from bot.core.ids import TenantId
from bot.platforms.texting import Book
from bot.store.phone_numbers import Number
from bot.store.texts import OptOut, Texted
from tests.bot.web.api.reading import items
from tests.fakes.web_house import WebHouse

OURS, ANA = "+15550100001", "+14155550101"
ONE = "/v1/sms/numbers/%2B15550100001"


async def filled(house: WebHouse, tenant: TenantId, contact: str) -> Book:
    """A tenant's book with a number, a text that came in and an opt-out."""
    book = Book(house.db, house.clock, tenant)
    await book.keep_numbers([Number(number=OURS, state="ours", label="Shop")])
    text = Texted(id=f"SM{contact}", way="in", number=OURS, contact=contact, at=book.now())
    await book.heard(text, OptOut(contact=contact, number=OURS, state="out", how="STOP", at=1))
    return book


async def test_an_owner_sees_their_own_and_says_what_a_number_is_for(
    house: WebHouse, owner: ClientSession
) -> None:
    await filled(house, house.tenant.id, ANA)
    await filled(house, TenantId("ten_other"), "+14155559999")
    for noun in ("threads", "opt-outs"):
        assert [item["contact"] for item in await items(owner, f"/v1/sms/{noun}")] == [ANA]
    async with owner.post(ONE, json={"purpose": "orders"}) as response:
        assert (await response.json())["purpose"] == "orders"
    other = await Book(house.db, house.clock, TenantId("ten_other")).numbers()
    assert [item.purpose for item in other] == [""]
    path = "/v1/sms/threads/%2B15550100001/%2B14155559999"
    assert await items(owner, path) == []
    for body, status in (({"default": "yes"}, 422), ({"colour": "red"}, 422)):
        async with owner.post(ONE, json=body) as response:
            assert response.status == status
    async with owner.post("/v1/sms/numbers/%2B1999", json={"purpose": "x"}) as response:
        assert response.status == 404


async def test_what_did_not_arrive_is_listed_with_the_reason(
    house: WebHouse, owner: ClientSession
) -> None:
    for tenant, why in ((house.tenant.id, "switched off"), (TenantId("ten_other"), "secret")):
        book = await filled(house, tenant, ANA)
        for id_, state in (("rep_1", "delivered"), ("rep_2", "undelivered")):
            await book.begin(Texted(id=id_, number=OURS, contact="+14155550102", at=book.now()))
            ended = Texted(
                id=id_, number=OURS, contact="+14155550102", sid=id_, state=state, error=why
            )
            assert await book.moved(ended) and not await book.moved(ended)
    (found,) = await items(owner, "/v1/sms/undelivered")
    assert (found["contact"], found["number"]) == ("+14155550102", OURS)
    assert (found["id"], found["error"]) == ("rep_2", "switched off")


async def test_members_see_nothing_of_it(house: WebHouse) -> None:
    member = await house.bearer(await house.member())
    for noun in ("numbers", "threads", "opt-outs", "undelivered"):
        path = f"/v1/sms/{noun}"
        async with member.get(path) as response:
            assert response.status == 403


async def test_a_number_that_is_listed_no_more_is_gone_and_keeps_its_purpose(
    house: WebHouse,
) -> None:
    book = await filled(house, house.tenant.id, ANA)
    await book.set_number(OURS, {"purpose": "orders"}, "person:x")
    await book.keep_numbers([Number(number="+15550100002", state="ours")])
    known = {item.number: item for item in await book.numbers()}
    assert (known[OURS].state, known[OURS].purpose) == ("gone", "orders")
    await book.keep_numbers([Number(number=OURS, state="ours")])
    assert {item.number: item.purpose for item in await book.numbers()}[OURS] == "orders"
