"""An owner of another tenant has no say over the platforms that the first one listens to (A18, E9)."""

from types import SimpleNamespace as Thing
from typing import Any

import pytest

from bot.config.sections import Payments
from bot.connecting import Connecting
from bot.core.errors import NotFound
from bot.core.people import Person, Role
from bot.core.secret import Secret
from bot.store import audit
from tests.fakes.clock import StillClock
from tests.fakes.database import InlineDatabase
from tests.fakes.switchboard import AWAY, EVE, HOME, OLGA


class Room:
    """What is sealed, by tenant and name."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Secret] = {}

    async def put(self, tenant: str, name: str, field: str, secret: Secret) -> None:
        self.kept[tenant, name] = secret

    async def get(self, tenant: str, name: str, field: str) -> Secret | None:
        return self.kept.get((tenant, name))


class Lend:
    """What channels are lent."""

    def __init__(self) -> None:
        self.tenant, self.clock, self.db = HOME, StillClock(), InlineDatabase()
        self.settings = Thing(channels={}, endpoint={}, payments=Payments())
        self.payments = Thing(settings=self.settings)

    def __call__(self, name: str, options: Any) -> Any:
        return options


def owner(id_: str, tenant: str) -> Person:
    return Person(id=id_, tenant=tenant, name=id_, role=Role.OWNER, created_at=StillClock().now())  # type: ignore[arg-type]


async def test_a_platform_is_connected_and_let_go_by_its_own_tenant_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # There is no platform in the tree that needs no account; what is looked at is who may.
    monkeypatch.setattr("bot.connecting.channel_names", lambda: ("pigeon",))
    monkeypatch.setattr("bot.connecting.channel_offer", lambda n, lent: Thing(make=lambda: lent))
    room, lend, heard = Room(), Lend(), list[Any]()
    connecting = Connecting(room, lend)  # type: ignore[arg-type]
    connecting.ears = Thing(put=heard.append, remove=heard.remove, states=list)  # type: ignore[assignment]
    home, away = owner(OLGA, HOME), owner(EVE, AWAY)
    mine, theirs = {"token": "mine"}, {"token": "theirs"}
    with pytest.raises(NotFound, match="first workspace"):
        await connecting.put(away, "pigeon", theirs)
    assert (heard, room.kept) == ([], {})
    await connecting.put(home, "pigeon", mine)  # the control: its own owner may
    for wrong in (connecting.put(away, "pigeon", theirs), connecting.remove(away, "pigeon")):
        with pytest.raises(NotFound, match="first workspace"):
            await wrong
    names = [str(each["name"]) for each in await connecting.listed(home)]
    assert names == ["pigeon", "stripe"]  # whoever is paid is each tenant's own
    assert [each["name"] for each in await connecting.listed(away)] == ["stripe"]
    assert heard == [mine]
    assert list(room.kept) == [(HOME, "pigeon")]
    assert await lend.db.read(audit.entries(AWAY, 0, 10)) == []
