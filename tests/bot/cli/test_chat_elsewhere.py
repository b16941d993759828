"""`bot chat` beside another terminal or the page: what is asked, said and decided there is seen."""

from collections.abc import Callable

import pytest

from tests.bot.cli.cards import TEXT, Desk
from tests.bot.cli.conftest import Sit, say
from tests.fakes.api_server import ApiServer, Talk
from tests.fakes.terminal import Sitting
from tests.program import wait_for

Begin = Callable[[], Sitting]
APPROVED = "Publish on the blog (4821): Approved by Ada."


def _begun(terminal: Sitting) -> None:
    """A conversation with one answer in it, and an empty line."""
    say(terminal, "one")
    terminal.wait_for("You said one\n")
    terminal.wait_for("you › ")


def _asked_elsewhere(server: ApiServer) -> Talk:
    talk = server.talks["cnv_1"]
    server.line(talk, "evt_there", "user", "publish it")
    server.line(talk, "evt_there", "assistant", "Waiting for your yes.", approval="apr_1")
    return talk


def _decided_elsewhere(desk: Desk, server: ApiServer, talk: Talk) -> None:
    desk.current = {
        **desk.current,
        "state": "approved",
        "version": 2,
        "decided_by": {"id": "per_1", "name": "Ada"},
    }
    server.tell(talk, "approval", {"id": "apr_1", "state": "approved", "version": 2})


def test_a_question_from_elsewhere_is_shown_whole_above_the_line(
    sit: Sit, server: ApiServer
) -> None:
    desk = Desk(server)
    with sit() as terminal:
        _begun(terminal)
        terminal.type("half a")
        talk = _asked_elsewhere(server)
        shown = terminal.wait_for("Press Enter to answer it.\nyou › half a")
        assert "you › publish it\n" in shown and f"│ {TEXT}" in shown
        _decided_elsewhere(desk, server, talk)
        terminal.wait_for(f"{APPROVED}\nyou › half a")
        terminal.type(" line\r")
        terminal.wait_for("You said half a line\n")
    assert desk.decided == []


def test_a_question_that_is_decided_elsewhere_while_it_is_read_says_so(
    sit: Sit, server: ApiServer
) -> None:
    desk = Desk(server)
    with sit() as terminal:
        _begun(terminal)
        talk = _asked_elsewhere(server)
        terminal.wait_for("Press Enter to answer it.\n")
        terminal.type("\r")
        terminal.wait_for("[l]ater › ")
        _decided_elsewhere(desk, server, talk)
        terminal.wait_for(APPROVED)
        terminal.type("\r")
        terminal.wait_for("you › ")
        say(terminal, "two")
        terminal.wait_for("You said two\n")
        assert terminal.text.count(APPROVED) == 1


def test_what_is_decided_here_is_told_once(sit: Sit, server: ApiServer) -> None:
    desk = Desk(server)
    with sit() as terminal:
        _begun(terminal)
        talk = _asked_elsewhere(server)
        terminal.wait_for("Press Enter to answer it.\n")
        desk.after = lambda _: server.tell(talk, "approval", {"id": "apr_1", "state": "approved"})
        terminal.type("\r")
        terminal.wait_for("[l]ater › ")
        terminal.type("a\r")
        terminal.wait_for("Approved by Ada.\n")
        server.line(talk, "evt_done", "assistant", "It is published.")
        terminal.wait_for("It is published.\n")
        assert terminal.text.count("Approved by Ada.") == 1


@pytest.mark.parametrize("state", ["pending", "approved"])
def test_what_waits_in_a_conversation_is_asked_where_it_is_gone_on_with(
    sit: Sit, server: ApiServer, state: str
) -> None:
    server.talks["cnv_1"] = Talk(id="cnv_1")
    Desk(server, state=state)
    _asked_elsewhere(server)
    with sit("--conversation", "cnv_1", prompt=False) as terminal:
        wait_for(lambda: any(call.path == "/v1/approvals" for call in server.calls))
        terminal.wait_for("[l]ater › " if state == "pending" else "you › ")
        assert (f"│ {TEXT}" in terminal.text) is (state == "pending")
    asked = [call.query for call in server.calls if call.path == "/v1/approvals"]
    assert all(query["conversation"] == "cnv_1" for query in asked)
