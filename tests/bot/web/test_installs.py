"""An owner installs a platform's app: away, back, one press; each state for one browser, once."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from aiohttp import ClientSession

from bot.core.errors import ConnectionBroken, VendorUnknown
from bot.store import installs as rows
from tests.bot.web.api.reading import Answer, get
from tests.fakes.web_house import WebHouse

START, BACK = "/oauth/pigeon/install", "/oauth/pigeon/installed"
ALL = "/v1/channels/pigeon/installs"
LOFT = "app:A1/T1"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    async with WebHouse(tmp_path) as house:
        yield house


async def start(browser: ClientSession) -> str:
    """The state that goes out with a browser."""
    async with browser.get(START, allow_redirects=False) as response:
        assert response.status == 303, await response.text()
        where = urlsplit(response.headers["Location"])
    assert where.netloc == "pigeon.example"
    asked = parse_qs(where.query)
    assert asked["redirect"][0].endswith(BACK)
    return asked["state"][0]


async def finish(browser: ClientSession, state: str, code: str = "T1") -> tuple[int, str]:
    """Status and page of the press that ends it."""
    async with browser.post(
        BACK, data={"state": state, "code": code}, allow_redirects=False
    ) as response:
        return response.status, await response.text()


async def one(client: ClientSession, account: str = LOFT) -> Answer:
    """An install as the list has it."""
    items = (await get(client, ALL))["items"]
    return next(item for item in items if item["account"] == account)


async def test_an_owner_installs_it_and_sees_where_it_is(house: WebHouse) -> None:
    browser = await house.browser()
    state = await start(browser)
    async with house.client().get(f"{BACK}?state={state}&code=T1") as response:
        page = await response.text()  # no cookie came along from the other site
        assert response.status == 200 and "Connect it" in page and state in page
    assert (await get(browser, ALL))["items"] == [], "coming back alone connects nothing"
    status, _ = await finish(browser, state)
    assert status == 303
    found = await one(browser)
    assert (found["status"], found["enabled"], found["error"]) == ("active", True, "")
    assert (found["workspace"], found["name"], found["bot_user"]) == ("T1", "Loft T1", "U1")
    assert (await get(browser, ALL))["newest"] == found["manifest"] == 2
    assert house.room.kept[house.tenant.id, LOFT].reveal() == "token-of-T1"
    assert "token-of" not in str(found)
    actions = [row["action"] for row in (await get(browser, "/v1/audit"))["items"]]
    assert actions[-2:] == ["install.added", "install.status"]


async def test_a_state_is_good_once(house: WebHouse) -> None:
    browser = await house.browser()
    state = await start(browser)
    assert (await finish(browser, state))[0] == 303
    status, page = await finish(browser, state, "T2")
    assert status == 403 and "used before" in page
    assert house.channels.installer.codes == ["T1"], "the second code was not even exchanged"


async def test_a_state_of_another_browser_person_or_tenant_is_not_taken(house: WebHouse) -> None:
    browser = await house.browser()
    state = await start(browser)
    _, olga = await house.other_tenant()
    for other in (await house.browser(), await house.browser(olga)):
        assert (await finish(other, state))[0] == 403
    assert (await finish(browser, "made-up"))[0] == 403
    assert house.channels.installer.codes == []
    assert (await finish(browser, state))[0] == 303, "nobody else has spent it"


async def test_a_state_is_over_after_ten_minutes(house: WebHouse) -> None:
    browser = await house.browser()
    state = await start(browser)
    house.clock.advance(minutes=11)
    assert (await finish(browser, state))[0] == 403


async def test_members_tokens_strangers_and_other_sites_begin_and_end_nothing(
    house: WebHouse,
) -> None:
    browser, member = await house.browser(), await house.browser(await house.member())
    async with member.get(START, allow_redirects=False) as response:
        assert response.status == 403
    async with (await house.bearer()).get(START, allow_redirects=False) as response:
        assert response.status == 403
    state = await start(browser)
    assert (await finish(member, state))[0] == 403
    stranger = house.client({"Origin": house.url})
    assert (await finish(stranger, state))[0] == 401
    form = {"state": state, "code": "T1"}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        async with browser.post(BACK, data=form, headers=headers) as response:
            assert response.status == 403
    assert house.channels.installer.codes == []


async def test_what_goes_wrong_at_the_platform_is_said_and_nothing_is_kept(
    house: WebHouse,
) -> None:
    browser = await house.browser()
    async with browser.get(f"{BACK}?error=access_denied&state=x") as response:
        page = await response.text()
        assert response.status == 400 and "told no" in page and 'href="/admin/channels"' in page
    state = await start(browser)
    status, page = await finish(browser, state, "wrong")
    assert status == 422 and "used before" in page
    assert (await get(browser, ALL))["items"] == []
    async with browser.get("/oauth/carrier/install", allow_redirects=False) as response:
        assert response.status == 404 and "client ID" in await response.text()


async def test_two_tenants_have_workspaces_of_their_own_and_never_the_same(
    house: WebHouse,
) -> None:
    _, olga = await house.other_tenant()
    mine, theirs = await house.browser(), await house.browser(olga)
    assert (await finish(mine, await start(mine), "T1"))[0] == 303
    assert (await finish(theirs, await start(theirs), "T2"))[0] == 303
    assert [i["workspace"] for i in (await get(theirs, ALL))["items"]] == ["T2"]
    status, page = await finish(theirs, await start(theirs), "T1-again")
    assert status == 409 and "another part of this house" in page
    assert (olga.tenant, LOFT) not in house.room.kept
    assert house.room.kept[house.tenant.id, LOFT].reveal() == "token-of-T1"
    path = f"{ALL}/{quote(LOFT, safe='')}"
    for asked in (
        theirs.post(path, json={"enabled": False}),
        theirs.post(f"{path}/check"),
        theirs.delete(path),
    ):
        async with asked as response:
            assert response.status == 404
    assert (await one(mine))["enabled"] is True


async def test_it_is_switched_off_and_on_and_let_go_of(house: WebHouse) -> None:
    browser = await house.browser()
    await finish(browser, await start(browser))
    path = f"{ALL}/{quote(LOFT, safe='')}"
    for on, status in ((False, "disabled"), (True, "active")):
        async with browser.post(path, json={"enabled": on}) as response:
            assert (await response.json())["status"] == status
    async with browser.delete(path) as response:
        assert (await response.json())["said"] == ""
    assert house.channels.installer.ended == ["token-of-T1"], "it works nowhere any more"
    assert house.room.kept[house.tenant.id, LOFT].reveal() == ""
    assert (await get(browser, ALL))["items"] == []
    async with browser.delete(path) as response:
        assert response.status == 404


async def test_what_the_platform_could_not_be_told_is_said_and_wiped_all_the_same(
    house: WebHouse,
) -> None:
    browser = await house.browser()
    await finish(browser, await start(browser))
    house.channels.installer.deaf = VendorUnknown("It did not answer.")
    async with browser.delete(f"{ALL}/{quote(LOFT, safe='')}") as response:
        said = (await response.json())["said"]
    assert "It did not answer" in said and "remove the app there as well" in said
    assert house.room.kept[house.tenant.id, LOFT].reveal() == ""
    assert (await get(browser, ALL))["items"] == []


async def test_a_death_between_the_platform_and_the_wiping_ends_with_the_next_press(
    house: WebHouse,
) -> None:
    browser = await house.browser()
    await finish(browser, await start(browser))
    path = f"{ALL}/{quote(LOFT, safe='')}"
    put, house.room.put = house.room.put, _die  # type: ignore[method-assign, assignment]
    async with browser.delete(path) as response:
        assert response.status == 500
    assert house.channels.installer.ended == ["token-of-T1"]
    house.room.put = put  # type: ignore[method-assign]
    async with browser.delete(path) as response:
        assert response.status == 200
    assert (await get(browser, ALL))["items"] == []


OWN = "/v1/channels/pigeon/agents"


async def own(browser: ClientSession, agent: str, **options: str) -> tuple[int, Answer]:
    """An owner pastes the tokens of an agent's own app."""
    async with browser.put(f"{OWN}/{agent}", json={"options": options}) as response:
        return response.status, await response.json()


