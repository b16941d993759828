"""How Graph tells an app that a mailbox changed: handshake, clientState, renewal, lifecycle.

https://learn.microsoft.com/graph/api/resources/subscription
https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
https://learn.microsoft.com/graph/change-notifications-lifecycle-events (read 2026-11-21)
"""

import asyncio
import json
import re
import secrets
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.fakes.graph_mailbox import Item, stamp
from tests.fakes.openapi import described
from tests.fakes.played import Played, Told

Body = dict[str, Any]

MAX_MINUTES = 10_080
"""Of a subscription to mail; 4,230 in older copies of the page."""
_RESOURCE = re.compile(
    r"/?users/(?P<user>[^/]+)(?:/mailFolders(?:\('(?P<a>\w+)'\)|/(?P<b>\w+)))?/messages/?",
    re.IGNORECASE,
)
FORGERIES = ("other_state", "no_state", "state_list", "other_tenant", "unknown_subscription")


class Rejected(Exception):
    """A subscription that Graph does not make."""


class Subscriptions:
    """The subscriptions of one app."""

    resource = _RESOURCE
    """What can be subscribed to."""

    def __init__(self, server: Played, tenant: str) -> None:
        self.server, self.tenant = server, tenant
        self.found: dict[str, Body] = {}
        self.max_minutes = MAX_MINUTES
        self.is_deaf = False
        """While it is, what happens is not told, and `missed` may follow."""
        self.needs_https = True
        self.again_s: tuple[float, ...] = (0.05, 0.2, 0.5)
        """Pauses before what was not taken is told again; Graph does so for four hours."""

    async def make(self, body: Body, *, immutable: bool) -> Body:
        """Make one, after its address has answered. Raises Rejected."""
        if wrong := list(self._wrong(body)):
            raise Rejected("; ".join(wrong))
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            if url := body.get(name):
                await self._shake_hands(url)
        made = {
            "id": str(uuid.uuid4()),
            "resource": body["resource"],
            "applicationId": "",
            "changeType": body["changeType"],
            "clientState": body.get("clientState"),
            "notificationUrl": body["notificationUrl"],
            "lifecycleNotificationUrl": body.get("lifecycleNotificationUrl"),
            "expirationDateTime": body["expirationDateTime"],
            "latestSupportedTlsVersion": "v1_2",
            "immutable": immutable,
        }
        self.found[made["id"]] = made
        return self.shown(made)

    def shown(self, made: Body) -> Body:
        """One as the API gives it: clientState is not given back."""
        return {k: v for k, v in made.items() if k != "immutable"} | {"clientState": None}

    def renew(self, made: Body, body: Body) -> Body:
        """Let it live longer. Raises Rejected."""
        if wrong := list(self._wrong_end(body.get("expirationDateTime"))):
            raise Rejected("; ".join(wrong))
        made["expirationDateTime"] = body["expirationDateTime"]
        return self.shown(made)

    def expire(self) -> None:
        """Days have gone by: every subscription has ended, without a word."""
        self.found.clear()

    def _wrong(self, body: Body) -> Iterator[str]:
        yield from described("microsoft-graph").body_misfits("POST", "/subscriptions", body)
        for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
            if not body.get(name):
                yield f"{name} is required"
        kinds = set(str(body.get("changeType", "")).split(","))
        if not kinds <= {"created", "updated", "deleted"}:
            yield f"changeType {body.get('changeType')} is not known"
        if self.resource.fullmatch(str(body.get("resource", ""))) is None:
            yield f"resource {body.get('resource')} is none that this part of Graph has"
        if len(body.get("clientState") or "") > 128:
            yield "clientState is longer than 128"
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            url = str(body.get(name) or "")
            if url and self.needs_https and not url.startswith("https://"):
                yield f"{name} must start with https"
        if body.get("includeResourceData") and not body.get("encryptionCertificate"):
            yield "encryptionCertificate is required with includeResourceData"
        yield from self._wrong_end(body.get("expirationDateTime"))

    def _wrong_end(self, text: Any) -> Iterator[str]:
        try:
            end = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
        except ValueError:
            yield "expirationDateTime is no time"
            return
        if end.tzinfo is None:
            yield "expirationDateTime has no zone"
            return
        now = datetime.now(UTC)
        if end <= now:
            yield "expirationDateTime is past"
        if end > now + timedelta(minutes=self.max_minutes, seconds=30):
            yield f"Subscription expiration can only be {self.max_minutes} minutes in the future"

    async def _shake_hands(self, url: str) -> None:
        """Ask the address to say a word back, decoded and as plain text."""
        word = f"Validation: Testing client application reachability. Id: {secrets.token_hex(4)} +é"
        mark = "&" if "?" in url else "?"
        asked = f"{url}{mark}validationToken={quote(word, safe='')}"
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        told = await self.server.tell(asked, b"", headers)
        if told.status != 200 or told.text != word or told.media != "text/plain":
            why = f"answered {told.status} {told.media} {told.text[:80]!r}"
            raise Rejected(f"Subscription validation request failed. {url} {why}")

    async def changed(self, item: Any, kind: str) -> None:
        """Tell every subscription that wants to know."""
        for made in list(self.found.values()):
            if self.is_deaf or not self._wants(made, item, kind):
                continue
            await self.notify(made, self.notification(made, item, kind))

    def _wants(self, made: Body, item: Any, kind: str) -> bool:
        found = self.resource.fullmatch(made["resource"])
        assert found is not None
        folder = (found["a"] or found["b"] or item.folder).lower()
        end = datetime.fromisoformat(made["expirationDateTime"].replace("Z", "+00:00"))
        return (
            found["user"].lower() == item.owner.lower()
            and folder == item.folder
            and kind in made["changeType"].split(",")
            and end > datetime.now(UTC)
        )

    def notification(self, made: Body, item: Any, kind: str) -> Body:
        """What is told of one change."""
        id = item.immutable if made["immutable"] else item.id
        where = f"Users/{item.owner}/Messages/{id}"
        return {
            "subscriptionId": made["id"],
            "subscriptionExpirationDateTime": made["expirationDateTime"],
            "changeType": kind,
            "resource": where,
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Message", "@odata.id": where,
                "@odata.etag": f'W/"{item.version}"', "id": id,
            },
            "clientState": made["clientState"],
            "tenantId": self.tenant,
        }  # fmt: skip

    async def notify(self, made: Body, *found: Body) -> Told:
        """Tell until it is taken."""
        told = Told(0, "timeout")
        for pause in (0.0, *self.again_s):
            await asyncio.sleep(pause)
            told = await self._post(made["notificationUrl"], *found)
            if told.is_taken:
                break
        return told

    async def lifecycle(self, made: Body, event: str) -> Told:
        """missed, subscriptionRemoved (it has ended then) or reauthorizationRequired."""
        if event == "subscriptionRemoved":
            self.found.pop(made["id"], None)
        notice = {
            "subscriptionId": made["id"],
            "subscriptionExpirationDateTime": made["expirationDateTime"],
            "clientState": made["clientState"],
            "tenantId": self.tenant,
            "resource": made["resource"],
            "lifecycleEvent": event,
        }
        url = made["lifecycleNotificationUrl"]
        return await self._post(url, notice) if url else Told(0, "no address")

    async def forge(self, kind: str, owner: str) -> Told:
        """Tell what Graph did not, of something new; see `FORGERIES`."""
        if kind not in FORGERIES:
            raise ValueError(f"no such forgery: {kind}")
        made = next(iter(self.found.values()))
        notice = self.notification(made, self.unknown(owner), "created")
        changes: dict[str, Body] = {
            "other_state": {"clientState": "guessed"},
            "no_state": {"clientState": None},
            "state_list": {"clientState": [made["clientState"]]},
            "other_tenant": {"tenantId": str(uuid.UUID(int=0))},
            "unknown_subscription": {"subscriptionId": str(uuid.uuid4())},
        }
        return await self._post(made["notificationUrl"], {**notice, **changes[kind]})

    def unknown(self, owner: str) -> Any:
        """Something that is not there."""
        return Item(1, owner, "inbox")

    async def _post(self, url: str, *found: Body) -> Told:
        body = json.dumps({"value": list(found)}).encode()
        return await self.server.tell(url, body, {"Content-Type": "application/json"})


def soon(minutes: int) -> str:
    """A time in so many minutes, as Graph writes it."""
    return stamp(datetime.now(UTC) + timedelta(minutes=minutes))
