"""A tenant is carried by its own channels, and by the first tenant's only where its app is installed."""

from bot.platforms.carriers import Carriers
from tests.fakes.channel import FakeChannel
from tests.fakes.switchboard import AWAY, HOME

INSTALLED = "app:A1/T1"


class Shared(FakeChannel):
    """One whose app can be installed elsewhere."""

    manifest_version = 1


def test_its_own_goes_before_all() -> None:
    mine, theirs = Shared(name="slack"), FakeChannel(name="slack")
    carriers = Carriers(HOME, {"slack": mine})
    assert carriers.get(AWAY, "slack", INSTALLED) is mine, "its workspace has installed the app"
    carriers.put(AWAY, theirs)
    assert carriers.get(AWAY, "slack", "T2") is theirs
    assert carriers.get(AWAY, "slack", INSTALLED) is mine, "both of it go on side by side"
    assert carriers.get(HOME, "slack", "T1") is mine
    carriers.drop(AWAY, "slack")
    assert carriers.get(AWAY, "slack", "T2") is None, "nobody speaks with another's token"
    assert carriers.own(AWAY, "slack") is None


def test_what_is_lost_is_not_carried_by_somebody_else() -> None:
    carriers = Carriers(HOME, {"telegram": FakeChannel(name="telegram")})
    carriers.put(AWAY, FakeChannel(name="telegram"))
    carriers.drop(AWAY, "telegram")
    assert carriers.get(AWAY, "telegram", "7") is None
    assert carriers.get(HOME, "telegram", "7") is not None


def test_a_guest_s_channel_carries_nobody_else() -> None:
    theirs = Shared(name="slack")
    carriers = Carriers(HOME, {})
    carriers.put(AWAY, theirs)
    assert carriers.get(HOME, "slack", INSTALLED) is None
    assert not carriers.carries_others(AWAY, theirs)
    assert carriers.all() == [(AWAY, theirs)]
