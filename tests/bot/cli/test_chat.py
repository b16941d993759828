"""`bot chat` as a person has it: at a terminal, with a house that streams, asks and restarts."""

import json
import threading

import pytest

from tests.bot.cli.conftest import Bot, Sit, say
from tests.fakes.api_server import ApiServer, Call, Json, Talk


def test_an_answer_appears_as_it_is_written(sit: Sit, server: ApiServer) -> None:
    half = threading.Event()

    def slowly(server: ApiServer, talk: Talk, turn: str, text: str) -> None:
        server.tell(talk, "state", {"state": "running"})
        server.tell(talk, "activity", {"turn": turn, "text": "reading a page"})
        server.tell(talk, "draft", {"turn": turn, "agent": "bri", "delta": "We are"}, f"{turn}.0.6")
        assert half.wait(30)
        server.tell(talk, "draft", {"turn": turn, "agent": "bri", "delta": " open"}, f"{turn}.0.11")
        server.line(talk, turn, "assistant", "We are open.", footer="openai/gpt-4o-mini")
        server.tell(talk, "state", {"state": "idle"})

    server.script = slowly
    with sit() as seen:
        say(seen, "hello")
        seen.wait_for("bri › We are")
        half.set()
        seen.wait_for("you › ")
        shown = seen.text
        assert "· reading a page" in shown
        assert "bri › We are open.\n  openai/gpt-4o-mini\n" in shown
        assert shown.count("We are") == 1


def test_two_messages_go_into_one_conversation(sit: Sit, server: ApiServer) -> None:
    with sit("--agent", "bri") as terminal:
        say(terminal, "one")
        terminal.wait_for("bri › You said one\n")
        terminal.wait_for("you › ")
        say(terminal, "two")
        terminal.wait_for("bri › You said two\n")
        terminal.wait_for("you › ")
    first, second = server.of("POST", "/v1/messages")
    assert first.body == {"text": "one", "agent": "bri"}
    assert second.body == {"text": "two", "conversation": "cnv_1"}
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert len([c for c in server.calls if c.path.endswith("/stream")]) == 1


def test_a_draft_that_begins_again_is_replaced(sit: Sit, server: ApiServer) -> None:
    def twice(server: ApiServer, talk: Talk, turn: str, text: str) -> None:
        server.tell(talk, "draft", {"turn": turn, "agent": "bri", "delta": "Half a"}, f"{turn}.0.6")
        server.tell(talk, "reset", {"turn": turn})
        server.tell(talk, "draft", {"turn": turn, "agent": "bri", "delta": "Whole."}, f"{turn}.1.6")
        server.line(talk, turn, "assistant", "Whole.")

    server.script = twice
    with sit() as terminal:
        say(terminal, "hello")
        terminal.wait_for("… that answer begins again\nbri › Whole.\n")


@pytest.mark.parametrize("first", ["the answer", "the line"])
def test_a_command_that_is_answered_at_once_is_shown_once(
    sit: Sit, server: ApiServer, first: str
) -> None:
    talk = server.talks["cnv_1"] = Talk(id="cnv_1")

    def whoami(call: Call) -> tuple[int, Json]:
        if first == "the line":
            server.line(talk, "evt_1", "system", "You are Ada.")
        return 202, {"event": "evt_1", "conversation": "cnv_1", "reply": "You are Ada."}

    server.answers["POST", "/v1/messages"] = whoami
    with sit() as terminal:
        say(terminal, "/whoami")
        terminal.wait_for("You are Ada.\n")
        terminal.wait_for("you › ")
        if first == "the answer":
            server.line(talk, "evt_1", "system", "You are Ada.")
        server.line(talk, "evt_2", "assistant", "And this is later.")
        terminal.wait_for("And this is later.\n")
        assert terminal.text.count("You are Ada.") == 1
    assert server.of("POST", "/v1/messages")[0].body == {"text": "/whoami"}


def test_a_draft_of_nobody_in_particular_has_no_name(sit: Sit, server: ApiServer) -> None:
    def unnamed(server: ApiServer, talk: Talk, turn: str, text: str) -> None:
        server.tell(talk, "draft", {"turn": turn, "agent": None, "delta": "Hi"}, f"{turn}.0.2")
        server.line(talk, turn, "assistant", "Hi there")

    server.script = unnamed
    with sit() as terminal:
        say(terminal, "hello")
        terminal.wait_for("› Hi there\n")
        assert "Switchboard ›" not in terminal.text


