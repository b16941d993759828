"""One deed at Stripe, in steps of which each happens once.

Every step is sent with the effect's id and its own name as its key, and what it made is kept before
the next begins. So a deed that broke off goes on where it stopped: within a day by the keys, which
Stripe remembers, later by what is found under `metadata[effect]`.
"""

from datetime import datetime, timedelta

from bot.core.canonical import Json
from bot.core.effect import EffectState, Outcome
from bot.core.errors import Conflict, OperatorError, VendorRefused
from bot.core.times import iso
from bot.core.tool import ToolContext
from tools.payments import _limits
from tools.payments._api import Api, Form, Object, text
from tools.payments._settings import Held, Till, mode_of

KEY_KNOWN = timedelta(hours=23)
"""Stripe prunes a key "after at least 24 hours"; an hour is left for slow clocks.
https://docs.stripe.com/api/idempotent_requests (read 2026-11-21)"""
BEGAN, BY = "began", "by"
"""When a deed began, and by which key: that another finds its first answers is not documented."""
TEST = "test mode: no money moves"


def till_of(ctx: ToolContext) -> Till:
    """What the house lent. Raises OperatorError where it lends nothing."""
    if not isinstance(ctx.settings, Till):
        raise OperatorError("Stripe is not connected. Connect it with `bot connect stripe`.")
    return ctx.settings


async def open_api(ctx: ToolContext) -> Api:
    """Stripe with the tenant's key. Raises OperatorError where there is none, and Conflict where it
    is another than the deed was asked for with.
    """
    till, held = till_of(ctx), await _held(ctx)
    return Api(fetcher=till.fetcher, base=till.base, key=held.key)


async def _held(ctx: ToolContext) -> Held:
    """What the tenant is paid with. Raises as `open_api` does."""
    held = await till_of(ctx).held(ctx.tenant)
    if not held:
        raise OperatorError("Stripe is not connected. Connect it with `bot connect stripe`.")
    began_by = ctx.progress.get(BY, held.mark)
    if ctx.effect and ((ctx.connection or held.name) != held.name or began_by != held.mark):
        raise Conflict(
            "Stripe was connected anew since this was asked for, so nothing was done with the key "
            "that is there now. Ask for it again."
        )
    return held


async def mode_now(ctx: ToolContext) -> str:
    """`test`, `live`, or empty where Stripe is not connected and the sandbox performs."""
    held = await ctx.settings.held(ctx.tenant) if isinstance(ctx.settings, Till) else None
    return mode_of(held.key) if held else ""


class Deed:
    """One effect on its way."""

    def __init__(self, ctx: ToolContext, api: Api) -> None:
        self._ctx = ctx
        self.api = api
        self.done: dict[str, Json] = dict(ctx.progress)

    @property
    def is_young(self) -> bool:
        """Stripe still knows the keys of its first steps."""
        began = self.done.get(BEGAN)
        if not isinstance(began, str):
            return False
        return self._ctx.clock.now() - datetime.fromisoformat(began) < KEY_KNOWN

    def ref(self, name: str) -> str:
        """The id of what a step made; empty before it."""
        return str(self.done.get(name) or "")

    async def keep(self, name: str, value: str) -> None:
        """Keep what a step made."""
        self.done[name] = value
        if self._ctx.save is not None:
            await self._ctx.save(self.done)

    async def step(self, name: str, path: str, form: Form, *, marked: bool = True) -> str:
        """Do one step once and return the id of what it made; `marked` things carry the effect."""
        if there := self.ref(name):
            return there
        told = {**form, "metadata": {"effect": self._ctx.key}} if marked else form
        try:
            found = await self.api.post(path, told, f"{self._ctx.key}:{name}")
        except VendorRefused as error:
            raise VendorRefused(
                error.message + self._left(), retry_after_s=error.retry_after_s
            ) from error
        await self.keep(name, text(found, "id") or "done")
        return self.ref(name)

    async def mine(self, path: str, query: Form) -> Object | None:
        """What this effect made, looked for in a list, which is up to date at once."""
        for item in await self.api.every(path, query):
            if text(item, "metadata", "effect") == self._ctx.key:
                return item
        return None

    def _left(self) -> str:
        """What earlier steps left behind, in words."""
        made = [f"{name} {ref}" for name, ref in self.done.items() if name not in (BEGAN, BY)]
        return f" Done before that: {', '.join(made)}." if made else ""


async def begin(ctx: ToolContext, mode: str, sum_: _limits.Sum | None = None) -> Deed:
    """Begin a deed, or go on with it. Raises LimitReached, OperatorError, VendorRefused."""
    till, held = till_of(ctx), await _held(ctx)
    deed = Deed(ctx, Api(fetcher=till.fetcher, base=till.base, key=held.key))
    if mode and mode != mode_of(deed.api.key):
        raise VendorRefused(
            f"This was approved for Stripe's {mode} mode, and another key is connected now. "
            "Nothing was done; ask for it anew."
        )
    if BEGAN not in deed.done:
        if sum_ is not None:
            await _limits.check(ctx, till, sum_)
        deed.done[BY] = held.mark
        await deed.keep(BEGAN, iso(ctx.clock.now()))
    return deed


def sent(ref: str, data: str, url: str = "") -> Outcome:
    """It is done."""
    return Outcome(state=EffectState.SENT, vendor_ref=ref, url=url, data=data)
