"""Published webhooks of mail, brought to the channel's own addresses over HTTP at their own time.

What is valid is read on; what is not is refused before anything of it is kept.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.platforms.lent import NoMailbook
from channels.email.channel import Email, make
from tests.channels.email_side import lent
from tests.channels.test_email_carriers import PATH_SECRET, PUBLIC, At
from tests.fakes.graph_tokens import CLIENT, SECRET
from tests.published import VECTORS, needs, vectors

NOWHERE = {"resend": "http://127.0.0.1:9", "graph": "http://127.0.0.1:9"}
PATHS = {
    "resend": "/webhooks/email/resend",
    "sendgrid-event": "/webhooks/email/sendgrid-events",
    "sendgrid-inbound": f"/webhooks/email/sendgrid/{PATH_SECRET}",
    "msgraph": "/webhooks/email/graph",
}
BROUGHT = vectors(*PATHS)
TAKEN = {
    "resend/svix_headers_ok": (400, 0),
    "resend/email_received_ok": (503, 0),
    "sendgrid-event/sdk_ok": (200, 1),
    "sendgrid-inbound/signed_policy_ok": (503, 0),
    "msgraph/validation_echo": (200, 0),
}
"""Status and news of what is valid. A mail comes again while nobody listens (503), words without a
meaning are refused as such (400): all of it past the check of who sent it, which says 401."""


class Book(NoMailbook):
    """Counts what is written down."""

    def __init__(self) -> None:
        self.noted: list[Any] = []

    async def note(self, news: Any) -> bool:
        self.noted.append(news)
        return True


def channel(vector: dict[str, Any], book: Book) -> Email:
    """A channel with the vector's secret, at the vector's time."""
    told: dict[str, Any] = {"resend_api_key": "re_x"}
    secret, key = vector["secret"] or "", vector["public_key"] or ""
    if vector["vendor"] == "resend":
        told["resend_webhook_secret"] = secret
    elif vector["vendor"] == "sendgrid-event":
        told["sendgrid_events_key"] = key
    elif vector["vendor"] == "sendgrid-inbound":
        told |= {"sendgrid_inbound_secret": PATH_SECRET, "sendgrid_inbound_key": key}
    else:
        tenant = (vector.get("extra") or {}).get("tenant_id", "84bd8158")
        told |= {"ms_tenant_id": tenant, "ms_client_id": CLIENT, "ms_client_secret": SECRET}
        told["ms_read"] = True
    given = lent(PUBLIC, NOWHERE, **told)
    made = make(replace(given, clock=At(vector["now"]), mailbook=book))
    if vector["scheme"] == "graph-clientstate":
        made._inboxes["graph"]._state = secret  # type: ignore[attr-defined]
    return made


@asynccontextmanager
async def served(box: Email) -> AsyncIterator[str]:
    """Its webhooks on a port."""
    app = web.Application(client_max_size=2**26)
    for method, path, handler in box.routes():
        app.router.add_route(method, path, handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@needs(VECTORS)
@pytest.mark.parametrize("vector", BROUGHT, ids=lambda each: each["id"])
async def test_over_http_a_published_webhook_is_taken_or_refused(vector: dict[str, Any]) -> None:
    book = Book()
    async with served(channel(vector, book)) as base, aiohttp.ClientSession() as session:
        query = vector["url"].partition("?")[2]
        url = f"{base}{PATHS[vector['vendor']]}{'?' + query if query else ''}"
        body = vector["body"].encode()
        async with session.post(url, data=body, headers=vector["headers"]) as got:
            said, status = await got.text(), got.status
    if vector["scheme"] == "graph-encrypted":
        assert status == 401  # the house asks for no notice that brings the mail itself
    elif vector["valid"]:
        assert (status, len(book.noted)) == TAKEN[vector["id"]], said
    else:
        assert status == 401 and book.noted == [], said
    if wanted := vector.get("expect_response"):
        assert (status, said) == (wanted["status"], wanted["body"])
        assert got.content_type == wanted["content_type"]


def test_each_vendor_has_good_ones_and_bad_ones() -> None:
    if not BROUGHT:
        pytest.skip("the vectors are not here")
    for vendor in PATHS:
        assert {each["valid"] for each in BROUGHT if each["vendor"] == vendor} == {True, False}
