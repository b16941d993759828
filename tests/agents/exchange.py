"""Plays the exchange on a page of `docs/agents` against the whole program, as its reader would.

Of the block on the page only what people say is given (`you ›`), and, where the built-in offline
model has no phrase for it, which tools the model calls (`calls ›`); that model is played then and
words outcomes as the offline one does. All else (answers, cards, outcomes) is what the program says.
Codes, addresses and times differ from run to run and are made the same. To write the pages anew:

    python -m tests.agents.exchange
"""

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.runtime.wording import after_tools, outcome
from bot.cli.card import card
from bot.cli.growing import Growing
from bot.cli.record import Record
from bot.cli.terminal import Terminal
from bot.core.model import ModelMessage
from bot.render.dialects.terminal import Screen
from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.program import Program, wait_for

PAGES = Path(__file__).parent.parent.parent / "docs" / "agents"
BLOCK = re.compile(r"(?<=```text\n)you › .*?(?=```)", re.S)
CODE = "4821"
_SAME = (
    (re.compile(r"(?<=/admin/sandbox#)eff_\w+"), "…"),
    (re.compile(r"\bfil_[0-9A-Z]+"), "fil_…"),
    (re.compile(r"/blog/[\w.~-]+"), "/blog/…"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?( UTC)?"), "…"),
)


def block_of(page: str) -> str:
    """The exchange on a page."""
    found = BLOCK.search(page)
    assert found, "The page has no block that begins with `you ›`."
    return found[0]


@dataclass
class Script:
    """What is given of an exchange."""

    says: list[str] = field(default_factory=list)
    calls: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """Agent → the tool that it calls, and with what."""
    words: dict[str, str] = field(default_factory=dict)
    """Agent → what it says where it calls nothing."""
    called: list[str] = field(default_factory=list)
    """Those lines as they stand."""


def script_of(block: str) -> Script:
    """What people say and models call in an exchange."""
    script = Script()
    for line in block.splitlines():
        if line.startswith("you › "):
            script.says.append(line.removeprefix("you › "))
        if line.startswith("calls › "):
            who, tool, arguments = line.removeprefix("calls › ").split(" ", 2)
            script.calls[who.rstrip(":")] = (tool, json.loads(arguments))
            script.called.append(line)
        if line.startswith("says › "):
            who, words = line.removeprefix("says › ").split(": ", 1)
            script.words[who] = words
            script.called.append(line)
    return script


class Played(OpenAIServer):
    """The model of the exchanges that the offline one has no phrase for."""

    def __init__(self) -> None:
        super().__init__(otherwise=self._reply)
        self.given = Script()

    def _reply(self, body: Body) -> Reply:
        first, last = body["messages"][0], body["messages"][-1]
        words = str(last["content"])
        if last["role"] == "tool":
            said = ModelMessage(role="tool", content=words)
            return Reply(text=after_tools((said,), ""))
        if words.startswith("[outcome]"):
            return Reply(text=outcome(words))
        found = re.search(r"You are (?:the )?(\w+)", str(first["content"]))
        me = found[1].lower() if found else ""
        tool, arguments = self.given.calls.get(me, ("", {}))
        offered = {each["function"]["name"] for each in body["tools"]}
        if tool not in offered:
            return Reply(text=self.given.words[me])
        return Reply(calls=[(tool, json.dumps(arguments))])


def play(running: Program, script: Script) -> str:
    """Say it all, one after another; the exchange as it went."""
    told: list[str] = []
    conv, code, seen = "", "", 0
    for n, words in enumerate(script.says):
        given = words.replace(CODE, code) if code else words
        conv = running.say(given, conv)
        told.append(f"you › {words}")
        if n == 0:
            told += script.called
        lines = wait_for(lambda: _news(running, conv, seen), 30)
        asked = {line.get("approval") for line in lines}
        waiting = running.ask("GET", "/v1/approvals?state=pending")[1]["items"]
        mine = [item for item in waiting if item["id"] in asked]
        code = mine[0]["code"] if mine else code
        if words.startswith("/"):
            lines = wait_for(lambda: _ended(running, conv, seen), 30)
        seen = len(running.lines(conv))
        told += [_said(line["agent"] or "house", line["text"]) for line in lines]
        told += [_shown(item) for item in mine]
    return _same("\n\n".join(told), code) + "\n"


def _news(running: Program, conv: str, seen: int) -> list[Any]:
    return [line for line in running.lines(conv)[seen:] if line["role"] != "user"]


def _ended(running: Program, conv: str, seen: int) -> list[Any]:
    """What came after a decision, once the agent has told the outcome."""
    lines = _news(running, conv, seen)
    return lines if any(line["role"] == "assistant" for line in lines) else []


def _said(who: str, text: str) -> str:
    lines = Growing(Screen(str)).rest(text).splitlines()  # as `bot chat` shows it
    return "\n".join([f"{who} ›", *(f"    {line}".rstrip() for line in lines)])


def _shown(item: Mapping[str, Any]) -> str:
    lines = card(Terminal(), Record(item))
    kept = [line for line in lines if not line.startswith("  until ")]
    return "\n".join(["card ›", *(f"    {line}".rstrip() for line in kept if line.strip())])


def _same(text: str, code: str) -> str:
    text = text.replace(code, CODE) if code else text
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return text


def pages() -> list[Path]:
    """The pages, by the agent's name."""
    return sorted(page for page in PAGES.glob("*.md") if page.stem != "README")


def houses(folder: Path, server: Played) -> Iterator[Program]:
    """A house with no key, and one with the played model."""
    yield Program(folder, "offline", "")
    yield Program(
        folder,
        "played",
        "",
        BOT_ALLOW_PRIVATE_ENDPOINTS="1",
        OPENAI_API_KEY="sk-of-nobody",
        OPENAI_API_BASE=server.url,
        BOT_MODELS_DEFAULT="openai/gpt-4o-mini",
        BOT_MODELS_TRANSPORT="direct",
    )


async def replayed(page: str, house: tuple[Program, Program], server: Played) -> str:
    """The exchange of a page, as it goes today."""
    script = script_of(block_of(page))
    server.given = script
    running = house[1] if script.calls else house[0]
    return await asyncio.to_thread(play, running, script)


async def _write() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Played() as server:
            offline, real = [each.started() for each in houses(Path(folder), server)]
            try:
                for path in pages():
                    page = path.read_text()
                    new = await replayed(page, (offline, real), server)
                    path.write_text(page.replace(block_of(page), new))
                    print(path.name, "as it was" if new == block_of(page) else "written anew")
            finally:
                offline.stop()
                real.stop()


if __name__ == "__main__":
    sys.exit(asyncio.run(_write()))
