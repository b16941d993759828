"""What is answered in places outside, as an owner says it: in the place itself or on the page.

Rules are a tenant's, for any platform. Who answers is a route like any other (`bot routes` shows
it); whether something that nobody was asked is answered stands beside it.
"""

from collections.abc import Callable, Sequence

from bot.core.errors import Invalid, NotFound
from bot.core.ids import TenantId
from bot.core.ports import Clock, new_id
from bot.core.times import to_us
from bot.store import place_rules as rows
from bot.store.place_rules import PlaceRule
from bot.store.script import Database

MAX_PLACES = 1_000
"""Rules of one tenant: they are kept at hand."""


class Places:
    """The rules of places."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        is_agent: Callable[[TenantId, str], bool],
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called when somebody else may answer from now on."""
        self._db = db
        self._clock = clock
        self._is_agent = is_agent
        self._changed = changed

    async def listed(self, tenant: TenantId) -> Sequence[PlaceRule]:
        """A tenant's rules, by channel, workspace and place."""
        return await self._db.read(rows.listed(tenant))

    async def get(self, tenant: TenantId, key: tuple[str, str, str]) -> PlaceRule:
        """The rule of a place; the one that holds without any where there is none."""
        channel, workspace, place = key
        found = {rule.key: rule for rule in await self.listed(tenant)}
        usual = PlaceRule(channel=channel, workspace=workspace, place=place)
        return found.get(key, usual)

    async def put(self, tenant: TenantId, rule: PlaceRule, actor: str) -> None:
        """Let a rule hold from the next message on; twice is once. Raises NotFound, Invalid."""
        if rule.agent and not self._is_agent(tenant, rule.agent):
            raise NotFound(f"There is no agent called {rule.agent}.")
        if not rule.channel:
            raise Invalid("Name the channel, such as slack.", field="channel")
        if rule.everything and not rule.mentions:
            raise Invalid(
                "What answers everything answers mentions as well.", field="respond_to_mentions"
            )
        known = {each.key for each in await self.listed(tenant)}
        if rule.key not in known and len(known) >= MAX_PLACES:
            raise Invalid(f"There are {MAX_PLACES} rules of places already. Remove some first.")
        id_ = new_id(self._clock, "rul")
        await self._db.write(rows.put(tenant, rule, id_, to_us(self._clock.now()), actor))
        self._changed()

    async def remove(self, tenant: TenantId, key: tuple[str, str, str], actor: str) -> None:
        """Let the usual hold again. Raises NotFound."""
        at = to_us(self._clock.now())
        if not await self._db.write(rows.remove(tenant, key, at, actor)):
            raise NotFound("There is no rule of this place.")
        self._changed()
