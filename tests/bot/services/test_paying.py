"""Stripe connected: the key is tried before it is kept, sealed, and each tenant's own."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.ids import TenantId
from bot.core.people import Person, Role
from bot.core.secret import Secret
from bot.fetch.client import WebFetcher
from bot.infra.clock import SystemClock
from bot.keyring import ring_of
from bot.services.paying import Around, Paying
from bot.settings import Settings
from bot.strongroom import StoredKeys, Strongroom
from bot.vault import Vault
from tests.fakes.database import Disk, InlineDatabase
from tests.fakes.stripe_server import StripeServer
from tests.fakes.switchboard import AWAY, EVE, HOME, OLGA, image


@pytest.fixture
async def stripe() -> AsyncIterator[StripeServer]:
    async with StripeServer() as server:
        yield server


def owner(tenant: TenantId = HOME) -> Person:
    """Who connects it."""
    now = SystemClock().now()
    who = OLGA if tenant == HOME else EVE
    return Person(id=who, tenant=tenant, name="Olga", role=Role.OWNER, created_at=now)


class House:
    """What stands around a connection, on one database."""

    def __init__(self, stripe: StripeServer) -> None:
        self.db = InlineDatabase(Disk(image()))
        self.clock = SystemClock()
        self.stripe = stripe
        self.changes = 0

    async def paying(self, **section: Any) -> Paying:
        """A process that is begun on it."""
        vault = Vault(ring_of(Secret("ab" * 32)), StoredKeys(self.db), self.clock)
        await vault.start()
        where = urlsplit(self.stripe.base)
        settings = Settings.model_validate(
            {"payments": section, "endpoint": {"stripe": self.stripe.base}}
        )
        made = Paying(
            Around(
                db=self.db,
                clock=self.clock,
                strongroom=Strongroom(self.db, self.clock, vault, lambda secret: None),
                fetcher=WebFetcher(allow=[(where.hostname or "", where.port or 0)]),
                settings=settings,
                home=HOME,
                changed=self._changed,
            )
        )
        await made.load()
        return made

    def _changed(self) -> None:
        self.changes += 1


async def test_a_key_is_tried_sealed_and_found_again(stripe: StripeServer) -> None:
    house = House(stripe)
    paying = await house.paying()
    assert paying.connected(HOME, "stripe") == ""
    await paying.put(owner(), {"key": f" {stripe.key} "})
    assert stripe.asked("GET /v1/balance") and house.changes == 1
    for again in (paying, await house.paying()):
        assert again.connected(HOME, "stripe") == "stripe:test:acct_1Played"
        assert again.connected(HOME, "x") == again.connected(AWAY, "stripe") == ""
        assert await again.key(HOME) == Secret(stripe.key) and await again.key(AWAY) is None
        assert again.listed(owner())["detail"] == "test mode: no money moves"
        assert again.listed(owner(AWAY))["up"] is False
    assert stripe.key not in str(house.db.disk.all("SELECT value FROM sealed"))
    await paying.remove(owner())
    assert (
        paying.connected(HOME, "stripe") == (await house.paying()).connected(HOME, "stripe") == ""
    )
    with pytest.raises(NotFound):
        await paying.remove(owner())


async def test_a_key_that_cannot_be_opened_does_not_keep_the_house_from_starting(
    stripe: StripeServer,
) -> None:
    house = House(stripe)
    await (await house.paying()).put(owner(), {"key": stripe.key})
    house.db.disk.conn.execute("UPDATE sealed SET value = 'v1.x.y.z' WHERE provider = 'stripe'")
    again = await house.paying()
    assert again.connected(HOME, "stripe") == ""
    await again.put(owner(), {"key": stripe.key})
    assert again.connected(HOME, "stripe").startswith("stripe:test:")


@pytest.mark.parametrize(
    ("account", "count"), [("", 2), ("acct_1Played", 1), ("acct_1/../x", 2), ("1", 2)]
)
async def test_another_key_of_one_account_is_the_same_connection_where_it_says_whose_it_is(
    stripe: StripeServer, account: str, count: int
) -> None:
    paying = await House(stripe).paying()
    names, marks = set(), set()
    stripe.account = account
    for more in ("", "_b"):
        stripe.key += more
        await paying.put(owner(), {"key": stripe.key})
        held = await paying.till().held(HOME)
        assert held and held.key.reveal() == stripe.key
        assert held.name == paying.connected(HOME, "stripe")
        assert held.name.startswith("stripe:test:")
        assert stripe.key[8:] not in held.name + held.mark
        names.add(held.name)
        marks.add(held.mark)
    assert (len(names), len(marks)) == (count, 2)


async def test_another_account_and_the_other_mode_are_other_connections(
    stripe: StripeServer,
) -> None:
    paying = await House(stripe).paying()
    names = set()
    for account, key in (("acct_a", "sk_test_1"), ("acct_b", "sk_test_2"), ("acct_b", "sk_live_1")):
        stripe.account, stripe.key = account, key
        await paying.put(owner(), {"key": key})
        names.add(paying.connected(HOME, "stripe"))
    assert names == {"stripe:test:acct_a", "stripe:test:acct_b", "stripe:live:acct_b"}


async def test_what_was_kept_before_accounts_were_asked_for_is_called_by_its_key(
    stripe: StripeServer,
) -> None:
    house = House(stripe)
    stripe.account = ""
    paying = await house.paying()
    await paying.put(owner(), {"key": stripe.key})
    name = paying.connected(HOME, "stripe")
    kept = Secret(json.dumps({"key": stripe.key, "webhook_secret": ""}))
    await paying._a.strongroom.put(HOME, "stripe", "payments", kept)
    assert (await house.paying()).connected(HOME, "stripe") == name


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key": "pk_test_1"}, "begins with pk_"),
        ({"key": ""}, "no secret key"),
        ({"key": "sk_test_unknown"}, "does not know this key"),
        ({"key": "sk_test_a\nb"}, "no secret key"),
        ({"key": "sk_test_1", "secret": "x"}, "not secret"),
        ({"key": "{key}", "webhook_secret": "abc"}, "whsec_"),
    ],
)
async def test_what_does_not_work_is_not_kept(
    stripe: StripeServer, options: dict[str, str], words: str
) -> None:
    paying = await House(stripe).paying()
    told = {name: value.replace("{key}", stripe.key) for name, value in options.items()}
    with pytest.raises(Invalid, match=words):
        await paying.put(owner(), told)
    assert await paying.key(HOME) is None
    assert paying.connected(HOME, "stripe") == ""


async def test_a_key_that_cannot_be_tried_is_not_kept(stripe: StripeServer) -> None:
    paying = await House(stripe).paying()
    stripe.order("GET /v1/balance", "503_before")
    with pytest.raises(Invalid, match="could not be tried"):
        await paying.put(owner(), {"key": stripe.key})
    assert await paying.key(HOME) is None


async def test_a_key_in_the_settings_is_the_first_tenants_alone(stripe: StripeServer) -> None:
    paying = await House(stripe).paying(stripe_key=stripe.key)
    assert paying.connected(HOME, "stripe").startswith("stripe:test:")
    assert paying.connected(AWAY, "stripe") == ""
    with pytest.raises(Conflict, match="settings"):
        await paying.put(owner(), {"key": stripe.key})
    stripe.account = ""
    await paying.put(owner(AWAY), {"key": stripe.key})
    assert paying.connected(AWAY, "stripe") == paying.connected(HOME, "stripe")
