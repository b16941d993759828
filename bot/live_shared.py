"""`Live` for several processes: what happens here is repeated at the others, as words.

A watcher may sit at one process while the turn runs in another, which hears of it, or it would not
ask its model for words as they come. What is too long for a word, or got lost, is a row as well:
watchers are told to look.
"""

from collections.abc import Iterable, Mapping
from itertools import islice

from bot.core.canonical import Json
from bot.core.ids import ConvId, TenantId
from bot.fleet import HERE, Fleet
from bot.live import Draft, Live, Watch

MAX_DELTA = 1_000
"""Characters of a draft in one word."""
IN_A_WORD = 40
"""Places that are watched, in one word."""
MAX_ELSEWHERE = 20_000
"""Watched places of other processes that are kept; what is said beyond that is not shown as it
grows."""

_Key = tuple[str, str]
"""Tenant, and a conversation or a turn."""


class SharedLive(Live):
    """The port `Live`, told on."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self._fleet = fleet
        self._elsewhere: dict[_Key, set[str]] = {}
        """Who else watches: processes by place."""
        for kind in ("begin", "text", "activity", "end", "tell"):
            fleet.on(f"live.{kind}", getattr(super(), kind))
        fleet.on("live.watches", self._others_watch)
        fleet.on("live.left", self._others_left)
        for kind in (HERE, "live.who"):
            fleet.on(kind, lambda: self._announce(self._shown()))

    def is_watched(self, tenant: TenantId, conv: str, turn: str) -> bool:
        places = ((tenant, conv), (tenant, turn))
        return super().is_watched(tenant, conv, turn) or any(map(self._elsewhere.get, places))

    def leave(self, key: _Key, watch: Watch) -> None:
        super().leave(key, watch)
        if watch.texts and not self._is_shown(key):
            self._fleet.say("live.left", self._fleet.id, *key)

    def lose(self) -> None:
        """Words were missed, here or there: say who watches, and ask who does elsewhere."""
        super().lose()
        self._elsewhere.clear()  # of those who died or left nobody says it again
        self._announce(self._shown())
        self._fleet.say("live.who")

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

    def _join(self, key: _Key, draft: Draft | None, texts: bool = True) -> Watch:
        is_first = texts and not self._is_shown(key)
        watch = super()._join(key, draft, texts)
        if is_first:
            self._announce((key,))
        return watch

    def _is_shown(self, key: _Key) -> bool:
        """Whether somebody here wants the text of this place as it grows."""
        return any(watch.texts for watch in self._watches.get(key, ()))

    def _shown(self) -> list[_Key]:
        return [key for key in self._watches if self._is_shown(key)]

    def _announce(self, keys: Iterable[_Key]) -> None:
        places = iter(keys)
        while some := list(islice(places, IN_A_WORD)):
            self._fleet.say("live.watches", self._fleet.id, some)

    def _others_watch(self, who: str, keys: list[list[str]]) -> None:
        for tenant, place in keys:
            if len(self._elsewhere) < MAX_ELSEWHERE or (tenant, place) in self._elsewhere:
                self._elsewhere.setdefault((tenant, place), set()).add(who)

    def _others_left(self, who: str, tenant: str, place: str) -> None:
        left = self._elsewhere.get((tenant, place), set())
        left.discard(who)
        if not left:
            self._elsewhere.pop((tenant, place), None)
