"""All of a list written out, a JSON object a line: to a file of one's own, or to the terminal."""

import json
import os
from pathlib import Path

from bot.cli.client import Client, pages, path_of
from bot.cli.shell import Shell
from bot.cli.terminal import count

EVERY = 500
"""Rows between two words of progress."""


def pour(shell: Shell, what: str, file: Path | None, named: tuple[str, str]) -> int:
    """Write all of `/v1/<what>`, and say how many there are; `named`: one of them, and several.

    A file is for its owner alone, and takes the place of what stood there.
    """
    with shell.client() as client:
        written = _write(shell, client, what, file, named[1])
    if file:
        told = {"file": str(file), "rows": written}
        shell.terminal.show(told, [f"{count(written, *named)} in {file}"])
    return 0


def _write(shell: Shell, client: Client, what: str, file: Path | None, several: str) -> int:
    written = 0
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if file else None
    if file and file.is_file():
        file.chmod(0o600)  # others could read what stood there
    out = os.fdopen(number, "w", encoding="utf-8") if number is not None else shell.terminal.out
    try:
        for item in pages(client, path_of(what)):
            print(json.dumps(item.raw, ensure_ascii=False), file=out)
            written += 1
            if file and written % EVERY == 0:
                shell.terminal.progress(f"{written:,} {several}…")
    finally:
        if file:
            out.close()
            shell.terminal.progress("")
    return written