async def test_an_agent_has_an_app_of_its_own_and_a_newer_one_takes_its_place(
    house: WebHouse,
) -> None:
    browser = await house.browser()
    status, made = await own(browser, "kelly", team="T1", app="A7")
    assert (status, made["status"], made["agent"]) == (200, "active", "kelly")
    assert (await own(browser, "kelly", team="T1", app="A7"))[0] == 200  # twice is once
    assert len((await get(browser, ALL))["items"]) == 1
    proofs = house.room.kept[house.tenant.id, "app:A7/T1 install.proofs"]
    assert "secret-of-A7" in proofs.reveal() and "secret-of" not in str(made)
    assert (await own(browser, "kelly", team="T1", app="A8"))[0] == 200
    (left,) = (await get(browser, ALL))["items"]
    assert (left["app"], left["agent"]) == ("A8", "kelly")
    assert house.channels.installer.ended == ["token-of-T1-A7"]
    assert house.room.kept[house.tenant.id, "app:A7/T1 install.proofs"].reveal() == ""
    assert (await own(browser, "kelly", team="T2", app="A9"))[0] == 200
    assert len((await get(browser, ALL))["items"]) == 2, "in another workspace it is one more"
    async with browser.delete(f"{OWN}/kelly") as response:
        assert (await response.json())["said"] == ""
    assert (await get(browser, ALL))["items"] == []
    async with browser.delete(f"{OWN}/kelly") as response:
        assert response.status == 404


