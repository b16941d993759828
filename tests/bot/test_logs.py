"""Logs: no secret in any form, no line that a stranger wrote, nothing from chatty libraries."""

import base64
import io
import json
import logging
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from bot.core.secret import Secret
from bot.logs import FIELDS, MASK, MAX_CHARS, VENDORS, Redactor, escape, setup

CANARY = 'kn4ry/+"é~secret?&=0123456789'


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


@contextmanager
def logging_to(stream, *secrets: str, level: str = "info"):
    logs = setup(level, stream, [Secret(each) for each in secrets])
    try:
        yield logging.getLogger("bot.test"), logs
    finally:
        logs.close()


def lines_of(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_json_object_with_ids_as_fields():
    out = io.StringIO()
    with logging_to(out) as (log, _):
        log.warning("Took %d ms.", 12, extra={"tenant": "ten_1", "ms": 12, "body": "Dear Bo"})
    (line,) = lines_of(out)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "bot.test",
        "message": "Took 12 ms.",
        "tenant": "ten_1",
        "ms": 12,
    }


def test_fields_that_nobody_allowed_are_left_out():
    out = io.StringIO()
    with logging_to(out) as (log, _):
        log.info("x", extra={"text": "private words", **dict.fromkeys(FIELDS, "y")})
    assert "private words" not in out.getvalue()
    assert set(FIELDS) < set(lines_of(out)[0])


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("tail", range(3))
def test_a_secret_is_masked_inside_base64_wherever_it_stands(shift, tail):
    redact = Redactor([Secret(CANARY)])
    raw = b"u" * shift + CANARY.encode() + b":" * tail
    for code in (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()):
        masked = redact(f"header {code} end")
        assert MASK in masked
        assert len(masked) < len("header  end") + len(MASK) + 12
        assert masked.startswith("header ") and masked.endswith(" end")


def test_a_secret_is_masked_as_it_is_url_encoded_and_in_json():
    redact = Redactor([Secret(CANARY)])
    for form in (CANARY, quote(CANARY), quote(CANARY, safe=""), json.dumps(CANARY)):
        masked = redact(f"before {form} after")
        assert "0123456789" not in masked
        assert "before" in masked and "after" in masked


def test_a_secret_that_begins_like_another_is_masked_to_its_end():
    redact = Redactor([Secret("abcdefgh"), Secret("abcdefgh-longer"), Secret("abcdefgh-longest")])
    assert redact("x abcdefgh-longest y abcdefgh z") == "x *** y *** z"


def test_a_secret_too_short_to_be_one_masks_nothing():
    assert Redactor([Secret("on"), Secret("")])("one on") == "one on"


