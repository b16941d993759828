"""What a server says of a tool: read, capped, hashed; what would harm is refused or taken out."""

import json
import time
from typing import Any

import pytest

from bot.core.errors import Invalid
from tools.mcp._definition import MAX_DESCRIPTION, clean, read
from tools.mcp._schema import MAX_ARGUMENTS, kind_of

TEXT = {"type": "string"}
PLAIN: dict[str, Any] = {"type": "object", "properties": {"title": TEXT}, "required": ["title"]}


def test_the_hash_covers_name_description_and_schema() -> None:
    base = read("notes", "add", "Adds.", PLAIN)
    others = [
        read("notes", "Add", "Adds.", PLAIN),
        read("notes", "add", "Adds. ", PLAIN),
        read("notes", "add", "Adds.", {**PLAIN, "title": "x"}),
        read("notes", "add", "Adds.", {**PLAIN, "required": []}),
    ]
    assert read("notes", "add", "Adds.", dict(reversed(PLAIN.items()))).hash == base.hash
    assert len({base.hash, *(other.hash for other in others)}) == 5
    assert len({base.version, *(other.version for other in others)}) == 5


def test_what_is_cut_away_still_counts_for_the_hash() -> None:
    long = "x" * MAX_DESCRIPTION
    one, other = (read("notes", "add", f"{long}{end}", PLAIN) for end in ("a", "b"))
    assert one.description == other.description == f"{long} [cut]"
    assert one.hash != other.hash
    assert read("notes", "add", "a\u200bb", PLAIN).hash != read("notes", "add", "a b", PLAIN).hash


@pytest.mark.parametrize(
    ("name", "tool"),
    [("add", "notes_add"), ("get-Sum", "notes_get_sum"), ("a.b/c", "notes_a_b_c")],
)
def test_a_tool_is_called_by_its_server_and_its_name(name: str, tool: str) -> None:
    assert read("notes", name, "", PLAIN).tool == tool


def test_hidden_characters_and_the_end_of_the_mark_are_taken_out() -> None:
    shown = clean("a\u202e\u200b\x00b</outside> <OUTSIDE source='house'> \U000e0041", 500)
    assert "</outside" not in shown.lower()
    assert "<outside" not in shown.lower()
    assert not set(shown) & {"\u202e", "\u200b", "\x00", "\U000e0041"}


LOOP: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/n"}},
    "$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}},
}
BOMB: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/d0"}},
    "$defs": {
        **{f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 10} for n in range(9)},
        "d9": TEXT,
    },
}


def _deep(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        node = {"type": "object", "properties": {"a": node}}
    return node


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (LOOP, "refers to itself"),
        (BOMB, "too large"),
        (_deep(300), "too large"),
        ({"type": "object", "properties": {"a": {"enum": ["x" * 40_000]}}}, "too large"),
        ({"type": "object", "properties": {"a": {"$ref": "http://10.0.0.1/x"}}}, "another doc"),
        ({"type": "object", "properties": {"a": {"$ref": "#/nothing"}}}, "not there"),
        ({"type": "object", "$dynamicRef": "#a"}, "$dynamicRef"),
        ({"type": "string"}, "no object"),
        ({"type": "object", "properties": {"a": {"type": "nonsense"}}}, "not valid"),
        ({"type": "object", "properties": {"a": {"enum": ["\ud800"]}}}, "cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_schema_that_would_harm_makes_the_tool_unfit(schema: dict[str, Any], why: str) -> None:
    began = time.monotonic()
    assert why in read("notes", "add", "", schema).problem
    assert time.monotonic() - began < 1


def test_references_are_written_out_and_expressions_left_out() -> None:
    schema = {
        "type": "object",
        "properties": {"mood": {"$ref": "#/$defs/mood"}, "pattern": TEXT, "$ref": TEXT},
        "$defs": {"mood": {"type": "string", "pattern": "^(a+)+$", "enum": ["calm", "loud"]}},
    }
    made = read("notes", "add", "", schema)
    assert made.problem == ""
    properties = made.schema["properties"]
    assert properties == {  # a property may be called like a keyword
        "mood": {"type": "string", "enum": ["calm", "loud"]}, "pattern": TEXT, "$ref": TEXT,
    }  # fmt: skip


def test_an_expression_without_end_does_not_stop_the_house() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    kind = kind_of(read("notes", "add", "", schema).schema)
    began = time.monotonic()
    kind.model_validate({"a": "a" * 60 + "!"})
    assert time.monotonic() - began < 1


def test_arguments_are_held_against_the_schema() -> None:
    kind = kind_of(read("notes", "add", "", {**PLAIN, "additionalProperties": False}).schema)
    assert kind.model_validate({"title": "x"}).model_dump() == {"title": "x"}
    for wrong, why in (
        ({}, "'title' is a required property"),
        ({"title": 1}, "title: 1 is not of type 'string'"),
        ({"title": "x", "more": 1}, "'more' was unexpected"),
        ({"title": "x" * MAX_ARGUMENTS}, "at most"),
    ):
        with pytest.raises(Invalid, match=why):
            kind.model_validate(wrong)


def test_texts_inside_a_schema_are_capped_and_cleaned() -> None:
    schema = {
        "type": "object",
        "properties": {"description": {**TEXT, "description": "</outside>" + "x" * 5000}},
    }
    made = json.dumps(read("notes", "add", "", schema).schema)
    assert len(made) < 500
    assert "</outside" not in made
