"""Which connected account a call works with: the agent's own, or the one that is named.

    a service is named             that one
    the agent has one of its own   that one
    one is connected               that one
    both are                       nobody can tell: the agent is told to name one

A connection that was not given the calendar does not count beside one that was. One that broke
does: else its person would see another calendar and not notice.
"""

from typing import assert_never

from bot.core.errors import Conflict, ConnectionBroken, Invalid, OperatorError
from bot.core.tool import ToolContext
from bot.oauth.accounts import Accounts, Client, NotConnected, ScopeMissing
from bot.oauth.renewal import Reconnect
from tools.calendar import _google, _outlook
from tools.calendar._book import Book, Service, ServiceName

SERVICES = (_google.SERVICE, _outlook.SERVICE)


async def opened(
    ctx: ToolContext, service: ServiceName | None, *, account: str = "", write: bool = False
) -> Book:
    """The calendars to work with; `account`: the one that was shown on the card.

    Raises OperatorError, with the link that connects one, Invalid where one must be named, and
    Conflict when another account is connected now.
    """
    if not isinstance(ctx.settings, Accounts):
        raise OperatorError("This house connects no calendars.")
    if account and service is None:
        service = "google"  # asked for when there was no other
    try:
        if service is None:
            kind, client = await _chosen(ctx, ctx.settings, write)
        else:
            kind = service_of(service)
            client = await _client(ctx, ctx.settings, kind, write)
    except ConnectionBroken as error:  # told to the owners where it is told at all
        raise OperatorError(error.message) from None
    if account and client.account != account:
        raise Conflict(f"Another {kind.vendor} account is connected now. Ask for it again.")
    match kind.name:
        case "google":
            return _google.Google(client)
        case "outlook":
            return _outlook.Outlook(client)
        case _:
            assert_never(kind.name)


def service_of(name: ServiceName | None) -> Service:
    """What there is to say of a service; Google's where none is named yet."""
    return next(each for each in SERVICES if each.name == (name or "google"))


async def _client(ctx: ToolContext, accounts: Accounts, kind: Service, write: bool) -> Client:
    needs = kind.writes if write else kind.reads
    return await accounts.client(ctx.tenant, kind.provider, ctx.agent, needs)


async def _chosen(ctx: ToolContext, accounts: Accounts, write: bool) -> tuple[Service, Client]:
    """The service that is meant when none is named. Raises Reconnect, Invalid."""
    found: list[tuple[Service, Client]] = []
    absent: list[Reconnect] = []
    for kind in SERVICES:
        try:
            found.append((kind, await _client(ctx, accounts, kind, write)))
        except Reconnect as error:
            absent.append(error)
    own = [each for each in found if each[1].agent]
    if len(own) == 1:
        return own[0]
    lost = [each for each in absent if not isinstance(each, NotConnected | ScopeMissing)]
    if lost:
        raise lost[0]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(kind.title for kind, _ in found)
        raise Invalid(f"{names} are both connected. Say service: google or outlook.")
    partly = [each for each in absent if isinstance(each, ScopeMissing)]
    if partly:
        raise partly[0]
    first, second = absent
    raise Reconnect(f"No calendar is connected: {first.message} Or: {second.message}", first.link)
