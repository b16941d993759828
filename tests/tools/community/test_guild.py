"""Recognition and roles, through the channel, on the Discord that plays."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.core.approval import Approval, ApprovalKind, ApprovalState
from bot.core.card import Card
from bot.core.effect import EffectState, Policy
from bot.core.errors import (
    Forbidden,
    Invalid,
    NotFound,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ids import AgentName, ApprovalId, ConvId, EventId, PersonId, TenantId
from bot.core.people import Person, Role
from bot.core.tool import Risk, ToolContext
from bot.responsible import responsible
from bot.store import approvals, effects, people, schema
from bot.store.rows import card_to_json, dumps
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from channels.discord.guild import Guild as Real
from tests.channels.discord_house import House
from tests.fakes.clock import StillClock
from tests.fakes.discord_rest import Fault
from tests.fakes.discord_server import DiscordServer
from tests.tools.kit import ANA, TENANT, context, effect, lines, refusal
from tools.community._settings import Guild, GuildSettings
from tools.community.guild import (
    TOOLS,
    ChangeRole,
    Find,
    Recognise,
    community_find,
    community_recognise,
    community_role,
    show_recognition,
    show_role,
)

OLGA, BEN = PersonId("per_olga"), PersonId("per_ben")


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server
        assert server.mistakes == []


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """Where Olga is an owner, Ana and Ben are members, and each is known on Discord."""
    schema.prepare(tmp_path / "house.db")
    made = SqliteDatabase(tmp_path / "house.db")
    await made.open()
    await made.write(people.add_tenant(TENANT, "Shop", 1))
    for id_, role in ((OLGA, Role.OWNER), (ANA, Role.MEMBER), (BEN, Role.MEMBER)):
        who = Person(id=id_, tenant=TENANT, name=id_, role=role, created_at=StillClock().now())
        await made.write(people.add(who))
    yield made
    await made.close()


@pytest.fixture
async def ctx(discord: DiscordServer, db: Database) -> AsyncIterator[ToolContext]:
    """A call for an owner in the tenant whose Discord this is."""
    options = {"guild_id": discord.world.guild_id}
    async with House(discord, options, listens=False) as house:
        found = house.channel.guild
        assert isinstance(found, Real) and isinstance(found, Guild)
        settings = GuildSettings(guild=lambda tenant: found, responsible=partial(responsible, db))
        yield context(settings=settings, key="eff_1", person=OLGA)


def question() -> Approval:
    """What Ana asked for, and waits."""
    now = StillClock().now()
    return Approval(
        id=ApprovalId("apr_1"),
        tenant=TENANT,
        kind=ApprovalKind.APPROVE,
        code="4821",
        version=1,
        hash="h",
        state=ApprovalState.PENDING,
        needs=1,
        approvers=(),
        conv=ConvId("cnv_1"),
        turn=EventId("evt_1"),
        agent=AgentName("bri"),
        requested_by=ANA,
        why="",
        card=Card(title="Remove a role on Discord"),
        created_at=now,
        expires_at=now,
    )


def recognise(discord: DiscordServer, **more: Any) -> Recognise:
    ana = discord.world.person("ana")
    known = {
        "member_id": ana.id,
        "member_name": "Ana",
        "channel_id": discord.world.general.id,
        "channel_name": "general",
        "text": "thank you for the tents, @everyone agrees",
    }
    return Recognise(**{**known, **more})


def role(discord: DiscordServer, action: str = "assign", **more: Any) -> ChangeRole:
    ana = discord.world.person("ana")
    known = {
        "action": action,
        "member_id": ana.id,
        "member_name": "ana",
        "role_id": discord.world.role("Helper"),
        "role_name": "Helper",
        "reason": "leads the tents team — since June",
    }
    return ChangeRole(**{**known, **more})


async def test_names_are_looked_up(discord: DiscordServer, ctx: ToolContext) -> None:
    ana, helper = discord.world.person("ana"), discord.world.role("Helper")
    found = await community_find(ctx, Find(kind="member", name="@An"))
    assert found.data == f"member {ana.id}: Ana"
    found = await community_find(ctx, Find(kind="role", name="help"))
    assert found.data == f"role {helper}: Helper"
    found = await community_find(ctx, Find(kind="channel", name="#gen"))
    assert found.data == f"channel {discord.world.general.id}: general"
    assert "There is no role" in str((await community_find(ctx, Find(kind="role", name="x"))).data)


async def test_a_recognition_calls_the_member_and_nobody_else(
    discord: DiscordServer, ctx: ToolContext
) -> None:
    outcome = await community_recognise(ctx, recognise(discord))
    (message,) = discord.shown(discord.world.general.id)
    assert message.text.startswith(f"🏅 <@{discord.world.person('ana').id}> thank you")
    assert [user.name for user in message.mentions] == ["ana"] and not message.pings_everyone
    assert outcome.state is EffectState.SENT
    assert outcome.url.endswith(f"{discord.world.guild_id}/{message.channel.id}/{message.id}")


async def test_a_recognition_whose_answer_is_lost_stands_there_once(
    discord: DiscordServer, ctx: ToolContext
) -> None:
    cut = Fault(where="POST /channels/", times=1, cut=True, after=True)
    discord.rest.faults.append(cut)
    with pytest.raises(VendorUnknown):
        await community_recognise(ctx, recognise(discord))
    again = await community_recognise(ctx, recognise(discord))
    (message,) = discord.shown(discord.world.general.id)
    assert again.vendor_ref.endswith(message.id) and discord.rest.deduplicated == 1
    other = replace(ctx, key="eff_2")
    await community_recognise(other, recognise(discord))
    assert len(discord.shown(discord.world.general.id)) == 2, "another deed is another message"


async def test_a_role_is_given_and_taken_with_its_reason(
    discord: DiscordServer, ctx: ToolContext
) -> None:
    ana, helper = discord.world.person("ana"), discord.world.role("Helper")
    for _ in range(2):
        outcome = await community_role(ctx, role(discord))
    assert (ana.roles, outcome.data) == ([helper], "ana has the role Helper.")
    assert discord.rest.reasons[-1] == "leads the tents team — since June"
    for _ in range(2):
        outcome = await community_role(ctx, role(discord, "REMOVE"))
    assert (ana.roles, outcome.data) == ([], "ana no longer has the role Helper.")


async def test_a_role_whose_answer_is_lost_is_given_again_without_harm(
    discord: DiscordServer, ctx: ToolContext
) -> None:
    # The HTTP library itself asks once more when a PUT is cut off: both answers are lost.
    discord.rest.faults.append(Fault(where="PUT /guilds/", times=2, cut=True, after=True))
    with pytest.raises(VendorUnknown):
        await community_role(ctx, role(discord))
    await community_role(ctx, role(discord))
    assert discord.world.person("ana").roles == [discord.world.role("Helper")]


async def test_what_the_card_showed_is_what_is_changed(
    discord: DiscordServer, ctx: ToolContext
) -> None:
    eve = discord.world.person("eve")
    with pytest.raises(Invalid, match="Look it up again"):
        await community_role(ctx, role(discord, member_id=eve.id))
    with pytest.raises(Invalid, match="Look it up again"):
        await community_role(ctx, role(discord, role_name="Owner"))
    with pytest.raises(Invalid, match="Look it up again"):
        await community_recognise(ctx, recognise(discord, channel_name="random"))
    assert eve.roles == [] and discord.shown(discord.world.general.id) == []


async def test_what_stands_in_the_way_is_said_with_the_mend(
    discord: DiscordServer, ctx: ToolContext
) -> None:
    asked = role(discord)
    discord.rest.forbidden.add(asked.role_id)
    with pytest.raises(VendorRefused, match="Manage Roles, and drag it above Helper"):
        await community_role(ctx, asked)
    boss = discord.world.role("Boss")
    discord.world.administrators.add(boss)
    with pytest.raises(Invalid, match="administrators of the server"):
        await community_role(ctx, role(discord, role_id=boss, role_name="Boss"))
    with pytest.raises(NotFound, match="not on the server"):
        await community_role(ctx, role(discord, member_id="1"))
    with pytest.raises(NotFound, match="no such role"):
        await community_role(ctx, role(discord, role_id="1"))
    with pytest.raises(NotFound, match="no such channel"):
        await community_recognise(ctx, recognise(discord, channel_id="1"))
    direct = discord.direct("ana")
    with pytest.raises(NotFound, match="not one of the server"):
        await community_recognise(ctx, recognise(discord, channel_id=direct))
    assert discord.world.person("ana").roles == []


async def test_a_member_without_the_right_has_no_role_changed_not_even_their_own(
    discord: DiscordServer, ctx: ToolContext, db: Database
) -> None:
    ana = discord.world.person("ana")
    who = people.Identity(channel="discord", account="1", ext_id=ana.id, name="ana")
    await db.write(people.know(TENANT, who, ANA, 1))
    asked = role(discord)
    for person in (ANA, BEN, None):
        with pytest.raises(Forbidden, match="has a higher one, or for an owner"):
            await community_role(replace(ctx, person=person), asked)
    assert ana.roles == []
    steward = discord.world.role("Steward")
    discord.world.managers.add(steward)
    ana.roles.append(steward)
    for height in (1, 2):  # as high as theirs, and higher
        discord.world.heights = {steward: 1, asked.role_id: height}
        with pytest.raises(Forbidden):
            await community_role(replace(ctx, person=ANA), asked)
    discord.world.heights = {steward: 3, asked.role_id: 2}
    await community_role(replace(ctx, person=ANA), asked)
    assert asked.role_id in ana.roles, "whom Discord lets change it asks in words as well"


async def test_whoever_owns_the_server_or_said_yes_as_an_owner_is_enough(
    discord: DiscordServer, ctx: ToolContext, db: Database
) -> None:
    head = discord.world.person("olga")
    who = people.Identity(channel="discord", account="1", ext_id=head.id, name="olga")
    await db.write(people.know(TENANT, who, BEN, 1))
    await community_role(replace(ctx, person=BEN), role(discord))
    deed = replace(effect(TOOLS[2], {}), approval=ApprovalId("apr_1"), person=ANA)
    await db.write(effects.plan(deed, 1))
    await db.write(approvals.open_(question()))
    theirs = replace(ctx, person=ANA, effect=deed.id)
    with pytest.raises(Forbidden):
        await community_role(theirs, role(discord, "remove"))
    shown = dumps(card_to_json(question().card))
    said = approvals.decide(question(), ApprovalState.APPROVED, OLGA, "", shown, 2)
    assert await db.write(said)
    await community_role(theirs, role(discord, "remove"))
    assert discord.world.person("ana").roles == []


async def test_another_tenant_has_no_part_in_it(discord: DiscordServer, ctx: ToolContext) -> None:
    stranger = replace(ctx, tenant=TenantId("ten_2"))
    with pytest.raises(OperatorError, match="DISCORD_GUILD_ID"):
        await community_role(stranger, role(discord))
    with pytest.raises(OperatorError, match="DISCORD_GUILD_ID"):
        await community_role(context(), role(discord))
    assert discord.world.person("ana").roles == []


def test_the_cards_show_exactly_who_and_what() -> None:
    shown = lines(
        show_role(
            ChangeRole(
                action="assign",
                member_id="1",
                member_name="Ana",
                role_id="2",
                role_name="Helper",
                reason="leads\nthe tents",
            )
        )
    )
    assert shown.pop("Action") == "assign"
    assert shown == {"Member": "Ana (1)", "Role": "Helper (2)", "Reason": "leads the tents"}
    card = show_recognition(
        Recognise(
            member_id="1", member_name="Ana", channel_id="3", channel_name="#hall", text="thanks"
        )
    )
    assert lines(card)["Channel"] == "#hall (3)" and lines(card)["Text"] == "thanks"
    assert "pattern" in refusal(Find, kind="member", name="") or "name" in refusal(
        Find, kind="member", name=""
    )


def test_what_changes_something_asks_and_is_repeated_by_its_key_alone() -> None:
    assert {tool.name: (tool.risk, tool.policy) for tool in TOOLS} == {
        "community_find": (Risk.READ, Policy.NONE),
        "community_recognise": (Risk.WRITE, Policy.KEYED),
        "community_role": (Risk.WRITE, Policy.KEYED),
    }
