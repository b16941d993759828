"""Apps that are one agent's own, beside the tenant's: each answers as itself and breaks alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.core.errors import ConnectionBroken, Invalid, VendorRefused
from bot.core.event import Event
from bot.core.ids import ConvId, TenantId
from bot.core.ports import Accepted
from bot.core.secret import Secret
from bot.platforms.installs import Found
from bot.platforms.lent import Options
from bot.store.installs import Install
from bot.vault import SecretUnreadable
from channels.slack.agents import Agents
from channels.slack.channel import make
from tests.channels.slack_book import Shelf
from tests.channels.slack_side import ANA, HOME, Desk, lent, out, until
from tests.fakes.slack_apps import BOT_USER, TEAM, App
from tests.fakes.slack_server import SlackServer

AWAY = TenantId("ten_2")


@dataclass
class Beside:
    """The channel, what it told, its book, and the address that Slack calls."""

    server: SlackServer
    channel: Agents
    book: Shelf
    by_http: bool
    url: str = ""
    heard: list[Event] = field(default_factory=list)

    async def sink(self, event: Event) -> Accepted:
        names = {(known.account, known.ext_id) for known in self.heard}
        if (event.account, event.ext_id) not in names:  # a mention comes as a message as well
            self.heard.append(event)
        return Accepted(event=event.ext_id, conv=ConvId("cnv_1"))

    def told(self, app: App) -> Options:
        """What an owner pastes."""
        way = {"signing_secret": app.signing_secret}
        return {"bot_token": app.bot_token} | (
            way if self.by_http else {"app_token": app.app_token}
        )

    async def connect(self, name: str, tenant: TenantId = HOME, **more: Any) -> tuple[App, Install]:
        """Make an app at Slack and paste its tokens, as an owner does."""
        app = self.server.world.apps.add(name)
        found, proofs = await self.channel.meet(self.told(app))
        install = self.book.keep(tenant, found, agent=name, **more)
        self.book.proved[install.account] = proofs
        if not self.by_http:
            await self.server.connected(len(self.server.world.apps.all))
        return app, install

    async def addressed(self, count: int) -> list[tuple[str, str | None, str]]:
        """Account, agent and text of what was said to somebody, once there are so many."""
        await until(lambda: len([e for e in self.heard if e.addressed]) >= count)
        await self.server.settled()
        return [(e.account, e.agent, e.text) for e in self.heard if e.addressed]


@pytest.fixture(params=["socket", "http"])
async def beside(request: pytest.FixtureRequest) -> AsyncIterator[Beside]:
    async with SlackServer() as server:
        by_http = request.param == "http"
        way: dict[str, str] = {"app_token": server.app_token}
        if by_http:
            way = {"signing_secret": server.signing_secret}
        book = Shelf()
        given = replace(lent(server, Desk(), bot_token=server.bot_token, **way), installs=book)
        beside = Beside(server, make(given), book, by_http)
        async with served(beside), running(beside):
            yield beside
        assert server.mistakes == []


class served:
    """The channel's addresses behind a real HTTP server."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside

    async def __aenter__(self) -> None:
        app = web.Application()
        for method, path, handler in self._beside.channel.routes():
            app.router.add_route(method, path, handler)  # type: ignore[arg-type]
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._beside.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        if self._beside.by_http:
            self._beside.server.webhook_via = self._beside.url

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()


