"""What came into an inbox at Microsoft since it was last asked, and how far that is.

With its last page Microsoft gives a link to what comes from then on. It is kept when all before it
is stored, or stands among what waits: so nothing is lost however long the house is away. A link
that Microsoft does not know any more begins the inbox anew, whose mails are all named again then.
There is no filter by date: with one Microsoft names five thousand mails and no more.
https://learn.microsoft.com/graph/api/message-delta,
https://learn.microsoft.com/graph/delta-query-messages and
https://learn.microsoft.com/graph/delta-query-overview#synchronization-reset (read 2026-11-22)
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel

from bot.core.errors import VendorRefused, VendorUnknown
from bot.platforms.lent import Lent
from channels.email.calls import Answer
from channels.email.graph_calls import STEADY, Graph, words_of

log = logging.getLogger(__name__)

BACK: Final = timedelta(days=3)
"""How far before its first day an inbox is read, and before the last one when it begins anew."""
REFRESH: Final = timedelta(hours=1)
"""How old a kept link of a quiet inbox may be: Microsoft forgets old ones."""
PAGE, MOST_PAGES = 200, 5_000
MOST_WAITING: Final = 500
"""With more of them an older link is kept, behind which all of them are named again."""
WANTED: Final = {"Prefer": f"{STEADY['Prefer']}, odata.maxpagesize={PAGE}"}
_LOST: Final = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired"})
"""https://learn.microsoft.com/graph/errors (read 2026-11-22)"""


class Mark(BaseModel):
    """How far an inbox was read."""

    link: str = ""
    """To what came since; empty: all of it is to be named."""
    since: AwareDatetime
    """What was received before is none of ours."""
    waits: dict[str, AwareDatetime] = {}
    """Mails by id that could not be taken yet, each with the time it was first tried."""


class Inbox:
    """One mailbox's."""

    def __init__(self, graph: Graph, lent: Lent, box: str) -> None:
        self._graph, self._clock, self._bookmarks = graph, lent.clock, lent.bookmarks
        self._name = f"graph:{box}"
        inbox = f"/users/{quote(box)}/mailFolders/inbox/messages/delta"
        self._start = f"{inbox}?changeType=created&$select=id,receivedDateTime"
        now = lent.clock.now()
        self._mark, self._kept = Mark(since=now - BACK), Mark(since=now - BACK)
        self._read_at, self._kept_at = now, now - REFRESH
        self._next = ""
        """The page behind those that were read, of a round that was cut off."""
        self._found: dict[str, datetime] = {}

    @property
    def waits(self) -> dict[str, datetime]:
        """Mails by id that could not be taken yet, each with the time it was first tried."""
        return self._mark.waits

    async def open(self) -> None:
        """Begin where it was left. Raises StoreError."""
        kept = await self._bookmarks.read(self._name)
        if kept is None:
            return
        try:
            mark = Mark.model_validate_json(kept[0])
        except ValueError:
            log.warning("How far an inbox was read cannot be read; it begins anew.")
            mark = Mark(since=kept[1] - BACK)
        self._read_at = self._kept_at = kept[1]
        self._mark, self._kept = mark, mark.model_copy(deep=True)
        self._next, self._found = "", {}
        if not self._graph.has(mark.link):
            self._anew()

    async def changes(self) -> tuple[list[str], str]:
        """The mails that came, the oldest first, and the link to `keep` once they are taken.

        A round that is cut off goes on where it was. Raises VendorError, ConnectionBroken.
        """
        is_anew = False
        for _ in range(MOST_PAGES):
            asked = self._next or self._mark.link
            answer = await self._graph.ask("GET", asked or self._start, headers=WANTED)
            if asked and not is_anew and _is_lost(answer):
                log.warning("Microsoft does not know any more how far an inbox was read.")
                is_anew = True
                self._anew()
                continue
            items = answer.said.get("value")
            if answer.status != 200 or not isinstance(items, list):
                self._next, self._found = "", {}
                raise VendorRefused(f"Microsoft gives no list: {words_of(answer)[1]}")
            self._found.update(told for item in items if (told := self._told(item)))
            onward, link = answer.said.get("@odata.nextLink"), answer.said.get("@odata.deltaLink")
            if isinstance(link, str):
                new = sorted(self._found, key=self._found.__getitem__)
                self._next, self._found = "", {}
                return new, link
            if not isinstance(onward, str):
                break
            self._next = onward
        self._next, self._found = "", {}
        raise VendorUnknown("Microsoft does not come to the end of this inbox.")

    async def keep(self, link: str, *, is_new: bool) -> None:
        """All behind the last link was taken, or waits. Raises StoreError."""
        now = self._clock.now()
        self._mark = self._mark.model_copy(update={"link": link, "waits": dict(self.waits)})
        self._read_at = now
        is_due = is_new or self.waits != self._kept.waits or now - self._kept_at >= REFRESH
        if is_due and len(self.waits) <= MOST_WAITING:
            mark = self._mark.model_copy(deep=True)
            await self._bookmarks.keep(self._name, mark.model_dump_json())
            self._kept, self._kept_at = mark, now

    def _anew(self) -> None:
        """All of it is named again; of that, what may have come since it was last read is taken."""
        since = max(self._mark.since, self._read_at - BACK)
        self._mark = self._mark.model_copy(update={"link": "", "since": since})
        self._next, self._found = "", {}

    def _told(self, item: object) -> tuple[str, datetime] | None:
        """A mail's id and time; None for one that went, or is none of ours."""
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            return None
        at = time_of(item.get("receivedDateTime")) or self._clock.now()
        return None if "@removed" in item or at < self._mark.since else (item["id"], at)


def _is_lost(answer: Answer) -> bool:
    """Whether a link is not taken any more."""
    return answer.status in (400, 404, 410) or words_of(answer)[0].lower() in _LOST


def time_of(value: Any) -> datetime | None:
    """A time as Microsoft writes it; None for what is none."""
    try:
        found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
