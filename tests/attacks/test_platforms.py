"""An owner of one tenant has no say over the platforms that another listens to (A18, E9)."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from types import SimpleNamespace as Thing
from typing import Any

import pytest

from bot.config.sections import Payments
from bot.core.errors import Invalid, NotFound
from bot.core.people import Person, Role
from bot.core.secret import Secret
from bot.platforms.lent import Offer
from bot.store import audit, people
from bot.wiring.connecting import Connecting
from bot.wiring.listeners import Listeners
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import StillClock
from tests.fakes.database import InlineDatabase
from tests.fakes.switchboard import AWAY, EVE, HOME, OLGA


class Room:
    """What is sealed, by tenant and name."""

    vault = Thing(lookup=lambda purpose, text: sha256(f"{purpose} {text}".encode()).hexdigest())

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Secret] = {}

    async def put(self, tenant: str, name: str, field: str, secret: Secret) -> None:
        self.kept[tenant, name] = secret

    async def get(self, tenant: str, name: str, field: str) -> Secret | None:
        return self.kept.get((tenant, name))

    async def readable(self, tenant: str, field: str) -> tuple[dict[str, Secret], dict[str, Any]]:
        kept = {name: secret for (whose, name), secret in self.kept.items() if whose == tenant}
        return kept, {}


class Lend:
    """What channels are lent."""

    def __init__(self) -> None:
        self.tenant, self.clock, self.db = HOME, StillClock(), InlineDatabase()
        self.settings = Thing(channels={}, endpoint={}, payments=Payments())
        self.payments = Thing(settings=self.settings)
        self.sites = Thing(strongroom=Room())
        self.team: Any = None
        self.peers = Thing(say=lambda *words: True, many=1)

    def __call__(self, name: str, options: Any, tenant: str = HOME) -> Any:
        return tenant, options

    def address(self, tenant: str) -> str:
        return "https://bot.example" + ("" if tenant == HOME else f"/tenants/{tenant}")


def tidy_into(tidied: list[str]) -> Callable[[str], Awaitable[None]]:
    """Writes down whose channels were looked over."""

    async def tidy(tenant: str) -> None:
        tidied.append(tenant)

    return tidy


def owner(id_: str, tenant: str) -> Person:
    return Person(id=id_, tenant=tenant, name=id_, role=Role.OWNER, created_at=StillClock().now())  # type: ignore[arg-type]


async def test_a_platform_is_connected_and_let_go_by_its_own_tenant_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # There is no platform in the tree that needs no account; what is looked at is who may.
    monkeypatch.setattr("bot.wiring.connecting.channel_names", lambda: ("pigeon",))
    monkeypatch.setattr(
        "bot.wiring.connecting.channel_offer", lambda n, lent: Thing(make=lambda: lent)
    )
    room, lend = Room(), Lend()
    heard: dict[str, Any] = {}

    def remove(tenant: str, name: str) -> None:
        del heard[tenant]

    connecting = Connecting(room, lend)  # type: ignore[arg-type]
    tidied: list[str] = []
    listeners = Thing(put=heard.__setitem__, remove=remove, states=lambda tenant: [])
    listeners.tidy, listeners.check_free = tidy_into(tidied), lambda tenant, channel: None
    connecting.listeners = listeners  # type: ignore[assignment]
    home, away = owner(OLGA, HOME), owner(EVE, AWAY)
    mine, theirs = {"token": "mine"}, {"token": "theirs"}
    await connecting.put(home, "pigeon", mine)
    with pytest.raises(NotFound, match="not connected"):
        await connecting.remove(away, "pigeon")
    assert heard == {HOME: (HOME, mine)}
    await connecting.put(away, "pigeon", theirs)
    assert heard == {HOME: (HOME, mine), AWAY: (AWAY, theirs)}
    assert list(room.kept) == [(HOME, "pigeon"), (AWAY, "pigeon")]
    for who in (home, away):
        names = [str(each["name"]) for each in await connecting.listed(who)]
        assert names == ["pigeon", "stripe", "wordpress", "ghost"]
    await connecting.remove(away, "pigeon")
    assert heard == {HOME: (HOME, mine)}, "the other's goes on"
    assert tidied == [AWAY], "what ailed it ails nobody any more"
    assert len(await lend.db.read(audit.entries(AWAY, 0, 10))) == 2
    assert len(await lend.db.read(audit.entries(HOME, 0, 10))) == 1


async def test_a_platform_connected_anew_has_another_name_which_says_nothing_of_its_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.wiring.connecting.channel_names", lambda: ("discord",))
    monkeypatch.setattr(
        "bot.wiring.connecting.channel_offer", lambda n, lent: Thing(make=lambda: lent)
    )
    lend = Lend()
    connecting = Connecting(Room(), lend)  # type: ignore[arg-type]
    listeners = Thing(put=lambda *what: None, remove=lambda *what: None, states=lambda tenant: [])
    listeners.tidy, listeners.check_free = tidy_into([]), lambda tenant, channel: None
    connecting.listeners = listeners  # type: ignore[assignment]
    away = owner(EVE, AWAY)
    assert connecting.connected(AWAY, ":discord") == ""
    names = set()
    for token in ("first", "second"):
        await connecting.put(away, "discord", {"token": token})
        names.add(name := connecting.connected(AWAY, ":discord"))
        assert name == connecting.connected(AWAY, ":guild") and token not in name
        assert connecting.connected(AWAY, "discord") == connecting.connected(AWAY, ":slack") == ""
    assert len(names) == 2 and connecting.connected(HOME, ":discord") == ""
    await connecting.remove(away, "discord")
    assert connecting.connected(AWAY, ":discord") == ""
    lend.settings.channels["discord"] = {"token": "of the settings"}
    again = Connecting(Room(), lend)  # type: ignore[arg-type]
    assert again.connected(HOME, ":discord").startswith("discord:")
    assert again.connected(AWAY, ":discord") == ""


@pytest.mark.parametrize(
    ("file", "first", "same", "other"),
    [
        (
            "slack",
            {"bot_token": "xoxb-1", "app_token": "xapp-1"},
            {"app_token": "xapp-2", "signing_secret": "s", "match_emails": "shop.example"},
            {"bot_token": "xoxb-2"},
        ),
        (
            "telegram",
            {"token": "1:a"},
            {"mode": "webhook", "webhook_secret": "w"},
            {"token": "2:a"},
        ),
        (
            "discord",
            {"token": "a"},
            {"message_content": True, "commands": False, "public_key": "ab", "guild_id": "1"},
            {"token": "b"},
        ),
        ("guild", {"token": "a", "guild_id": "1"}, {"commands": False}, {"guild_id": "2"}),
        (
            "teams",
            {"app_id": "a", "app_secret": "s", "tenant_id": "t"},
            {"app_secret": "renewed"},
            {"tenant_id": "u"},
        ),
        (
            "sms",
            {"account_sid": "AC1", "auth_token": "a", "numbers": "+1555"},
            {"auth_token": "b", "help_text": "Write STOP."},
            {"numbers": "+1556"},
        ),
        (
            "email",
            {"address": "a@b.example", "smtp_host": "h", "smtp_username": "u"},
            {"smtp_password": "p", "per_hour": 9, "imap_host": "i"},
            {"address": "c@b.example"},
        ),
    ],
)
def test_a_yes_outlives_another_option_and_never_another_account(
    file: str, first: dict[str, Any], same: dict[str, Any], other: dict[str, Any]
) -> None:
    lend = Lend()
    connecting = Connecting(Room(), lend)  # type: ignore[arg-type]
    platform = {"guild": "discord"}.get(file, file)

    def named(options: dict[str, Any]) -> str:
        connecting._heard[AWAY, platform] = options
        return connecting.connected(AWAY, f":{file}")

    assert named(first)
    for key, value in same.items():
        assert named({**first, key: value}) == named(first), key
    assert named({**first, **other}) != named(first)


def test_what_only_agents_apps_connected_is_connected() -> None:
    connecting = Connecting(Room(), Lend())  # type: ignore[arg-type]
    connecting._heard[AWAY, "slack"] = {"agent_apps": True}
    assert connecting.connected(AWAY, ":slack")


def test_a_manifest_names_the_address_at_which_the_app_is_heard() -> None:
    """A tenant's app below its own; an agent's at the first tenant's, whose channel hears all."""
    lend = Lend()
    lend.team = Thing(get=lambda tenant, name: Thing(name=name, title="Plans"))
    connecting = Connecting(Room(), lend)  # type: ignore[arg-type]
    away = owner(EVE, AWAY)
    for agent, address in (
        ("", f"https://bot.example/tenants/{AWAY}/webhooks/slack/events"),
        ("kelly", "https://bot.example/webhooks/slack/kelly/events"),
    ):
        found: Any = connecting.manifest(away, "slack", False, agent)["manifest"]
        assert found["settings"]["event_subscriptions"]["request_url"] == address


