"""`bot connect` as a person has it: one way is chosen, and only what it takes is asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.wiring.setup import channel_own, channel_own_ways, channel_wants, channel_ways
from tests.bot.cli.conftest import Bot
from tests.fakes.api_server import Answer, ApiServer, Call
from tests.fakes.terminal import Sitting
from tests.process import surroundings

KEY = "re_secret_1"


def playing(server: ApiServer, name: str = "email") -> ApiServer:
    """A house in which a platform is not connected until it is told something."""
    off: dict[str, Any] = {
        "name": name,
        "up": False,
        "detail": "not connected",
        "wants": list(channel_wants(name)),
        "ways": list(channel_ways(name)),
        "own": list(channel_own(name)),
        "own_ways": list(channel_own_ways(name)),
        "manifest": False,
    }
    server.answers["GET", "/v1/channels"] = 200, {"items": [off], "next": None}
    server.answers["PUT", f"/v1/channels/{name}"] = 202, {"name": name}

    return server


def listens(server: ApiServer, name: str = "email") -> None:
    up = {"name": name, "up": True, "detail": "", "wants": [], "ways": [], "manifest": False}
    server.answers["GET", "/v1/channels"] = 200, {"items": [up], "next": None}


def told(server: ApiServer, name: str = "email") -> dict[str, str]:
    (call,) = server.of("PUT", f"/v1/channels/{name}")
    assert isinstance(call.body, dict)
    return call.body["options"]


def sit(server: ApiServer, tmp_path: Path, *words: str) -> Sitting:
    return Sitting("connect", *words, cwd=tmp_path, environ=surroundings(server.home))


def test_a_carrier_is_chosen_and_only_its_questions_come(server: ApiServer, tmp_path: Path) -> None:
    playing(server)
    with sit(server, tmp_path, "email") as terminal:
        terminal.wait_for("2  resend")
        terminal.wait_for("Which one?")
        terminal.type("9\r")
        terminal.wait_for("There is no way 9")
        terminal.wait_for("Which one?")
        terminal.type("2\r")
        terminal.wait_for("address:")
        terminal.type("team@example.org\r")
        terminal.wait_for("resend_api_key:")
        terminal.type(f"{KEY}\r")
        terminal.wait_for("resend_webhook_secret:")
        terminal.type("\r")
        terminal.wait_for("agents:")
        listens(server)
        terminal.type("\r")
        terminal.wait_for("email listens.")
        assert terminal.end() == 0
        assert KEY not in terminal.text and "smtp_" not in terminal.text
    assert told(server) == {"address": "team@example.org", "resend_api_key": KEY}


def test_who_leaves_out_the_mailbox_is_not_asked_how_to_sign_in_there(
    server: ApiServer, tmp_path: Path
) -> None:
    playing(server)
    answers = {
        "address": "team@example.org",
        "smtp_host": "mail.example.org",
        "smtp_username": "team",
        "smtp_password": "hush",
        "imap_host": "",
        "agents": "kelly=kelly@example.org",
    }
    with sit(server, tmp_path, "email", "--by", "smtp") as terminal:
        for name, answer in answers.items():
            terminal.wait_for(f"{name}:")
            if name == "agents":
                listens(server)
            terminal.type(f"{answer}\r")
        assert terminal.end() == 0
        assert "imap_username" not in terminal.text and "hush" not in terminal.text
    assert told(server) == {name: answer for name, answer in answers.items() if answer}


def test_all_of_it_is_said_by_words_and_nothing_is_asked(
    bot: Bot, server: ApiServer, tmp_path: Path
) -> None:
    playing(server)
    (tmp_path / "key").write_text(f"{KEY}\n")
    words = ["connect", "email", "--by", "resend", "--set", "address=a@b.example"]
    short = bot(*words)
    assert short.code == 1 or short.code == 2
    assert "Still needed: resend_api_key" in short.err and not server.of(
        "PUT", "/v1/channels/email"
    )
    listened = bot(*words, "--set-file", "resend_api_key=key", "--set", "per_hour=5")
    assert "not connected" in listened.out + listened.err
    assert told(server) == {"address": "a@b.example", "resend_api_key": KEY, "per_hour": "5"}


def test_words_leave_only_what_is_needed_to_be_asked(server: ApiServer, tmp_path: Path) -> None:
    playing(server)
    words = ("email", "--by", "resend", "--set", "address=a@b.example")
    with sit(server, tmp_path, *words) as terminal:
        terminal.wait_for("resend_api_key:")
        listens(server)
        terminal.type(f"{KEY}\r")
        terminal.wait_for("email listens.")
        assert "webhook" not in terminal.text
    assert told(server) == {"address": "a@b.example", "resend_api_key": KEY}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", f"resend_api_key={KEY}"), "is a secret"),
        (("--set", "colour=red"), "colour is nothing that it takes"),
        (("--set", "address"), "address is nothing that it takes"),
        (("--by", "pigeon"), "There is no way pigeon. There are: graph, resend, sendgrid, smtp."),
        (("--set-file", "resend_api_key=nowhere"), "nowhere cannot be read"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(
    bot: Bot, server: ApiServer, words: tuple[str, ...], said: str
) -> None:
    playing(server)
    done = bot("connect", "email", *words)
    assert done.code and said in done.err and KEY not in done.err
    assert not server.of("PUT", "/v1/channels/email")


def test_json_is_piped_in_as_before(bot: Bot, server: ApiServer) -> None:
    playing(server, "telegram")
    put = "PUT", "/v1/channels/telegram"
    answer = server.answers[put]

    def taken(call: Call) -> Answer:
        listens(server, "telegram")
        return answer

    server.answers[put] = taken
    done = bot("connect", "telegram", stdin=json.dumps({"token": "1:x"}))
    assert done.code == 0 and "telegram listens." in done.out
    assert told(server, "telegram") == {"token": "1:x"}


def test_every_way_names_settings_that_there_are_and_asks_for_what_it_needs() -> None:
    names = {want["name"] for want in channel_wants("email")}
    for way in channel_ways("email"):
        asked = [name for group in way["asks"] for name in group]  # type: ignore[union-attr]
        assert set(asked) <= names and len(asked) == len(set(asked))
        assert set(way["needs"]) <= set(asked)  # type: ignore[arg-type]
        assert len(asked) <= 9


MADE = {
    "account": "app:A1/T1",
    "app": "A1",
    "agent": "kelly",
    "workspace": "T1",
    "name": "Shop",
    "status": "active",
    "error": "",
}


def test_an_agent_s_own_app_is_asked_for_its_tokens_and_no_other(
    server: ApiServer, tmp_path: Path
) -> None:
    playing(server, "slack")
    server.answers["PUT", "/v1/channels/slack/agents/kelly"] = 200, MADE
    with sit(server, tmp_path, "slack", "--agent", "kelly", "--by", "token") as terminal:
        terminal.wait_for("bot_token:")
        terminal.type("xapp-1\r")
        terminal.wait_for("bot_token has to begin with xoxb-")
        terminal.type("xoxb-1\r")
        terminal.wait_for("app_token:")
        terminal.type("xapp-1\r")
        terminal.wait_for("signing_secret:")
        terminal.type("\r")
        terminal.wait_for("kelly listens in Shop with an app of its own (A1).")
        assert terminal.end() == 0
        assert "xoxb-1" not in terminal.text and "match_emails" not in terminal.text
        assert "client_id" not in terminal.text
    (call,) = server.of("PUT", "/v1/channels/slack/agents/kelly")
    assert call.body == {"options": {"bot_token": "xoxb-1", "app_token": "xapp-1"}}


def test_an_agent_s_own_app_may_be_installed_in_the_browser(
    server: ApiServer, tmp_path: Path
) -> None:
    playing(server, "slack")
    href = "/oauth/slack/install?agent=kelly"
    pending = {"agent": "kelly", "status": "pending", "href": href}
    server.answers["PUT", "/v1/channels/slack/agents/kelly"] = 200, pending
    with sit(server, tmp_path, "slack", "--agent", "kelly") as terminal:
        terminal.wait_for("Which one?")
        terminal.type("oauth\r")
        terminal.wait_for("client_id:")
        terminal.type("111.222\r")
        terminal.wait_for("client_secret:")
        terminal.type("hush\r")
        terminal.wait_for("app_token:")
        terminal.type("\r")
        terminal.wait_for("signing_secret:")
        terminal.type("sign\r")
        terminal.wait_for(f"`bot open`, then {href} in that browser installs it.")
        assert terminal.end() == 0 and "hush" not in terminal.text
    (call,) = server.of("PUT", "/v1/channels/slack/agents/kelly")
    told = {"client_id": "111.222", "client_secret": "hush", "signing_secret": "sign"}
    assert call.body == {"options": told}


def test_an_agent_s_own_app_that_does_not_work_says_why(server: ApiServer, bot: Bot) -> None:
    playing(server, "slack")
    broken = {**MADE, "status": "error", "error": "The token was revoked."}
    server.answers["PUT", "/v1/channels/slack/agents/kelly"] = 200, broken
    done = bot("connect", "slack", "--agent", "kelly", stdin='{"bot_token": "xoxb-1"}')
    assert done.code == 1 and "The token was revoked." in done.out


def test_an_agent_s_own_app_has_a_manifest_and_is_let_go_of(server: ApiServer, bot: Bot) -> None:
    playing(server, "slack")
    manifest = {"display_information": {"name": "Kelly"}}
    answer = {"version": 3, "manifest": manifest}
    server.answers["GET", "/v1/channels/slack/manifest"] = 200, answer
    done = bot("connect", "slack", "--agent", "kelly", "--manifest")
    assert json.loads(done.out) == manifest, "what is pasted, and nothing else"
    assert "version 3" in done.err
    told = bot("connect", "slack", "--agent", "kelly", "--manifest", "--json")
    assert json.loads(told.out) == answer
    call, _ = server.of("GET", "/v1/channels/slack/manifest")
    assert call.query["agent"] == "kelly"
    gone = {"name": "slack", "agent": "kelly", "said": "The platform was not told."}
    server.answers["DELETE", "/v1/channels/slack/agents/kelly"] = 200, gone
    done = bot("connect", "slack", "--agent", "kelly", "--remove")
    assert "let go of" in done.out and "was not told" in done.out
    done = bot("connect", "email", "--agent", "kelly", stdin="{}")
    assert done.code != 0


def test_a_misspelt_platform_is_told_the_nearest(server: ApiServer, bot: Bot) -> None:
    playing(server, "telegram")
    server.answers["GET", "/v1/connections"] = 200, {"items": [], "next": None}
    said = bot("connect", "telgram")
    assert (said.code, "Did you mean telegram?" in said.err) == (1, True), said.err


def test_what_the_platform_said_stands_before_that_it_listens(bot: Bot, server: ApiServer) -> None:
    playing(server, "slack")
    said = {"name": "slack", "team": "Acme", "bot": "@switchboard", "missing": ["files:write"]}
    answer = 202, {**said, "notes": ["It is \x1b[2Jnew."], "checked": True}

    def taken(call: Call) -> Answer:
        listens(server, "slack")
        return answer

    server.answers["PUT", "/v1/channels/slack"] = taken
    done = bot("connect", "slack", stdin=json.dumps({"bot_token": "xoxb-1"}))
    assert done.code == 0
    assert done.out.splitlines() == [
        "Connected: Acme, bot @switchboard.",
        "Scopes missing: files:write. docs/channels/slack.md says more.",
        "It is new.",
        "slack listens.",
        "Send a test message with: bot connect slack --test PLACE",
        "docs/channels/slack.md says what is next.",
    ]


def test_silence_names_the_word_that_keeps_it_all_the_same(bot: Bot, server: ApiServer) -> None:
    playing(server, "slack")
    error = {"code": "not_checked", "message": "Nothing was changed."}
    server.answers["PUT", "/v1/channels/slack"] = 409, {"error": error}
    done = bot("connect", "slack", stdin=json.dumps({"bot_token": "xoxb-1"}))
    assert done.code and "bot connect slack --unchecked" in done.err
    server.answers["PUT", "/v1/channels/slack"] = 202, {"name": "slack", "checked": False}
    done = bot("connect", "slack", "--unchecked", stdin=json.dumps({"bot_token": "xoxb-1"}))
    assert "It was not checked" in done.out
    call = server.of("PUT", "/v1/channels/slack")[-1]
    assert isinstance(call.body, dict) and call.body["unchecked"] is True


def test_a_test_message_goes_to_a_place_that_is_named(bot: Bot, server: ApiServer) -> None:
    playing(server, "slack")
    path = "/v1/channels/slack/test"
    server.answers["POST", path] = 200, {"name": "slack", "place": "#ops"}
    assert "stands in #ops on slack" in bot("connect", "slack", "--test", "#ops").out
    assert [call.body for call in server.of("POST", path)] == [{"place": "#ops"}]
