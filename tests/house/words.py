"""What no file may say: leftovers, paths of one machine, hosts that packages come from."""

import re
from collections.abc import Iterator

from tests.house.tree import House

ITSELF = ("tests/house/", "tests/test_house.py")
"""The files that must name the words in order to forbid them."""

# A path of one machine is one that starts a word: `https://x.example/work` is not one.
FORBIDDEN = {
    r"\b(?:TODO|FIXME|XXX)\b": "is left over; do it, or say why not in a sentence",
    r"(?<![\w.~/<:}-])/(?:work|root|home/\w+)(?![\w.-])": "is a path of one machine",
    r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org)\b": "is a package host",
}


def no_forbidden_words(house: House) -> Iterator[str]:
    """No leftovers, no path of a machine, no package host: in code, documents and locks alike."""
    for path, text in house.under("", suffix=""):
        if path.startswith(ITSELF):
            continue
        for pattern, wrong in FORBIDDEN.items():
            for found in re.finditer(pattern, text):
                line = text.count("\n", 0, found.start()) + 1
                yield f"{path}:{line}: {found[0]!r} {wrong}"
