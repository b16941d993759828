"""`Live` for several processes: what happens here is repeated at the others, as words.

A watcher may sit at one process while the turn runs in another. What is too long for a word, or got
lost, is a row as well: watchers are told to look.
"""

from collections.abc import Mapping

from bot.core.canonical import Json
from bot.core.ids import ConvId, TenantId
from bot.fleet import Fleet
from bot.live import Live

MAX_DELTA = 1_000
"""Characters of a draft in one word."""


class SharedLive(Live):
    """The port `Live`, told on."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self._fleet = fleet
        for kind in ("begin", "text", "activity", "end", "tell"):
            fleet.on(f"live.{kind}", getattr(super(), kind))

    def begin(self, tenant: TenantId, conv: ConvId, turn: str, attempt: int) -> None:
        super().begin(tenant, conv, turn, attempt)
        self._fleet.say("live.begin", tenant, conv, turn, attempt)

    def text(self, tenant: TenantId, conv: ConvId, turn: str, delta: str) -> None:
        super().text(tenant, conv, turn, delta)
        for at in range(0, len(delta), MAX_DELTA):
            self._fleet.say("live.text", tenant, conv, turn, delta[at : at + MAX_DELTA])

    def activity(self, tenant: TenantId, conv: ConvId, turn: str, text: str) -> None:
        super().activity(tenant, conv, turn, text)
        self._fleet.say("live.activity", tenant, conv, turn, text[:MAX_DELTA])

    def end(self, tenant: TenantId, conv: ConvId, turn: str, line: Mapping[str, Json]) -> None:
        super().end(tenant, conv, turn, line)
        if not self._fleet.say("live.end", tenant, conv, turn, dict(line)):
            self._fleet.say("live.tell", tenant, conv, "look", {})
            self._fleet.say("live.end", tenant, conv, turn, {})

    def tell(self, tenant: TenantId, conv: ConvId, what: str, data: Mapping[str, Json]) -> None:
        super().tell(tenant, conv, what, data)
        if not self._fleet.say("live.tell", tenant, conv, what, dict(data)):
            self._fleet.say("live.tell", tenant, conv, "look", {})
