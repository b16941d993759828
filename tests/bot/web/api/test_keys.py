"""The keys as an owner sees them."""

from tests.fakes.web_house import WebHouse


async def test_an_owner_sees_the_ends_of_keys_and_may_rotate(house: WebHouse) -> None:
    client = await house.bearer()
    async with client.get("/v1/keys") as response:
        told = await response.json()
    assert told["models"][0]["last4"] == "abcd"
    assert told["master"][0]["wraps"] == 3
    async with client.post("/v1/keys/rotate", json={}) as response:
        assert (await response.json()) == {"id": "kek_202611_b", "rewrapped": 3}


async def test_another_tenants_owner_neither_sees_nor_changes_the_keys_of_the_house(
    house: WebHouse,
) -> None:
    stranger = await house.bearer((await house.other_tenant())[1])
    for method, path in (("GET", "/v1/keys"), ("POST", "/v1/keys/rotate")):
        async with stranger.request(method, path) as response:
            assert response.status == 403, path
            assert "kek_" not in await response.text()