def test_a_new_session_is_followed(sit: Sit, server: ApiServer) -> None:
    with sit() as terminal:
        say(terminal, "one")
        terminal.wait_for("You said one\n")
        server.talks["cnv_2"] = talk = Talk(id="cnv_2")
        server.answers["POST", "/v1/messages"] = 202, {"event": "evt_9", "conversation": "cnv_2"}
        say(terminal, "/new")
        server.line(talk, "evt_9", "system", "A fresh start.")
        terminal.wait_for("Switchboard › A fresh start.\nyou › ")


def test_ctrl_c_stops_the_turn_first_and_then_leaves(sit: Sit, server: ApiServer) -> None:
    def never(server: ApiServer, talk: Talk, turn: str, text: str) -> None:
        server.tell(talk, "state", {"state": "running"})
        server.tell(
            talk, "draft", {"turn": turn, "agent": "bri", "delta": "Once upon"}, f"{turn}.0"
        )

    def stop(call: Call) -> tuple[int, Json]:
        talk = server.talks["cnv_1"]
        server.line(talk, "evt_cnv_1_1", "system", "Stopped.")
        server.tell(talk, "state", {"state": "idle"})
        return 202, {"event": "evt_stop", "conversation": "cnv_1"}

    server.script = never
    server.answers["POST", "/v1/conversations/cnv_1/stop"] = stop
    with sit() as terminal:
        say(terminal, "tell me a story")
        terminal.wait_for("Once upon")
        terminal.type("\x03")
        terminal.wait_for("Stopped.\n")
        terminal.wait_for("you › ")
        assert terminal.end(press="\x03") == 0
        assert "Go on later: bot chat --conversation cnv_1" in terminal.text
    assert len(server.of("POST", "/v1/conversations/cnv_1/stop")) == 1


def test_ctrl_c_on_a_begun_line_only_clears_it(sit: Sit, server: ApiServer) -> None:
    with sit() as terminal:
        terminal.type("half a thou")
        terminal.wait_for("half a thou")
        terminal.type("\x03")
        terminal.wait_for("you › ")
        say(terminal, "hello")
        terminal.wait_for("You said hello\n")
    assert server.of("POST", "/v1/messages")[0].body["text"] == "hello"


def test_a_house_that_restarts_in_the_middle_of_an_answer_is_found_again(
    sit: Sit, server: ApiServer
) -> None:
    half = threading.Event()

    def broken(server: ApiServer, talk: Talk, turn: str, text: str) -> None:
        server.tell(talk, "state", {"state": "running"})
        data = {"turn": turn, "agent": "bri", "delta": "We are"}
        server.tell(talk, "draft", data, f"{turn}.0.6")
        assert half.wait(30)
        server.restart()
        server.tell(talk, "reset", {"turn": turn})
        server.line(talk, turn, "assistant", "We are open.")
        server.tell(talk, "state", {"state": "idle"})

    server.script = broken

    def still(server: ApiServer, talk: Talk, turn: str, text: str) -> None:
        server.line(talk, turn, "assistant", "Still here.")

    with sit() as terminal:
        say(terminal, "hello")
        terminal.wait_for("bri › We are")
        half.set()
        terminal.wait_for("bri › We are open.\n")
        terminal.wait_for("you › ")
        server.script = still
        say(terminal, "and now?")
        terminal.wait_for("Still here.\n")


def test_a_message_is_sent_once_though_the_house_was_away(sit: Sit, server: ApiServer) -> None:
    with sit() as terminal:
        say(terminal, "one")
        terminal.wait_for("You said one\n")
        terminal.wait_for("you › ")
        server.stop()
        terminal.type("two\r")
        terminal.wait_for("waiting for Switchboard…")
        server.start()
        terminal.wait_for("You said two\n")
    texts = [call.body["text"] for call in server.of("POST", "/v1/messages")]
    assert texts == ["one", "two"]