class running:
    """The channel, listening."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._beside.channel.run(self._beside.sink))
        await until(lambda: self._beside.channel._spaces.sink)
        await until(lambda: self._beside.server.asked("auth.test"))
        if not self._beside.by_http:
            await self._beside.server.connected()

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_whoever_is_mentioned_hears_it_as_that_agent(beside: Beside) -> None:
    kelly, install = await beside.connect("kelly")
    world = beside.server.world
    place = world.channel("general", ANA)
    await world.say(ANA, place, f"<@{kelly.user}> plan my day")
    assert await beside.addressed(1) == [(install.account, "kelly", "plan my day")]
    await world.say(ANA, place, f"<@{BOT_USER}> hello")
    assert (await beside.addressed(2))[1] == (TEAM, None, "hello")
    await world.say(ANA, world.direct(ANA, kelly), "between us")
    assert (await beside.addressed(3))[2] == (install.account, "kelly", "between us")
    assert install.account == f"app:{kelly.id}/{TEAM}"


async def test_its_command_and_its_buttons_are_its_own(beside: Beside) -> None:
    kelly, install = await beside.connect("kelly")
    world = beside.server.world
    place = world.direct(ANA, kelly)
    assert (await world.command(ANA, place, "/kelly", "what is next?")).acked
    assert await beside.addressed(1) == [(install.account, "kelly", "what is next?")]
    assert (await world.command(ANA, place, "/kelly", "agent bri")).acked
    (_, said) = beside.heard
    assert (said.text, said.agent) == ("/agent bri", "kelly"), "the house says whose app it is"


async def test_its_answers_go_out_with_its_own_token(beside: Beside) -> None:
    kelly, install = await beside.connect("kelly")
    place = beside.server.world.channel("general", ANA)
    mine = {"tenant": HOME, "account": install.account}
    await beside.channel.send(out(place, "As Kelly", "eff_1", **mine))
    await beside.channel.send(out(place, "As everybody", "eff_2", tenant=HOME, account=TEAM))
    shown = beside.server.world.shown(place)
    assert [(item.text, item.user) for item in shown] == [
        ("As Kelly", kelly.user),
        ("As everybody", BOT_USER),
    ]
    with pytest.raises(VendorRefused, match="not connected"):
        await beside.channel.send(out(place, tenant=AWAY, account=install.account))
    beside.book.kept[install.account] = replace(install, is_enabled=False)
    with pytest.raises(VendorRefused, match="switched off"):
        await beside.channel.send(out(place, **mine))


async def test_what_is_left_of_a_shared_app_is_spoken_with_by_its_own_token(beside: Beside) -> None:
    """The first tenant has a token of its own by now; others' installs are none of its business."""
    other, install = await beside.connect("kelly", AWAY)
    place = beside.server.world.channel("general", ANA)
    beside.book.kept[install.account] = replace(install, agent="")
    with pytest.raises(VendorRefused, match="not connected"):
        await beside.channel.send(out(place, tenant=HOME, account=install.account))
    await beside.channel.send(out(place, "Ours", tenant=AWAY, account=install.account))
    shown = beside.server.world.shown(place)
    assert [(item.text, item.user) for item in shown] == [("Ours", other.user)]


