"""Finding by words and by meaning, and putting both orders into one. No I/O; runs in a thread.

Meaning is exact search: the question is compared with every vector of its owner. 5,000 of 512
floats take about 0.15 seconds, in which the thread shares the interpreter with the loop.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import mul

from agents.runtime.embedding import unpack
from bot.core.ports import Memo

_WORD = re.compile(r"\w+")
_RANK = 10
"""How slowly a place in an order loses weight; the usual 60 is for lists of a thousand."""
_WEIGHT: Mapping[str, float] = {"mem": 1.0, "arc": 0.8, "msg": 0.6}
"""By the beginning of an id: what was kept on purpose goes before what was only said."""


def ranked(memos: Sequence[Memo], query: str) -> Sequence[Memo]:
    """The memos that share a word with the query, best first; all of them for an empty one."""
    wanted = words_of(query)
    if not wanted:
        return memos
    texts = [words_of(memo.text) for memo in memos]
    spread = Counter(word for text in texts for word in text)
    scores = [
        sum(math.log(1 + len(memos) / spread[word]) for word in wanted & text) for text in texts
    ]
    order = sorted(range(len(memos)), key=lambda n: -scores[n])  # stable: the newest first
    return [memos[n] for n in order if scores[n] > 0]


def nearest(
    query: bytes, rows: Iterable[tuple[str, str, bytes]], floor: float, limit: int
) -> list[tuple[str, str]]:
    """Kind and id of the vectors that are nearest in meaning and not below the floor."""
    asked = unpack(query)
    found = []
    for kind, id_, value in rows:
        if len(value) != len(query):
            continue
        cosine = sum(map(mul, asked, unpack(value)))
        if cosine >= floor:
            found.append((-cosine, kind, id_))
    return [(kind, id_) for _, kind, id_ in sorted(found)[:limit]]


def blended(memos: Sequence[Memo], query: str, near: Sequence[str]) -> list[Memo]:
    """What fits by words or by meaning, best first; `near` are ids, nearest first."""
    places: dict[str, float] = {}
    for order in ([memo.id for memo in ranked(memos, query)], near):
        for place, id_ in enumerate(order):
            places[id_] = places.get(id_, 0.0) + 1 / (_RANK + place)
    kept = [memo for memo in memos if memo.id in places]
    return sorted(kept, key=lambda memo: -places[memo.id] * _WEIGHT.get(memo.id[:3], 1.0))


def words_of(text: str) -> frozenset[str]:
    """Words without their commonest endings, so that `invoices` finds `invoice`."""
    return frozenset(_stem(word) for word in _WORD.findall(text.casefold()))


def sought(query: str, most: int) -> list[str]:
    """The longest words of a question, as a database looks for them inside a text."""
    words = {_stem(word) for word in _WORD.findall(query.lower())}
    return sorted((word for word in words if len(word) > 2), key=lambda w: (-len(w), w))[:most]


def _stem(word: str) -> str:
    for ending in ("s", "ing", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
    return word
