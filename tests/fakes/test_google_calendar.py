"""The calendar that plays is strict: what Google's description does not have is a mistake."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.discovery import discovered
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.oauth_house import OAuthHouse

SPEC = discovered("google-calendar-v3")
EVENTS = "/calendar/v3/calendars/primary/events"
needs_spec = pytest.mark.skipif(not SPEC, reason="Google's description is not here")
TIMES = {
    "start": {"dateTime": "2026-11-23T14:00:00+01:00"},
    "end": {"dateTime": "2026-11-23T15:00:00+01:00"},
}


@needs_spec
@pytest.mark.parametrize(
    ("verb", "path", "query", "body", "words"),
    [
        ("GET", f"{EVENTS}/x/y/z", {}, None, "is not described"),
        ("GET", EVENTS, {"unknown": "1"}, None, "no parameter unknown"),
        ("GET", EVENTS, {"singleEvents": "yes"}, None, "no boolean"),
        ("GET", EVENTS, {"maxResults": "0"}, None, "no integer from 1"),
        ("GET", EVENTS, {"orderBy": "title"}, None, "is none of"),
        ("GET", EVENTS, {}, {"a": 1}, "takes no body"),
        ("POST", EVENTS, {"conferenceDataVersion": "2"}, TIMES, "from 0 to 1"),
        ("POST", EVENTS, {}, {"start": TIMES["start"]}, "end is lacking"),
        ("POST", EVENTS, {}, {**TIMES, "titel": "x"}, "titel is not described"),
        ("POST", EVENTS, {}, {**TIMES, "summary": 1}, "is no string"),
        ("POST", EVENTS, {}, {**TIMES, "attendees": {}}, "is no array"),
        ("POST", EVENTS, {}, {**TIMES, "attendees": [{"mail": "x"}]}, "mail is not described"),
        ("POST", EVENTS, {}, {**TIMES, "start": {"dateTime": "2026-11-23 14:00"}}, "RFC 3339"),
        ("POST", EVENTS, {}, None, "is no object"),
    ],
)
def test_what_is_not_described_is_a_mistake(
    verb: str, path: str, query: dict[str, str], body: Any, words: str
) -> None:
    if body is None and verb == "POST":
        body = []
    found = list(SPEC.request_misfits(verb, path, query, body))
    assert any(words in each for each in found), found


@needs_spec
def test_what_is_described_is_none() -> None:
    query = {"conferenceDataVersion": "1", "sendUpdates": "all"}
    assert list(SPEC.request_misfits("POST", EVENTS, query, {**TIMES, "id": "abcde"})) == []
    taken_away = {"start": {"date": None, "dateTime": "2026-11-23T14:00:00Z"}}
    assert list(SPEC.request_misfits("PATCH", f"{EVENTS}/abcde", {}, taken_away)) == []
    assert list(SPEC.answer_misfits("GET", EVENTS, {"items": [{"id": 1}]}))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[OAuthHouse]:
    async with GoogleCalendar() as google, OAuthHouse(tmp_path, google) as house:
        await house.connect()
        yield house


async def test_its_rules_are_google_s(house: OAuthHouse) -> None:
    """Ids, repeated ids, states of an event, events that are gone, Meet without its version."""
    client = await house.connections.accounts.client(house.tenant.id, "google")
    meet = {"conferenceData": {"createRequest": {"requestId": "1"}}}

    async def ask(verb: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        page = await client.call(verb, path, body=body, headers=headers)
        return page.status, json.loads(page.body or b"null")

    assert (await ask("POST", EVENTS, {**TIMES, "id": "wxyz-"}))[0] == 400
    status, event = await ask("POST", EVENTS, {**TIMES, **meet, "id": "abcde"})
    assert status == 200 and "hangoutLink" not in event
    assert (await ask("POST", EVENTS, {**TIMES, "id": "abcde"}))[0] == 409
    one = f"{EVENTS}/abcde"
    old = {"If-Match": event["etag"]}
    assert (await ask("PATCH", one, {"summary": "x"}, **old))[0] == 200
    assert (await ask("PATCH", one, {"summary": "y"}, **old))[0] == 412
    assert (await ask("DELETE", one))[0] == 204
    assert (await ask("DELETE", one))[0] == 410
    assert (await ask("GET", one))[1]["status"] == "cancelled"
    assert (await ask("POST", EVENTS, {**TIMES, "id": "abcde"}))[0] == 409
    assert (await ask("GET", f"{EVENTS}/nobody"))[0] == 404