async def start_own(browser: ClientSession, agent: str = "kelly") -> tuple[int, str]:
    """Status, and where the browser is sent to install an agent's own app."""
    async with browser.get(f"{START}?agent={agent}", allow_redirects=False) as response:
        return response.status, response.headers.get("Location", "")


async def test_an_agent_s_own_app_is_installed_in_the_browser_and_its_secret_is_not_kept(
    house: WebHouse,
) -> None:
    browser = await house.browser()
    assert (await start_own(browser))[0] == 404, "there is nothing to install it with yet"
    told = {"client_id": "A7", "client_secret": "hush", "signing_secret": "s"}
    status, made = await own(browser, "kelly", **told)
    assert (status, made) == (
        200,
        {"agent": "kelly", "status": "pending", "href": f"{START}?agent=kelly"},
    )
    sealed = house.room.kept[house.tenant.id, "kelly"]
    assert "hush" in sealed.reveal() and (await get(browser, ALL))["items"] == []
    status, where = await start_own(browser)
    asked = parse_qs(urlsplit(where).query)
    assert status == 303 and asked["client_id"] == ["A7"]
    assert asked["redirect"][0].endswith(BACK)
    member = await house.browser(await house.member())
    assert (await finish(member, asked["state"][0]))[0] == 403
    assert (await finish(browser, asked["state"][0]))[0] == 303
    (found,) = (await get(browser, ALL))["items"]
    assert (found["agent"], found["app"], found["status"]) == ("kelly", "A7", "active")
    proofs = house.room.kept[house.tenant.id, "app:A7/T1 install.proofs"]
    assert "secret-of-A7" in proofs.reveal()
    assert house.room.kept[house.tenant.id, "kelly"].reveal() == ""
    assert (await finish(browser, asked["state"][0]))[0] == 403
    assert (await start_own(browser))[0] == 404


async def test_a_plan_goes_when_the_app_is_connected_by_its_token(house: WebHouse) -> None:
    browser = await house.browser()
    await own(browser, "kelly", client_id="A7", client_secret="hush")
    assert (await own(browser, "kelly", team="T1", app="A7"))[0] == 200
    assert house.room.kept[house.tenant.id, "kelly"].reveal() == "", "its secret is not kept"
    assert (await start_own(browser))[0] == 404
    for status, said in ((200, ""), (404, "This agent has no app of its own there.")):
        async with browser.delete(f"{OWN}/kelly") as response:
            assert response.status == status
            assert said in await response.text()