def test_a_secret_added_later_is_masked_from_then_on():
    out = io.StringIO()
    with logging_to(out) as (log, logs):
        logs.redact.add(Secret("correct-horse-battery"))
        log.info("It is correct-horse-battery.")
    assert lines_of(out)[0]["message"] == "It is ***."


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("slack xoxb-1-2-abcdef x", "slack xoxb-*** x"),
        ("slack xoxp-1234567890", "slack xoxp-***"),
        ("slack xoxe.xoxp-1-abcdefg", "slack xoxe.xoxp-***"),
        ("app xapp-1-A0-abcdef", "app xapp-***"),
        ("hook whsec_dGVzdHRlc3Q=", "hook whsec_***="),
        ("key sk-proj-abcdef123", "key sk-***"),
        ("key sk-ant-api03-abcdef", "key sk-ant-***"),
        ("key sk_live_abcdef123", "key sk_live_***"),
        ("key rk_test_abcdef123", "key rk_test_***"),
        ("key SG.abcdefgh.ijklmnop", "key SG.***"),
        ("key AIzaSyA1234567890", "key AIza***"),
        ("key ghp_abcdefghij", "key ghp_***"),
        ("jwt eyJhbGciOi.eyJzdWIiOi.c2ln x", "jwt eyJ*** x"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic ***'}"),
        ("sent Bearer abcdefgh12", "sent Bearer ***"),
        ("Bot MTk4NjIyNDgzNDcx.Cl2FMQ.ZnCjm1XVW7vR", "Bot ***"),
        ("GET /bot123456:AAH-abc_def/getMe", "GET /bot***/getMe"),
        ("token 123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "token ***"),
        ("postgresql://bo:pa55@db/x", "postgresql://***@db/x"),
        ("https://user@host/", "https://***@host/"),
        ("GET /cb?code=4/abc&state=xyz HTTP", "GET /cb?code=***&state=*** HTTP"),
        ("/in/k3Jd-9_aB is the link", "/in/*** is the link"),
        ('{"access_token": "abcd1234"}', '{"access_token": "***"}'),
        ("client_secret=abcd1234&x=1", "client_secret=***&x=1"),
        ("password='hunter22'", "password='***'"),
        ("Cookie: a=1; bot_session=abcd", "Cookie: ***"),
        ("api_key=abcd1234", "api_key=***"),
        ("X-Slack-Signature: v0=a2114d57", "X-Slack-Signature: ***"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text, masked):
    assert Redactor()(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "The bearer of news came in.",
        "conv=cnv_01M6DQS9M04DYB27TX226F49HS status=202",
        "12:30:00 https://example.com/in a bot token was refused",
        "risk-free task-list disk-usage",
        "used 1200 tokens: fine",
        "barcode 12345 statecraft",
        "both are under Basic Information of the app at api.slack.com/apps.",
    ],
)
def test_ordinary_words_stay(text):
    assert Redactor()(text) == text


def test_secrets_in_arguments_extras_and_tracebacks_are_masked():
    out = io.StringIO()
    with logging_to(out, CANARY) as (log, _):
        try:
            raise ValueError(f"refused {CANARY} and xoxb-123456789")
        except ValueError:
            log.exception("with %s", CANARY, extra={"path": f"/x?key={CANARY}"})
    assert "0123456789" not in out.getvalue()
    assert "xoxb-1" not in out.getvalue()
    (line,) = lines_of(out)
    assert line["message"] == "with ***"
    assert line["path"] == "/x?key=***"
    assert "ValueError: refused *** and xoxb-***" in line["error"]


def test_a_handler_of_another_library_gets_no_secret_either():
    out, theirs = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(theirs)
    other = logging.getLogger("somebody.elses")
    other.addHandler(handler)
    try:
        with logging_to(out, CANARY):
            try:
                raise ValueError(CANARY)
            except ValueError:
                other.error("key %s", CANARY, exc_info=True)
    finally:
        other.removeHandler(handler)
    assert "key ***" in theirs.getvalue()
    assert "0123456789" not in theirs.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_half_a_surrogate_pair_is_written_as_text(stream):
    out = stream()
    with logging_to(out) as (log, _):
        log.info("header", extra={"path": "\ud800 half a pair"})
    assert out.getvalue().encode()


@pytest.mark.parametrize(
    "attack",
    [
        'x\n{"level":"error","message":"forged"}',
        "x\r\nforged",
        "\x1b[2J\x1b]0;title\x07",
        "\x85forged\u2028forged",
        "\u202eevil\u200b",
        "\x00\x7f",
    ],
)
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_no_text_makes_a_line_or_a_control_of_its_own(attack, stream):
    out = stream()
    with logging_to(out) as (log, _):
        log.info("header %s", attack, extra={"path": attack})
    text = out.getvalue()
    assert text.endswith("\n") and len(text.splitlines()) == 1
    assert text[:-1].isprintable()


def test_a_traceback_on_a_terminal_stays_readable_and_cannot_forge_a_line():
    out = Terminal()
    with logging_to(out) as (log, _):
        try:
            raise ValueError("a\n12:00:00 forged \x1b[31m")
        except ValueError:
            log.exception("It failed.", extra={"event": "evt_1"})
    first, *rest = out.getvalue().splitlines()
    assert first[8:] == " ERROR It failed.  event=evt_1"
    assert rest and all(line.startswith("    ") for line in rest)
    assert "\x1b" not in out.getvalue()


def test_libraries_are_capped_at_warning_whatever_the_level():
    out = io.StringIO()
    with logging_to(out, level="debug") as (log, _):
        log.debug("ours")
        for name in VENDORS:
            logging.getLogger(name).info("request body")
            logging.getLogger(f"{name}.inner").debug("request body")
            logging.getLogger(name).warning("slow")
    messages = [line["message"] for line in lines_of(out)]
    assert messages == ["ours"] + ["slow"] * len(VENDORS)


def test_a_huge_message_is_cut():
    out = io.StringIO()
    with logging_to(out) as (log, _):
        log.info("x" * 1_000_000)
    assert len(lines_of(out)[0]["message"]) <= MAX_CHARS + 2


def test_a_mistake_in_a_logging_call_is_logged_and_stops_nobody():
    out = io.StringIO()

    class Bad:
        def __str__(self) -> str:
            raise RuntimeError("no")

    with logging_to(out) as (log, _):
        log.info("%d apples", "many")
        log.info("%s", Bad())
    assert [line["message"] for line in lines_of(out)] == [
        "%d apples (its arguments do not fit)",
        "%s (its arguments do not fit)",
    ]


def test_closing_leaves_logging_as_it_was():
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    before = (list(root.handlers), root.level, logging.getLogger("httpx").level)
    with logging_to(io.StringIO(), level="error"):
        assert logging.getLogRecordFactory() is not factory
    after = (list(root.handlers), root.level, logging.getLogger("httpx").level)
    assert after == before
    assert logging.getLogRecordFactory() is factory


def test_escaping_shows_what_was_there():
    assert escape("a\nb\x1b[0m\u202e") == "a\\nb\\x1b[0m\\u202e"
