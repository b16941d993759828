"""Small things about text that every rendering needs: what is hidden in it, whom it would ping.

`clean` is for replies: it drops what no client can show. `visible` is for cards, where a person
must see what they approve, and for titles: every mark that hides, reorders or looks like nothing is
written out. `straight` is for prose that is read: only what turns the order of reading is.
`defuse` breaks the words that would call a whole channel together.
"""

import re
import unicodedata
from typing import Final

ZWSP: Final = "\u200b"
ELLIPSIS: Final = "…"

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Controls, marks of direction, and letters that have no ink; halves of pairs; tags."""
TURNING: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""They show what stands behind them in another order than it is read in."""
_TURNING = re.compile(f"[{TURNING}]")
_GAP = re.compile(r"\n(?:[ \t\xa0]*\n){3,}|[ \t\xa0\u2000-\u200a\u202f\u205f\u3000]{40,}")
"""Emptiness that would push the rest out of sight."""
_MENTION = re.compile(
    r"(?i)(?P<at>@)(?=everyone|here|channel|all\b)|(?P<tag><)(?=!|@|#|/\w+:\d)|(?P<id>@)(?=[&!]?\d|\Z)|(?P<end><)\Z"
)
_FENCE = re.compile("``(?=`)")
_JOINED = re.compile("[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\ufb50-\ufdff]")
"""Scripts that are written with joiners."""


def clean(text: str) -> str:
    """Return the text without controls; line ends are `\\n`, half pairs the mark for broken."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isprintable():
        return text
    return _CONTROLS.sub(lambda found: "�" if found[0] >= "\ud800" else "", text)


def visible(text: str) -> str:
    """Return the text with everything hidden written out, such as `[U+202E]` or `[12 empty lines]`.

    Joiners inside an emoji or a word of a script that needs them stay.
    """
    text = text.replace("\r\n", "\n")
    if text.isprintable() and text.isascii():
        return text if len(text) < 40 else _GAP.sub(_gap, text)
    return _GAP.sub(_gap, _HIDDEN.sub(_show, text))


def straight(text: str) -> str:
    """Return the text with every mark that turns it around written out, such as `[U+202E]`."""
    return text if text.isascii() else _TURNING.sub(_named, text)


def _named(found: re.Match[str]) -> str:
    return f"[U+{ord(found[0]):04X}]"


def _show(found: re.Match[str]) -> str:
    mark, text, at = found[0], found.string, found.start()
    before, after = text[max(0, at - 1) : at], text[at + 1 : at + 2]
    if mark in "\ufe0e\ufe0f":
        # The form of one sign, once: a row of these can carry a hidden message.
        stays = _is_sign(before) or (after == "\u20e3" and before in tuple("0123456789#*"))
    elif mark == "\u200d" and before == "\ufe0f":
        stays = _is_sign(text[max(0, at - 2) : at - 1]) and _is_sign(after)
    elif mark in "\u200c\u200d":
        is_word = bool(_JOINED.match(before) and _JOINED.match(after))
        stays = is_word or (mark == "\u200d" and _is_sign(before) and _is_sign(after))
    else:
        stays = False
    return mark if stays else _named(found)


def _is_sign(letter: str) -> bool:
    """Whether this is a picture, or the tone of skin of the one before it."""
    return letter != "" and (unicodedata.category(letter) in ("So", "Sk") or letter in "‼⁉↔〰〽")


def _gap(found: re.Match[str]) -> str:
    lines = found[0].count("\n") - 1
    return f"\n[{lines} empty lines]\n" if lines > 0 else f" [{len(found[0])} spaces] "


def defuse(text: str) -> str:
    """Return the text with mentions broken by a mark of no width, so that nobody is called.

    Stops @everyone, @here, @channel, <!channel>, <@U1>, <#C1>, <@&1> and their like, also where
    the text ends in the middle of one.
    """
    if "@" not in text and "<" not in text:
        return text
    return _MENTION.sub(lambda found: found[0] + ZWSP, text)


def unfence(code: str) -> str:
    """Return code without three backticks in a row, which would end the fence around it."""
    return _FENCE.sub(f"``{ZWSP}", code) if "```" in code else code


def units(text: str) -> int:
    """The length in UTF-16 units, as Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def clip(text: str, room: int) -> str:
    """The text, or so much of its beginning that it has `room` characters with an ellipsis."""
    return text if len(text) <= room else text[: max(0, room - 1)].rstrip() + ELLIPSIS
