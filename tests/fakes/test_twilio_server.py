"""The Twilio that only plays, against Twilio's own package and the published description."""

import asyncio
import base64
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from tests.fakes.openapi import FORM
from tests.fakes.twilio_hooks import FORGERIES, signature
from tests.fakes.twilio_rules import api, segments
from tests.fakes.twilio_server import TwilioServer
from tests.fakes.twilio_world import ACCOUNT, API_KEY, API_SECRET, TOKEN
from tests.published import needs

OURS, ANA, BEN = "+15550100001", "+14155550101", "+14155550102"
PUBLIC = "https://bot.example"
HOOK, STATUS = f"{PUBLIC}/sms", f"{PUBLIC}/status?m=1"


def basic(user, secret):
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"}


GOOD = basic(ACCOUNT, TOKEN)
needs_description = needs("twilio-api-v2010.json")


class App:
    """An app that believes only what Twilio's own validator believes, and keeps what it hears."""

    def __init__(self):
        self.heard, self.refused, self.headers = [], 0, []
        self.answer = web.Response
        self.statuses = []

    async def hear(self, request):
        validator = pytest.importorskip("twilio.request_validator").RequestValidator(TOKEN)
        form = dict(await request.post()) or dict(request.query)
        params = dict(await request.post())
        url = f"{request.headers['X-Forwarded-Proto']}://{request.host}{request.path_qs}"
        mark = request.headers.get("X-Twilio-Signature", "")
        if not validator.validate(url, params, mark) or form["AccountSid"] != ACCOUNT:
            self.refused += 1
            return web.Response(status=403)
        self.headers.append(dict(request.headers))
        (self.heard if "SmsStatus" in form and request.path == "/sms" else self.statuses).append(
            form
        )
        return self.answer() if request.path != "/status" else web.Response(status=204)


@asynccontextmanager
async def playing(**options):
    async with TwilioServer(**options) as server:
        bot = App()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", bot.hear)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.webhook_via = f"http://127.0.0.1:{runner.addresses[0][1]}"
        server.world.number(OURS, HOOK)
        try:
            async with aiohttp.ClientSession() as session:
                yield server, bot, session
        finally:
            await runner.cleanup()


async def call(server, session, method, path, auth=GOOD, **more):
    """One request, whose answer must fit the description."""
    where = f"/2010-04-01/Accounts/{ACCOUNT}{path}"
    async with session.request(method, server.base + where, headers=auth, **more) as answer:
        body = await answer.json() if answer.content_type == "application/json" else None
        if answer.status < 300 and method != "DELETE":
            assert not list(
                api().answer_misfits(method, where.partition("?")[0], answer.status, body)
            )
        return answer.status, body


async def send(server, session, text="hello", to=ANA, **more):
    form = {"To": to, "From": OURS, "Body": text, **more}
    form = {name: value for name, value in form.items() if value is not None}
    return await call(server, session, "POST", "/Messages.json", data=form)


async def test_a_message_goes_out_and_its_statuses_come_signed():
    async with playing() as (server, bot, session):
        status, made = await send(server, session, "hello", StatusCallback=STATUS)
        assert (status, made["status"], made["num_segments"]) == (201, "queued", "1")
        await server.settled()
        assert server.world.said(ANA) == ["hello"]
        assert [f["MessageStatus"] for f in bot.statuses] == ["sent", "delivered"]
        status, found = await call(server, session, "GET", f"/Messages/{made['sid']}.json")
        assert (status, found["status"]) == (200, "delivered")
        assert server.mistakes == []


async def test_statuses_come_in_any_order_and_twice():
    async with playing(receipts="scrambled") as (server, bot, session):
        await send(server, session, StatusCallback=STATUS)
        await server.settled()
        words = [f["MessageStatus"] for f in bot.statuses]
        assert words == ["delivered", "delivered", "sent", "sent"]
        assert server.world.outbound()[0].status == "delivered"
    async with playing(receipts="held") as (server, bot, session):
        _, made = await send(server, session, StatusCallback=STATUS)
        await server.settled()
        assert bot.statuses == []
        await server.report(made["sid"], "failed", 30003)
        await server.report(made["sid"], "sent")
        assert [f.get("ErrorCode") for f in bot.statuses] == ["30003", None]
        _, found = await call(server, session, "GET", f"/Messages/{made['sid']}.json")
        assert (found["status"], found["error_code"]) == ("failed", 30003)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": None}, 21604),
        ({"To": "4155550101"}, 21211),
        ({"From": None}, 21603),
        ({"From": "+15550109999"}, 21659),
        ({"From": ANA}, 21266),
        ({"text": ""}, 21602),
        ({"text": "x" * 1601}, 21617),
        ({"StatusCallback": "bot.example/status"}, 21609),
        ({"MediaUrl": "picture.png"}, 21620),
        ({"From": None, "MessagingServiceSid": "MG" + "0" * 32}, 21701),
    ],
)
async def test_a_wrong_message_is_refused_with_its_code(form, code):
    async with playing() as (server, _, session):
        status, body = await send(server, session, **form)
        assert (status, body["code"], body["status"]) == (400, code, 400)
        assert str(code) in body["more_info"] and server.world.outbound() == []


