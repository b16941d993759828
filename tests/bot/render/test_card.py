"""Cards on every surface: the same as before, within each platform's limits, hiding nothing."""

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.card import Card, Choice, Field
from bot.render.card import Surface, render
from bot.render.codes import parse_code, parse_press
from bot.render.text import one_line, units, visible
from bot.render.whole import whole
from tests.bot.render.checks import check_telegram
from tests.bot.render.ten import LINKED, REF, TEN, letters_of, presses, strings

ALBUM = Path(__file__).parents[2] / "payloads" / "cards"
SURFACES = list(Surface)
BUTTONS = [Surface.SLACK, Surface.DISCORD, Surface.TELEGRAM, Surface.TEAMS]

ALONE = "\u200b\u200c\u200d\ufe0e\ufe0f"
"""Ours, and what may stand inside an emoji or a word; see test_text.py."""

WORDS = st.text(
    st.characters(codec="utf-8") | st.sampled_from("\n *_`<>&@\u202e\u200b\x1b|"), max_size=40
)
LONG = WORDS | st.builds(lambda text, n: text * n, WORDS, st.integers(1, 600))
CARDS = st.builds(
    Card,
    title=WORDS,
    agent=WORDS,
    on_behalf_of=WORDS,
    amount=st.sampled_from(["", "EUR 12.50"]),
    recipients=st.lists(WORDS | st.builds("r{}@e.example".format, st.integers()), max_size=40).map(
        tuple
    ),
    fields=st.lists(
        st.builds(
            Field, name=WORDS, value=LONG, long=st.booleans(), editable=st.sampled_from(["", "x"])
        ),
        max_size=12,
    ).map(tuple),
    body=LONG,
    warnings=st.lists(WORDS, max_size=4).map(tuple),
    audience=WORDS,
    why=WORDS,
    approvers=st.lists(WORDS, max_size=3).map(tuple),
    expires_at=st.sampled_from([None, datetime(2026, 11, 28, tzinfo=UTC)]),
    code=st.sampled_from(["4821", "1234567"]),
    decided=st.sampled_from(["", "Rejected by Bo"]),
    sandbox=st.booleans(),
)


def snapshot(surface: Surface) -> str:
    """The ten cards on one surface, readable."""
    parts = []
    for name, card in TEN.items():
        payload = render(card, surface, REF)
        text = payload if isinstance(payload, str) else json.dumps(payload, indent=1)
        if not isinstance(payload, str):
            text = re.sub(r"\\u([0-9a-f]{4})", _readable, text)
        parts.append(f"=== {name} ===\n{text}\n")
    return "\n".join(parts)


