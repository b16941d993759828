"""The child process: a file on standard input, one JSON object on standard output, then its end.

It takes its limits upon itself before it reads a byte: processor time, memory, no file that grows.
Whoever starts it (`bot/files/drawing.py`) limits its hours and its output from outside as well.
"""

import json
import sys

from bot.files.draw import docx, pdf, plain
from bot.files.draw.kind import Kind, kind_of
from bot.files.draw.limits import Unreadable

CPU_S = 15
MEMORY = 768 * 1024 * 1024
_WORDS = {
    Kind.OLD_OFFICE: (
        "This is an Office file of the old kind, or one behind a password. Save it as .docx or "
        "PDF without a password."
    ),
    Kind.PICTURE: "This is a picture. It holds no text that could be read.",
    Kind.OTHER: "This is no kind of file whose text can be read.",
}


def draw(data: bytes) -> dict[str, str]:
    """`{kind, text, note}`, or `{error}` with a sentence for a person."""
    kind = kind_of(data)
    try:
        if kind in _WORDS:
            raise Unreadable(_WORDS[kind])
        match kind:
            case Kind.PDF:
                text, note = pdf.read(data)
            case Kind.ZIP:
                text, note = docx.read(data)
            case Kind.HTML:
                text, note = plain.read_html(data)
            case _:
                text, note = plain.read_text(data)
    except Unreadable as error:
        return {"error": str(error)}
    except (MemoryError, RecursionError):
        return {"error": "This file needs too much memory to be read."}
    return {"kind": "docx" if kind is Kind.ZIP else kind.value, "text": text, "note": note}


def limit() -> None:
    """Bind this process, for good."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Read, draw, answer."""
    limit()
    found = draw(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(found, ensure_ascii=True))
    sys.stdout.flush()