async def test_a_plan_is_one_tenant_s_and_is_let_go_of_with_the_app(house: WebHouse) -> None:
    _, olga = await house.other_tenant()
    mine, theirs = await house.browser(), await house.browser(olga)
    await own(mine, "kelly", client_id="A7", client_secret="hush")
    assert (await start_own(theirs))[0] == 404
    _, where = await start_own(mine)
    state = parse_qs(urlsplit(where).query)["state"][0]
    assert (await finish(theirs, state))[0] == 403
    async with mine.delete(f"{OWN}/kelly") as response:
        assert response.status == 200
    assert (await start_own(mine))[0] == 404
    assert (await finish(mine, state))[0] == 404, "what was let go of is not installed"
    assert house.channels.installer.codes == []


async def test_an_app_is_one_agent_s_in_one_tenant(house: WebHouse) -> None:
    _, olga = await house.other_tenant()
    mine, theirs = await house.browser(), await house.browser(olga)
    await finish(mine, await start(mine), "T1")
    status, told = await own(mine, "kelly", team="T1", app="A1")
    assert status == 409 and "everybody's" in str(told)
    assert (await own(mine, "kelly", team="T1", app="A7"))[0] == 200
    status, told = await own(mine, "bri", team="T1", app="A7")
    assert status == 409 and "kelly" in str(told)
    assert (await own(theirs, "kelly", team="T1", app="A7"))[0] == 409
    async with theirs.delete(f"{OWN}/kelly") as response:
        assert response.status == 404
    member = await house.browser(await house.member())
    assert (await own(member, "kelly", team="T1", app="A9"))[0] == 403


async def test_a_death_before_it_was_tried_leaves_it_pending_and_checking_mends_it(
    house: WebHouse,
) -> None:
    browser = await house.browser()
    house.channels.installer.broken = None
    state = await start(browser)
    check, house.channels.installer.check = house.channels.installer.check, _die  # type: ignore
    assert (await finish(browser, state))[0] == 500
    assert (await one(browser))["status"] == "pending"
    house.channels.installer.check = check  # type: ignore[method-assign]
    async with browser.post(f"{ALL}/{quote(LOFT, safe='')}/check") as response:
        assert (await response.json())["status"] == "active"


async def _die(*_: object) -> str:
    raise RuntimeError("killed")


async def test_a_check_that_fails_says_why(house: WebHouse) -> None:
    browser = await house.browser()
    await finish(browser, await start(browser))
    path = f"{ALL}/{quote(LOFT, safe='')}/check"
    for broken in (ConnectionBroken("Revoked."), VendorUnknown("No answer.")):
        house.channels.installer.broken = broken
        async with browser.post(path) as response:
            found = await response.json()
            assert (found["status"], found["error"]) == ("error", broken.message)


async def test_what_is_gone_is_told_once_and_an_install_anew_is_left_alone(
    house: WebHouse,
) -> None:
    browser = await house.browser()
    await finish(browser, await start(browser), "T1")
    book = house.channels.installing._book("pigeon")
    old = await house.db.read(rows.of("pigeon", LOFT))
    assert old
    await book.gone(old, "Removed.", wipe=True)
    await book.gone(old, "No token.", wipe=False)
    assert house.told == [(house.tenant.id, "pigeon", "pigeon Loft T1")]
    house.mended.clear()
    assert ((await one(browser))["error"], house.room.kept[house.tenant.id, LOFT].reveal()) == (
        "Removed.",
        "",
    )
    await finish(browser, await start(browser), "T1-anew")
    await book.gone(old, "Late news.", wipe=True)
    assert (await one(browser))["status"] == "active"
    assert house.room.kept[house.tenant.id, LOFT].reveal() == "token-of-T1-anew"
    works = (house.tenant.id, "pigeon Loft T1")
    assert house.mended == [works], "what was told is over"
    async with browser.delete(f"{ALL}/{quote(LOFT, safe='')}"):
        assert house.mended == [works, works], "and nobody misses it any more"
