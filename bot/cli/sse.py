"""Server-sent events: lines in, events out; no socket here.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html (read 2026-11-21).
Rules kept: lines end with LF, CRLF or CR (our server sends LF); a colon first is a comment; one
space after the colon is dropped; data lines join with a line feed; an empty line ends an event;
an id stays the last id until another comes.
"""

from dataclasses import dataclass, field

from bot.frozen import frozen


@frozen
class Frame:
    """One event."""

    name: str
    data: str
    id: str
    """The last id seen, to go on from after a break."""


@dataclass(slots=True)
class Parser:
    """Collects lines."""

    last_id: str = ""
    _name: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, line: str) -> Frame | None:
        """Take one line without its end; the event, when this line ends one."""
        if not line:
            return self._end()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self.last_id = value
        return None

    def _end(self) -> Frame | None:
        frame = Frame(name=self._name or "message", data="\n".join(self._data), id=self.last_id)
        is_empty = not self._data
        self._name, self._data = "", []
        return None if is_empty else frame
