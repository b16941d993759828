"""Strict parsing: what is odd is refused with a reason, whatever it is, and quickly."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import Invalid
from bot.web.body import MAX_DEPTH, MAX_KEYS, MAX_VALUES, BadBody, Fields, parse


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


BAD = {
    "empty": b"",
    "no JSON": b"hello",
    "half": b'{"text": "a',
    "half an escape": b'{"text": "a\\',
    "rest": b'{"a": 1} {"b": 2}',
    "a list": b"[1]",
    "a text": b'"text"',
    "null": b"null",
    "a byte-order mark": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "Latin-1": '{"a": "ü"}'.encode("latin-1"),
    "an overlong form": b'{"a": "\xc0\xaf"}',
    "half a surrogate pair": b'{"a": "\\ud800"}',
    "half a pair in a key": b'{"\\udfff": 1}',
    "a key twice": b'{"a": 1, "a": 2}',
    "a key twice, once escaped": b'{"a": 1, "\\u0061": 2}',
    "a key twice deep inside": b'{"a": [{"b": 1, "b": 1}]}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a number beyond all": b'{"a": 1e999}',
    "a whole number beyond all": b'{"a": ' + b"9" * 5000 + b"}",
    "a single quote": b"{'a': 1}",
    "a comma too many": b'{"a": 1,}',
    "a comment": b'{"a": 1 /* x */}',
    "a control character": b'{"a": "\n"}',
    "too deep": nested(MAX_DEPTH + 1),
    "far too deep": nested(100_000),
    "open for ever": b'{"a":' + b"[" * 500_000,
    "many keys": json.dumps({f"k{n}": n for n in range(MAX_KEYS + 1)}).encode(),
    "a crowd of values": b'{"a":[' + b"1," * MAX_VALUES + b"1]}",
    "a crowd of lists": b'{"a":[' + b"[]," * MAX_VALUES + b"[]]}",
    "a million keys": b"{" + b",".join(b'"%d":0' % n for n in range(10**5)) + b"}",
    "quotes without end": b'{"a": "' + b'\\"' * 500_000,
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_what_is_odd_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody) as error:
        parse(body)
    assert error.value.status == 400
    assert len(error.value.message) < 200


GOOD = {
    "nothing": b"{}",
    "as deep as allowed": nested(MAX_DEPTH),
    "as many keys as allowed": json.dumps({f"k{n}": n for n in range(MAX_KEYS)}).encode(),
    "a whole pair": b'{"a": "\\ud83d\\ude00"}',
    "signs inside a text": json.dumps({"a": '[[[{{{,,,:::"\\"' * 5000}).encode(),
    "space around": b' \n {"a": 1}\t',
    "numbers": b'{"a": -1.5e300, "b": 0, "c": 123456789012345678901234567890}',
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD.keys())
def test_what_is_right_is_read(body: bytes) -> None:
    assert parse(body) == json.loads(body)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=st.dictionaries(st.text(), JSON, max_size=5))
def test_every_object_that_can_be_written_is_read_back(value: Any) -> None:
    for ascii_only in (True, False):
        assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(body=st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_read_or_refused(body: bytes) -> None:
    try:
        assert isinstance(parse(body), dict)
    except BadBody:
        pass


@given(text=st.text(alphabet='{}[]",:\\ a1\n', max_size=60))
def test_no_broken_text_does_anything_but_be_read_or_refused(text: str) -> None:
    try:
        assert parse(text.encode()) == json.loads(text)
    except BadBody:
        pass


def test_a_field_that_nobody_knows_names_the_nearest() -> None:
    with pytest.raises(Invalid, match="Did you mean `agent`") as error:
        Fields({"agnet": 1}, ("agent", "text"))
    assert error.value.ids == {"field": "agnet"}


@pytest.mark.parametrize(
    "value", ["", "  ", 5, None, [], "x" * 11, "a\nb", "a\x00b", "a\x85b", "\x1b[31m"]
)
def test_a_name_is_one_short_line(value: object) -> None:
    with pytest.raises(Invalid):
        Fields({"name": value}, ("name",)).text("name", most=10)  # type: ignore[dict-item]


@pytest.mark.parametrize("value", ["1", 1.0, True, 2**63, [], {}])
def test_a_number_is_a_whole_number(value: object) -> None:
    with pytest.raises(Invalid):
        Fields({"n": value}, ("n",)).number("n")  # type: ignore[dict-item]
