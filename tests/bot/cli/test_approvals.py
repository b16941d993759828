"""`bot approvals`: the whole card, and every answer bound to the version that was seen."""

from pathlib import Path

import pytest

from bot.cli.card import card
from bot.cli.decide import editable, in_editor, letters_of
from bot.cli.record import Record
from bot.cli.terminal import Terminal
from tests.bot.cli.cards import DOUBT, TEXT, Desk, approval
from tests.bot.cli.conftest import Bot
from tests.fakes.api_server import ApiServer


def _shown(**changes: object) -> str:
    return "\n".join(card(Terminal(), Record(approval(**changes))))


def test_the_card_shows_everything_that_will_happen() -> None:
    assert _shown(
        shown={"amount": "€ 12.00", "warnings": ["It holds a link."], "sandbox": True}
    ) == (
        "\n"
        "Publish on the blog   4821\n"
        "  agent      reynolds, on behalf of Ada\n"
        "  amount     € 12.00\n"
        "  to         everybody\n"
        "  Title      Sunday\n"
        "\n"
        "  │ We are open on Sunday\n"
        "\n"
        "  ! It holds a link.\n"
        "  visible to public\n"
        "  asked      publishing always asks\n"
        "  may decide Ada\n"
        "  until      2020-02-01\n"
        "  sandbox: nothing leaves this machine"
    )


def test_invisible_characters_of_a_card_are_written_out() -> None:
    text = "pay\u200b me\u202e now\u001b[2J\rhidden\u00ad"
    shown = _shown(shown={"body": text, "title": "\u2066x"})
    for sign in ("U+200B", "U+202E", "U+001B", "U+000D", "U+00AD", "U+2066"):
        assert f"[{sign}]" in shown
    assert not set(text) & {"\u200b", "\u202e", "\u001b", "\r", "\u00ad"} & set(shown)


def test_a_decided_card_says_by_whom_and_an_expiry_is_not_a_no() -> None:
    assert "Approved by Ada." in _shown(state="approved", decided_by={"name": "Ada"})
    assert "Expired, nobody decided." in _shown(state="expired")


def test_choices_have_letters_of_their_own() -> None:
    letters = letters_of(Record(approval()))
    assert {letter: choice for letter, (choice, _) in letters.items()} == {
        "e": "edit",
        "k": "ask",
        "r": "reject",
        "a": "approve",
    }
    doubt = letters_of(Record(approval(shown={"choices": DOUBT})))
    assert "l" not in doubt  # that is for later
    assert [choice for choice, _ in doubt.values()] == ["there", "leave", "again"]


def test_what_the_card_shows_may_be_edited_or_everything_when_it_names_nothing() -> None:
    values = {"title": "Sunday", "text": TEXT, "tags": []}
    assert editable(Record(approval()), values) == ["title", "text"]
    bare = Record(approval(shown={"fields": [], "body": ""}))
    assert editable(bare, values) == ["title", "text", "tags"]


def test_the_list_names_what_waits(bot: Bot, server: ApiServer) -> None:
    Desk(server)
    shown = bot("approvals").out
    assert "4821  Publish on the blog  reynolds  pending" in shown
    assert server.calls[0].query["state"] == "pending"


def test_nothing_waits(bot: Bot, server: ApiServer) -> None:
    assert bot("approvals").out == "Nothing waits for a yes.\n"
    bot("approvals", "list", "--all")
    assert "state" not in server.calls[-1].query


def test_one_is_shown_whole(bot: Bot, server: ApiServer) -> None:
    Desk(server)
    assert f"│ {TEXT}" in bot("approvals", "show", "4821").out
    assert bot("approvals", "show", "apr_1", "--json").json["hash"] == "abc"


