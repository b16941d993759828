"""Posts in channels of Teams by a person who connected Microsoft 365, on the Graph that plays."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.errors import Conflict, Invalid, NotFound, OperatorError, VendorUnknown
from bot.core.ids import TenantId
from bot.core.tool import ToolContext
from bot.reach import Reach
from tests.channels.teams_side import ANA, listening
from tests.fakes.graph_channels import GraphChannels
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.teams_server import TeamsServer
from tests.tools.kit import context, lines
from tools.messages._settings import TeamsSettings
from tools.messages.teams import BOT, PERSON, TeamsPost, complete, preview, teams_post_message

TEAM, CHANNEL = "fbe2bf47-16c8-47cf-b4a5-4b9b187c508b", "19:4a95@thread.tacv2"
POST = TeamsPost(team_id=TEAM, channel_id=CHANNEL, text="We are open on **Sunday** <at>all</at>")
SCOPE = "ChannelMessage.Send"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[OAuthHouse]:
    async with GraphChannels() as server, OAuthHouse(tmp_path, server) as house:
        server.members.add(TEAM)
        yield house
    assert server.mistakes == []


def graph(house: OAuthHouse) -> GraphChannels:
    server = house.server
    assert isinstance(server, GraphChannels)
    return server


def ctx(house: OAuthHouse, tenant: TenantId | None = None, **more: object) -> ToolContext:
    reach = Reach(accounts=house.connections.accounts)
    told: dict[str, object] = {"bot": lambda who: None, "flow": lambda who: None, **more}
    settings = TeamsSettings(reach=reach, **told)  # type: ignore[arg-type]
    return context(settings=settings, tenant=tenant or house.tenant.id, clock=house.clock)


async def test_whoever_connected_microsoft_posts_and_the_card_says_who(house: OAuthHouse) -> None:
    item = await house.connect(scopes=(SCOPE,))
    args = await complete(ctx(house), POST)
    assert args.way == PERSON
    assert lines(preview(args))["Posted by"] == item.name
    assert TEAM in lines(preview(args))["Team"] and CHANNEL in lines(preview(args))["Channel"]
    outcome = await teams_post_message(ctx(house), args)
    ((team, channel, html),) = graph(house).posts
    assert (team, channel) == (TEAM, CHANNEL)
    assert "<strong>Sunday</strong>" in html and "&lt;at&gt;" in html
    assert outcome.url.startswith("https://teams.microsoft.com/") and outcome.vendor_ref


async def test_the_bot_posts_unless_a_person_is_wanted(house: OAuthHouse) -> None:
    await house.connect(scopes=(SCOPE,))
    async with TeamsServer() as server, listening(server) as side:
        given = ctx(house, bot=lambda who: side.channel)
        there = side.server.world.channel("general", ANA)
        told = POST.model_copy(update={"channel_id": there})
        assert (await complete(given, told)).way == BOT
        as_person = told.model_copy(update={"as_person": True})
        assert (await complete(given, as_person)).way == PERSON
        await server.settled()
    no_place = TeamsPost(text="x", as_person=True)
    with pytest.raises(Invalid, match="team_id and channel_id"):
        await complete(ctx(house), no_place)
    with pytest.raises(Invalid, match="give both"):
        await complete(ctx(house), TeamsPost(text="x", channel_id=CHANNEL))


async def test_without_a_connection_or_its_permission_it_is_said_what_connects_it(
    house: OAuthHouse,
) -> None:
    with pytest.raises(OperatorError, match="bot connect microsoft"):
        await complete(ctx(house), POST)
    wanted = POST.model_copy(update={"as_person": True})
    with pytest.raises(OperatorError, match="not connected.*http"):
        await complete(ctx(house), wanted)
    await house.connect(scopes=("Mail.Send",))
    with pytest.raises(OperatorError, match=f"not allowed to: {SCOPE}"):
        await complete(ctx(house), POST)
    assert graph(house).posts == []


async def test_a_403_names_the_permission_and_who_has_to_be_a_member(house: OAuthHouse) -> None:
    await house.connect(scopes=(SCOPE,))
    args = await complete(ctx(house), POST.model_copy(update={"team_id": "another"}))
    with pytest.raises(OperatorError, match=f"{SCOPE}.*member of that team") as caught:
        await teams_post_message(ctx(house), args)
    assert "canary" not in caught.value.message and "http" in caught.value.message
    lost = POST.model_copy(update={"channel_id": "nowhere"})
    with pytest.raises(NotFound):
        await teams_post_message(ctx(house), await complete(ctx(house), lost))
    assert graph(house).posts == []


async def test_an_answer_that_is_lost_or_says_nothing_is_unknown_and_not_repeated(
    house: OAuthHouse,
) -> None:
    await house.connect(scopes=(SCOPE,))
    args = await complete(ctx(house), POST)
    graph(house).is_cut = True
    with pytest.raises(VendorUnknown):
        await teams_post_message(ctx(house), args)
    assert len(graph(house).posts) == 1
    graph(house).answer = {"value": []}
    with pytest.raises(VendorUnknown, match="which message"):
        await teams_post_message(ctx(house), args)


async def test_it_goes_by_the_account_that_was_shown_and_by_no_other_tenant_s(
    house: OAuthHouse,
) -> None:
    await house.connect(scopes=(SCOPE,))
    args = await complete(ctx(house), POST)
    with pytest.raises(Conflict, match="Another Microsoft account"):
        await teams_post_message(ctx(house), args.model_copy(update={"account": "T-1/other"}))
    with pytest.raises(OperatorError, match="not connected"):
        await teams_post_message(ctx(house, house.olga.tenant), args)
    assert graph(house).posts == []


async def test_what_is_too_long_is_refused_before_anybody_is_asked(house: OAuthHouse) -> None:
    await house.connect(scopes=(SCOPE,))
    with pytest.raises(Invalid, match="28,000 bytes"):
        await complete(ctx(house), POST.model_copy(update={"text": "ä" * 15_000}))
    fits = POST.model_copy(update={"text": "word " * 5_000})
    await teams_post_message(ctx(house), await complete(ctx(house), fits))
    assert len(graph(house).posts) == 1
