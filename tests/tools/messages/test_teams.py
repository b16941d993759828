"""Posts in channels of Teams: by the bot, or by a workflow, on the Teams that plays."""

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from bot.core.errors import Conflict, Invalid, OperatorError, VendorRefused, VendorUnknown
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.core.tool import ToolContext
from bot.fetch.client import WebFetcher
from tests.channels.teams_side import ANA, Side, listening
from tests.fakes.teams_connector import WORKFLOW
from tests.fakes.teams_server import TeamsServer
from tests.tools.kit import TENANT, context, house, lines, refusal
from tools.messages._settings import TeamsSettings
from tools.messages.teams import (
    BOT,
    FLOW,
    TeamsPost,
    complete,
    preview,
    teams_post_message,
)

TEXT = "We are open on **Sunday**\n<at>all</at> & more"


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    async with TeamsServer() as server, listening(server) as found:
        yield found
        await server.settled()


def ctx(side: Side, tenant: TenantId = TENANT) -> ToolContext:
    """A call in the tenant whose Teams this is."""
    address = side.server.workflow_url
    own = (urlsplit(address).hostname or "", urlsplit(address).port or 0)
    lent = replace(house(), fetcher=WebFetcher(allow=[own]))
    told = TeamsSettings(
        bot=lambda who: side.channel if who == TENANT else None,
        flow=lambda who: Secret(address) if who == TENANT else None,
    )
    return context(lent, settings=told, tenant=tenant)


async def test_the_bot_begins_a_thread_in_the_channel(side: Side) -> None:
    world = side.server.world
    channel = world.channel("general", ANA)
    args = await complete(ctx(side), TeamsPost(channel_id=channel, team_id="guid", text=TEXT))
    assert args.way == BOT and lines(preview(args))["Channel"] == channel
    outcome = await teams_post_message(ctx(side), args)
    (post,) = [m for m in side.server.shown(channel) if m.bot]
    assert "We are open on" in post.text and not post.entities, "it calls nobody"
    assert outcome.vendor_ref == f"{channel};messageid={post.id}|{post.id}"
    assert side.server.mistakes == []


async def test_the_card_names_the_channel_and_the_team_that_were_heard_of(side: Side) -> None:
    world = side.server.world
    channel, team = world.channel("general", ANA), world.team_id("shop")
    await world.mention(ANA, channel, "hello")
    told = TeamsPost(channel_id=channel, team_id=team, text=TEXT)
    args = await complete(ctx(side), told)
    card = preview(args)
    assert lines(card)["Channel"] == f"general ({channel})" == card.recipients[0]
    assert lines(card)["Team"] == f"shop ({team})"
    # A team that the channel is not of gives nobody's name, and a model cannot say one itself.
    wrong = told.model_copy(update={"team_id": "another-team", "channel_name": "the boss"})
    shown = lines(preview(await complete(ctx(side), wrong)))
    assert (shown["Channel"], shown["Team"]) == (channel, "another-team")
    other = await complete(ctx(side), TeamsPost(channel_id=world.channel("new"), text=TEXT))
    assert lines(preview(other))["Channel"] == world.channel("new")
    assert "channel_name" not in str(TeamsPost.model_json_schema())


async def test_a_long_post_goes_on_below_its_first_part(side: Side) -> None:
    channel = side.server.world.channel("general", ANA)
    text = "\n\n".join(f"Paragraph {n}. " + "word " * 300 for n in range(20))
    args = await complete(ctx(side), TeamsPost(channel_id=channel, text=text))
    await teams_post_message(ctx(side), args)
    posts = [m for m in side.server.shown(channel) if m.bot]
    assert len(posts) > 1 and "".join(m.words for m in posts).count("word") == 6000
    assert {m.thread for m in posts[1:]} == {posts[0].id}
    assert side.server.mistakes == []


async def test_a_missing_permission_is_answered_with_what_to_grant(side: Side) -> None:
    channel = side.server.world.channel("general", ANA)
    args = await complete(ctx(side), TeamsPost(channel_id=channel, text=TEXT))
    side.server.forbid(channel, "BotNotInConversationRoster")
    with pytest.raises(VendorRefused, match="Add it there: Apps in Teams"):
        await teams_post_message(ctx(side), args)
    side.server.forbid(channel, "ForbiddenOperationException")
    with pytest.raises(VendorRefused, match="Azure portal .* ChannelMessage.Send.Group"):
        await teams_post_message(ctx(side), args)
    assert [m for m in side.server.shown(channel) if m.bot] == []


async def test_a_post_without_an_answer_is_unknown_and_not_repeated(side: Side) -> None:
    channel = side.server.world.channel("general", ANA)
    args = await complete(ctx(side), TeamsPost(channel_id=channel, text=TEXT))
    side.server.fail("create", "lost")
    with pytest.raises(VendorUnknown):
        await teams_post_message(ctx(side), args)
    assert len([m for m in side.server.shown(channel) if m.bot]) == 1


async def test_a_workflow_posts_to_its_own_channel(side: Side) -> None:
    args = await complete(ctx(side), TeamsPost(text=TEXT))
    assert args.way == FLOW
    assert "channel of the workflow" in lines(preview(args))["Channel"]
    await teams_post_message(ctx(side), args)
    (post,) = side.server.shown(WORKFLOW)
    assert "<at>all</at> & more" in str(post.attachments), "to the letter"
    side.server.fail("workflow", 502)
    with pytest.raises(VendorUnknown):
        await teams_post_message(ctx(side), args)
    assert side.server.mistakes == []
    assert "characters" in str(await _error(ctx(side), "a" * 6_001))


async def _error(given: ToolContext, text: str) -> Exception:
    with pytest.raises(Invalid) as caught:
        await complete(given, TeamsPost(text=text))
    return caught.value


async def test_a_workflow_that_refuses_says_what_to_switch_on_and_not_its_address(
    side: Side,
) -> None:
    args = await complete(ctx(side), TeamsPost(text=TEXT))
    side.server.fail("workflow", 403)
    with pytest.raises(VendorRefused, match="Who can trigger the flow") as caught:
        await teams_post_message(ctx(side), args)
    assert "sig=" not in str(caught.value)
    inner = TeamsSettings(bot=lambda who: None, flow=lambda who: Secret("http://10.0.0.1/x?sig=1"))
    guarded = context(replace(house(), fetcher=WebFetcher()), settings=inner)
    with pytest.raises(OperatorError, match="no address that may be asked") as caught_too:
        await teams_post_message(guarded, args)
    assert "sig=" not in str(caught_too.value)


async def test_another_tenant_posts_nowhere(side: Side) -> None:
    channel = side.server.world.channel("general", ANA)
    stranger = ctx(side, TenantId("ten_2"))
    for args in (TeamsPost(channel_id=channel, text=TEXT), TeamsPost(text=TEXT)):
        with pytest.raises(OperatorError, match="bot connect teams"):
            await complete(stranger, args)
        full = await complete(ctx(side), args)
        with pytest.raises(OperatorError, match="bot connect teams"):
            await teams_post_message(stranger, full)
    with pytest.raises(Conflict):
        await teams_post_message(ctx(side), TeamsPost(channel_id=channel, text=TEXT))
    assert [m for m in side.server.shown(channel) if m.bot] == []


def test_ids_are_ids() -> None:
    assert "no spaces" in refusal(TeamsPost, channel_id="the general channel", text="x")
