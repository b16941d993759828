"""How an answer to a card comes back: the value of a button, or a word and a code.

A button carries `approval:version:choice` and nothing else; who may decide is looked up when it is
pressed. A person without buttons writes `OK 4821`, `NO 4821`, `EDIT 4821 new text`. None of the
words is one that carriers take as opting out or in, or as a call for help (STOP, CANCEL, END, QUIT,
YES, START, HELP and their kin): those never reach an agent.
https://help.twilio.com/articles/223134027 (read 2026-11-01)
"""

import re
import unicodedata
from typing import Final

from bot.frozen import frozen
from bot.render.text import TURNING

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
MAX_HEAD, MAX_CODE = 64, 7
"""Signs in which the word and the code stand, whatever is between them."""
_CODE = re.compile(
    rf"({'|'.join(WORDS.values())})[.,:]?\s+#?([0-9]{{4,{MAX_CODE}}})(?![0-9])[ \t]*[.,:!]*",
    re.IGNORECASE | re.ASCII,
)
MAX_READ, MAX_FOUND = 20_000, 5
"""Signs in which codes are looked for, and how many of them are given."""
_ANYWHERE = re.compile(rf"(?<![A-Za-z0-9]){_CODE.pattern}", re.IGNORECASE | re.ASCII)
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
    text = text.strip()
    plain, places = _plain(text[: MAX_HEAD + MAX_CODE + 1])
    found = _CODE.match(plain)
    if not found or places[found.end(2) - 1] >= MAX_HEAD:
        return None
    end = places[found.end() - 1] + 1
    return Reply(choice=_CHOICES[found[1].upper()], code=found[2], rest=text[end:].strip())


def codes_in(text: str) -> tuple[str, ...]:
    """The codes that stand behind one of the words anywhere in a text, each once."""
    found = _ANYWHERE.finditer(_plain(text[:MAX_READ])[0])
    return tuple(dict.fromkeys(each[2] for each in found))[:MAX_FOUND]


def _plain(text: str) -> tuple[str, list[int]]:
    """The text as a keyboard of another script may have meant it, and where each sign stood.

    Signs of full width and digits of any script become plain ones, spaces spaces; what cannot be
    seen is left out.
    """
    kept = [
        (str(unicodedata.digit(sign, sign)) if sign.isdecimal() else _narrow(sign), at)
        for at, sign in enumerate(text)
        if unicodedata.category(sign) != "Cf" or sign in TURNING  # no order is given so
    ]
    return "".join(sign for sign, _ in kept), [at for _, at in kept]


def _narrow(sign: str) -> str:
    """A sign in its usual width; any space as the one."""
    if sign.isspace():
        return sign if sign.isascii() else " "
    wide = unicodedata.east_asian_width(sign) == "F"
    return unicodedata.normalize("NFKC", sign) if wide else sign