@needs_description
async def test_what_is_not_described_is_a_mistake_though_twilio_is_silent():
    async with playing() as (server, _, session):
        status, _ = await send(server, session, IdempotencyKey="k1")
        assert status == 201 and "IdempotencyKey is not described" in server.mistakes[0]
        server.mistakes.clear()
        await send(server, session, StatusCallback="https://my_bot.example/s")
        await call(server, session, "GET", "/Messages.json?Since=2026-11-21")
        await call(server, session, "POST", "/Messages.json", json={"To": ANA})
        assert [word in text for word, text in zip(("underscore", "Since", "json", "21604"), server.mistakes)] == [True] * 4  # fmt: skip


@pytest.mark.parametrize(
    "auth",
    [None, basic(ACCOUNT, "wrong"), basic("", ""), basic(API_KEY, TOKEN)],
)  # fmt: skip
async def test_nobody_else_is_served(auth):
    async with playing() as (server, _, session):
        status, body = await call(server, session, "GET", "/Messages.json", auth=auth)
        assert (status, body["code"]) == (401, 20003)
        key = basic(API_KEY, API_SECRET)
        assert (await call(server, session, "GET", "/Messages.json", auth=key))[0] == 200


async def test_a_person_texts_and_the_same_comes_again():
    async with playing() as (server, bot, _):
        message, told = await server.world.text(ANA, OURS, "café & tea=1")
        await server.again(message)
        first, second = bot.heard
        assert told.status == 200 and first == second
        assert (first["Body"], first["From"], first["NumMedia"]) == ("café & tea=1", ANA, "0")
        tokens = {h["I-Twilio-Idempotency-Token"] for h in bot.headers}
        assert len(tokens) == 1 and "OptOutType" not in first


@pytest.mark.parametrize("kind", FORGERIES)
async def test_no_forgery_is_believed(kind):
    async with playing() as (server, bot, _):
        assert (await server.forge(kind, OURS, ANA)).status == 403
        assert bot.heard == [] and bot.refused == 1
        with pytest.raises(ValueError, match="no such forgery"):
            await server.forge("nothing", OURS, ANA)


def test_a_signature_is_that_of_the_vendors_package():
    validator = pytest.importorskip("twilio.request_validator").RequestValidator(TOKEN)
    form = {"Body": "é", "To": OURS, "A": ""}
    assert signature(HOOK, form) == validator.compute_signature(HOOK, form)


async def test_an_address_may_ask_for_get_retries_and_a_fallback():
    async with playing() as (server, bot, _):
        number = server.world.numbers[OURS]
        number.sms_method = "GET"
        await server.world.text(ANA, OURS, "one")
        assert bot.heard[0]["Body"] == "one"
        number.sms_method = "POST"
        bot.answer = lambda: web.Response(status=500)
        await server.world.text(ANA, OURS, "two")
        assert len(bot.heard) == 2, "an answer of 500 is not asked again by itself"
        number.sms_url = f"{HOOK}#rc=2&rp=5xx"
        number.sms_fallback_url = f"{PUBLIC}/sms?fallback=1"
        await server.world.text(ANA, OURS, "three")
        assert [f["Body"] for f in bot.heard] == ["one", "two"] + ["three"] * 4
        assert bot.heard[-1]["ErrorCode"] == "11200"


async def test_twiml_is_read_and_what_is_none_is_a_mistake():
    async with playing() as (server, bot, _):
        xml = "<Response><Message>hi <Body>you</Body></Message></Response>"
        bot.answer = lambda: web.Response(text=xml, content_type="text/xml")
        await server.world.text(ANA, OURS, "hello")
        await server.settled()
        assert server.world.said(ANA) == ["you"] and server.mistakes == []
        for text, kind in (("<R/>", "text/xml"), ("<Response>", "text/xml"), ("{}", "text/html")):
            bot.answer = lambda text=text, kind=kind: web.Response(text=text, content_type=kind)
            await server.world.text(ANA, OURS, "hello")
        assert len(server.mistakes) == 3


