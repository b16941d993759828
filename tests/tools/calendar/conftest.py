"""Houses with a connected account, on calendars that play: Google's, and Outlook's."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.connections import Connections
from bot.core.effect import Effect, Outcome
from bot.core.tool import Arguments, Tool, ToolContext
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.graph_calendar import GraphCalendar
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.kit import context, effect

EVENINGS = {
    "start": {"dateTime": "2026-11-23T20:00:00-05:00", "timeZone": "America/New_York"},
    "end": {"dateTime": "2026-11-23T21:00:00-05:00", "timeZone": "America/New_York"},
}
"""Monday evening in New York, which is Tuesday morning in Berlin."""


@pytest.fixture
async def google() -> AsyncIterator[GoogleCalendar]:
    async with GoogleCalendar() as server:
        yield server
    assert server.mistakes == []


@pytest.fixture
async def house(tmp_path: Path, google: GoogleCalendar) -> AsyncIterator[OAuthHouse]:
    async with OAuthHouse(tmp_path, google) as house:
        yield house


@pytest.fixture
async def ctx(house: OAuthHouse) -> ToolContext:
    """A call in the tenant whose account is connected, on clocks of Berlin."""
    await house.connect()
    return of(house)


@pytest.fixture
async def outlook() -> AsyncIterator[GraphCalendar]:
    async with GraphCalendar() as server:
        yield server
    assert server.mistakes == []


@pytest.fixture
async def office(tmp_path: Path, outlook: GraphCalendar) -> AsyncIterator[OAuthHouse]:
    """A house of Outlook's."""
    async with OAuthHouse(tmp_path, outlook) as house:
        await house.connect()
        yield house


@pytest.fixture
def desk(office: OAuthHouse) -> ToolContext:
    """A call in it, on clocks of Berlin."""
    return of(office)


def of(house: OAuthHouse, **more: Any) -> ToolContext:
    """A call in a house."""
    given = {
        "tenant": house.tenant.id,
        "clock": house.clock,
        "settings": house.connections.accounts,
    }
    return context(**{**given, **more})


class _Hasty:
    """The house's fetcher, which waits a moment only."""

    def __init__(self, real: Any) -> None:
        self._real = real

    async def fetch(self, *words: Any, **more: Any) -> Any:
        return await self._real.fetch(*words, **{**more, "timeout_s": 0.3})


def hasty(house: OAuthHouse) -> ToolContext:
    """A call of one who does not wait long."""
    around = replace(house.around, fetcher=_Hasty(house.around.fetcher))
    return of(house, settings=Connections(around).accounts)


async def full(ctx: ToolContext, tool: Tool, **given: Any) -> Arguments:
    """The arguments as they are when a person is asked: completed, stored, understood again."""
    args = tool.arguments.model_validate(given)
    if tool.complete:
        args = await tool.complete(ctx, args)
    kept = args.model_dump(mode="json", exclude_none=True)
    again = tool.arguments.model_validate(kept)
    assert again == args, "what is stored is understood again"
    assert tool.preview is None or tool.preview(again).title
    return again


async def find(ctx: ToolContext, tool: Tool, args: Arguments) -> Outcome | None:
    """Look a deed up, as after a crash."""
    assert tool.find
    return await tool.find(ctx, as_effect(tool, args))


def as_effect(tool: Tool, args: Arguments) -> Effect:
    """The deed as it is stored."""
    return effect(tool, args.model_dump(mode="json", exclude_none=True))
