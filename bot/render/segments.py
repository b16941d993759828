"""How long a text is for those who pay by the segment, and what is done about it.

A text in the old alphabet (GSM 7-bit, ten of its letters count twice) has 160 places in one
segment and 153 in each of several; with one letter beyond it everything is sent as UCS-2, 70 and 67
places, where an emoji takes two or more. What belongs together is never cut by a segment's end.
https://www.twilio.com/docs/glossary/what-sms-character-limit (read 2026-11-21)
3GPP TS 23.038, section 6.2.1, has the alphabet.
"""

import re
from dataclasses import dataclass
from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("^{}\\[~]|€\f")
GSM, UCS2 = "GSM-7", "UCS-2"
_ONE: Final = {GSM: 160, UCS2: 70}
_EACH: Final = {GSM: 153, UCS2: 67}
_PLAIN: Final = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "–": "-", "—": "-", "‑": "-", "−": "-", "•": "-", "·": "-", "…": "...", "\u00a0": " ",
        "\u202f": " ", "\u2009": " ", "\u200b": "", "\u2060": "", "\ufeff": "", "→": "->",
        "×": "x", "\t": " ",
    }
)  # fmt: skip
_END: Final = re.compile(r"[.!?][\"')\]]*(?=\s)|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """What a text takes up."""

    encoding: str
    """GSM-7 or UCS-2."""
    places: int
    segments: int

    def __str__(self) -> str:
        many = "segment" if self.segments == 1 else "segments"
        return f"{self.segments} {many} ({self.encoding}, {self.places} places)"


def measure(text: str) -> Length:
    """How many segments a text takes; an empty one takes none."""
    is_gsm = all(letter in BASIC or letter in EXTENDED for letter in text)
    encoding = GSM if is_gsm else UCS2
    sizes = [_size(letter, is_gsm) for letter in text]
    places = sum(sizes)
    if places <= _ONE[encoding]:
        return Length(encoding=encoding, places=places, segments=1 if places else 0)
    segments, left = 0, 0
    for size in sizes:
        if size > left:
            segments, left = segments + 1, _EACH[encoding]
        left -= size
    return Length(encoding=encoding, places=places, segments=segments)


def _size(letter: str, is_gsm: bool) -> int:
    if is_gsm:
        return 2 if letter in EXTENDED else 1
    return 2 if ord(letter) > 0xFFFF else 1


def plain_letters(text: str) -> str:
    """The text with typographic marks as the old alphabet writes them; other letters stay."""
    return text.translate(_PLAIN)


def shorten(text: str, most: int, note: str) -> str:
    """The text in at most so many segments, cut after a sentence or a word, with a note of it.

    A text that fits is returned as it is.
    """
    if measure(text).segments <= most:
        return text
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits together with the note
        middle = (low + high + 1) // 2
        if measure(text[:middle] + note).segments <= most:
            low = middle
        else:
            high = middle - 1
    head = text[:low]
    ends = [found.end() for found in _END.finditer(text, 0, low + 1) if found.end() <= low]
    if ends and ends[-1] > low // 2:
        head = text[: ends[-1]]
    elif " " in head:
        head = head[: head.rindex(" ")]
    return head.rstrip() + note