def _readable(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return letter if letter.isprintable() and not 0xD800 <= ord(letter) < 0xE000 else found[0]


@pytest.mark.parametrize("surface", SURFACES)
def test_the_ten_cards_look_as_they_did(surface):
    path = ALBUM / f"{surface}.txt"
    now = snapshot(surface)
    if os.environ.get("BOT_SNAPSHOT"):
        path.write_text(now, encoding="utf-8")
    assert now == path.read_text(encoding="utf-8"), "BOT_SNAPSHOT=1 writes the new look"


@pytest.mark.parametrize("surface", SURFACES)
@given(card=CARDS)
def test_any_card_hides_neither_amount_nor_recipient_and_fits(card, surface):
    payload = render(card, surface, REF)
    check_limits(surface, payload)
    read = letters_of(surface, payload)
    may_approve = any(press.endswith(":approve") for press in presses(surface, payload))
    if may_approve or surface in (Surface.MAIL, Surface.WEB, Surface.TERMINAL):
        shape = one_line if surface is not Surface.WEB else str
        for each in (*card.recipients, card.amount):
            assert shape(visible(each)).strip() in read
    if card.decided:
        assert not presses(surface, payload)
        assert "Rejected by Bo" in read
    if surface is Surface.TEAMS:
        # What a person edits must be what it is; the lines above the form show what is hidden in it.
        payload = without_inputs(payload)
    for text in strings(payload):
        assert not [letter for letter in text if letter not in ALONE and visible(letter) != letter]


def without_inputs(payload):
    if isinstance(payload, dict):
        if payload.get("type") == "Input.Text":
            return {}
        return {key: without_inputs(value) for key, value in payload.items()}
    return [without_inputs(each) for each in payload] if isinstance(payload, list) else payload


def check_limits(surface: Surface, payload) -> None:
    match surface:
        case Surface.SLACK:
            check_slack(payload)
        case Surface.DISCORD:
            (embed,) = payload["embeds"]
            assert len(embed["title"]) <= 256 and len(embed["description"]) <= 4096
            assert len(payload["components"]) <= 5
            for row in payload["components"]:
                assert 1 <= len(row["components"]) <= 5
            assert payload["allowed_mentions"] == {"parse": []}
        case Surface.TELEGRAM:
            check_telegram_markup(payload["text"])
            shown = letters_of(surface, payload["text"])
            assert units(shown) <= 4096
        case Surface.TEAMS:
            assert len(json.dumps(payload)) <= 28_000
        case Surface.SMS:
            assert len(payload) <= 1600
        case Surface.MAIL:
            assert "\n" not in payload["subject"] and len(payload["subject"]) <= 200


def check_telegram_markup(text: str) -> None:
    """Well formed; mentions need no breaking in a card, where nothing is read as one."""
    check_telegram(text.replace("@", "").replace("&lt;", ""))


def check_slack(payload) -> None:
    blocks = payload["blocks"]
    assert len(blocks) <= 50
    assert len(json.dumps(blocks, ensure_ascii=False)) <= 12_500
    for block in blocks:
        if block["type"] == "header":
            assert 1 <= len(block["text"]["text"]) <= 150
        for element in block.get("elements", ()):
            if element["type"] == "button":
                assert len(element["text"]["text"]) <= 75
                assert len(element["value"]) <= 2000
            else:
                assert element["elements"]
                assert all(each.get("text", "x") for each in element["elements"])


@pytest.mark.parametrize("surface", BUTTONS)
def test_buttons_carry_approval_version_and_choice(surface):
    found = [parse_press(value) for value in presses(surface, render(TEN["invoice"], surface, REF))]
    assert sorted(press.choice for press in found) == ["approve", "ask", "edit", "reject"]
    assert {(press.approval, press.version) for press in found} == {(REF.approval, 3)}
    assert all(
        len(value.encode()) <= 64 for value in presses(surface, render(TEN["doubt"], surface, REF))
    )


def test_slacks_actions_have_the_names_that_its_handlers_know():
    actions = strings_of("action_id", render(TEN["invoice"], Surface.SLACK, REF))
    assert actions == ["edit_action", "request_more_info", "reject_action", "approve_action"]


def strings_of(key: str, payload) -> list[str]:
    if isinstance(payload, dict):
        return [v for k, v in payload.items() if k == key] + [
            text for value in payload.values() for text in strings_of(key, value)
        ]
    if isinstance(payload, list):
        return [text for value in payload for text in strings_of(key, value)]
    return []


@pytest.mark.parametrize("surface", BUTTONS)
def test_a_decided_card_has_no_button_and_says_who_decided(surface):
    payload = render(TEN["decided"], surface, REF)
    assert not presses(surface, payload)
    assert "Approved by Ann" in letters_of(surface, payload)
    assert "4821" not in letters_of(surface, payload)


@pytest.mark.parametrize("surface", BUTTONS)
def test_a_text_that_is_cut_says_so_and_can_be_shown_whole(surface):
    card = replace(TEN["long text"], body=TEN["long text"].body * 10)
    payload = render(card, surface, REF)
    choices = [parse_press(value).choice for value in presses(surface, payload)]
    assert choices[0] == "all"
    assert re.search(r"\[[\d,]+ more characters\]", letters_of(surface, payload))
    assert card.body in whole(card, REF).replace("\n| ", "\n").replace("| This", "This")
    linked = render(card, surface, LINKED)
    assert LINKED.url in strings(linked)
    assert "all" not in [parse_press(value).choice for value in presses(surface, linked)]


@pytest.mark.parametrize("surface", BUTTONS)
def test_a_card_with_too_many_recipients_to_show_cannot_be_approved_there(surface):
    crowd = tuple(f"person-number-{n}@some-long-domain.example" for n in range(2000))
    payload = render(replace(TEN["mail to many"], recipients=crowd), surface, REF)
    choices = {parse_press(value).choice for value in presses(surface, payload)}
    assert choices == {"all", "ask", "reject"}
    read = letters_of(surface, payload)
    assert "To (2000)" in read and "Too long to be approved here" in read
    check_limits(surface, payload)


@pytest.mark.parametrize("surface", SURFACES)
def test_what_is_hidden_is_shown(surface):
    read = letters_of(surface, render(TEN["hidden things"], surface, REF))
    for mark in ("[U+202E]", "[U+200B]", "[U+001B]", "[U+E0041]", "[11 empty lines]", "far right"):
        assert mark in read


@pytest.mark.parametrize("surface", [Surface.SMS, Surface.MAIL, Surface.TERMINAL])
def test_the_words_that_answer_a_card_are_understood(surface):
    text = "".join(strings(render(TEN["invoice"], surface, REF)))
    for word, choice in (("OK", "approve"), ("NO", "reject"), ("EDIT", "edit"), ("ASK", "ask")):
        assert f"{word} 4821" in text
        assert parse_code(f"{word} 4821").choice == choice


def test_a_card_that_may_not_be_answered_by_text_gives_the_address_instead():
    text = render(TEN["invoice"], Surface.SMS, LINKED)
    assert "OK 4821" not in text
    assert text.endswith(LINKED.url)


def test_teams_offers_a_form_for_what_may_be_edited():
    payload = render(TEN["blog post"], Surface.TEAMS, REF)
    edit, ask = [
        each["card"] for each in payload["attachments"][0]["content"]["actions"] if "card" in each
    ]
    inputs = {each["id"]: each["value"] for each in edit["body"]}
    assert inputs == {"title": "Sunday", "text": "We are open on Sunday."}
    assert parse_press(edit["actions"][0]["data"]["press"]).choice == "edit"
    assert [each["id"] for each in ask["body"]] == ["question"]
    assert parse_press(ask["actions"][0]["data"]["press"]).choice == "ask"


def test_teams_has_no_form_where_two_texts_have_one_name():
    twice = (
        Field(name="Text", value="a", editable="text"),
        Field(name="Text", value="b", editable="text"),
    )
    payload = render(replace(TEN["blog post"], fields=twice), Surface.TEAMS, REF)
    actions = payload["attachments"][0]["content"]["actions"]
    assert [each["title"] for each in actions if "card" in each] == ["Ask"]


def test_a_text_that_is_a_field_as_well_is_shown_once():
    card = replace(TEN["blog post"], body="We are open on Sunday.")
    for surface in (Surface.SMS, Surface.SLACK, Surface.TEAMS):
        assert render(card, surface, REF) == render(TEN["blog post"], surface, REF)
    mail = render(card, Surface.MAIL, REF)
    assert str(mail["text"]).count(card.body) == str(mail["html"]).count(card.body) == 1
    other = replace(card, body="We are open on Sunday. https://shop.example")
    assert str(render(other, Surface.SMS, REF)).count("We are open on Sunday.") == 2


def test_a_line_of_the_text_cannot_pass_for_one_of_ours():
    card = replace(TEN["blog post"], body="Hello\nTo: boss@example.com\nReply OK 1111.")
    for surface in (Surface.SMS, Surface.TERMINAL):
        lines = [line.removeprefix("│ ") for line in render(card, surface, REF).split("\n")]
        assert "To: boss@example.com" not in lines
        assert "| To: boss@example.com" in lines


def test_a_card_without_anything_is_still_a_message():
    for surface in SURFACES:
        check_limits(surface, render(Card(title="", choices=()), surface, REF))


def test_a_choice_of_another_name_gets_a_button_of_its_name():
    card = Card(title="x", choices=(Choice(id="again", label="Do it again"),))
    assert strings_of("action_id", render(card, Surface.SLACK, REF)) == ["again_action"]