@pytest.mark.parametrize("before", ["", "one"])
def test_ctrl_c_while_the_house_is_away_says_that_nothing_was_sent(
    sit: Sit, server: ApiServer, before: str
) -> None:
    with sit() as terminal:
        if before:
            say(terminal, before)
            terminal.wait_for("You said one\n")
            terminal.wait_for("you › ")
        server.stop()
        terminal.type("two\r")
        terminal.wait_for("waiting for Switchboard…")
        terminal.type("\x03")
        terminal.wait_for("That was not sent.", press="\x03")
        terminal.wait_for("you › ")
        server.start()
        say(terminal, "three")
        terminal.wait_for("You said three\n")
    texts = [call.body["text"] for call in server.of("POST", "/v1/messages")]
    assert texts == [*filter(None, [before]), "three"]


def test_what_comes_by_itself_does_not_break_the_line_that_is_typed(
    sit: Sit, server: ApiServer
) -> None:
    with sit() as terminal:
        say(terminal, "one")
        terminal.wait_for("You said one\n")
        terminal.wait_for("you › ")
        terminal.type("half a")
        terminal.wait_for("half a")
        server.line(server.talks["cnv_1"], "evt_clock", "assistant", "It is nine.")
        terminal.wait_for("bri › It is nine.\nyou › half a")
        terminal.type(" line\r")
        terminal.wait_for("You said half a line\n")


def test_a_conversation_goes_on_with_its_last_lines(sit: Sit, server: ApiServer) -> None:
    talk = server.talks["cnv_7"] = Talk(id="cnv_7")
    server.line(talk, "evt_1", "user", "hello")
    server.line(talk, "evt_1", "assistant", "hi there")
    with sit("--conversation", "cnv_7", prompt=False) as terminal:
        terminal.wait_for("Ctrl-D leaves.\nyou › hello\nbri › hi there\n")
        terminal.wait_for("you › ")
        say(terminal, "more")
        terminal.wait_for("You said more\n")
        assert terminal.text.count("hi there") == 1


@pytest.mark.parametrize("key", ["/key", "sk-proj-abcdefgh12345678"])
def test_a_key_never_becomes_a_message(sit: Sit, server: ApiServer, key: str) -> None:
    told = {"provider": "OpenAI", "models": [], "model": "openai/m"}
    server.answers["POST", "/v1/models/key"] = 200, told
    server.answers["GET", "/v1/me"] = 200, {"model": {"name": "offline", "offline": True}}
    with sit() as terminal:
        assert "/key pastes one." in terminal.text
        terminal.type(f"{key}\r")
        if key == "/key":
            terminal.wait_for("not shown): ")
            terminal.type("sk-proj-abcdefgh12345678\r")
        terminal.wait_for("The OpenAI key ending in 5678 works.")
        assert key != "/key" or "abcdefgh" not in terminal.text
    assert server.of("POST", "/v1/messages") == []


def test_an_error_of_a_turn_is_told_with_its_way_out(sit: Sit, server: ApiServer) -> None:
    def fails(server: ApiServer, talk: Talk, turn: str, text: str) -> None:
        action = {"label": "Paste a key", "href": "/chat#key"}
        error = {"message": "OpenAI refused the key …5678.", "action": action, "turn": turn}
        server.tell(talk, "error", error)

    server.script = fails
    with sit() as terminal:
        say(terminal, "hello")
        terminal.wait_for("OpenAI refused the key …5678.\nPaste a model's key with /key.\n")
        terminal.wait_for("you › ")


def test_a_refused_message_is_told_and_the_talk_goes_on(sit: Sit, server: ApiServer) -> None:
    error = {"error": {"code": "not_found", "message": "There is no agent `bro`."}}
    server.answers["POST", "/v1/messages"] = 404, error
    with sit() as terminal:
        say(terminal, "hello")
        terminal.wait_for("There is no agent `bro`.\nyou › ")


@pytest.mark.parametrize("way", ["/quit\r", "\x04"])
def test_leaving_is_one_word_or_one_key(sit: Sit, server: ApiServer, way: str) -> None:
    with sit() as terminal:
        terminal.type(way)
        assert terminal.end() == 0


@pytest.mark.parametrize(("no_colour", "coloured"), [("", True), ("1", False)])
def test_colours_only_where_they_are_welcome(
    sit: Sit, server: ApiServer, no_colour: str, coloured: bool
) -> None:
    with sit(NO_COLOR=no_colour) as terminal:
        say(terminal, "hello")
        terminal.wait_for("You said hello")
        assert ("\x1b[36;1m" in terminal.raw) is coloured


