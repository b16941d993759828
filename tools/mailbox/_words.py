"""What a model may write into something that leaves: texts, lines, addresses.

https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2 (read 2026-11-21), as far as people use it.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from tools._arguments import unfit

MAX_TEXT = 100_000
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}"
)


def _text(value: str) -> str:
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if found := _CONTROL.search(text):
        raise unfit(f"it holds the control character U+{ord(found[0]):04X}; leave that out")
    return text


def _line(value: str) -> str:
    text = " ".join(_text(value).split())
    if "=?" in text:
        raise unfit("mail programs would read =? as the beginning of other words; leave that out")
    return text


def _email(value: str) -> str:
    text = value.strip()
    if not EMAIL.fullmatch(text) or len(text) > 254 or len(text.partition("@")[0]) > 64:
        raise unfit("it is no e-mail address; write it in full, like ann@example.org")
    return text


Words = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_text)]
OneLine = Annotated[str, Field(max_length=300), AfterValidator(_line)]
Email = Annotated[str, Field(max_length=254), AfterValidator(_email)]
