"""The port `Live`, which remembers what it was told and lets a test wait for the end of a turn."""

import asyncio
from collections.abc import Mapping

from bot.core.canonical import Json
from bot.core.ids import ConvId, TenantId


class RecordingLive:
    """Watches everything."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []
        """Turn and attempt."""
        self.drafts: dict[str, str] = {}
        self.activities: list[str] = []
        self.ended: dict[str, Mapping[str, Json]] = {}
        """Turn → its line."""
        self.told: list[tuple[str, Mapping[str, Json]]] = []
        self._waits: dict[str, asyncio.Future[Mapping[str, Json]]] = {}

    def is_watched(self, tenant: TenantId, conv: str, turn: str) -> bool:
        return True

    def begin(self, tenant: TenantId, conv: ConvId, turn: str, attempt: int) -> None:
        self.begun.append((turn, attempt))
        self.drafts.pop(turn, None)

    def text(self, tenant: TenantId, conv: ConvId, turn: str, delta: str) -> None:
        self.drafts[turn] = self.drafts.get(turn, "") + delta

    def activity(self, tenant: TenantId, conv: ConvId, turn: str, text: str) -> None:
        self.activities.append(text)

    def end(self, tenant: TenantId, conv: ConvId, turn: str, line: Mapping[str, Json]) -> None:
        self.ended[turn] = line
        wait = self._waits.pop(turn, None)
        if wait and not wait.done():
            wait.set_result(line)

    def tell(self, tenant: TenantId, conv: ConvId, what: str, data: Mapping[str, Json]) -> None:
        self.told.append((what, data))

    async def line_of(self, turn: str, timeout_s: float = 40.0) -> Mapping[str, Json]:
        """The line that a turn ends with."""
        if turn not in self.ended:
            wait = self._waits[turn] = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(timeout_s):
                await wait
        return self.ended[turn]
