"""How an answer to a card comes back: the value of a button, or a word and a code.

A button carries `approval:version:choice` and nothing else; who may decide is looked up when it is
pressed. A person without buttons writes `OK 4821`, `NO 4821`, `EDIT 4821 new text`. None of the
words is one that carriers take as opting out or in, or as a call for help (STOP, CANCEL, END, QUIT,
YES, START, HELP and their kin): those never reach an agent.
https://help.twilio.com/articles/223134027 (read 2026-11-01)
"""

import re
from typing import Final

from bot.frozen import frozen

SHOW_ALL: Final = "all"
"""A choice that decides nothing: the channel answers it with the whole text."""
WORDS: Final = {
    "approve": "OK",
    "reject": "NO",
    "edit": "EDIT",
    "ask": "ASK",
    "there": "THERE",
    "again": "AGAIN",
    "leave": "LEAVE",
    SHOW_ALL: "SHOW",
}
"""Choice to word."""
MAX_PRESS_BYTES: Final = 64
"""Telegram's limit for `callback_data`, the smallest there is."""

_CHOICES = {word: choice for choice, word in WORDS.items()}
_CODE = re.compile(
    rf"({'|'.join(WORDS.values())})[.,:]?\s+#?(\d{{4,7}})(?!\d)[ \t]*[.,:!]*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_PRESS = re.compile(r"([A-Za-z0-9_-]{1,40}):(\d{1,9}):([a-z_]{1,12})")


@frozen
class Press:
    """What a button says."""

    approval: str
    version: int
    choice: str


@frozen
class Reply:
    """What a person wrote to answer a card."""

    choice: str
    """approve, reject, edit, ask, there, again, leave or all."""
    code: str
    rest: str = ""
    """New text, a question or a note."""


def press(approval: str, version: int, choice: str) -> str:
    """The value of a button. ValueError when it would not come back whole."""
    value = f"{approval}:{version}:{choice}"
    if not _PRESS.fullmatch(value) or len(value) > MAX_PRESS_BYTES:
        raise ValueError(f"No button can carry {value!r}.")
    return value


def parse_press(value: str) -> Press | None:
    """Read the value of a button; None for a value that is not ours."""
    found = _PRESS.fullmatch(value)
    if not found or len(value) > MAX_PRESS_BYTES:
        return None
    return Press(approval=found[1], version=int(found[2]), choice=found[3])


def parse_code(text: str) -> Reply | None:
    """Read `OK 4821` and its like; None for any other text.

    Whether the code is one that waits is for the caller to find out: `No 2026 report yet` reads
    like an answer too.
    """
    found = _CODE.fullmatch(text.strip())
    if not found:
        return None
    return Reply(choice=_CHOICES[found[1].upper()], code=found[2], rest=found[3].strip())
