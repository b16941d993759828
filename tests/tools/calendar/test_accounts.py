"""Which calendar a call works with, when a house has connected two vendors."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.errors import Conflict, Invalid, OperatorError
from bot.core.tool import ToolContext
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.graph_calendar import GraphCalendar
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.calendar.conftest import full, of
from tests.tools.kit import lines
from tools.calendar._accounts import opened
from tools.calendar.agenda import Look, calendar_list
from tools.calendar.invitation import TOOLS, calendar_create, preview

(CREATE,) = TOOLS
CALL = {"title": "Call", "start": "2026-12-01 09:00"}


@pytest.fixture
async def both(
    tmp_path: Path, google: GoogleCalendar, outlook: GraphCalendar
) -> AsyncIterator[OAuthHouse]:
    """A house that knows both vendors; nothing is connected."""
    async with OAuthHouse(tmp_path, google, outlook) as house:
        yield house


async def chosen(ctx: ToolContext, **more: object) -> str:
    """The service that is meant when none is named."""
    return (await opened(ctx, None, **more)).service.name  # type: ignore[arg-type]


async def test_the_one_that_is_connected_is_meant(both: OAuthHouse, outlook: GraphCalendar) -> None:
    await both.connect(at=outlook)
    assert await chosen(of(both)) == "outlook"
    with pytest.raises(OperatorError, match="#google"):
        await opened(of(both), "google")
    with pytest.raises(OperatorError, match=r"Connect it here: \S+#google.* Or: .*#microsoft"):
        await chosen(of(both, tenant=both.olga.tenant))


async def test_of_two_one_must_be_named_and_the_agent_s_own_comes_first(
    both: OAuthHouse, google: GoogleCalendar, outlook: GraphCalendar
) -> None:
    await both.connect()
    await both.connect(at=outlook)
    with pytest.raises(Invalid, match="Say service: google or outlook"):
        await calendar_list(of(both), Look())
    assert (await opened(of(both), "outlook")).service.provider == "microsoft"
    await both.connect(at=outlook, agent="bri")
    assert await chosen(of(both)) == "outlook"
    assert (await opened(of(both), "google")).service.name == "google"
    with pytest.raises(Invalid, match="Say service"):
        await chosen(replace(of(both), agent="donna"))


async def test_one_without_the_calendar_does_not_count_and_a_broken_one_does(
    both: OAuthHouse, google: GoogleCalendar, outlook: GraphCalendar
) -> None:
    await both.connect(at=outlook)
    await both.connect(features=("mail_send",))
    assert await chosen(of(both)) == "outlook"
    await both.connect()
    google.faults.declined = "invalid_grant"
    google.expire()
    with pytest.raises(OperatorError):
        await calendar_list(of(both), Look(service="google"))
    with pytest.raises(OperatorError, match="#google"):
        await calendar_list(of(both), Look())
    assert "ann@example.com" in str((await calendar_list(of(both), Look(service="outlook"))).data)


async def test_the_card_names_the_calendar_and_the_yes_is_for_that_one(
    both: OAuthHouse, google: GoogleCalendar, outlook: GraphCalendar
) -> None:
    await both.connect(at=outlook)
    ctx = of(both)
    args = await full(ctx, CREATE, **CALL)
    card = preview(args)  # type: ignore[arg-type]
    assert card.title == "Make an event in Outlook Calendar"
    assert lines(card)["Microsoft account"] == "ann@example.com (primary)"
    assert lines(card)["Microsoft Teams"] == "no"
    await both.connect()  # after the question, before the yes
    await calendar_create(ctx, args)
    assert len(outlook.said("create")) == 1 and google.events == {}
    outlook.account = "another"
    await both.connect(at=outlook)
    with pytest.raises(Conflict, match="Another Microsoft account"):
        await calendar_create(replace(ctx, key="eff_2"), args)


async def test_what_was_asked_before_there_were_two_goes_where_it_was_meant(
    both: OAuthHouse, google: GoogleCalendar, outlook: GraphCalendar
) -> None:
    await both.connect()
    kept = (await full(of(both), CREATE, **CALL)).model_dump(mode="json", exclude_none=True)
    del kept["service"]
    await both.connect(at=outlook)
    await calendar_create(of(both), CREATE.arguments.model_validate(kept))
    assert len(google.said("insert")) == 1 and outlook.said("create") == []
