"""A secret that cannot be shown by accident.

`str`, `repr`, `format` give `***`; pickling and JSON refuse. Only `reveal()` gives the text, and
only the code that hands it to a vendor calls it.
"""

import hmac
from typing import NoReturn


class Secret:
    """Text that prints as `***`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text; call this only where it leaves for its owner."""
        return self._text

    @property
    def last4(self) -> str:
        """The end of a long secret, to recognise it by; nothing of a short one."""
        return self._text[-4:] if len(self._text) >= 12 else ""

    def matches(self, other: str) -> bool:
        """Compare in constant time. An empty secret matches nothing, not even empty text."""
        mine, theirs = self._text.encode(), other.encode(errors="surrogatepass")
        return hmac.compare_digest(mine, theirs) and bool(mine)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self._text.encode(), other._text.encode()
        )

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is never pickled.")