async def test_stop_is_kept_until_start():
    async with playing() as (server, bot, session):
        await server.world.text(ANA, OURS, " Stop ")
        assert [f["Body"] for f in bot.heard] == [" Stop "], "the app hears it all the same"
        assert len(server.world.said(ANA)) == 1, "Twilio answers by itself"
        status, body = await send(server, session)
        assert (status, body["code"]) == (400, 21610)
        assert (await send(server, session, to=BEN))[0] == 201
        server.world.opt_out_mode = "advanced"
        await server.world.text(ANA, OURS, "START")
        assert bot.heard[-1]["OptOutType"] == "START"
        assert (await send(server, session))[0] == 201
        server.world.opt_out_mode = "off"
        await server.world.text(ANA, OURS, "STOP")
        assert (await send(server, session))[0] == 201 and "OptOutType" not in bot.heard[-1]


async def test_a_service_opts_out_as_a_whole_and_keeps_its_number():
    async with playing() as (server, bot, session):
        other = server.world.number("+15550100002", HOOK)
        service = server.world.service(OURS, other.phone_number)
        form = {"From": None, "MessagingServiceSid": service}
        _, made = await send(server, session, StatusCallback=STATUS, **form)
        assert (made["status"], made["from"], made["num_segments"]) == ("accepted", None, "0")
        await server.settled()
        assert [f["MessageStatus"] for f in bot.statuses] == ["queued", "sent", "delivered"]
        await send(server, session, **form)
        await server.settled()
        assert {m.sender for m in server.world.shown(ANA)} == {OURS}
        await server.world.text(ANA, other.phone_number, "STOP")
        assert (await send(server, session, **form))[1]["code"] == 21610


async def test_a_lost_answer_is_found_in_the_list():
    async with playing() as (server, _, session):
        server.fail("send", "lost")
        with pytest.raises(aiohttp.ClientError):
            await send(server, session, "once")
        server.fail("send", "cut")
        with pytest.raises(aiohttp.ClientError):
            await send(server, session, "never")
        await server.settled()
        day = server.world.outbound()[0].created.strftime("%Y-%m-%d")
        query = {"To": ANA, "From": OURS, "DateSent>": day}
        _, found = await call(server, session, "GET", "/Messages.json", params=query)
        assert [m["body"] for m in found["messages"]] == ["once"]
        for name, value in (("To", BEN), ("DateSent", "2020-01-01"), ("DateSent<", "2020-01-01")):
            _, none = await call(server, session, "GET", "/Messages.json", params={name: value})
            assert none["messages"] == []
        server.unlisted_s = 60
        _, hidden = await call(server, session, "GET", "/Messages.json", params=query)
        assert hidden["messages"] == [] and server.mistakes == []


async def test_a_long_list_is_walked_by_its_links():
    async with playing() as (server, _, session):
        for n in range(5):
            await send(server, session, f"text {n}")
        found, path = [], "/Messages.json?PageSize=2"
        while path:
            _, body = await call(server, session, "GET", path)
            found += [m["body"] for m in body["messages"]]
            path = (body["next_page_uri"] or "").removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}")
        assert found == [f"text {n}" for n in (4, 3, 2, 1, 0)]
        assert (await call(server, session, "GET", "/Messages.json?Page=1"))[0] == 404


async def test_faults_and_too_much_at_once():
    async with playing() as (server, _, session):
        server.fail("send", "error")
        assert (await send(server, session))[1]["code"] == 20500
        server.fail("*", "ratelimited")
        assert (await send(server, session))[1]["code"] == 20429
        server.fail("send", "hang")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await send(server, session)
        assert server.world.outbound() == []
        server.most_at_once, server.slow_s = 2, 0.2
        answers = await asyncio.gather(*(send(server, session, str(n)) for n in range(6)))
        codes = {status for status, _ in answers}
        assert codes == {201, 429}


async def test_a_number_sends_no_faster_than_its_rate():
    async with playing(rates="obey") as (server, _, session):
        number = server.world.numbers[OURS]
        number.per_second = 20.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        for text in ("x" * 161, "b", "c"):
            await send(server, session, text)
        await server.settled()
        assert loop.time() - began >= 4 / 20 and number.peak >= 4 and number.waiting == 0
        assert server.world.said(ANA) == ["x" * 161, "b", "c"]
        number.per_second = 1 / 36_000
        await send(server, session, "fills the queue", to=BEN)
        assert (await send(server, session, to=BEN))[1]["code"] == 21611