def test_one_thing_is_said_and_answered_without_a_terminal(bot: Bot, server: ApiServer) -> None:
    said = bot("chat", "--agent", "bri", "hello", "you")
    assert (said.code, said.out) == (0, "bri › You said hello you\n")


def test_each_line_of_a_pipe_is_a_message(bot: Bot, server: ApiServer) -> None:
    said = bot("chat", stdin="one\n\ntwo\n")
    assert said.out == "bri › You said one\nbri › You said two\n"


def test_bytes_that_are_no_text_are_replaced_or_refused(bot: Bot, server: ApiServer) -> None:
    said = bot("chat", stdin="gr\udcfc\udcdfe\n")
    assert said.out == "bri › You said gr\ufffd\ufffde\n"
    said = bot("chat", "gr\udcfc\udcdfe")
    assert (said.code, said.err) == (1, "What you wrote holds bytes that are no UTF-8 text.\n")


def test_in_json_everything_that_happens_is_a_line(bot: Bot, server: ApiServer) -> None:
    said = bot("chat", "--json", "hello")
    events = [json.loads(line) for line in said.out.splitlines()]
    assert [event["event"] for event in events][:4] == ["message", "state", "draft", "draft"]
    answer = next(e["data"] for e in events if e["data"].get("role") == "assistant")
    assert answer["text"] == "You said hello"


def test_a_failed_turn_ends_with_one(bot: Bot, server: ApiServer) -> None:
    server.script = lambda s, talk, turn, text: s.tell(talk, "error", {"message": "No model."})
    said = bot("chat", "hello")
    assert (said.code, said.out) == (1, "No model.\n")


def test_a_turn_whose_line_says_why_it_failed_ends_with_one(bot: Bot, server: ApiServer) -> None:
    def fails(server: ApiServer, talk: Talk, turn: str, text: str) -> None:
        action = {"label": "Give another key", "href": "/admin#key"}
        words = "OpenAI does not accept the key."
        server.line(talk, turn, "system", words, agent="bri", cause="model.auth", action=action)

    server.script = fails
    said = bot("chat", "hello")
    words = "Switchboard › OpenAI does not accept the key.\nPaste a model's key with /key.\n"
    assert (said.code, said.out) == (1, words)


def test_a_budget_that_asks_is_no_failure(bot: Bot, server: ApiServer) -> None:
    def asks(server: ApiServer, talk: Talk, turn: str, text: str) -> None:
        server.line(talk, turn, "system", "It waits.", cause="budget", approval="apr_1")

    server.script = asks
    assert bot("chat", "hello").code == 0


def test_a_turn_without_an_answer_does_not_wait_for_ever(bot: Bot, server: ApiServer) -> None:
    server.script = lambda s, talk, turn, text: s.tell(talk, "state", {"state": "idle"})
    assert bot("chat", "hello").code == 0


def test_a_message_that_is_refused_ends_with_one(bot: Bot, server: ApiServer) -> None:
    error = {"error": {"code": "not_found", "message": "There is no agent `bro`."}}
    server.answers["POST", "/v1/messages"] = 404, error
    said = bot("chat", "--agent", "bro", "hello")
    assert (said.code, said.err) == (1, "There is no agent `bro`.\n")


def test_an_answer_is_shown_as_it_reads_and_so_is_one_of_the_history(
    sit: Sit, server: ApiServer
) -> None:
    text = "We are **open**: [/blog/sunday](/blog/sunday)"
    shown = f"We are open: /blog/sunday ({server.url}/blog/sunday)\n"

    def bold(server: ApiServer, talk: Talk, turn: str, _: str) -> None:
        for n, delta in enumerate((text[:10], text[10:30])):
            server.tell(
                talk, "draft", {"turn": turn, "agent": "bri", "delta": delta}, f"{turn}.{n}"
            )
        server.line(talk, turn, "assistant", text)

    server.script = bold
    with sit() as terminal:
        say(terminal, "hello")
        terminal.wait_for(shown)
        assert "**" not in terminal.text
    (name,) = server.talks
    with sit("--conversation", name, prompt=False) as terminal:
        terminal.wait_for(shown)
