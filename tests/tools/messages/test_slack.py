"""Messages that agents send: to the very place that was shown, with the very files, and once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat

import pytest

from bot.core.channel import Channel
from bot.core.effect import Policy
from bot.core.errors import Conflict, ConnectionBroken, NotFound
from bot.core.event import Attachment
from bot.core.ids import TenantId
from bot.core.tool import Risk, Tool, ToolContext
from bot.platforms.lent import Spot
from bot.platforms.outgoing import Outgoing
from tests.fakes.channel import FakeChannel, Shown
from tests.fakes.database import Disk
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import ANA, EVE, HOME, Switchboard, Team, agent, image
from tests.fakes.vendor import Fate
from tests.sim.loop import virtual
from tests.tools.kit import context, lines, refusal
from tools.messages import discord, places, slack
from tools.messages._message import MessageArguments, card_of

TOOLS = {tool.name: tool for tool in (*slack.TOOLS, *discord.TOOLS, *places.TOOLS)}
GENERAL = Spot(id="C1", name="#general", about="the whole team")
TWINS = [Spot(id=id_, name="#team", about=f"of {id_}") for id_ in ("C2", "C3")]


@dataclass
class Platform(FakeChannel):
    """A platform whose bot is in some places; it remembers all that it was sent."""

    spots: Sequence[Spot] = (GENERAL, *TWINS)
    sent: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    async def places(self) -> Sequence[Spot]:
        return self.spots

    async def send(self, message):
        names = tuple(item.name for item in message.attachments)
        seen = [one for one in self.book if one.effect == message.effect]
        try:
            return await super().send(message)
        finally:
            if len([o for o in self.book if o.effect == message.effect]) > len(seen):
                self.sent.append((message.place, message.text, names))


@dataclass
class Library:
    """Files of Ana."""

    kept: dict[str, bytes] = field(default_factory=lambda: {"fil_1": b"minutes"})

    async def attachment(self, ctx: ToolContext, id_: str) -> Attachment:
        if ctx.person != ANA or id_ not in self.kept:
            raise NotFound("There is no such file here.")
        content = self.kept[id_]
        sha256 = hashlib.sha256(content).hexdigest()
        return Attachment(
            name="minutes.md", media_type="text/markdown", size=7, sha256=sha256, source=id_
        )


def platform(name: str, policy: Policy, *fates: Fate) -> Platform:
    coming = chain(fates, repeat(Fate.DONE))
    return Platform(name=name, policy=policy, fate=lambda _: next(coming))


def sending(tool: str, **arguments: object) -> ScriptedModel:
    """A model that sends one message and then repeats what it is told."""

    def think(request):
        told = last_words(request)
        if request.messages[-1].role == "tool" or told.startswith("[outcome]"):
            return say(told)
        return call((tool, arguments))

    return ScriptedModel(think)


def house_of(
    channel: Platform,
    model: ScriptedModel,
    library: Library | None = None,
    disk: Disk | None = None,
) -> Switchboard:
    """A switchboard of which Home has that platform; its agent may send messages."""

    def channel_of(tenant: TenantId, name: str) -> Channel | None:
        return channel if (tenant, name) == (HOME, channel.name) else None

    team = Team({"bri": agent("bri", tools=tuple(TOOLS))})
    made = Switchboard(model, team=team, tools=TOOLS, disk=disk)
    outgoing = Outgoing(channel_of, library or Library())  # type: ignore[arg-type]
    made.engine.toolset._settings = {"messages": outgoing}
    return made


SLACK = ("send_slack_message", "slack", Policy.READBACK)
DISCORD = ("send_discord_message", "discord", Policy.KEYED)
BOTH = pytest.mark.parametrize(("tool", "name", "policy"), [SLACK, DISCORD])


@BOTH
@virtual
async def test_the_card_shows_exactly_what_leaves_and_a_yes_sends_it_once(tool, name, policy):
    outside = platform(name, policy)
    model = sending(tool, place="General", text="Closed on **Friday**", files=[{"id": "fil_1"}])
    async with house_of(outside, model) as house:
        await house.ask("tell the others")
        (question,) = await house.pending()
        assert outside.sent == []
        shown = lines(question.card)
        assert shown["To"] == "#general (C1)" and shown["Text"] == "Closed on **Friday**"
        assert shown["File"] == "minutes.md (text/markdown, 7 bytes)"
        assert question.card.audience == "the whole team"
        await house.decide(question, "approve")
        assert '"state":"sent"' in await house.settled(question)
        assert outside.sent == [("C1", "Closed on **Friday**", ("minutes.md",))]
        with pytest.raises(Conflict, match="Approved by Olga"):
            await house.decide(question, "approve")
        assert len(outside.sent) == 1


@BOTH
@pytest.mark.parametrize("fate", [Fate.SILENT, Fate.LOST])
@virtual
async def test_an_answer_that_never_came_is_found_out_and_nothing_is_twice(
    tool, name, policy, fate
):
    outside = platform(name, policy, fate)
    async with house_of(outside, sending(tool, place="#general", text="Hi")) as house:
        await house.ask("tell the others")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await house.settled(question)
        assert outside.sent == [("C1", "Hi", ())]
        assert house.states() == [(tool, "sent")]


@BOTH
@pytest.mark.parametrize("arrived", [True, False])
@virtual
async def test_a_process_that_dies_while_it_sends_leaves_nothing_lost_or_twice(
    tool, name, policy, arrived
):
    disk = Disk(image())
    outside = platform(name, policy)
    model = sending(tool, place="#general", text="Hi")
    async with house_of(outside, model, disk=disk) as house:
        await house.ask("tell the others")
        (question,) = await house.pending()
    disk.all("update approval set state = 'approved'")
    disk.all(
        "update effect set state = 'sending', attempt = 1, progress = ?, started_at = ?",
        '{"place":"C1","thread":""}',
        house.now_us,
    )
    if arrived:
        id_, conv = disk.all("select id, conv from effect where kind = 'tool'")[0]
        outside.book.append(Shown(effect=id_, conv=conv, text="Hi", attempt=1))
        outside.sent.append(("C1", "Hi", ()))
    async with house_of(outside, model, disk=disk) as again:
        await again.settled(question)
        assert outside.sent == [("C1", "Hi", ())]
        assert again.states() == [(tool, "sent")]


@virtual
async def test_what_cannot_be_found_is_said_to_the_model_and_nobody_is_asked():
    cases = [
        ({"place": "#nowhere", "text": "Hi"}, "no place called #nowhere"),
        ({"place": "#team", "text": "Hi"}, "Give the id of one: C2 (of C2), C3 (of C3)"),
        ({"place": "#general", "text": ""}, "nothing to send"),
        ({"place": "#general", "text": "Hi", "files": [{"id": "fil_2"}]}, "no such file"),
    ]
    for arguments, told in cases:
        outside = platform("slack", Policy.READBACK)
        async with house_of(outside, sending("send_slack_message", **arguments)) as house:
            assert told in await house.ask("tell them")
            assert await house.pending() == [] and outside.sent == []


@virtual
async def test_a_place_that_was_renamed_or_a_file_that_changed_is_not_sent():
    for change in ("place", "file"):
        outside, library = platform("slack", Policy.READBACK), Library()
        model = sending(
            "send_slack_message", place="C1", text="Hi", files=[{"id": "fil_1", "sha256": "f"}]
        )
        async with house_of(outside, model, library) as house:
            await house.ask("tell them")
            (question,) = await house.pending()
            if change == "place":
                outside.spots = (replace(GENERAL, name="#public"),)
            else:
                library.kept["fil_1"] = b"salary!"
            await house.decide(question, "approve")
            assert "shown. Ask for it anew" in await house.settled(question)
            assert outside.sent == [] and house.states() == [("send_slack_message", "failed")]


@virtual
async def test_another_tenant_reaches_no_platform_of_this_one():
    outside = platform("slack", Policy.READBACK)
    outgoing = Outgoing(
        lambda tenant, name: outside if tenant == HOME else None,
        Library(),  # type: ignore[arg-type]
    )
    with pytest.raises(ConnectionBroken, match="bot connect slack"):
        await outgoing.places(TenantId("ten_away"), "slack")
    with pytest.raises(NotFound):
        await outgoing.files(context(tenant=HOME, person=EVE), ["fil_1"])


@virtual
async def test_a_refusal_is_told_and_not_repeated():
    outside = platform("slack", Policy.READBACK, Fate.REFUSED)
    model = sending("send_slack_message", place="C1", text="Hi")
    async with house_of(outside, model) as house:
        await house.ask("tell them")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        assert "refused" in await house.settled(question)
        assert outside.sent == []


@pytest.mark.parametrize("tool", [t for t in TOOLS.values() if t.risk is Risk.WRITE])
def test_what_a_model_reads_is_whole_and_the_house_s_own_fields_are_not_in_it(tool: Tool) -> None:
    schema = tool.arguments.model_json_schema()
    assert set(schema["properties"]) == {"kind", "place", "text", "files"}
    (file,) = schema["$defs"].values()
    assert set(file["properties"]) == {"id"}
    for word in ("Use it when", "Do not use it", "Example: {", "place:", "text:", "files:"):
        assert word in " ".join(tool.description.split())
    assert tool.egress and tool.risk is Risk.WRITE
    assert "U+0000" in refusal(tool.arguments, place="#a", text="a\x00b")
    assert "xtra" in refusal(tool.arguments, place="#a", text="a", to="b")


def test_the_card_warns_of_what_is_odd() -> None:
    args = MessageArguments(place="#general", text="@everyone look " + "a" * 4000)
    card = card_of(slack.SLACK, args)
    assert any("call nobody" in warning for warning in card.warnings)
    assert any("goes in several" in warning for warning in card.warnings)
    assert card_of(slack.SLACK, MessageArguments(place="#g", text="a@here.example")).warnings == ()