async def test_what_waits_longer_than_it_is_valid_is_not_sent():
    async with playing(rates="obey") as (server, bot, session):
        server.world.numbers[OURS].per_second = 2.0
        await send(server, session, "x" * 161)
        await send(server, session, "late", StatusCallback=STATUS, ValidityPeriod="1")
        await server.settled()
        assert server.world.said(ANA) == ["x" * 161]
        assert [(f["MessageStatus"], f["ErrorCode"]) for f in bot.statuses] == [("failed", "30036")]


async def test_what_cannot_be_delivered_says_why():
    async with playing() as (server, bot, session):
        server.world.fails[ANA] = ("undelivered", 30003)
        server.world.refuses[BEN] = 21614
        await send(server, session, StatusCallback=STATUS)
        assert (await send(server, session, to=BEN))[1]["code"] == 21614
        await server.settled()
        assert bot.statuses[-1]["MessageStatus"] == "undelivered"
        assert bot.statuses[-1]["ErrorCode"] == "30003" and server.world.said(ANA) == []


async def test_pictures_come_with_authority_and_go_without():
    async with playing() as (server, bot, session):
        await server.world.text(ANA, OURS, "look", [("image/png", b"png")])
        form = bot.heard[0]
        assert (form["NumMedia"], form["MediaContentType0"]) == ("1", "image/png")
        url = form["MediaUrl0"]
        async with session.get(url) as answer:
            assert answer.status == 401
        async with session.get(url, headers=GOOD, allow_redirects=False) as answer:
            assert answer.status == 307
            where = answer.headers["Location"]
        async with session.get(where) as answer:
            assert (await answer.read(), answer.content_type) == (b"png", "image/png")
        assert server.mistakes == []
        async with session.get(where, headers=GOOD) as answer:
            assert answer.status == 400 and "credentials" in server.mistakes[0]
        path = url.removeprefix(f"{server.base}/2010-04-01/Accounts/{ACCOUNT}")
        assert (await call(server, session, "GET", f"{path}.json"))[1]["content_type"] == "image/png"  # fmt: skip
        assert (await call(server, session, "DELETE", f"{path}.json"))[0] == 204
        assert (await call(server, session, "GET", f"{path}.json"))[0] == 404


async def test_pictures_that_go_out_must_be_there_to_fetch():
    async with playing(receipts="auto") as (server, bot, session):
        async with TwilioServer() as other:
            other._cdn["a"] = ("image/png", b"\x89png")
            server.webhook_via = other.base
            _, made = await send(server, session, MediaUrl=f"{PUBLIC}/cdn/a")
            _, lost = await send(server, session, MediaUrl=f"{PUBLIC}/cdn/b")
            await server.settled()
        assert made["sid"].startswith("MM") and made["num_media"] == "1"
        sent = server.world.outbound()
        assert [(m.status, m.error_code) for m in sent] == [("delivered", None), ("failed", 11200)]


async def test_numbers_are_listed_and_pointed_at_the_app():
    async with playing() as (server, bot, session):
        _, found = await call(server, session, "GET", "/IncomingPhoneNumbers.json")
        (number,) = found["incoming_phone_numbers"]
        path = f"/IncomingPhoneNumbers/{number['sid']}.json"
        form = {"SmsUrl": f"{PUBLIC}/new", "SmsMethod": "POST", "StatusCallback": STATUS}
        status, after = await call(server, session, "POST", path, data=form)
        assert (status, after["sms_url"]) == (200, f"{PUBLIC}/new")
        await server.world.text(ANA, OURS, "hello")
        assert [url for url, _ in server.told] == [f"{PUBLIC}/new"] and server.mistakes == []
        await send(server, session)
        await server.settled()
        assert len(server.told) == 1, "the StatusCallback of a number is for calls"
        for wrong, code in (({"SmsUrl": "bot"}, 21402), ({"SmsMethod": "PUT"}, 21403)):
            assert (await call(server, session, "POST", path, data=wrong))[1]["code"] == code
        assert (await call(server, session, "GET", f"/{'x'}.json"))[1]["code"] == 20404


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1), ("a" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("😀" * 35, 1),
        ("😀" * 36, 2), ("a" * 306, 2), ("a" * 307, 3), ("a" * 152 + "€" + "a" * 152, 3),
        ("’" + "a" * 69, 1), ("’" + "a" * 70, 2),
    ],
)  # fmt: skip
def test_segments_are_counted_as_the_networks_do(text, parts):
    assert segments(text) == parts


@needs_description
def test_the_description_judges_what_it_should():
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert {"To", "From", "Body", "MediaUrl"} <= api().names("POST", path, FORM)
    assert list(api().answer_misfits("POST", path, 201, {"sid": "wrong", "direction": "up"}))
    assert list(api().answer_misfits("POST", path, 418, {}))
    assert list(api().body_misfits("PATCH", path, {}))
