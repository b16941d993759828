"""What the house writes on Discord: whole, once, calling nobody, at the pace that is allowed."""

import asyncio

import pytest

from bot.core.effect import EffectKind
from bot.core.errors import VendorRefused, VendorUnknown
from bot.testing import ChannelContract
from channels.discord.calls import _EDITS, _POSTS
from tests.channels.discord_house import CARD, House, card, outbound
from tests.fakes.discord_server import DiscordServer

CREATE = "POST /channels/{channel_id}/messages"


async def test_a_long_answer_comes_in_parts_and_names_the_first():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.direct("ana")
        text = "\n\n".join(f"Paragraph {n}. " + "word " * 60 for n in range(12))
        receipt = await house.channel.send(outbound(place, text))
        parts = server.shown(place)
        assert 1 < len(parts) and all(len(each.content) <= 2000 for each in parts)
        assert receipt.vendor_ref == f"{place}:{parts[0].id}"
        assert "Paragraph 11." in parts[-1].content
        assert server.mistakes == []


async def test_nobody_is_called_by_what_a_model_wrote():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.channel()
        ana = server.world.person("ana").id
        await house.channel.send(outbound(place, f"@everyone <@{ana}> <@&1> @here"))
        draft = await house.channel.draft(outbound(place, "@everyone", "rep_2"))
        await house.channel.send(card(place))
        await house.channel.send(outbound(place, "@here", "rep_2", replace=draft.vendor_ref))
        assert not any(each.pings_everyone for each in server.shown(place))
        written = [each.body for each in server.rest.calls if "messages" in each.route]
        assert len(written) == 4
        assert all(each["allowed_mentions"]["parse"] == [] for each in written)


async def test_the_same_effect_twice_is_one_message():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.direct("ana")
        first = await house.channel.send(outbound(place, "Hello"))
        assert await house.channel.send(outbound(place, "Hello")) == first
        await house.channel.send(outbound(server.channel(), "Hello"))
        assert server.texts(place) == server.texts(server.channel()) == ["Hello"]


async def test_an_answer_that_got_lost_is_found_again_by_its_nonce():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.direct("ana")
        server.fail(CREATE, cut=True, after=True)
        with pytest.raises(VendorUnknown):
            await house.channel.send(outbound(place, "Hello"))
        receipt = await house.channel.send(outbound(place, "Hello"))
        (shown,) = server.shown(place)
        assert receipt.vendor_ref.endswith(shown.id)
        assert server.rest.deduplicated == 1


async def test_a_draft_grows_and_becomes_the_answer():
    async with DiscordServer() as server, House(server, listens=False) as house:
        server.rest.rates.per_route.clear()
        place = server.direct("ana")
        assert await house.channel.draft(outbound(place, "")) is None
        assert server.rest.typing == [place]
        assert await house.channel.draft(outbound(place, "[](x)")) is None, "nothing to be seen"
        draft = await house.channel.draft(outbound(place, "Hel"))
        assert draft is not None
        await house.channel.draft(outbound(place, "Hello", replace=draft.vendor_ref))
        last = await house.channel.send(outbound(place, "Hello you.", replace=draft.vendor_ref))
        assert last.vendor_ref == draft.vendor_ref
        assert server.texts(place) == ["Hello you."]
        assert server.mistakes == []


async def test_a_draft_whose_reference_was_lost_in_a_crash_still_becomes_the_answer():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.direct("ana")
        await house.channel.draft(outbound(place, "Hel"))
        await house.channel.send(outbound(place, "Hello you."))
        assert server.texts(place) == ["Hello you."]


async def test_an_answer_whose_draft_was_deleted_is_sent_anew():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.direct("ana")
        draft = await house.channel.draft(outbound(place, "Hel"))
        await server.delete(server.shown(place)[0])
        server.forget_nonces()
        await house.channel.send(outbound(place, "Hello.", replace=draft.vendor_ref))
        assert server.texts(place) == ["Hello."]


async def test_an_answer_without_words_takes_its_draft_away():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.direct("ana")
        draft = await house.channel.draft(outbound(place, "Hel"))
        await house.channel.send(outbound(place, "", replace=draft.vendor_ref))
        assert server.texts(place) == []
        with pytest.raises(VendorRefused):
            await house.channel.send(outbound(place, ""))


async def test_drafts_leave_room_for_answers():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place, shown = server.direct("ana"), 0
        draft = await house.channel.draft(outbound(place, "0"))
        for number in range(1, 30):
            text = "0" * (number + 1)
            found = await house.channel.draft(outbound(place, text, replace=draft.vendor_ref))
            shown += found is not None
        assert shown < 5
        async with asyncio.timeout(2):
            await house.channel.send(outbound(place, "At once.", "rep_2"))
        assert server.mistakes == []


