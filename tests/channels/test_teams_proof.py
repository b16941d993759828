"""Who may bring Teams' messages: every published and forged token, through a real HTTP server.

The list of keys is a server of the test's own; nothing else of Microsoft is needed here.
"""

import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.core.errors import StoreError
from bot.core.event import Event
from bot.core.ids import ConvId, TenantId
from bot.core.ports import Accepted
from bot.platforms.lent import Lent
from channels.teams.channel import PATH, make
from tests.fakes.clock import StillClock
from tests.published import VECTORS, needs, vectors

APP = "00000000-0000-0000-0000-00000000b07a"
SERVICE = "https://smba.trafficmanager.net/amer/"
KEY, STRANGER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


def public(key: rsa.RSAPrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    """A key as the list has it."""
    return {
        **jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True),
        "kid": kid,
        **more,
    }


@dataclass
class Microsoft:
    """Publishes keys, and counts how often they are asked for."""

    keys: list[dict[str, Any]] = field(default_factory=lambda: [public(KEY, "k1")])
    asked: int = 0
    status: int = 200
    jwks: str = "/keys"

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/.well-known/openidconfiguration", self._about)
        app.router.add_get("/keys", self._keys)
        return app

    async def _about(self, request: web.Request) -> web.Response:
        self.asked += 1
        address = self.jwks if "://" in self.jwks else f"{request.url.origin()}{self.jwks}"
        return web.json_response({"jwks_uri": address}, status=self.status)

    async def _keys(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": self.keys})


@dataclass
class Stage:
    """The channel behind a real server."""

    microsoft: Microsoft
    clock: StillClock
    url: str
    heard: list[Event]
    fails: list[Exception]

    def token(self, key: Any = KEY, kid: str = "k1", alg: str = "RS256", **claims: Any) -> str:
        now = self.clock.now().timestamp()
        good = {
            "iss": "https://api.botframework.com",
            "aud": APP,
            "exp": now + 3600,
            "nbf": now - 60,
            "serviceurl": SERVICE,
        }
        given = {name: value for name, value in {**good, **claims}.items() if value is not None}
        return jwt.encode(given, key, algorithm=alg, headers={"kid": kid})

    async def bring(self, token: str, body: object = None, **headers: str) -> int:
        """Bring an activity; gives the status."""
        raw = json.dumps(ACTIVITY if body is None else body)
        return await self.post(raw, {"Authorization": f"Bearer {token}", **headers})

    async def post(self, raw: str | bytes | io.BytesIO, headers: Mapping[str, str]) -> int:
        given = {"Content-Type": "application/json", **headers}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}{PATH}", data=raw, headers=given) as answer,
        ):
            return answer.status


ACTIVITY: dict[str, Any] = {
    "type": "message",
    "id": "1",
    "channelId": "msteams",
    "serviceUrl": SERVICE,
    "from": {"id": "29:1", "aadObjectId": "a"},
    "conversation": {"id": "19:x", "tenantId": "t1", "conversationType": "personal"},
    "text": "hi",
}


@asynccontextmanager
async def stage(app_id: str = APP, clock: StillClock | None = None) -> AsyncIterator[Stage]:
    """A channel that listens, and a Microsoft that publishes keys."""
    clock, microsoft, heard = clock or StillClock(), Microsoft(), list[Event]()
    fails: list[Exception] = []

    async def sink(event: Event) -> Accepted:
        if fails:
            raise fails.pop()
        heard.append(event)
        return Accepted(event="evt_1", conv=ConvId("cnv_1"), duplicate=False, reply="")

    async with TestServer(microsoft.app()) as keys:
        lent = Lent(
            tenant=TenantId("ten_1"),
            options={"app_id": app_id, "app_secret": "s", "tenant_id": "t1"},
            clock=clock,
            endpoint=str(keys.make_url("")).rstrip("/"),
        )
        channel = make(lent)
        channel._sink = sink  # the token of the app is not what is tested here
        app = web.Application(client_max_size=2**30)
        for method, path, handler in channel.routes():
            app.router.add_route(method, path, handler)
        async with TestServer(app) as house:
            yield Stage(microsoft, clock, str(house.make_url("")).rstrip("/"), heard, fails)


@pytest.fixture
async def here() -> AsyncIterator[Stage]:
    async with stage() as found:
        yield found


async def test_a_good_token_is_let_in(here: Stage) -> None:
    assert await here.bring(here.token()) == 200
    (event,) = here.heard
    assert (event.text, event.sender.ext_id, event.place.id) == ("hi", "a", "19:x")


FORGED: dict[str, dict[str, Any]] = {
    "expired beyond the skew": {"exp": -301},
    "from a time to come": {"nbf": 301},
    "without an end": {"exp": None},
    "whose end is a word": {"exp": "soon"},
    "of another issuer": {"iss": "https://sts.windows.net/x/"},
    "for another bot": {"aud": "00000000-0000-0000-0000-000000000000"},
    "for nobody": {"aud": None},
    "for another service": {"serviceurl": "https://smba.trafficmanager.net/emea/"},
    "for no service": {"serviceurl": None},
    "signed by a stranger": {"key": STRANGER},
    "of a key that nobody knows": {"kid": "k2"},
    "that is not signed": {"key": None, "alg": "none"},
    "signed with words": {"key": "x" * 64, "alg": "HS256"},
    "signed in another way": {"alg": "PS256"},
}


