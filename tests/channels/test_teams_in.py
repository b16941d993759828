"""What Teams brings: messages, mentions, places, edits, files, thumbs and presses, once each."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.card import Card, Field
from bot.core.errors import Conflict, LimitReached, StoreError, VendorError
from bot.core.event import Kind
from bot.platforms.lent import Input
from tests.channels.teams_side import ANA, APPROVAL, BEN, Side, card, listening, outbound
from tests.fakes.teams_server import APP, FORGERIES, TENANT, TeamsServer
from tests.fakes.teams_world import Person


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    async with TeamsServer(again_s=(0.05, 0.1)) as server, listening(server) as found:
        yield found
        await server.settled()
        assert server.mistakes == []


async def test_a_message_in_a_chat_of_two_is_for_the_house(side: Side) -> None:
    world = side.server.world
    place = world.personal(ANA)
    id_ = await world.say(ANA, place, "hello  there")
    (event,) = side.sink.events
    assert (event.kind, event.text, event.addressed) == (Kind.MESSAGE, "hello  there", True)
    assert (event.place.id, event.place.thread, event.place.direct) == (place, "", True)
    assert (event.sender.ext_id, event.sender.name) == (ANA.aad, "Ana")
    assert (event.account, event.place.workspace) == (APP, TENANT)
    assert event.ext_id == f"{place}|{id_}"
    assert event.attachments == (), "the words as HTML are no file"


async def test_in_a_channel_the_mention_is_taken_out_and_the_thread_is_kept(side: Side) -> None:
    world = side.server.world
    channel = world.channel("general", ANA, BEN)
    root = await world.mention(ANA, channel, "publish it, <at>Ben</at> said")
    await world.mention(BEN, channel, "and this", thread=root)
    first, second = side.sink.events
    assert first.text == "publish it, <at>Ben</at> said", "what nobody marked is no mention"
    assert (first.place.id, first.place.thread, first.place.direct) == (channel, root, False)
    assert first.addressed and second.addressed
    assert second.conv == first.conv and second.ext_id != first.ext_id
    assert first.place.workspace.startswith("19:shop")


async def test_in_a_group_only_a_mention_is_for_the_house(side: Side) -> None:
    world = side.server.world
    world.hears_all = True
    group = world.group("friends", ANA, BEN)
    await world.say(ANA, group, "between us")
    await world.mention(ANA, group, "you there")
    assert [event.addressed for event in side.sink.events] == [False, True]
    assert not side.sink.events[0].place.direct


async def test_other_peoples_mentions_are_their_names(side: Side) -> None:
    world = side.server.world
    told = world._envelope(ANA, world.put(world.personal(ANA), ANA.id, ""))
    ben = {"type": "mention", "mentioned": {"id": BEN.id, "name": "Ben"}, "text": "<at>Ben</at>"}
    entities = [*told["entities"], world._mention(), ben]
    text = "<at>Switchboard</at>&nbsp;tell <at>Ben</at> 1 < 2"
    await side.server.deliver(told | {"type": "message", "text": text, "entities": entities})
    assert side.sink.events[0].text == "tell @Ben 1 < 2"


async def test_edits_and_deletions_name_their_message(side: Side) -> None:
    world = side.server.world
    place = world.personal(ANA)
    id_ = await world.say(ANA, place, "one")
    await world.edit(ANA, id_, "two")
    await world.delete(ANA, id_)
    message, edited, deleted = side.sink.events
    assert (edited.kind, edited.text, edited.reply_to) == (Kind.EDITED, "two", message.ext_id)
    assert (deleted.kind, deleted.reply_to) == (Kind.DELETED, message.ext_id)
    assert len({event.ext_id for event in side.sink.events}) == 3


async def test_what_is_brought_twice_is_one_event(side: Side) -> None:
    world = side.server.world
    await world.say(ANA, world.personal(ANA), "once")
    assert (await side.server.again()).status == 200
    assert len(side.sink.events) == 1


async def test_what_was_not_stored_comes_again(side: Side) -> None:
    side.sink.fails.append(StoreError("The disk is full."))
    await side.server.world.say(ANA, side.server.world.personal(ANA), "hello")
    await side.server.settled()
    assert [each.status for each in side.server.delivered] == [503, 200]
    assert [event.text for event in side.sink.events] == ["hello"]


async def test_bots_and_notices_are_not_heard(side: Side) -> None:
    world = side.server.world
    place = world.personal(ANA)
    await world.install(ANA, place)
    await world.tell(ANA, place, type="conversationUpdate", membersAdded=[{"id": ANA.id}])
    await world.tell(ANA, place, type="typing")
    bot = {"id": "28:other", "name": "Other"}
    await world.tell(ANA, place, type="message", text="I am a bot", **{"from": bot})
    await world.tell(ANA, place, type="message", value={"x": 1})
    assert all(each.status == 200 for each in side.server.delivered)
    assert side.sink.events == []


async def test_every_forgery_is_refused(side: Side) -> None:
    place = side.server.world.personal(ANA)
    for name in FORGERIES:
        found = await side.server.forge(name, ANA, place)
        assert found.status == 401, name
    assert side.sink.events == [] and side.server.evil_fetches == 0
    assert side.server.key_fetches <= 1


async def test_another_organisation_is_refused(side: Side) -> None:
    world = side.server.world
    other = {"id": "a:1x", "tenantId": "other", "conversationType": "personal"}
    found = await world.tell(ANA, world.personal(ANA), type="message", text="x", conversation=other)
    assert found.status == 403 and side.sink.events == []


async def test_files_are_fetched_and_the_token_stays_with_teams(side: Side) -> None:
    world = side.server.world
    files = [("notes.txt", "text/plain", b"milk" * 50_000), ("a.png", "image/png", b"\x89PNG")]
    await world.say(ANA, world.personal(ANA), "look", files=files)
    notes, picture = side.sink.events[0].attachments
    assert (notes.name, notes.media_type) == ("notes.txt", "text/plain")
    got = [b"".join([part async for part in side.channel.fetch(each)]) for each in (notes, picture)]
    assert got == [b"milk" * 50_000, b"\x89PNG"]


async def test_a_file_elsewhere_is_not_fetched(side: Side) -> None:
    world = side.server.world
    await world.say(ANA, world.personal(ANA), "x", files=[("a.txt", "text/plain", b"x")])
    (file,) = side.sink.events[0].attachments
    for source in (
        "https://evil.example/v3/a",
        "http://127.0.0.1:1/v3/a",
        "https://sharepoint.com.evil.example/a",
        "https://u:p@x.sharepoint.com/a",
        "http://x.sharepoint.com/a",
        "https://[::1/a",
    ):
        with pytest.raises(VendorError, match="does not lie at Microsoft"):
            [part async for part in side.channel.fetch(replace(file, source=source))]


async def test_a_thumb_names_the_answer_and_can_be_taken_back(side: Side) -> None:
    world = side.server.world
    place = world.personal(ANA)
    await world.say(ANA, place, "hi")
    receipt = await side.channel.send(outbound(place))
    answer = world.shown(place)[-1]
    await world.react(ANA, answer.id, "like")
    await world.react(ANA, answer.id, "like", take_back=True)
    await world.react(ANA, answer.id, "laugh")
    _, up, back = side.sink.events
    assert (up.kind, up.reply_to, up.payload) == (
        Kind.FEEDBACK,
        receipt.vendor_ref,
        {"value": "up"},
    )
    assert back.payload == {"value": ""} and back.ext_id != up.ext_id


async def test_what_is_too_much_is_said_there_once(side: Side) -> None:
    world = side.server.world
    place = world.personal(ANA)
    side.sink.fails += [LimitReached("Wait *a* little."), LimitReached("Wait *a* little.")]
    await world.say(ANA, place, "one")
    await world.say(ANA, place, "two")
    await side.until(lambda: world.said(place))
    await asyncio.sleep(0.1)
    assert world.said(place) == ["Wait *a* little."]
    assert all(each.status == 200 for each in side.server.delivered)


# --- presses -------------------------------------------------------------------------------


async def shown_card(side: Side, place: str, **more: object) -> str:
    """A card that stands there; gives its id."""
    await side.channel.send(card(place, **more))
    return side.server.world.shown(place)[-1].id


async def test_a_press_is_told_and_answered_to_the_presser_alone(side: Side) -> None:
    world = side.server.world
    channel = world.channel("general", ANA, BEN)
    root = await world.mention(ANA, channel, "publish")
    id_ = await shown_card(side, channel, thread=root)
    done = await world.press(ANA, id_, "Approve")
    assert done.private == "Approved by Ana" and done.status == 200
    event = side.sink.events[-1]
    assert event.kind == Kind.PRESSED and event.sender.ext_id == ANA.aad
    assert event.payload == {"approval": APPROVAL, "version": 3, "choice": "approve"}
    assert (event.place.id, event.place.thread) == (channel, root)
    assert len(world.said(channel)) == 1, "nobody else is told"
    await side.server.again()
    assert len(side.sink.events) == 2
    side.sink.fails.append(Conflict("This was approved already."))
    assert (await world.press(BEN, id_, "Reject")).private == "This was approved already."


async def test_edit_and_ask_bring_what_was_typed(side: Side) -> None:
    world = side.server.world
    id_ = await shown_card(side, world.personal(ANA))
    done = await world.press(ANA, id_, "Save and approve", {"text": "On Monday"})
    assert done.private == "Approved by Ana"
    form = side.sink.events[-1]
    assert form.kind == Kind.FORM and form.payload == {
        "approval": APPROVAL,
        "version": 3,
        "choice": "edit",
        "inputs": {"eff_1/title": "Sunday", "eff_1/text": "On Monday"},
    }
    await world.press(ANA, id_, "Send", {"question": "Why Monday?"})
    asked = side.sink.events[-1]
    assert asked.payload["choice"] == "ask"
    assert asked.payload["inputs"] == {"question": "Why Monday?"}
    refused = await world.press(BEN, id_, "Save and approve", {"text": "x"})
    assert refused.private == "Others may decide this one."
    assert len(side.sink.events) == 2


async def test_an_edit_without_a_form_in_the_card_gets_one_that_comes_back(side: Side) -> None:
    world = side.server.world
    bare = Card(title="Publish", fields=(Field(name="Text", value="We are open on Sunday"),))
    id_ = await shown_card(side, world.personal(ANA), card=bare)
    data = {"press": f"{APPROVAL}:3:edit"}
    opened = await world.press(ANA, id_, "Approve", data=data)
    assert opened.body["type"] == "application/vnd.microsoft.card.adaptive"
    ids = [each["id"] for each in opened.body["value"]["body"]]
    assert ids == ["eff_1/title", "eff_1/text"]
    sent = opened.body["value"]["actions"][0]["data"] | {"eff_1/text": "On Monday"}
    await world.press(ANA, id_, "Approve", data=sent)
    assert side.sink.events[-1].payload["inputs"] == {
        "eff_1/title": "Sunday",
        "eff_1/text": "On Monday",
    }
    side.desk.inputs = (Input(key="eff_1/text", label="Text", value="x" * 30_000),)
    assert "too long" in (await world.press(ANA, id_, "Approve", data=data)).private


async def test_a_name_that_stands_for_two_texts_changes_neither(side: Side) -> None:
    world = side.server.world
    id_ = await shown_card(side, world.personal(ANA))
    side.desk.inputs = tuple(Input(key=f"eff_{n}/text", label="Text", value=str(n)) for n in (1, 2))
    done = await world.press(ANA, id_, "Save and approve", {"text": "x"})
    assert done.body["type"].endswith("adaptive"), "it is asked by keys of its own"
    assert side.sink.events == []


async def test_show_all_is_written_to_the_presser_alone(side: Side) -> None:
    world = side.server.world
    group = world.group("friends", ANA, BEN)
    await world.mention(ANA, group, "publish")
    id_ = await shown_card(side, group)
    side.desk.long = "*All* of it.\n\n" + "word " * 5_000
    data = {"press": f"{APPROVAL}:3:all"}
    done = await world.press(ANA, id_, "Approve", data=data)
    assert "you alone" in done.private
    alone = world.personal(ANA)
    await side.until(lambda: sum(text.count("word") for text in world.said(alone)) >= 5_000)
    assert world.said(alone)[0].startswith("*All* of it.")
    assert sum(text.count("word") for text in world.said(alone)) == 5_000
    assert len(world.said(group)) == 1
    assert (await world.press(BEN, id_, "Approve", data=data)).private.startswith("Others")
    side.server.fail("create", 403)
    refused = await world.press(ANA, id_, "Approve", data=data)
    assert "Apps in Teams" in refused.private


async def test_a_press_that_nobody_can_read_means_nothing(side: Side) -> None:
    world = side.server.world
    id_ = await shown_card(side, world.personal(ANA))
    for data in ({}, {"press": 7}, {"press": "x"}, [], "x", {"press": "a:b:c"}):
        done = await world.press(ANA, id_, "Approve", data=data)
        assert done.private == "This button means nothing any more."
    assert side.sink.events == []


async def test_a_person_without_a_directory_is_known_by_the_bots_id(side: Side) -> None:
    world = side.server.world
    guest = Person("Guest")
    given = {"from": {"id": guest.id, "name": "Guest"}}
    await world.tell(guest, world.personal(guest), type="message", text="hi", **given)
    assert side.sink.events[0].sender.ext_id == guest.id
