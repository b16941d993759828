"""A person answers an approval: shared by `bot chat` and `bot approvals`.

The version that the person saw goes with every answer, so that a card that changed meanwhile is
shown anew and nothing is decided. An edit that does not pass the tool's own rules leaves the
question open and keeps what was typed.
"""

import json
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.cli.card import card, outcome
from bot.cli.client import Client, Refused, path_of
from bot.cli.keyboard import Lines
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import clean, reveal

Arguments = dict[str, object]
LETTERS: Mapping[str, str] = {"approve": "a", "edit": "e", "reject": "r", "ask": "k"}
_LATER = "l"


def send(
    client: Client,
    approval: Record,
    decision: str,
    *,
    arguments: Mapping[str, object] | None = None,
    note: str = "",
) -> Record:
    """Decide and return the approval as it is then. Raises Refused."""
    body: dict[str, object] = {"decision": decision, "version": approval.number("version")}
    if arguments is not None:
        body["arguments"] = arguments
    if note:
        body["note"] = note
    return client.call("POST", path_of("approvals", approval.text("id"), "decide"), body)


def find(client: Client, name: str) -> Record:
    """An approval by its code or its id. Raises Refused when there is none."""
    waiting = client.call("GET", path_of("approvals"), query={"state": "pending", "limit": 1000})
    for approval in waiting.records("items"):
        if name in (approval.text("code"), approval.text("id")):
            return client.call("GET", path_of("approvals", approval.text("id")))
    return client.call("GET", path_of("approvals", name))


class Asking:
    """Puts one question to the person at this terminal."""

    def __init__(self, shell: Shell, house: Callable[[], Client], lines: Lines) -> None:
        """`house` gives the house as it is then: it may be restarted while a person reads."""
        self._terminal = shell.terminal
        self._editor = shell.around.editor
        self._house = house
        self._lines = lines

    def ask(self, approval: Record) -> Record | None:
        """Show the card until it is decided; None when the person leaves it for later."""
        try:
            return self._ask(approval)
        except EOFError:  # Ctrl-D
            self._terminal.say()
            return None

    def _ask(self, approval: Record) -> Record | None:
        typed: Arguments | None = None
        while True:
            self._show(approval)
            if approval.text("state") != "pending" or not approval.flag("may_decide"):
                self._terminal.say("  You cannot decide this one." if _is_open(approval) else "")
                return None
            decision = self._choice(approval)
            if decision == _LATER:
                return None
            try:
                done, typed = self._answer(approval, decision, typed)
            except Refused as error:
                self._terminal.say(self._terminal.style(f"  {error.message}", "red"))
                approval = error.body.record("approval") or approval
                continue
            if done is not None:
                self._terminal.say(self._terminal.style(f"  {outcome(done)}", "green"))
                return done

    def _show(self, approval: Record) -> None:
        for line in card(self._terminal, approval):
            self._terminal.say(line)

    def _choice(self, approval: Record) -> str:
        letters = letters_of(approval)
        shown = "  ".join(_marked(label, letter) for letter, (_, label) in letters.items())
        while True:
            said = self._lines.answer(f"  {shown}  [l]ater › ").strip().lower()
            if said in ("", _LATER, "later"):
                return _LATER
            found = letters.get(said) or next(
                (choice for choice in letters.values() if said == choice[0]), None
            )
            if found:
                return found[0]

    def _answer(
        self, approval: Record, decision: str, typed: Arguments | None
    ) -> tuple[Record | None, Arguments | None]:
        if decision == "edit":
            typed = self.edited(approval, typed)
            if typed is None:
                return None, None
            try:
                return send(self._house(), approval, "edit", arguments=typed), None
            except Refused as error:
                if error.status != 422:
                    raise
                self._terminal.say(self._terminal.style(f"  {error.message}", "red"))
                return None, typed
        note = ""
        if decision in ("ask", "reject"):
            question = "your question" if decision == "ask" else "why not (Enter for no reason)"
            note = self._lines.answer(f"  {question} › ").strip()
            if decision == "ask" and not note:
                return None, typed
        return send(self._house(), approval, decision, note=note), None

    def edited(self, approval: Record, typed: Arguments | None = None) -> Arguments | None:
        """The new arguments as the API takes them; None when nothing was changed."""
        effects = approval.records("effects")
        if len(effects) < 2:
            old = dict(approval.record("arguments").raw or _only(effects))
            new = self._fields(approval, old, typed or old)
            return new if new != old else None
        changed: Arguments = {}
        for effect in effects:
            title = clean(effect.text("title") or effect.text("tool"))
            said = self._lines.answer(f"  {title}: [k]eep  [e]dit  [s]trike out › ")
            changed[effect.text("id")] = self._one_of(approval, effect, said.strip().lower()[:1])
        return changed if any(value is not None for value in changed.values()) else None

    def _one_of(self, approval: Record, effect: Record, said: str) -> Arguments | None:
        old = dict(effect.record("arguments").raw)
        if said == "s":
            return None
        return self._fields(approval, old, old) if said == "e" else old

    def _fields(self, approval: Record, old: Arguments, values: Arguments) -> Arguments:
        new = dict(values)
        for name in editable(approval, old):
            now = values.get(name)
            text = now if isinstance(now, str) else json.dumps(now, ensure_ascii=False)
            said = self._text(name, text)
            new[name] = said if isinstance(now, str) else _json(said, now)
        return new

    def _text(self, name: str, text: str) -> str:
        if "\n" in text and self._editor:
            return in_editor(self._editor, text)
        if "\n" in text:
            self._terminal.say(f"  {name} (end with a line that holds only a dot):")
            return self._lines.block()
        return self._lines.answer(f"  {name} › ", start=text)


def letters_of(approval: Record) -> dict[str, tuple[str, str]]:
    """Letter → id and label of each choice of the card."""
    found: dict[str, tuple[str, str]] = {}
    for choice in approval.record("shown").records("choices"):
        name, label = choice.text("id"), reveal(choice.text("label"))
        wanted = (LETTERS.get(name, ""), *label.lower(), *"123456789")
        taken = {*found, _LATER}
        letter = next(x for x in wanted if x.isalnum() and len(x) == 1 and x not in taken)
        found[letter] = (name, label)
    return found


def editable(approval: Record, values: Mapping[str, object]) -> list[str]:
    """The arguments that a person may change: what the card shows, else all of them."""
    shown = approval.record("shown")
    named = {field.text("editable") for field in shown.records("fields")}
    body = shown.text("body")
    found = [n for n, value in values.items() if n in named or (body and value == body)]
    return found or list(values)


def in_editor(editor: str, text: str) -> str:
    """The text after the person's own editor had it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "text.md"
        file.touch(mode=0o600)
        file.write_text(text, "utf-8")
        # The person's own editor, by their own words, on a file of their own.
        subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603
        new = file.read_text("utf-8")
    return new if text.endswith("\n") else new.removesuffix("\n")


def _is_open(approval: Record) -> bool:
    return approval.text("state") == "pending"


def _only(effects: list[Record]) -> Mapping[str, object]:
    return effects[0].record("arguments").raw if effects else {}


def _marked(label: str, letter: str) -> str:
    at = label.lower().find(letter)
    return f"[{letter}] {label}" if at < 0 else f"{label[:at].lower()}[{letter}]{label[at + 1 :]}"


def _json(said: str, old: object) -> object:
    try:
        value: object = json.loads(said)
    except ValueError:
        return old
    return value
