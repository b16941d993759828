"""Where the vendors' own descriptions, samples and signed requests lie: no part of this repository.

`BOT_SPECS` names the folder of the descriptions; without it `shared/specs` beside the checkout is
looked at. The requests that a vendor signed, or nobody did, lie in `vectors/webhooks.json` beside
that folder. What is absent is named: a fake says it in the log and holds requests against its own
rules only, and a test that `needs` it skips.
"""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

log = logging.getLogger(__name__)
VECTORS = "../vectors/webhooks.json"
_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "specs"


def path(name: str) -> Path:
    """Where a file of that name lies, if anywhere."""
    return Path(os.environ.get("BOT_SPECS") or _BESIDE) / name


def document(name: str) -> Any:
    """What the file says; None, and a line in the log, where it is absent."""
    try:
        return json.loads(path(name).read_text("utf-8"))
    except FileNotFoundError:
        log.warning("%s is not here; only the written rules are checked.", path(name))
        return None


def needs(name: str) -> pytest.MarkDecorator:
    """The mark of a test that cannot be without the file."""
    reason = f"{Path(name).name} is not here; BOT_SPECS names the folder of what vendors publish"
    return pytest.mark.skipif(not path(name).is_file(), reason=reason)


def vectors(*names: str) -> list[dict[str, Any]]:
    """Requests of these vendors or schemes, and whether each is valid; none where absent."""
    found = document(VECTORS) or {"vectors": []}
    return [each for each in found["vectors"] if {each["vendor"], each["scheme"]} & {*names}]
