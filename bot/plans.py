"""What was approved for later, as agents see and stop it. The ledger itself does it at its time."""

from collections.abc import Sequence
from datetime import datetime

from bot.core.effect import Effect
from bot.core.errors import NotFound
from bot.core.ports import Clock, new_id
from bot.core.times import to_us
from bot.core.tool import ToolContext
from bot.store import decisions, plans
from bot.store.script import Database


class Plans:
    """Deeds that wait for their time."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def waiting(
        self, ctx: ToolContext, *, everywhere: bool = False
    ) -> Sequence[tuple[datetime, Effect]]:
        """Those of this conversation, or all that the person may take back, the next first."""
        now = to_us(self._clock.now())
        if everywhere:
            return await self._db.read(plans.theirs(ctx.tenant, ctx.person or "", now))
        return await self._db.read(plans.waiting(ctx.tenant, ctx.conv, now))

    async def one(self, ctx: ToolContext, id_: str) -> tuple[datetime, Effect]:
        """One of this conversation, or of the person's; and when it is due. Raises NotFound."""
        now, who = to_us(self._clock.now()), ctx.person or ""
        if found := await self._db.read(plans.one(ctx.tenant, ctx.conv, who, id_, now)):
            return found
        if await self.is_taken_back(ctx, id_):
            raise NotFound("It was taken back before. It will not go out.")
        raise NotFound("Nothing of that id waits for its time here; it may have gone out.")

    async def take_back(self, ctx: ToolContext, id_: str) -> Effect:
        """Stop one. Raises NotFound, and Forbidden for whose it is not."""
        _, item = await self.one(ctx, id_)
        ids = decisions.Ids(
            event=new_id(self._clock, "evt"),
            conv=new_id(self._clock, "cnv"),
            line=new_id(self._clock, "msg"),
        )
        who, at = (ctx.person or "", ctx.agent), to_us(self._clock.now())
        if not await self._db.write(plans.take_back(item, *who, at, ids)):
            raise NotFound("It has begun, or was taken back before.")
        return item

    async def is_taken_back(self, ctx: ToolContext, id_: str) -> bool:
        """Whether one of this conversation, or of the person's, will never be done."""
        who = ctx.person or ""
        return await self._db.read(plans.is_taken_back(ctx.tenant, ctx.conv, who, id_))
