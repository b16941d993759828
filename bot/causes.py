"""Why a turn failed, as one word for programs, and what a person can do about it.

model.auth model.credit model.rate model.overflow model.timeout model.unreachable
model.certificate model.failed model.nonsense model.cut model.unknown model.refused
                                          the model, by what its provider said
budget limit settings vendor internal     everything else
"""

from collections.abc import Mapping

from bot.core.canonical import Json
from bot.core.errors import BotError, BudgetReached, LimitReached, OperatorError, VendorError

INTERNAL = "internal"
BUDGET = "budget"
_KINDS: tuple[tuple[type[BotError], str], ...] = (
    (BudgetReached, BUDGET),
    (LimitReached, "limit"),
    (OperatorError, "settings"),
    (VendorError, "vendor"),
)
_KEY: dict[str, Json] = {"label": "Give another key", "href": "/admin#key"}
_STATE: dict[str, Json] = {"label": "See the state of the house", "href": "/admin"}
_ACTIONS: Mapping[str, dict[str, Json]] = {
    "model.auth": _KEY,
    "model.credit": _KEY,
    "model.unknown": _STATE,
    "model.unreachable": _STATE,
    "model.certificate": _STATE,
    "model.overflow": {"label": "New conversation", "href": "/chat"},
    "settings": _STATE,
    BUDGET: {"label": "See what waits for a yes", "href": "/admin/approvals"},
}


def cause_of(error: BotError) -> str:
    """The word for an error: the one that it carries, else that of its kind."""
    if said := error.ids.get("cause"):
        return str(said)
    return next((word for kind, word in _KINDS if isinstance(error, kind)), INTERNAL)


def told(cause: str) -> dict[str, Json]:
    """`cause`, and `action` (`label`, `href`) where a person can mend it; empty without a cause."""
    if not cause:
        return {}
    action = _ACTIONS.get(cause)
    return {"cause": cause, "action": action} if action else {"cause": cause}
