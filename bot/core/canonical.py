"""One way to write a value down, so that equal values have equal hashes.

JSON with sorted keys, no spaces, no NaN, plain UTF-8. What an approval is bound to is a hash of
this text; changing the form would void every pending approval.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def canonical(value: Json) -> str:
    """Return the one text of `value`. Raises ValueError on NaN or infinity."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Json) -> str:
    """Return the SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