async def test_a_card_loses_its_buttons_when_it_is_decided():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.direct("ana")
        receipt = await house.channel.send(card(place))
        (shown,) = server.shown(place)
        assert [each["label"] for each in shown.buttons] == ["Approve", "Edit", "Reject"]
        decided = type(CARD)(title=CARD.title, decided="Approved by Ana.", choices=())
        again = await house.channel.send(card(place, card=decided, replace=receipt.vendor_ref))
        assert again.vendor_ref == receipt.vendor_ref
        (shown,) = server.shown(place)
        assert not shown.buttons and "Approved by Ana" in str(shown.embeds)
        assert server.mistakes == []


async def test_an_answer_in_a_channel_says_what_it_answers():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.channel()
        said = await server.say("ana", "{bot} hi", place)
        await house.channel.send(outbound(place, "Hi", reply_to=f"{place}:{said.id}"))
        private = outbound(place, "Yes", "rep_2", reply_to=f"{place}:1", extra={"private": True})
        await house.channel.send(private)
        first, second = server.shown(place)
        assert first.reply_to == said.id and not second.reply_to
        assert server.mistakes == []


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"status": 500, "times": 9}, VendorUnknown, "Discord"),
        ({"cut": True}, VendorUnknown, "Discord"),
        ({"status": 200, "after": True}, VendorUnknown, "Discord"),  # done, and no message in it
        ({"status": 429, "retry_after_s": 90.0, "times": 9}, VendorRefused, "rest"),
    ],
)
async def test_what_goes_wrong_says_whether_it_happened(how, error, words, monkeypatch):
    monkeypatch.setattr("channels.discord.calls.TIMEOUT_S", 1.0)
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.direct("ana")
        await house.channel._calls.open()
        server.fail(CREATE, **how)
        with pytest.raises(error, match=words) as caught:
            await house.channel.send(outbound(place))
        if "retry_after_s" in how:
            assert caught.value.retry_after_s == pytest.approx(90.0)
            assert house.channel._calls.posts.spare(place) is False


async def test_a_short_rest_is_kept_without_a_word():
    async with DiscordServer() as server, House(server, listens=False) as house:
        place = server.direct("ana")
        server.fail(CREATE, status=429, retry_after_s=0.2)
        await house.channel.send(outbound(place))
        assert server.texts(place) == ["Hello"]


async def test_a_place_that_may_not_be_written_to_names_the_mend():
    async with DiscordServer() as server, House(server, listens=False) as house:
        server.forbid("ana")
        with pytest.raises(VendorRefused, match="direct messages"):
            await house.channel.send(outbound(server.direct("ana")))
        server.forbid(server.channel())
        with pytest.raises(VendorRefused, match="(?i)access"):
            await house.channel.send(outbound(server.channel()))


def test_a_burst_and_what_follows_it_fit_into_five_seconds():
    most = 5.0
    assert _POSTS.count + most * _POSTS.count / _POSTS.seconds <= 5.1
    drafts = 1  # half of the budget of edits is for drafts, the burst included
    assert drafts < _EDITS.count and _EDITS.count / _EDITS.seconds * most <= 5


async def test_much_at_once_is_no_ban():
    async with DiscordServer() as server, House(server, listens=False) as house:
        server.rest.rates.ban_after = 1
        place = server.direct("ana")
        async with asyncio.timeout(20):
            async with asyncio.TaskGroup() as group:
                for number in range(7):
                    group.create_task(
                        house.channel.send(outbound(place, str(number), f"r{number}"))
                    )
        assert len(server.texts(place)) == 7
        assert not server.banned and server.mistakes == []


class TestContract(ChannelContract):
    """What every channel must pass, against a Discord of its own for each test."""

    @pytest.fixture(autouse=True)
    async def _server(self):
        async with DiscordServer() as self.server:
            self.house = House(self.server, listens=False)
            async with self.house:
                yield

    def make(self, folder):
        return self.house.channel

    def shown(self):
        return [each.text for each in self.server.world.messages.values() if each.author.bot]

    async def test_what_is_sent_is_shown_once(self, tmp_path):
        self._at(tmp_path)
        await super().test_what_is_sent_is_shown_once(tmp_path)

    async def test_what_its_policy_says_is_true(self, tmp_path):
        self._at(tmp_path)
        await super().test_what_its_policy_says_is_true(tmp_path)

    def _at(self, folder):
        """The contract writes to `ana`, which Discord knows by the channel's number."""
        channel, place, send = self.make(folder), self.server.direct("ana"), None
        send = channel.send

        async def there(message):
            return await send(outbound(place, message.text, message.effect, kind=EffectKind.REPLY))

        channel.send = there


async def test_an_answer_that_its_draft_says_already_is_not_written_again():
    async with DiscordServer() as server, House(server) as house:
        place = server.channel()
        draft = await house.channel.draft(outbound(place, "Hello you."))
        assert draft
        asked = len(server.rest.calls)
        last = await house.channel.send(outbound(place, "Hello you.", replace=draft.vendor_ref))
        assert last.vendor_ref == draft.vendor_ref and len(server.rest.calls) == asked
        await house.channel.send(outbound(place, "Hello you.", replace=draft.vendor_ref))
        assert len(server.rest.calls) == asked + 1, "what is not remembered is written"
        assert server.texts(place) == ["Hello you."] and server.mistakes == []
