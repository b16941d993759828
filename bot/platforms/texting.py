"""Text messages as the house keeps them: whose numbers, who may be texted, what became of each.

`Book` is one tenant's; a channel for text messages is lent it, and keeps nothing itself. `Phone` is
what the tool that texts gets: the channel that sends, and the number that an agent sends from.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bot.core.channel import Channel
from bot.core.errors import OperatorError, VendorRefused
from bot.core.ids import AgentName, TenantId
from bot.core.ports import Clock, new_id
from bot.core.times import to_us
from bot.frozen import frozen
from bot.store import bindings, clearing, phone_numbers, texts, undelivered
from bot.store.decisions import Ids
from bot.store.phone_numbers import Number
from bot.store.script import Database
from bot.store.texts import OptOut, Texted, Thread

NAME: Final = "sms"
"""The channel's name."""
LATEST: Final = 2**62
CLEARED_FOR_US: Final = 30 * 86_400 * 1_000_000
"""How long it is tried to remove pictures, in microseconds."""
NOT_CONNECTED: Final = (
    "No phone number is connected here, so nothing was texted. An owner connects one with "
    "`bot connect sms`."
)


class OptedOut(VendorRefused):
    """They do not want to be texted from this number."""

    status = 409
    """Nothing failed: it is what they asked for."""


class Book:
    """What one tenant texts."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        tenant: TenantId,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`wake` is called when a conversation has something new to hear."""
        self._db, self._clock, self._tenant, self._wake = db, clock, tenant, wake

    def now(self) -> int:
        """Microseconds since 1970."""
        return to_us(self._clock.now())

    async def numbers(self) -> Sequence[Number]:
        """Our numbers, those that are gone as well."""
        return await self._db.read(phone_numbers.numbers(self._tenant))

    async def keep_numbers(self, found: Sequence[Number]) -> None:
        """Write down what the provider lists."""
        await self._db.write(phone_numbers.keep_numbers(self._tenant, found, self.now()))

    async def set_number(
        self, number: str, changes: Mapping[str, str | bool], actor: str
    ) -> Number:
        """Change `purpose` or `default` of a number. Raises NotFound."""
        script = phone_numbers.set_number(self._tenant, number, changes, actor, self.now())
        return await self._db.write(script)

    async def number_of(self, agent: AgentName) -> str:
        """The number that an agent sends from: the one that a route gives it, else the default.

        Raises OperatorError when there is none.
        """
        ours = {item.number: item for item in await self.numbers() if item.state == "ours"}
        for rule in await self._db.read(bindings.listed(self._tenant)):
            if rule.agent == agent and rule.channel in ("", NAME) and rule.address in ours:
                return rule.address
        usual = sorted(ours.values(), key=lambda item: (not item.is_default, item.number))
        if not usual:
            raise OperatorError(NOT_CONNECTED)
        return usual[0].number

    async def agents(self) -> dict[str, str]:
        """Which agent a route gives each number."""
        rules = await self._db.read(bindings.listed(self._tenant))
        return {
            rule.address: rule.agent
            for rule in rules
            if rule.address and rule.channel in ("", NAME)
        }

    async def threads(self, before: int = LATEST, limit: int = 100) -> Sequence[Thread]:
        """Threads, the newest first."""
        return await self._db.read(texts.threads(self._tenant, before, limit))

    async def messages(self, number: str, contact: str, limit: int = 100) -> Sequence[Texted]:
        """The newest messages of a thread."""
        return await self._db.read(texts.of_thread(self._tenant, number, contact, limit))

    async def brought(self) -> Sequence[str]:
        """The provider's ids of texts whose pictures are kept here and still there as well."""
        since = self.now() - CLEARED_FOR_US
        return await self._db.read(clearing.ready(self._tenant, NAME, since))

    async def cleared(self, sid: str) -> None:
        """The provider has the pictures of this text no more."""
        await self._db.write(clearing.cleared(self._tenant, sid, self.now()))

    async def opt_outs(self, limit: int = 1000) -> Sequence[OptOut]:
        """Who opted out or in, the newest first."""
        return await self._db.read(texts.opt_outs(self._tenant, limit))

    async def blocked(self, number: str, contact: str) -> OptOut | None:
        """Why somebody may not be texted; None when they may."""
        return await self._db.read(texts.blocked(self._tenant, number, contact))

    async def heard(self, item: Texted, said: OptOut | None = None) -> bool:
        """Write down what came in; False for a repeat."""
        return await self._db.write(texts.heard(self._tenant, item, said))

    async def one(self, id_: str) -> Texted | None:
        """A message of ours by its id."""
        return await self._db.read(texts.one(self._tenant, id_))

    async def holder(self, sid: str) -> str:
        """Which message of ours a message of the provider is; empty when none."""
        return await self._db.read(texts.holder(self._tenant, sid))

    async def begin(self, item: Texted) -> OptOut | Texted | None:
        """Write a message as leaving; else the opt-out against it, or what left before."""
        return await self._db.write(texts.begin(self._tenant, item))

    async def refused(self, id_: str, error: str, out: OptOut | None = None) -> None:
        """It surely did not leave; `out` when that was because they opted out."""
        await self._db.write(texts.refused(self._tenant, id_, error, self.now(), out))

    async def moved(self, found: Texted) -> bool:
        """Bring a message forward; when it did not arrive, whoever asked for it is told."""
        ids = Ids(
            event=new_id(self._clock, "evt"),
            conv=new_id(self._clock, "cnv"),
            line=new_id(self._clock, "msg"),
        )
        script = undelivered.moved(self._tenant, found, self.now(), ids)
        is_new, is_told = await self._db.write(script)
        if is_told:
            self._wake()
        return is_new

    async def undelivered(self, before: int = LATEST, limit: int = 100) -> Sequence[Texted]:
        """Texts that did not arrive, the latest first."""
        return await self._db.read(undelivered.listed(self._tenant, before, limit))


@frozen
class Phone:
    """What the tool that texts is given."""

    channel_of: Callable[[TenantId, str], Channel | None]
    """A tenant's own channel of a platform, by the platform's name, as it is now."""
    book_of: Callable[[TenantId], Book]
    """What is kept of a tenant's texts."""

    def channel(self, tenant: TenantId) -> Channel:
        """The channel that sends. Raises OperatorError where there is none."""
        channel = self.channel_of(tenant, NAME)
        if channel is None:
            raise OperatorError(NOT_CONNECTED)
        return channel