@pytest.mark.parametrize("name", ["4821", "apr_1"])
def test_a_yes_goes_with_the_version_that_was_read(bot: Bot, server: ApiServer, name: str) -> None:
    desk = Desk(server, version=7)
    said = bot("approvals", "approve", name)
    assert (said.code, said.out) == (0, "Publish on the blog: Approved by Ada.\n")
    assert desk.decided == [{"decision": "approve", "version": 7}]


def test_a_no_takes_its_reason_along(bot: Bot, server: ApiServer) -> None:
    desk = Desk(server)
    bot("approvals", "reject", "4821", "--note", "Too early.")
    assert desk.decided == [{"decision": "reject", "version": 1, "note": "Too early."}]


@pytest.mark.parametrize("decision", ["there", "again", "leave"])
def test_a_doubt_is_settled(bot: Bot, server: ApiServer, decision: str) -> None:
    desk = Desk(server, kind="doubt")
    assert bot("approvals", decision, "4821").code == 0
    assert desk.decided[0]["decision"] == decision


def test_a_question_leaves_it_open(bot: Bot, server: ApiServer) -> None:
    desk = Desk(server)
    said = bot("approvals", "ask", "4821", "Which", "Sunday?")
    assert "Still waiting" in said.out
    assert desk.decided[0]["note"] == "Which Sunday?"


def test_an_edit_changes_one_argument_and_keeps_the_others(bot: Bot, server: ApiServer) -> None:
    desk = Desk(server)
    said = bot("approvals", "edit", "4821", "--set", "text=New = better", "--set", 'tags=["x"]')
    assert said.code == 0
    assert desk.decided[0] == {
        "decision": "edit",
        "version": 1,
        "arguments": {"title": "Sunday", "text": "New = better", "tags": ["x"]},
    }


def test_an_edit_may_bring_all_arguments(bot: Bot, server: ApiServer) -> None:
    desk = Desk(server)
    bot("approvals", "edit", "4821", "--arguments", '{"eff_1": null}')
    assert desk.decided[0]["arguments"] == {"eff_1": None}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--arguments", "{"), "--arguments is not JSON"),
        (("--arguments", "[]"), "--arguments is a JSON object"),
        (("--set", "text"), "text is not NAME=VALUE."),
        ((), "Say what to change"),
    ],
)
def test_an_edit_that_makes_no_sense_decides_nothing(
    bot: Bot, server: ApiServer, words: tuple[str, ...], said: str
) -> None:
    desk = Desk(server)
    done = bot("approvals", "edit", "4821", *words)
    assert done.code == 1
    assert said in done.err
    assert desk.decided == []


def test_a_card_that_changed_since_is_shown_anew_and_nothing_is_decided(
    bot: Bot, server: ApiServer
) -> None:
    desk = Desk(server, version=2)
    said = bot("approvals", "approve", "4821", "--version", "1")
    assert said.code == 1
    assert f"│ {TEXT}" in said.out
    assert said.err == "It has changed.\n"
    assert desk.current["state"] == "pending"


def test_a_second_yes_is_told_who_was_first(bot: Bot, server: ApiServer) -> None:
    desk = Desk(server, state="approved", decided_by={"name": "Bo"})
    said = bot("approvals", "approve", "apr_1")
    assert said.code == 1
    assert "Approved by Bo." in said.out
    assert desk.current["decided_by"] == {"name": "Bo"}


def test_an_unknown_code_is_not_there(bot: Bot, server: ApiServer) -> None:
    server.answers["GET", "/v1/approvals/9999"] = (
        404,
        {"error": {"code": "not_found", "message": "There is no such approval here."}},
    )
    said = bot("approvals", "approve", "9999")
    assert (said.code, said.err) == (1, "There is no such approval here.\n")


def test_the_person_s_own_editor_gets_the_text(tmp_path: Path) -> None:
    script = tmp_path / "my editor"
    script.write_text('#!/bin/sh\nprintf "%s more\\n" "$(cat "$1")" > "$1"\n')
    script.chmod(0o755)
    assert in_editor(f"'{script}'", "one\ntwo") == "one\ntwo more"