async def test_an_agent_s_app_that_fails_takes_no_platform_away_that_was_connected_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.wiring.connecting.channel_names", lambda: ("pigeon",))
    monkeypatch.setattr("bot.wiring.connecting.channel_own", lambda name: [{"name": "token"}])
    monkeypatch.setattr(
        "bot.wiring.connecting.channel_offer", lambda n, lent: Thing(make=lambda: lent)
    )
    room, lend, mine = Room(), Lend(), {"token": "mine"}
    lend.team = Thing(get=lambda tenant, name: Thing(name=name, title="Plans"))
    heard: dict[str, Any] = {}
    connecting = Connecting(room, lend)  # type: ignore[arg-type]
    listeners = Thing(put=heard.__setitem__, of=lambda tenant, name: heard.get(tenant))
    listeners.remove = lambda tenant, name: heard.pop(tenant)
    listeners.tidy, listeners.check_free = tidy_into([]), lambda tenant, channel: None
    connecting.listeners = listeners  # type: ignore[assignment]
    home = owner(OLGA, HOME)

    class Busy:
        async def own(self, *words: object) -> None:
            await connecting.put(home, "pigeon", mine)
            raise Invalid("Slack does not know this token.")

    monkeypatch.setattr(Connecting, "installing", Busy())
    with pytest.raises(Invalid, match="does not know"):
        await connecting.own(home, "pigeon", "kelly", {"token": "no"})
    assert heard == {HOME: (HOME, mine)}


