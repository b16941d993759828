"""What a file may cost to be read, and how a reader says that it cannot be."""

MAX_CHARS = 2_000_000
"""Text of one file; what is behind it is left out, and that is said."""
MAX_PAGES = 500
MAX_UNPACKED = 30_000_000
"""Bytes of a part of an archive, unpacked."""
MAX_RATIO = 200
"""How many times larger than its packed form a part may be; text packs to a tenth."""
MAX_MEMBERS = 2_000
MAX_DEPTH = 200
"""Elements inside one another. What Word writes stays below 60."""


class Unreadable(Exception):
    """Why there is no text: a whole sentence for a person."""


class Text:
    """Text that grows to MAX_CHARS and no further."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._room = MAX_CHARS
        self.is_cut = False

    @property
    def is_full(self) -> bool:
        """There is no room."""
        return self._room <= 0

    def add(self, text: str) -> None:
        """Take a piece, or as much of it as fits."""
        if len(text) > self._room:
            self.is_cut = True
            text = text[: self._room]
        self._parts.append(text)
        self._room -= len(text)

    def __str__(self) -> str:
        return "".join(self._parts)