@pytest.mark.parametrize("claims", FORGED.values(), ids=FORGED)
async def test_a_token_is_refused(here: Stage, claims: dict[str, Any]) -> None:
    now = here.clock.now().timestamp()
    timed = {
        name: now + value if name in ("exp", "nbf") and isinstance(value, int) else value
        for name, value in claims.items()
    }
    assert await here.bring(here.token(**timed)) == 401
    assert not here.heard


async def test_five_minutes_of_skew_are_borne_both_ways(here: Stage) -> None:
    now = here.clock.now().timestamp()
    assert await here.bring(here.token(exp=now - 299)) == 200
    assert await here.bring(here.token(nbf=now + 299)) == 200


async def test_a_request_without_a_token_or_with_rubbish_is_refused(here: Stage) -> None:
    raw = json.dumps(ACTIVITY)
    for given in ("", "Bearer", "Bearer ", "Basic abc", "Bearer a.b.c", "Bearer " + "x" * 8010):
        assert await here.post(raw, {"Authorization": given} if given else {}) == 401
    assert await here.post(b"\xff{", {"Authorization": "Bearer x"}) == 401
    assert not here.heard


async def test_the_activity_must_be_of_the_service_the_platform_and_the_organisation(
    here: Stage,
) -> None:
    evil = "https://evil.example/"
    assert await here.bring(here.token(), {**ACTIVITY, "serviceUrl": evil}) == 401
    assert await here.bring(here.token(serviceurl=evil), {**ACTIVITY, "serviceUrl": evil}) == 401
    for host in (
        "http://smba.trafficmanager.net/",
        "https://smba.trafficmanager.net.evil.example/",
    ):
        given = here.token(serviceurl=host)
        assert await here.bring(given, {**ACTIVITY, "serviceUrl": host}) == 401
    assert await here.bring(here.token(), {**ACTIVITY, "channelId": "emulator"}) == 401
    other = {**ACTIVITY["conversation"], "tenantId": "t2"}
    assert await here.bring(here.token(), {**ACTIVITY, "conversation": other}) == 403
    assert not here.heard


async def test_a_key_speaks_only_for_the_platforms_that_it_endorses(here: Stage) -> None:
    here.microsoft.keys = [
        public(KEY, "k1", endorsements=["webchat"]),
        public(KEY, "k2", endorsements=["msteams"]),
    ]
    assert await here.bring(here.token(kid="k1")) == 401
    assert await here.bring(here.token(kid="k2")) == 200


async def test_keys_that_nobody_knows_have_the_list_asked_for_once_in_five_minutes(
    here: Stage,
) -> None:
    statuses = [await here.bring(here.token(kid=f"x{n}")) for n in range(50)]
    assert set(statuses) == {401}
    assert here.microsoft.asked == 1
    # A new key is found when the five minutes are over, and not before.
    here.microsoft.keys = [public(STRANGER, "k9")]
    assert await here.bring(here.token(key=STRANGER, kid="k9")) == 401
    here.clock.move(seconds=301)
    assert await here.bring(here.token(key=STRANGER, kid="k9")) == 200
    assert await here.bring(here.token()) == 401, "the old key is not published any more"
    assert here.microsoft.asked == 2


async def test_keys_are_asked_for_again_after_a_day(here: Stage) -> None:
    assert await here.bring(here.token()) == 200
    here.microsoft.keys = []
    here.clock.move(hours=23)
    assert await here.bring(here.token()) == 200
    here.clock.move(hours=2)
    assert await here.bring(here.token()) == 401


async def test_without_a_list_the_request_is_to_come_again(here: Stage) -> None:
    here.microsoft.status = 500
    assert await here.bring(here.token()) == 503
    assert await here.bring(here.token()) == 503
    assert here.microsoft.asked == 1, "not asked for again at once"
    here.microsoft.status = 200
    here.clock.move(seconds=6)
    assert await here.bring(here.token()) == 200


async def test_a_list_that_lies_elsewhere_is_not_read(here: Stage) -> None:
    here.microsoft.jwks = "https://evil.example/keys"
    assert await here.bring(here.token()) == 503


async def test_what_cannot_be_read_is_refused_and_breaks_nothing(here: Stage) -> None:
    good = {"Authorization": f"Bearer {here.token()}"}
    for raw in (b"", b"{", b"[]", b"nonsense", b"\xff\xfe", b"[" * 100_000, b'{"text": {}}'):
        assert await here.post(raw, good) == 400
    assert await here.post(io.BytesIO(b" " * (2**20 + 1)), good) == 413
    assert await here.post(b"{}", {**good, "Content-Type": "text/plain"}) == 415
    assert not here.heard


async def test_half_a_letter_is_marked_and_the_rest_is_heard(here: Stage) -> None:
    said = {**ACTIVITY, "text": "a\ud83d b \U0001f600"}
    assert await here.bring(here.token(), said) == 200
    assert here.heard[0].text == "a? b \U0001f600"


async def test_what_is_not_stored_is_not_acknowledged(here: Stage) -> None:
    here.fails.append(StoreError("The disk is full."))
    assert await here.bring(here.token()) == 503
    assert await here.bring(here.token()) == 200
    assert len(here.heard) == 1


@needs(VECTORS)
async def test_every_published_vector_ends_as_it_says() -> None:
    for each in vectors("botframework"):
        at = StillClock(datetime.fromtimestamp(each["now"], UTC))
        async with stage(each["extra"]["audience"], at) as here:
            here.microsoft.keys = each["public_key"]["keys"]
            status = await here.post(each["body"], each["headers"])
            assert (status == 200) is each["valid"], each["id"]
            assert status in (200, 401), each["id"]
            assert bool(here.heard) is each["valid"]
