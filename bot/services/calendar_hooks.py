"""Where Google and Microsoft say that a calendar changed. It is believed when it knows the word
that only its channel was told, and then it wakes the reading; nothing else that it says is used.

https://developers.google.com/workspace/calendar/api/guides/push
https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
https://learn.microsoft.com/graph/change-notifications-lifecycle-events (read 2026-11-21)
"""

import hmac
import json
from collections.abc import Mapping, Sequence

from aiohttp import web

from bot.core.errors import Invalid, NotFound
from bot.core.times import to_us
from bot.services.calendars import Calendars, hook
from bot.store import calendars as rows
from bot.web.parts import Access, Route

MAX_TOKEN, MAX_NOTICE, MAX_NOTICES, MAX_WORD = 2_000, 2**18, 200, 300


class CalendarHooks:
    """The two doors."""

    def __init__(self, calendars: Calendars) -> None:
        self._calendars = calendars
        self._a = calendars.around

    def routes(self) -> Sequence[Route]:
        """One address for each vendor."""
        doors = {"google": self.google, "microsoft": self.microsoft}
        return [
            Route(method="POST", path=hook(name), handler=door, access=Access.OPEN, page=True)
            for name, door in doors.items()
        ]

    async def google(self, request: web.Request) -> web.Response:
        """200, for the hello as well; 401 without the channel's word, 404 for an unknown one."""
        head = request.headers
        channel, resource = head.get("X-Goog-Channel-ID", ""), head.get("X-Goog-Resource-ID", "")
        found = await self._a.db.read(rows.of_channel(channel[:MAX_WORD]))
        if found is None:
            raise NotFound("There is no such channel.")
        tenant, id_, known, _ = found
        if not self._knows(tenant, id_, head.get("X-Goog-Channel-Token", "")):
            return web.Response(status=401, text="The token does not fit.")
        if not hmac.compare_digest(resource.encode(errors="replace"), known.encode()):
            raise NotFound("There is no such channel.")
        if head.get("X-Goog-Resource-State") != "sync":
            await self._wake(tenant, id_)
        return web.Response(text="ok")

    async def microsoft(self, request: web.Request) -> web.Response:
        """The handshake, or notices: 202; 401 without the subscription's word, 404 for unknown."""
        if (token := request.query.get("validationToken")) is not None:
            if not token or len(token) > MAX_TOKEN:
                raise Invalid("This is no validation token.")
            safe = {"X-Content-Type-Options": "nosniff"}
            return web.Response(text=token, content_type="text/plain", headers=safe)
        notices = _notices(await request.read())
        statuses = {await self._notice(each) for each in notices}
        if 202 in statuses:
            return web.Response(status=202)
        return web.Response(status=401 if 401 in statuses else 404)

    async def _notice(self, notice: object) -> int:
        """Take one notice; the status that it deserves."""
        if not isinstance(notice, Mapping):
            return 401
        channel = str(notice.get("subscriptionId") or "")[:MAX_WORD]
        found = await self._a.db.read(rows.of_channel(channel))
        if found is None:
            return 404
        tenant, id_, _, account = found
        state, theirs = notice.get("clientState"), notice.get("tenantId")
        if not isinstance(state, str) or not self._knows(tenant, id_, state):
            return 401
        if not isinstance(theirs, str) or theirs.lower() != account.partition("/")[0].lower():
            return 401
        is_ending = notice.get("lifecycleEvent") in (
            "subscriptionRemoved",
            "reauthorizationRequired",
        )
        await self._wake(tenant, id_, renew=is_ending)
        return 202

    def _knows(self, tenant: str, id_: str, word: str) -> bool:
        wanted = self._calendars.secret(tenant, id_).encode()
        return hmac.compare_digest(word.encode(errors="replace"), wanted)

    async def _wake(self, tenant: str, id_: str, *, renew: bool = False) -> None:
        """Have it read at the next round; `renew`: its channel as well."""
        await self._a.db.write(rows.wake(tenant, id_, to_us(self._a.clock.now()), renew=renew))


def _notices(body: bytes) -> Sequence[object]:
    """What a body tells of. Raises Invalid."""
    try:
        found = json.loads(body)["value"] if len(body) <= MAX_NOTICE else None
    except (ValueError, TypeError, KeyError, RecursionError):
        found = None
    if not isinstance(found, list) or not 0 < len(found) <= MAX_NOTICES:
        raise Invalid("This is no list of notices.")
    return found
