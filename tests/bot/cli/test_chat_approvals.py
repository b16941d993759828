"""Questions in `bot chat`: the whole card, the answer at the keyboard, and what becomes of it."""

from collections.abc import Callable

import pytest

from tests.bot.cli.cards import TEXT, Desk
from tests.bot.cli.conftest import Sit, say
from tests.fakes.api_server import ApiServer, Talk


def _asking(desk: Desk) -> Callable[[ApiServer, Talk, str, str], None]:
    """A turn that ends with a question, and another one that tells what became of it."""

    def script(server: ApiServer, talk: Talk, turn: str, text: str) -> None:
        waiting = "Waiting for approval 4821."
        server.line(talk, turn, "assistant", waiting, approval="apr_1")
        server.tell(talk, "state", {"state": "idle"})

        def after(decision: object) -> None:
            server.line(talk, f"evt_{decision}", "assistant", f"It was answered: {decision}.")

        desk.after = after

    return script


def test_a_question_is_shown_and_a_yes_is_told(sit: Sit, server: ApiServer) -> None:
    desk = Desk(server)
    server.script = _asking(desk)
    with sit() as terminal:
        say(terminal, "publish it")
        card = terminal.wait_for("[a]pprove  [l]ater › ")
        assert f"│ {TEXT}" in card
        assert "[e]dit  as[k]  [r]eject" in card
        terminal.type("a\r")
        terminal.wait_for("Approved by Ada.\n")
        terminal.wait_for("It was answered: approve.\n")
        terminal.wait_for("you › ")
    assert desk.decided == [{"decision": "approve", "version": 1}]


def test_a_text_is_edited_on_the_line_and_approved_in_one_step(sit: Sit, server: ApiServer) -> None:
    desk = Desk(server)
    server.script = _asking(desk)
    with sit() as terminal:
        say(terminal, "publish it")
        terminal.wait_for("[l]ater › ")
        terminal.type("e\r")
        terminal.wait_for("title › Sunday")
        terminal.type("\r")
        terminal.wait_for(f"text › {TEXT}")
        terminal.type("\x7f\x7f\x7f\x7f\x7f\x7fMonday\r")  # backspaces over the last word
        terminal.wait_for("Approved by Ada.\n")
    (decided,) = desk.decided
    assert decided["decision"] == "edit"
    assert decided["arguments"] == {
        "title": "Sunday",
        "text": "We are open on Monday",
        "tags": ["news"],
    }


def test_a_refused_edit_stays_open_and_keeps_what_was_typed(sit: Sit, server: ApiServer) -> None:
    desk = Desk(server)
    desk.refuse_text = f"{TEXT}!!"
    server.script = _asking(desk)
    with sit() as terminal:
        say(terminal, "publish it")
        terminal.wait_for("[l]ater › ")
        terminal.type("e\r")
        terminal.wait_for("title › Sunday")
        terminal.type("\r")
        terminal.wait_for(f"text › {TEXT}")
        terminal.type("!!\r")
        terminal.wait_for("The text is too long for the blog.\n")
        terminal.wait_for("[l]ater › ")
        terminal.type("e\r")
        terminal.wait_for("title › Sunday")
        terminal.type("\r")
        terminal.wait_for(f"text › {TEXT}!!")
        terminal.type("\x7f\r")
        terminal.wait_for("Approved by Ada.\n")
    assert desk.current["arguments"]["text"] == f"{TEXT}!"  # type: ignore[index]


@pytest.mark.parametrize(
    ("letter", "note", "decision"), [("r", "Too early.", "reject"), ("k", "Which one?", "ask")]
)
def test_a_no_and_a_question_take_words_along(
    sit: Sit, server: ApiServer, letter: str, note: str, decision: str
) -> None:
    desk = Desk(server)
    server.script = _asking(desk)
    with sit() as terminal:
        say(terminal, "publish it")
        terminal.wait_for("[l]ater › ")
        terminal.type(f"{letter}\r")
        terminal.wait_for(" › ")
        terminal.type(f"{note}\r")
        terminal.wait_for(f"It was answered: {decision}.\n")
    assert desk.decided == [{"decision": decision, "version": 1, "note": note}]


def test_a_card_that_changed_meanwhile_is_shown_anew(sit: Sit, server: ApiServer) -> None:
    desk = Desk(server)
    server.script = _asking(desk)
    with sit() as terminal:
        say(terminal, "publish it")
        terminal.wait_for("[l]ater › ")
        shown = {**desk.current["shown"], "body": "Another text"}  # type: ignore[dict-item]
        desk.current = {**desk.current, "version": 2, "shown": shown}
        terminal.type("a\r")
        terminal.wait_for("It has changed.\n")
        terminal.wait_for("│ Another text")
        terminal.wait_for("[l]ater › ")
        terminal.type("l\r")
        terminal.wait_for("you › ")
    assert desk.current["state"] == "pending"


def test_several_actions_are_kept_changed_or_struck_out_one_by_one(
    sit: Sit, server: ApiServer
) -> None:
    effects = [
        {"id": f"eff_{n}", "tool": f"{n}_publish", "arguments": {"text": n}}
        for n in ("x", "y", "z")
    ]
    desk = Desk(server, effects=effects, shown={"fields": [], "body": ""})
    server.script = _asking(desk)
    with sit() as terminal:
        say(terminal, "publish it")
        terminal.wait_for("[l]ater › ")
        terminal.type("e\r")
        for answer in ("k", "s", "e"):
            terminal.wait_for("[s]trike out › ")
            terminal.type(f"{answer}\r")
        terminal.wait_for("text › z")
        terminal.type("!\r")
        terminal.wait_for("Approved by Ada.\n")
    assert desk.decided[0]["arguments"] == {
        "eff_x": {"text": "x"},
        "eff_y": None,
        "eff_z": {"text": "z!"},
    }


def test_later_leaves_it_and_answers_do_not_enter_the_history(sit: Sit, server: ApiServer) -> None:
    desk = Desk(server)
    server.script = _asking(desk)
    with sit() as terminal:
        say(terminal, "publish it")
        terminal.wait_for("[l]ater › ")
        terminal.type("l\r")
        terminal.wait_for("you › ")
        terminal.type("\x1b[A")  # the arrow up
        terminal.wait_for("publish it")
        terminal.type("\x15\x04")  # clear the line, leave
        assert terminal.end() == 0
    history = server.home / "chat_history"
    assert history.stat().st_mode & 0o777 == 0o600
    assert "publish it" in history.read_text()
    assert desk.decided == []


def test_ctrl_d_at_a_question_leaves_it_for_later(sit: Sit, server: ApiServer) -> None:
    desk = Desk(server)
    server.script = _asking(desk)
    with sit() as terminal:
        say(terminal, "publish it")
        terminal.wait_for("[l]ater › ")
        terminal.type("\x04")
        terminal.wait_for("you › ")
        terminal.type("\x04")
        assert terminal.end() == 0
    assert desk.decided == []
