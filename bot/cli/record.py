"""An answer of the API, read once at the edge: missing or odd values become plain empty ones.

The terminal shows what is there; a server of another version must not make it fall over.
"""

from collections.abc import Iterator, Mapping


class Record:
    """One JSON object."""

    __slots__ = ("raw",)

    def __init__(self, raw: object) -> None:
        self.raw: Mapping[str, object] = raw if isinstance(raw, dict) else {}

    def __bool__(self) -> bool:
        return bool(self.raw)

    def __contains__(self, key: str) -> bool:
        return self.raw.get(key) is not None

    def text(self, key: str, default: str = "") -> str:
        """A text; numbers become text, anything else the default."""
        value = self.raw.get(key)
        if isinstance(value, str):
            return value
        return str(value) if isinstance(value, int | float) else default

    def number(self, key: str) -> int:
        """A whole number; 0 when there is none."""
        value = self.raw.get(key)
        return int(value) if isinstance(value, int | float) else 0

    def decimal(self, key: str) -> float:
        """A number; 0 when there is none."""
        value = self.raw.get(key)
        return float(value) if isinstance(value, int | float) else 0.0

    def flag(self, key: str) -> bool:
        """Whether it is there and true."""
        return self.raw.get(key) is True

    def record(self, key: str) -> "Record":
        """An object inside; an empty one when there is none."""
        return Record(self.raw.get(key))

    def records(self, key: str) -> list["Record"]:
        """A list of objects inside."""
        value = self.raw.get(key)
        return [Record(item) for item in value] if isinstance(value, list) else []

    def texts(self, key: str) -> list[str]:
        """A list of texts inside; of objects, their names."""
        value = self.raw.get(key)
        found = value if isinstance(value, list) else []
        return [Record(i).text("name") if isinstance(i, dict) else str(i) for i in found]

    def lists(self, key: str) -> list[list[str]]:
        """A list of lists of texts inside."""
        value = self.raw.get(key)
        found = value if isinstance(value, list) else []
        return [[str(i) for i in item] for item in found if isinstance(item, list)]

    def items(self) -> Iterator[tuple[str, object]]:
        """Keys and values as they came."""
        yield from self.raw.items()