async def test_one_tenant_s_secret_that_cannot_be_read_keeps_no_other_s_app_from_hearing(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = beside.book.proofs

    async def proofs(install: Install) -> Options:
        if install.tenant == AWAY:
            raise SecretUnreadable("The key of this secret is gone.")
        return await plain(install)

    monkeypatch.setattr(beside.book, "proofs", proofs)
    theirs = Found(app="A000OTHER", team=TEAM, team_name="", bot_user="U9", token=Secret("xoxb-9"))
    beside.book.keep(AWAY, theirs, agent="kelly")
    kelly = beside.server.world.apps.add("kelly")
    found, told = await beside.channel.meet(beside.told(kelly))
    install = beside.book.keep(HOME, found, agent="kelly")
    beside.book.proved[install.account] = told
    if not beside.by_http:
        await beside.server.connected(2)
    world = beside.server.world
    await world.say(ANA, world.direct(ANA, kelly), "hello")
    assert await beside.addressed(1) == [(install.account, "kelly", "hello")]


async def test_in_a_thread_with_several_the_one_that_is_named_answers(beside: Beside) -> None:
    kelly, install = await beside.connect("kelly")
    world = beside.server.world
    await until(lambda: kelly.user in beside.channel._users)
    place = world.channel("general", ANA)
    root = await world.say(ANA, place, f"<@{BOT_USER}> hello")
    await beside.addressed(1)
    for account, effect in ((TEAM, "eff_1"), (install.account, "eff_2")):
        message = out(place, "Here", effect, thread=root, tenant=HOME, account=account)
        await beside.channel.send(message)
    await world.say(ANA, place, f"<@{kelly.user}> and you?", root)
    assert (await beside.addressed(2))[1:] == [(install.account, "kelly", "and you?")]
    await world.say(ANA, place, "both of you?", root)
    both = (await beside.addressed(4))[2:]
    assert {account for account, _, _ in both} == {TEAM, install.account}


async def test_two_tenants_have_an_agent_of_the_same_name_and_hear_their_own(
    beside: Beside,
) -> None:
    kelly, mine = await beside.connect("kelly")
    world = beside.server.world
    second = replace(kelly, id="A000OTHER", user="U000OTHER", bot="B000OTHER", name="other")
    second = replace(second, bot_token="xoxb-other", app_token="xapp-other")
    second = replace(second, signing_secret="the-other-secret")  # at the same addresses
    world.apps.all.append(second)
    found, proofs = await beside.channel.meet(beside.told(second))
    theirs = beside.book.keep(AWAY, found, agent="kelly")
    beside.book.proved[theirs.account] = proofs
    if not beside.by_http:
        await beside.server.connected(3)
    place = world.channel("general", ANA)
    await world.say(ANA, place, f"<@{second.user}> hello")
    await until(lambda: [e for e in beside.heard if e.addressed])
    await beside.server.settled()
    (event,) = [e for e in beside.heard if e.addressed]
    assert (event.tenant, event.account, event.agent) == (AWAY, theirs.account, "kelly")
    tenants = {e.account: e.tenant for e in beside.heard}
    assert tenants.get(mine.account, HOME) == HOME and tenants[theirs.account] == AWAY


async def test_what_another_tenant_s_app_lacks_is_not_said_here(beside: Beside) -> None:
    beside.server.scopes -= {"commands"}
    place = beside.server.world.channel("general", ANA)
    for name, tenant in (("kelly", HOME), ("emma", AWAY)):
        _, install = await beside.connect(name, tenant)
        own = {"tenant": tenant, "account": install.account}
        await beside.channel.send(out(place, name, f"eff_{name}", **own))
    lacking = beside.channel.behind
    assert "Kelly's app lacks commands" in lacking and "Emma" not in lacking


async def test_a_secret_proves_its_own_app_and_no_other(beside: Beside) -> None:
    kelly, _ = await beside.connect("kelly")
    if not beside.by_http:
        return
    event = {"type": "app_mention", "channel": "C1", "user": ANA.id, "ts": "1.1", "text": "hi"}
    told = {"type": "event_callback", "team_id": TEAM, "event": event, "api_app_id": kelly.id}
    async with aiohttp.ClientSession() as session:

        async def status(path: str, secret: str, **more: object) -> int:
            body = json.dumps({**told, **more})
            headers = dict(beside.server.signed(body, secret=secret))
            headers["Content-Type"] = "application/json"
            url = f"{beside.url}/webhooks/slack{path}/events"
            async with session.post(url, data=body, headers=headers) as response:
                return response.status

        its, main = kelly.signing_secret, beside.server.signing_secret
        assert await status("/kelly", main) == 401, "another's secret"
        assert await status("", its) == 401, "at another's address"
        assert await status("/bri", its) == 401, "at an agent's that has no app"
        assert await status("/kelly", its, api_app_id="A000SWITCH") == 404, "another's event"
        assert await status("/kelly", its, team_id="T0OTHER") == 404, "another's workspace"
        assert await status("", main, api_app_id=kelly.id) == 200  # the settings' app has no id
        assert {e.account for e in beside.heard} <= {TEAM}
        assert await status("/kelly", its) == 200
        asked = {"type": "url_verification", "challenge": "c" * 20}
        assert await status("/kelly", its, **asked) == 200
    assert beside.heard[-1].agent == "kelly"


async def test_the_tenant_s_app_breaks_and_the_agent_s_own_goes_on(beside: Beside) -> None:
    kelly, install = await beside.connect("kelly")
    await until(lambda: any(beside.channel._own))
    beside.server.revoke("account_inactive")
    world = beside.server.world
    place = world.channel("general", ANA)
    with pytest.raises(ConnectionBroken):
        await beside.channel.send(out(place, tenant=HOME, account=TEAM))
    await until(lambda: beside.channel.ails)
    assert "removed from the workspace" in beside.channel.ails
    beside.heard.clear()
    await world.say(ANA, world.direct(ANA, kelly), "still here?")
    assert await beside.addressed(1) == [(install.account, "kelly", "still here?")]
    assert beside.book.ailing == [HOME], "told once"
    beside.server.methods.is_revoked = ""
    await until(lambda: not beside.channel.ails, 20)


async def test_an_app_whose_token_dies_is_lost_alone(beside: Beside) -> None:
    kelly, install = await beside.connect("kelly")
    place = beside.server.world.channel("general", ANA)
    token = Secret(kelly.bot_token)
    await beside.channel.revoke(token)
    await beside.channel.revoke(token)  # twice is once: it is dead, and that was wanted
    with pytest.raises(ConnectionBroken):
        await beside.channel.send(out(place, tenant=HOME, account=install.account))
    await until(lambda: beside.book.lost)
    assert beside.book.lost[0][::2] == (TEAM, True)
    await beside.channel.send(out(place, "Still here", tenant=HOME, account=TEAM))


async def test_a_token_that_cannot_be_revoked_is_told(beside: Beside) -> None:
    kelly, _ = await beside.connect("kelly")
    beside.server.fail("auth.revoke", "error")
    with pytest.raises(Exception, match="auth.revoke"):
        await beside.channel.revoke(Secret(kelly.bot_token))


async def test_an_app_that_is_let_go_of_is_heard_no_more(beside: Beside) -> None:
    kelly, install = await beside.connect("kelly")
    world = beside.server.world
    beside.server.again_s, beside.server.ack_s = (), 0.5
    del beside.book.kept[install.account]
    if not beside.by_http:
        await until(lambda: beside.server.connections == 1)
    await world.say(ANA, world.direct(ANA, kelly), "anybody?")
    await beside.server.settled()
    assert beside.heard == [] and len(beside.server.lost) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"bot_token": "xoxp-1"}, "begins with xoxb-"),
        ({"app_token": "xoxb-1"}, "begins with xapp-"),
        ({"app_token": "", "signing_secret": ""}, "app_token .* or signing_secret"),
        ({"strange": "x"}, "strange"),
        ({"bot_token": "xoxb-unknown"}, "does not know this token"),
        ({"app_token": "xapp-unknown"}, "does not take this app_token"),
        ({"app_token": "xapp-1-A000-bri"}, "app_token is of another app"),
        (
            {"bot_token": "", "app_token": "xapp-unknown", "client_id": "1", "client_secret": "2"},
            "does not take this app_token",
        ),
    ],
)
async def test_what_is_pasted_wrong_is_named(wrong: Options, words: str) -> None:
    async with SlackServer() as server:
        channel = make(lent(server, Desk(), agent_apps=True))
        kelly, _ = server.world.apps.add("kelly"), server.world.apps.add("bri")
        told = {"bot_token": kelly.bot_token, "app_token": kelly.app_token, **wrong}
        with pytest.raises(Invalid, match=words):
            await channel.meet(told)


