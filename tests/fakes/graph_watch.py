"""Subscriptions to events, told by a bell that calls the app's webhooks.

Lifetime and resources are from a sheet of facts (https://learn.microsoft.com/graph/api/resources/subscription,
read 2026-11-21): 4,230 minutes in the older copy of the page, the stricter of the two.
"""

import re
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.fakes.graph_events import OWNER, Event, Refused
from tests.fakes.graph_subscriptions import Rejected, Subscriptions
from tests.fakes.played import Played

Body = dict[str, Any]


class Bell(Played):
    """What calls webhooks; it serves nothing itself."""

    def routes(self, app: web.Application) -> None:
        """Nothing."""


class EventSubscriptions(Subscriptions):
    """Those to the events of one account."""

    resource = re.compile(
        r"/?(?:me|users/[^/]+)(?:/calendars?(?:/[^/]+)?)?/events/?", re.IGNORECASE
    )

    def __init__(self, server: Played, tenant: str) -> None:
        super().__init__(server, tenant)
        self.max_minutes = 4_230

    async def serve(self, verb: str, path: str, body: Any) -> tuple[int, Any]:
        """A request about them. Raises Refused."""
        parts = path.split("/")
        if len(parts) == 1:
            if verb == "GET":
                return 200, {"value": [self.shown(each) for each in self.found.values()]}
            return 201, await self._made(body)
        made = self.found.get(parts[1])
        if made is None:
            raise Refused(404, "ResourceNotFound")
        if verb == "DELETE":
            del self.found[made["id"]]
            return 204, None
        if verb == "PATCH":
            try:
                return 200, self.renew(made, body)
            except Rejected as error:
                raise Refused(400, "InvalidRequest", str(error)) from error
        return (204, None) if parts[2:] == ["reauthorize"] else (200, self.shown(made))

    async def _made(self, body: Body) -> Body:
        try:
            return await self.make(body, immutable=False)
        except Rejected as error:
            raise Refused(400, "InvalidRequest", str(error)) from error

    def _wants(self, made: Body, item: Any, kind: str) -> bool:
        end = datetime.fromisoformat(made["expirationDateTime"].replace("Z", "+00:00"))
        return kind in made["changeType"].split(",") and end > datetime.now(UTC)

    def notification(self, made: Body, item: Any, kind: str) -> Body:
        """What is told of one change: that it was, and nothing of its words."""
        where = f"Users/{OWNER}/Events/{item.id}"
        return {
            "subscriptionId": made["id"],
            "subscriptionExpirationDateTime": made["expirationDateTime"],
            "changeType": kind,
            "resource": where,
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Event", "@odata.id": where,
                "@odata.etag": item.etag, "id": item.id,
            },
            "clientState": made["clientState"],
            "tenantId": self.tenant,
        }  # fmt: skip

    def unknown(self, owner: str) -> Any:
        """An event that is not there."""
        now = datetime.now(UTC)
        return Event("AAMkAGnobody=", "", now, now, {})
