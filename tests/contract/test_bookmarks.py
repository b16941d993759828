"""How far channels have read, on both databases: the last word counts, and each has its own."""

from bot.core.ids import TenantId
from bot.platforms.bookmarks import Kept
from bot.store.script import Database
from tests.fakes.clock import StillClock

HOME, AWAY = TenantId("ten_home"), TenantId("ten_away")


async def test_what_is_kept_is_read_again_by_its_tenant_and_channel_alone(kept: Database) -> None:
    clock = StillClock()
    home = Kept(kept, clock, HOME, "email")
    assert await home.read("graph:a") is None
    await home.keep("graph:a", "one")
    await home.keep("graph:a", "two")
    assert await home.read("graph:a") == ("two", clock.now())
    others = (Kept(kept, clock, AWAY, "email"), Kept(kept, clock, HOME, "slack"))
    for other in others:
        assert await other.read("graph:a") is None
        await other.keep("graph:a", "theirs")
    assert await home.read("graph:a") == ("two", clock.now())
    assert await home.read("graph:b") is None
