"""How networks count the length of a text. Where a network does not say, on the safe side.

Each function is a pure count of one text; which one a network uses stands in its file.
"""

import re
import unicodedata
from collections.abc import Callable

Count = Callable[[str], int]

_PICTURE = (
    r"[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe"
    r"\u2600-\u27bf\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
    r"[\ufe0f\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*"
)
_EMOJI = (
    r"[\U0001f1e6-\U0001f1ff]{2}"  # a flag
    r"|[0-9#*]\ufe0f?\u20e3"  # a key
    rf"|{_PICTURE}(?:\u200d{_PICTURE})*"  # one picture, or several joined into one
)
_BARE = r"com|org|net|info|biz|io|co|ai|app|dev|me|tv|eu|uk|us|de|fr|es|it|nl|at|ch|jp|in|br|au|ca"
_LINK = (
    r"https?://[^\s<>\"]*[^\s<>\".,;:!?'()\[\]{}]"
    rf"|(?<![\w@.-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_BARE})\b(?:/[^\s<>\".,;:!?]*)?"
)
_UNIT = re.compile(rf"(?P<link>{_LINK})|(?P<emoji>{_EMOJI})|(?P<sign>.)", re.DOTALL | re.IGNORECASE)
_EMOJI_ONLY = re.compile(_EMOJI)
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Signs that count as one. https://github.com/twitter/twitter-text config/v3.json, 2026-10-04."""
_LINK_WEIGHT = 23


def code_points(text: str) -> int:
    """Unicode code points."""
    return len(text)


def utf16_units(text: str) -> int:
    """UTF-16 code units: most emoji count two and more. The safe side for most networks."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def emoji_bytes(text: str) -> int:
    """Code points, but each emoji as its bytes in UTF-8."""
    extra = sum(
        len(found.encode("utf-8", "surrogatepass")) - len(found)
        for found in _EMOJI_ONLY.findall(text)
    )
    return len(text) + extra


def weighted(text: str) -> int:
    """As X counts: a link 23, an emoji 2, Latin and its like 1, all other signs 2.

    Addresses without `https://` are known by common endings only; X knows them all.
    """
    total = 0
    for unit in _UNIT.finditer(unicodedata.normalize("NFC", text)):
        if unit["link"]:
            total += _LINK_WEIGHT
        elif unit["emoji"]:
            total += 2
        else:
            sign = ord(unit["sign"])
            total += 1 if any(low <= sign <= high for low, high in _LIGHT) else 2
    return total
