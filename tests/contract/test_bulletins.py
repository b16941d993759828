"""Where each kind of message goes, on both databases: one place for a kind, within a tenant."""

from bot.store import bulletins
from bot.store.bulletins import Bulletin
from bot.store.script import Database
from tests.contract.test_mcp_tools import AWAY, HOME, db

__all__ = ["db"]
OPS = Bulletin(kind="alarms", channel="slack", place="C1", name="#ops")
NIGHT = Bulletin(kind="alarms", channel="slack", place="C2", name="#night")
OTHER = Bulletin(kind="alarms", channel="discord", place="1", name="#ops")


async def test_a_kind_has_one_place_on_each_platform_and_no_other_tenant_sees_it(
    db: Database,  # noqa: F811
) -> None:
    for item in (OPS, OTHER, NIGHT, NIGHT):
        await db.write(bulletins.put(HOME, item, 1, "person:per_ana"))
    assert await db.read(bulletins.listed(HOME)) == [OTHER, NIGHT]
    assert await db.read(bulletins.listed(AWAY)) == []
    assert not await db.write(bulletins.remove(AWAY, "slack", "alarms", 2, "person:per_eve"))
    assert await db.write(bulletins.remove(HOME, "slack", "alarms", 2, "person:per_ana"))
    assert not await db.write(bulletins.remove(HOME, "slack", "alarms", 2, "person:per_ana"))
    assert await db.read(bulletins.listed(HOME)) == [OTHER]
