"""Which mailbox a call means, found by what is connected.

An id says its box itself. Else the one that is named; else the agent's own connection goes first;
else the one that there is. Where two are equally meant, the person is asked to say which.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.errors import Conflict, ConnectionBroken, Invalid, OperatorError
from bot.core.tool import ToolContext
from bot.oauth.accounts import Client, NotConnected, ScopeMissing
from bot.reach import reach_of
from tools.mailbox import _gmail, _outlook
from tools.mailbox._gmail import Gmail
from tools.mailbox._mail import Box, Where
from tools.mailbox._outlook import Outlook

PROVIDERS: Mapping[Where, tuple[str, Any]] = {
    "gmail": ("google", Gmail),
    "outlook": ("microsoft", Outlook),
}
READ: Mapping[Where, Sequence[str]] = {"gmail": _gmail.READ, "outlook": _outlook.READ}
DRAFT: Mapping[Where, Sequence[str]] = {"gmail": _gmail.WRITE, "outlook": _outlook.DRAFT}
SORT: Mapping[Where, Sequence[str]] = {"gmail": _gmail.SORT, "outlook": _outlook.DRAFT}
SEND: Mapping[Where, Sequence[str]] = {"gmail": _gmail.WRITE, "outlook": _outlook.SEND}


async def opened(
    ctx: ToolContext, needs: Mapping[Where, Sequence[str]], named: str = "", account: str = ""
) -> Box:
    """The mailbox that is meant; `account`: the one that was shown on the card.

    Raises OperatorError, with the link that connects one, Invalid, Conflict.
    """
    lent = reach_of(ctx)
    found: dict[Where, Client] = {}
    why: list[OperatorError] = []
    for where, (provider, _) in PROVIDERS.items():
        if named in ("", where):
            try:
                wider = _outlook.DRAFT if where == "outlook" and needs is READ else ()
                found[where] = await lent.client(ctx, provider, needs[where], wider)
            except ConnectionBroken as error:
                why.append(error)
    if not found:
        raise _none(why)
    where = _chosen(found)
    if account and found[where].account != account:
        raise Conflict("Another mailbox is connected now. Ask for it again.")
    kind = PROVIDERS[where][1]
    box: Box = kind(found[where], needs[where])
    return box


def _chosen(found: Mapping[Where, Client]) -> Where:
    own = [where for where, client in found.items() if client.agent]
    meant = own or list(found)
    if len(meant) > 1:
        raise Invalid("Gmail and Outlook are both connected. Say which one in `mailbox`.")
    return meant[0]


def _none(why: Sequence[OperatorError]) -> OperatorError:
    """What mends it: what one that is connected lacks, before one that is not connected."""
    lacking = [error for error in why if not isinstance(error, NotConnected)]
    lacking.sort(key=lambda error: not isinstance(error, ScopeMissing))
    if lacking:
        return OperatorError(lacking[0].message)  # told to the owners where it is told at all
    words = " ".join(error.message for error in why)
    return OperatorError(f"No mailbox is connected. {words}")


def parted(id_: str) -> tuple[Where, str]:
    """The box that an id names, and the vendor's part of it. Raises Invalid."""
    where, _, rest = id_.partition(":")
    for known in PROVIDERS:
        if known == where and rest:
            return known, rest
    raise Invalid("A mail's id begins with gmail: or outlook:, as mailbox_search gives it.")
