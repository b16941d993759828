"""The words that a carrier takes as opting out or in, or as a call for help.

They are met before anything else reads the text. A word counts when it is the whole message, in any
case and with any mark around it. YES resumes only for somebody who had opted out: from everyone
else it is an answer to a question.
https://help.twilio.com/articles/223134027 (read 2026-11-21): STOP, STOPALL, UNSUBSCRIBE, CANCEL,
END, QUIT; START, YES, UNSTOP; HELP, INFO. REVOKE and OPTOUT are named in newer lists.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final

STOP: Final = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
START: Final = frozenset({"START", "UNSTOP"})
START_AGAIN: Final = frozenset({"YES"})
HELP: Final = frozenset({"HELP", "INFO"})
LONGEST: Final = 1_600
"""No text is longer (`channel.MAX_CHARS`)."""
_BESIDE: Final = re.compile(r"[\W_]+")


class Meaning(StrEnum):
    """What a text says of hearing from us."""

    NOTHING = ""
    OUT = "out"
    IN = "in"
    HELP = "help"


def word_of(text: str) -> str:
    """The text as one word in capitals.

    Signs of any width are the same, and what is neither letter nor digit does not count: marks,
    pictures, what cannot be seen. A slash before it makes it a command, which is another thing.
    """
    plain = unicodedata.normalize("NFKC", text[:LONGEST]).strip()
    return plain if plain.startswith("/") else _BESIDE.sub("", plain).upper()


def meaning(text: str, told: str = "", *, is_out: bool = False) -> Meaning:
    """What a text says; `told` is the provider's own word for it (`OptOutType`), if it gave one.

    `is_out`: whoever wrote it had opted out.
    """
    word = word_of(text)
    if told == "STOP" or word in STOP:
        return Meaning.OUT
    if told == "START" or word in START or (is_out and word in START_AGAIN):
        return Meaning.IN
    if told == "HELP" or word in HELP:
        return Meaning.HELP
    return Meaning.NOTHING
