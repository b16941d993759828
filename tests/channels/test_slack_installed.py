"""One Slack app in workspaces of several tenants: each hears and says its own, and breaks alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from bot.core.errors import Invalid, OperatorError, VendorRefused, VendorUnknown
from bot.core.event import Event, Kind
from bot.core.ids import ConvId, TenantId
from bot.core.ports import Accepted
from bot.infra.clock import SystemClock
from bot.platforms.installs import account_of
from bot.platforms.lent import Lent
from bot.store.installs import Install
from channels.slack.channel import make
from channels.slack.installed import Installed
from tests.channels.slack_book import Shelf
from tests.channels.slack_side import ANA, HOME, Desk, lent, out, until
from tests.fakes.slack_apps import APP, TEAM
from tests.fakes.slack_installs import CLIENT_ID, CLIENT_SECRET, Workspace
from tests.fakes.slack_server import SlackServer

AWAY = TenantId("ten_2")
SHOP = Workspace()
BAKERY = Workspace("T0000BAKE", "Bakery", "U0000BAKE")
BACK = "https://bot.example.org/oauth/slack/installed"


@dataclass
class Apart:
    """The channel, what it told, and its book."""

    server: SlackServer
    channel: Installed
    book: Shelf
    heard: list[Event] = field(default_factory=list)

    async def sink(self, event: Event) -> Accepted:
        self.heard.append(event)
        return Accepted(event=event.ext_id, conv=ConvId("cnv_1"))

    async def install(self, workspace: Workspace, tenant: TenantId, **more: Any) -> Install:
        """As an owner does it in a browser."""
        address = self.channel.address("state", BACK)
        _, query = self.server.installs.allow(address, workspace)
        code = query.partition("code=")[2].partition("&")[0]
        return self.book.keep(tenant, await self.channel.exchange(code, BACK), **more)

    async def say(self, workspace: Workspace, text: str, channel: str = "general") -> str:
        """Ana writes there; gives the place."""
        self.server.world.team = workspace.id
        place = self.server.world.channel(channel, ANA)
        await self.server.world.say(ANA, place, f"<@{workspace.bot_user}> {text}")
        return place


OPTIONS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


@pytest.fixture(params=["socket", "http"])
async def apart(request: pytest.FixtureRequest) -> AsyncIterator[Apart]:
    async with SlackServer() as server:
        way = {"app_token": server.app_token}
        if request.param == "http":
            way = {"signing_secret": server.signing_secret}
        book = Shelf()
        channel = make(replace(lent(server, Desk(), **OPTIONS, **way), installs=book)).main
        assert isinstance(channel, Installed)
        apart = Apart(server, channel, book)
        app = web.Application()
        for method, path, handler in channel.routes():
            app.router.add_route(method, path, handler)  # type: ignore[arg-type]
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        if request.param == "http":
            server.webhook_via = f"http://127.0.0.1:{runner.addresses[0][1]}"
        task = asyncio.create_task(channel.run(apart.sink))
        if request.param == "socket":
            await server.connected()
        await until(lambda: channel._spaces.sink)
        yield apart
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await runner.cleanup()
        assert server.mistakes == [] and server.installs.mistakes == []


async def test_each_workspace_is_heard_as_its_own_tenant_s(apart: Apart) -> None:
    shop, bakery = await apart.install(SHOP, HOME), await apart.install(BAKERY, AWAY)
    await apart.say(SHOP, "open on Sunday?")
    await until(lambda: apart.heard)
    await apart.say(BAKERY, "bread?", "bakers")
    await until(lambda: {event.tenant for event in apart.heard} == {HOME, AWAY})
    found = {(e.tenant, e.account, e.place.workspace, e.text) for e in apart.heard}
    assert found == {
        (HOME, shop.account, TEAM, "open on Sunday?"),
        (AWAY, bakery.account, BAKERY.id, "bread?"),
    }
    assert all(event.addressed for event in apart.heard)


async def test_answers_go_out_with_the_token_of_their_workspace(apart: Apart) -> None:
    tokens = []
    real = apart.server._authorise
    apart.server._authorise = lambda m, token, body: (tokens.append(token), real(m, token, body))  # type: ignore[method-assign, func-returns-value]
    shop, bakery = await apart.install(SHOP, HOME), await apart.install(BAKERY, AWAY)
    place = apart.server.world.channel("general", ANA)
    for install, effect in ((shop, "eff_1"), (bakery, "eff_2")):
        message = out(place, "Hello", effect, tenant=install.tenant, account=install.account)
        await apart.channel.send(message)
        assert tokens[-1] == apart.book.tokens[install.account].reveal()
    for message in (
        out(place, "Hello", "eff_3", tenant=AWAY, account=shop.account),
        out(place, "Hello", "eff_4", tenant=HOME, account="app:A1/T1"),
        out(place, "Hello", "eff_5", tenant=HOME, account=TEAM),
    ):
        with pytest.raises(VendorRefused, match="not connected"):
            await apart.channel.send(message)
    assert len(apart.server.world.said(place)) == 2


async def test_places_are_asked_for_with_the_token_of_their_workspace(apart: Apart) -> None:
    tokens = []
    real = apart.server._authorise
    apart.server._authorise = lambda m, token, body: (tokens.append(token), real(m, token, body))  # type: ignore[method-assign, func-returns-value]
    shop, bakery = await apart.install(SHOP, HOME), await apart.install(BAKERY, AWAY)
    place = apart.server.world.channel("ops", ANA)
    for install in (shop, bakery):
        (spot,) = await apart.channel.places_in(install.account, install.tenant)
        assert (spot.id, spot.name, spot.account) == (place, "#ops", install.account)
        assert spot.about == f"the whole team, in {install.team_name}"
        assert tokens[-1] == apart.book.tokens[install.account].reveal()
    with pytest.raises(VendorRefused, match="not connected"):
        await apart.channel.places_in(shop.account, AWAY)


async def test_files_go_out_from_the_tenant_s_own_shelf(apart: Apart) -> None:
    install = await apart.install(BAKERY, AWAY)
    place = apart.server.world.channel("general", ANA)
    files = (apart.book.shelf(AWAY).put("rolls.md", b"rolls"),)
    whose = {"tenant": AWAY, "account": install.account}
    await apart.channel.send(out(place, "Here.", "eff_1", attachments=files, **whose))
    assert apart.book.shelf(AWAY).opened == ["rolls.md"]


async def test_a_workspace_that_nobody_has_is_set_aside(apart: Apart) -> None:
    apart.server.again_s = ()
    await apart.say(SHOP, "hello")
    await apart.server.settled()
    assert apart.heard == []
    by_http = bool(apart.server.webhook_via)
    assert bool(apart.server.lost) == by_http, "by HTTP it is answered 404, by socket acknowledged"


async def test_an_event_of_another_app_in_the_same_workspace_is_none_of_ours(apart: Apart) -> None:
    await apart.install(SHOP, HOME)
    event = {"type": "message", "channel": "C1", "user": ANA.id, "ts": "1.1", "text": "hi"}
    told = {"type": "event_callback", "team_id": TEAM, "event": event, "event_id": "Ev1"}
    for app in ("A000OTHER", "", None, 5):
        apart.server.again_s = ()
        await apart.server.world.deliver("events_api", {**told, "api_app_id": app})
    await apart.server.settled()
    assert apart.heard == []


async def test_a_workspace_that_is_switched_off_is_acknowledged_and_let_be(apart: Apart) -> None:
    install = await apart.install(SHOP, HOME, is_enabled=False)
    place = await apart.say(SHOP, "hello")
    await apart.server.settled()
    assert apart.heard == [] and apart.server.lost == []
    with pytest.raises(VendorRefused, match="switched off"):
        await apart.channel.send(out(place, tenant=HOME, account=install.account))
    apart.book.kept[install.account] = replace(install, is_enabled=True)
    await apart.say(SHOP, "hello again")
    await until(lambda: apart.heard)


async def test_an_uninstalled_workspace_is_lost_alone(apart: Apart) -> None:
    await apart.install(SHOP, HOME)
    await apart.install(BAKERY, AWAY)
    apart.server.installs.uninstall(BAKERY.id)
    apart.server.world.team = BAKERY.id
    await apart.server.world.tell({"type": "app_uninstalled"})
    await until(lambda: apart.book.lost)
    await apart.server.settled()
    assert {(team, wipe) for team, _, wipe in apart.book.lost} == {(BAKERY.id, True)}
    assert apart.server.lost == []
    await apart.say(SHOP, "still here?")
    await until(lambda: apart.heard)
    assert apart.heard[0].tenant == HOME


async def test_late_news_of_an_uninstall_loses_no_workspace_whose_token_works(
    apart: Apart,
) -> None:
    await apart.install(SHOP, HOME)
    await apart.server.world.tell({"type": "app_uninstalled"})
    await apart.server.settled()
    assert apart.book.lost == []
    await apart.say(SHOP, "hello")
    await until(lambda: apart.heard)


async def test_a_token_that_dies_is_noticed_by_the_answer_that_fails(apart: Apart) -> None:
    install = await apart.install(SHOP, HOME)
    place = await apart.say(SHOP, "hello")
    await until(lambda: apart.heard)
    apart.server.installs.uninstall(TEAM)
    with pytest.raises(OperatorError):
        await apart.channel.send(out(place, tenant=HOME, account=install.account))
    await until(lambda: apart.book.lost)
    assert apart.book.lost[0][2] is True


async def test_when_slack_cannot_be_asked_nothing_is_believed_and_the_news_come_again(
    apart: Apart,
) -> None:
    await apart.install(SHOP, HOME)
    apart.server.installs.uninstall(TEAM)
    apart.server.fail("auth.test", "error", times=2)
    await apart.server.world.tell({"type": "app_uninstalled"})
    await until(lambda: apart.book.lost)
    await apart.server.settled()
    assert apart.server.lost == []


async def test_an_install_anew_is_used_with_its_new_token(apart: Apart) -> None:
    first = await apart.install(SHOP, HOME)
    place = await apart.say(SHOP, "hello")
    await until(lambda: apart.heard)
    apart.server.installs.uninstall(TEAM)
    second = await apart.install(SHOP, HOME)
    assert second.account == first.account
    await apart.channel.send(out(place, tenant=HOME, account=second.account))
    assert apart.server.world.said(place) == ["Hello"]


async def test_a_file_is_fetched_by_the_workspace_that_it_came_from(apart: Apart) -> None:
    await apart.install(SHOP, HOME)
    world = apart.server.world
    place = world.direct(ANA)
    await world.say(ANA, place, "see", files=[("notes.txt", "text/plain", b"Buy flour")])
    await until(lambda: apart.heard)
    (file,) = apart.heard[0].attachments
    assert b"".join([part async for part in apart.channel.fetch(file)]) == b"Buy flour"
    rest = file.source.partition(" ")[2]
    for source in (rest, rest.partition(" ")[2], f"app:A1/T1 {rest}"):
        with pytest.raises(VendorRefused):
            await anext(apart.channel.fetch(replace(file, source=source)))


async def test_a_file_of_before_is_not_fetched_for_the_tenant_that_has_the_workspace_now(
    apart: Apart,
) -> None:
    await apart.install(SHOP, HOME)
    world = apart.server.world
    place = world.direct(ANA)
    await world.say(ANA, place, "see", files=[("notes.txt", "text/plain", b"Buy flour")])
    await until(lambda: apart.heard)
    (file,) = apart.heard[0].attachments
    await apart.install(SHOP, AWAY)
    with pytest.raises(VendorRefused):
        await anext(apart.channel.fetch(file))


async def test_presses_and_commands_are_their_workspace_s(apart: Apart) -> None:
    await apart.install(BAKERY, AWAY)
    world = apart.server.world
    world.team = BAKERY.id
    place = world.channel("general", ANA)
    assert (await world.command(ANA, place, "/switchboard", "status")).acked
    await until(lambda: apart.heard)
    (event,) = apart.heard
    assert (event.tenant, event.kind, event.text) == (AWAY, Kind.MESSAGE, "/status")
    await world.command(ANA, place, "/switchboard", "configure")
    await until(lambda: apart.channel._spaces._open)
    assert list(apart.book.desks) == [AWAY]


async def test_many_at_once_open_a_workspace_once(apart: Apart) -> None:
    await apart.install(SHOP, HOME)
    world = apart.server.world
    place = world.channel("general", ANA)
    await asyncio.gather(*(world.say(ANA, place, f"<@{SHOP.bot_user}> {n}") for n in range(10)))
    await until(lambda: len({event.ext_id for event in apart.heard}) == 10)
    assert len(apart.channel._spaces._open) == 1


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ({"team": None, "is_enterprise_install": True}, Invalid, "one workspace"),
        ({"refresh_token": "xoxe-1", "expires_in": 43200}, Invalid, "rotation"),
        ({"access_token": ""}, VendorUnknown, "did not say"),
        ({"team": {}}, Invalid, "one workspace"),
    ],
)
async def test_what_is_no_install_of_one_workspace_is_not_kept(
    apart: Apart, answer: Mapping[str, Any], error: type[Exception], words: str
) -> None:
    apart.server.installs.answer = dict(answer)
    with pytest.raises(error, match=words):
        await apart.install(SHOP, HOME)


async def test_a_code_is_good_once_and_for_its_redirect(apart: Apart) -> None:
    _, query = apart.server.installs.allow(apart.channel.address("s", BACK), SHOP)
    code = query.partition("code=")[2].partition("&")[0]
    with pytest.raises(Invalid, match="Redirect URLs"):
        await apart.channel.exchange(code, "https://evil.example/")
    await apart.channel.exchange(code, BACK)
    with pytest.raises(Invalid, match="used before"):
        await apart.channel.exchange(code, BACK)
    with pytest.raises(Invalid, match="does not know"):
        await apart.channel.exchange("made-up", BACK)


async def test_a_token_of_another_workspace_is_an_error(apart: Apart) -> None:
    install = await apart.install(SHOP, HOME)
    await apart.install(BAKERY, AWAY)
    token = apart.book.tokens[account_of(APP, BAKERY.id)]
    assert await apart.channel.check(install, apart.book.tokens[install.account])
    with pytest.raises(OperatorError, match="another workspace"):
        await apart.channel.check(install, token)


async def test_a_request_without_a_good_signature_reaches_no_book(apart: Apart) -> None:
    if not apart.server.webhook_via:
        return
    await apart.install(SHOP, HOME)
    asked = []
    apart.book.of = lambda account: asked.append(account)  # type: ignore[assignment, method-assign, return-value]
    body = json.dumps({"type": "event_callback", "team_id": TEAM, "api_app_id": APP})
    headers = {"Content-Type": "application/json", **apart.server.signed(body + " ")}
    url = apart.server.webhook_via + "/webhooks/slack/events"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=body, headers=headers) as response:
            assert response.status == 401
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        async with session.post(
            url.replace("events", "interactions"),
            data=urlencode({"payload": body}),
            headers=form | dict(apart.server.signed("x")),
        ) as response:
            assert response.status == 401
    assert asked == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"client_id": "1.2", "app_token": "xapp-1"}, "client_secret"),
        ({**OPTIONS, "bot_token": "xoxb-1", "app_token": "xapp-1"}, "Leave bot_token out"),
        (OPTIONS, "app_token .* or signing_secret"),
        ({"app_token": "xapp-1"}, "bot_token"),
    ],
)
def test_settings_that_do_not_go_together_name_the_mend(
    options: dict[str, str], words: str
) -> None:
    with pytest.raises(OperatorError, match=words):
        make(Lent(tenant=HOME, options=options, clock=SystemClock()))