async def test_trying_an_app_token_leaves_no_socket_open() -> None:
    async with SlackServer() as server:
        channel = make(lent(server, Desk(), agent_apps=True))
        kelly = server.world.apps.add("kelly")
        await channel.meet({"bot_token": kelly.bot_token, "app_token": kelly.app_token})
        await until(lambda: server.connections == 0)
        assert server.mistakes == []


async def test_an_app_that_may_not_say_who_it_is_is_told_which_scope_it_lacks() -> None:
    async with SlackServer() as server:
        channel = make(lent(server, Desk(), agent_apps=True))
        kelly = server.world.apps.add("kelly")
        server.scopes -= {"users:read"}
        with pytest.raises(Invalid, match="users:read"):
            await channel.meet({"bot_token": kelly.bot_token, "app_token": kelly.app_token})


async def test_only_agents_with_apps_of_their_own_may_be_there() -> None:
    async with SlackServer() as server:
        book = Shelf()
        channel = make(replace(lent(server, Desk(), agent_apps=True), installs=book))
        beside = Beside(server, channel, book, by_http=False)
        task = asyncio.create_task(channel.run(beside.sink))
        kelly = server.world.apps.add("kelly")
        found, proofs = await channel.meet(beside.told(kelly))
        install = book.keep(HOME, found, agent="kelly")
        book.proved[install.account] = proofs
        await server.connected()
        await server.world.say(ANA, server.world.direct(ANA, kelly), "hello")
        assert await beside.addressed(1) == [(install.account, "kelly", "hello")]
        with pytest.raises(VendorRefused, match="not connected"):
            await channel.send(out("C1", tenant=HOME, account=TEAM))
        assert channel.manifest_version == 0 and await channel.places() == ()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert server.mistakes == []