async def test_what_another_process_sealed_before_it_was_killed_is_listened_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.wiring.connecting.LOOK_S", 0.01)
    monkeypatch.setattr("bot.wiring.connecting.channel_names", lambda: ("pigeon",))
    monkeypatch.setattr("bot.wiring.connecting.channel_offer", lambda n, lent: lent)
    room, lend = Room(), Lend()
    heard: dict[str, Any] = {}
    await lend.db.write(people.add_tenant(AWAY, "Away", 1))
    connecting = Connecting(room, lend)  # type: ignore[arg-type]
    tidied: list[str] = []
    listeners = Thing(take=heard.__setitem__, remove=lambda whose, _: heard.pop(whose))
    listeners.tidy = tidy_into(tidied)
    connecting.listeners = listeners  # type: ignore[assignment]
    watching = asyncio.ensure_future(connecting.watch())
    for token in ("theirs", "newer", ""):
        sealed = Secret(json.dumps({"token": token}) if token else "")
        await room.put(AWAY, "pigeon", "channel", sealed)
        wanted = {AWAY: (AWAY, {"token": token})} if token else {}
        async with asyncio.timeout(10):
            while heard != wanted:
                await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert AWAY in tidied


@pytest.mark.parametrize("many", [1, 2])
async def test_a_process_that_lacks_a_platform_does_not_forget_what_ails_it_at_another(
    monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """Its package may be absent here alone: owners would be told anew with every look."""
    monkeypatch.setattr("bot.wiring.connecting.channel_names", lambda: ())
    monkeypatch.setattr("bot.wiring.connecting.channel_offer", lambda n, lent: lent)
    room, lend = Room(), Lend()
    lend.peers.many = many
    await lend.db.write(people.add_tenant(AWAY, "Away", 1))
    connecting = Connecting(room, lend)  # type: ignore[arg-type]
    tidied: list[str] = []
    connecting.listeners = Thing(take=lambda *_: False, remove=lambda *_: None)  # type: ignore[assignment]
    connecting.listeners.tidy = tidy_into(tidied)  # type: ignore[method-assign, assignment]
    await room.put(AWAY, "pigeon", "channel", Secret(json.dumps({"token": "one"})))
    for _ in range(2):
        await connecting.look()
    assert bool(tidied) is (many == 1)
    tidied.clear()
    await room.put(AWAY, "pigeon", "channel", Secret(""))
    await connecting.look()
    assert AWAY in tidied


async def test_a_token_that_one_tenant_lets_go_of_is_another_s_in_any_order(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What a process sees at one look, it may see in the wrong order."""

    def offer(name: str, lent: Any) -> Offer:
        channel = FakeChannel(name=name)
        channel.sole = lent[1]["token"]  # type: ignore[attr-defined]
        return Offer(name=name, make=lambda: channel)

    monkeypatch.setattr("bot.wiring.connecting.channel_names", lambda: ())
    monkeypatch.setattr("bot.wiring.connecting.channel_offer", offer)
    room, lend = Room(), Lend()
    for tenant in ("ten_a", "ten_b"):
        await lend.db.write(people.add_tenant(tenant, tenant, 1))
    connecting = Connecting(room, lend)  # type: ignore[arg-type]
    listeners = Listeners([], HOME, lend.clock)
    connecting.listeners = listeners
    one = Secret(json.dumps({"token": "one"}))
    await room.put("ten_b", "pigeon", "channel", one)
    await connecting.look()
    await room.put("ten_a", "pigeon", "channel", one)
    for _ in range(3):
        await connecting.look()
    assert listeners.of("ten_a", "pigeon") is None and listeners.of("ten_b", "pigeon") is not None
    assert caplog.text.count("pigeon is off") == 1, "it is said once"
    await room.put("ten_b", "pigeon", "channel", Secret(""))
    for _ in range(2):
        await connecting.look()
    assert listeners.of("ten_a", "pigeon") is not None and listeners.of("ten_b", "pigeon") is None
    assert [state["up"] for state in listeners.states("ten_a")] == [False], "it starts"
