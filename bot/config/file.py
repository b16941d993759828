"""The text of a TOML file, with the place of every key.

`tomllib` says what a file holds and not where; a mistake without its line is a mistake that is
searched for. The scanner below runs only over text that `tomllib` has accepted, so it may trust
what it sees: it steps over values and writes down where keys stand. It is used for `bot.toml`,
before anything else of the house is awake.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from bot.frozen import frozen

Keys = tuple[str, ...]
_BLANK = re.compile(r"(?:[\s,]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = re.compile(
    r"\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|\"(?:\\.|[^\"\\])*\"|'[^']*'", re.DOTALL
)
_BARE_VALUE = re.compile(r"[^,\]}\n#]*")
_AT_LINE = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")


class NotToml(Exception):
    """The file cannot be read as TOML. `line` and `column` count from one."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@frozen
class ConfigFile:
    """One file: what it holds and where."""

    path: Path
    values: Mapping[str, object]
    places: Mapping[Keys, tuple[int, int]]
    """Keys from the outside in → line and column, both from one."""

    def where(self, keys: Keys) -> str:
        """`file:line:column` of a key, or of the nearest one around it."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        line, column = self.places.get(keys, (1, 1))
        return f"{self.path}:{line}:{column}"


def read(path: Path) -> ConfigFile:
    """Read one file. Raises OSError when it cannot be opened, NotToml when it is not TOML."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = _place(before, len(before))
        raise NotToml("this is not UTF-8 text", line, column) from None
    text = text.replace("\r\n", "\n")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(str(error), text) from None
    scanner = _Scanner(text)
    scanner.document()
    places = {keys: _place(text, offset) for keys, offset in scanner.offsets.items()}
    return ConfigFile(path=path, values=values, places=places)


def _not_toml(message: str, text: str) -> NotToml:
    found = _AT_LINE.search(message)
    words = _AT_LINE.sub("", message).strip().rstrip(".")
    words = words[:1].lower() + words[1:]
    if found and found[1]:
        return NotToml(words, int(found[1]), int(found[2]))
    return NotToml(words, *_place(text, len(text.rstrip())))


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class _Scanner:
    """Walks over valid TOML and notes the offset of each key."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.offsets: dict[Keys, int] = {}

    def document(self) -> None:
        """Read to the end."""
        table: Keys = ()
        while self._to_next() != "":
            if self._next() != "[":
                self._pair(table)
                continue
            start = self.at
            self.at += 2 if self.text.startswith("[[", self.at) else 1
            table = self._key()
            self._note((), table, start)
            self.at = self._end_of_line()

    def _to_next(self) -> str:
        self._skip(_BLANK)
        return self._next()

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def _end_of_line(self) -> int:
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end

    def _note(self, table: Keys, key: Keys, offset: int) -> None:
        for end in range(1, len(key) + 1):
            self.offsets.setdefault(table + key[:end], offset)

    def _key(self) -> Keys:
        parts: list[str] = []
        while True:
            self._to_next()
            quoted = self._skip(_STRINGS)
            parts.append(_unquote(quoted) if quoted else self._skip(_BARE_KEY))
            self._to_next()
            if self._next() != ".":
                return tuple(parts)
            self.at += 1

    def _pair(self, table: Keys) -> None:
        start = self.at
        key = self._key()
        self._note(table, key, start)
        self.at += 1  # the equals sign
        self._value(table + key)

    def _value(self, keys: Keys) -> None:
        opening = self._to_next()
        if opening == "{":
            self.at += 1
            while self._to_next() != "}":
                self._pair(keys)
            self.at += 1
        elif opening == "[":
            self.at += 1
            index = 0
            while self._to_next() != "]":
                self.offsets.setdefault((*keys, str(index)), self.at)
                self._value((*keys, str(index)))
                index += 1
            self.at += 1
        elif not self._skip(_STRINGS):
            self._skip(_BARE_VALUE)


def _unquote(quoted: str) -> str:
    found: object = tomllib.loads(f"key = {quoted}")["key"]
    return str(found)
