"""Platforms with buttons, drafts and files: what people see there is what the rows say."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.core.channel import Features, Outbound, Receipt
from bot.core.effect import EffectKind, Policy
from bot.core.errors import ConnectionBroken, Forbidden, UserError, VendorRefused
from bot.core.event import Attachment, Kind
from bot.core.ids import ConvId, EffectId, PersonId, TenantId
from bot.live import Live, Watch
from bot.platforms.desk import Behind, Counter, Seat, filled, texts
from bot.platforms.places import Places
from bot.store.connections import Connection, put
from bot.store.keys import ValueRow
from tests.fakes.channel import FakeChannel
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import ANA, AWAY, EVE, HOME, OLGA, OTTO, Switchboard
from tests.sim.loop import virtual

ON_CHAT: dict[str, Any] = {"channel": "chat", "ext": "U-Ana", "person": None}


@dataclass
class Platform(FakeChannel):
    """One that shows messages in place, with the text that each has now."""

    draft_s: float = 0.0
    files: dict[str, bytes] = field(default_factory=dict)
    seen: dict[str, list[Outbound]] = field(default_factory=dict)
    """Reference → what stood there, one after the other."""
    refusals: int = 0

    @property
    def features(self) -> Features:
        return replace(super().features, buttons=True, draft_s=self.draft_s, media=bool(self.files))

    async def send(self, message: Outbound) -> Receipt:
        if self.refusals:
            self.refusals -= 1
            raise VendorRefused("Slow down.", retry_after_s=3.0)
        ref = message.replace or f"ref{len(self.seen)}"
        self.seen.setdefault(ref, []).append(message)
        return Receipt(vendor_ref=ref)

    async def draft(self, message: Outbound) -> Receipt | None:
        return await self.send(message) if message.text else None

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        yield self.files[attachment.source]

    def cards(self) -> list[list[Outbound]]:
        return [all_ for all_ in self.seen.values() if all_[0].kind is EffectKind.CARD]


def asks(request: Any) -> Any:
    told = last_words(request)
    return say("Done.") if "[outcome]" in told else call(("keyed_ask", {"text": "a"}))


@virtual
async def test_a_card_is_shown_where_it_was_asked_and_loses_its_buttons_when_it_is_decided():
    outside = Platform(name="chat", policy=Policy.KEYED)
    async with Switchboard(ScriptedModel(asks), channels={"chat": outside}) as house:
        await house.ask("do it", **ON_CHAT)
        await asyncio.sleep(1)
        ((card,),) = outside.cards()
        (question,) = await house.pending()
        assert (card.approval, card.version) == (question.id, 1)
        assert card.card is not None and card.card.choices
        await house.decide(question, "approve", OLGA)
        await asyncio.sleep(10)
        ((_, after),) = outside.cards()
        assert after.replace and after.card is not None and "Olga" in after.card.decided
        again = len(outside.seen)
        await asyncio.sleep(60)
        assert len(outside.seen) == again, "a copy that says how it ended is left alone"


@virtual
async def test_a_card_that_was_never_shown_is_shown_after_a_start():
    outside = Platform(name="chat", policy=Policy.KEYED)
    async with Switchboard(ScriptedModel(asks), channels={"chat": outside}) as house:
        house.engine.cards.round = _nothing  # type: ignore[method-assign]
        await house.ask("do it", **ON_CHAT)
        await asyncio.sleep(10)
        assert outside.cards() == []
    async with Switchboard(disk=house.disk, channels={"chat": outside}) as house:
        await asyncio.sleep(1)
        assert len(outside.cards()) == 1


async def _nothing() -> None: ...


@virtual
async def test_a_card_whose_copy_is_on_no_record_is_rewritten_once_somebody_presses_under_it():
    outside = Platform(name="chat", policy=Policy.NONE)
    async with Switchboard(ScriptedModel(asks), channels={"chat": outside}) as house:
        await house.ask("do it", **ON_CHAT)
        await asyncio.sleep(1)
        ((card,),) = outside.cards()
        (question,) = await house.pending()
        # What a process leaves that was killed before it could say what the card is called.
        outside.seen["orphan"] = [card]
        await house.decide(question, "approve", OLGA)
        await asyncio.sleep(1)
        assert len(outside.seen["orphan"]) == 1
        press = house.event("", **ON_CHAT, kind=Kind.PRESSED, reply_to="orphan")
        payload = {"approval": question.id, "version": 1, "choice": "approve"}
        for place in (replace(press.place, id="elsewhere"), press.place):
            told = replace(press, ext_id=place.id, place=place, payload=payload)
            with contextlib.suppress(UserError):
                await house.engine.hear(told)
            await asyncio.sleep(1)
            known = [] if place.id == "elsewhere" else ["Olga"]
            after = [m.card.decided for m in outside.seen["orphan"][1:] if m.card]
            assert ["Olga" for text in after if "Olga" in text] == known
        assert len(outside.cards()) == 2, "it is shown nowhere else"


@virtual
async def test_a_platform_that_is_cut_off_keeps_no_other_from_its_cards():
    class CutOff(Platform):
        async def send(self, message: Outbound) -> Receipt:
            if message.kind is EffectKind.CARD:
                raise ConnectionBroken("The token was revoked.")
            return await super().send(message)

    class FarAway(Platform):
        async def send(self, message: Outbound) -> Receipt:
            await asyncio.sleep(1)
            return await super().send(message)

    cut, well = CutOff(name="cut", policy=Policy.KEYED), FarAway(name="chat", policy=Policy.KEYED)
    async with Switchboard(ScriptedModel(asks), channels={"cut": cut, "chat": well}) as house:
        await house.ask("do it", channel="cut", ext="U-Ana")
        await house.ask("do it", **ON_CHAT)
        await asyncio.sleep(10)
        assert len(well.cards()) == 1


@virtual
async def test_a_draft_grows_in_one_message_and_becomes_the_answer():
    outside = Platform(name="chat", policy=Policy.KEYED, draft_s=1.0)

    async with Switchboard(channels={"chat": outside}) as house:
        live = Live()
        house.engine.drafts._live = live

        async def think(request: Any) -> Any:
            event = house.live.begun[-1][0]
            ((conv,),) = house.disk.all("select id from conv")
            live.begin(HOME, conv, event, 0)
            for word in ("One ", "two ", "three."):
                live.text(HOME, conv, event, word)
                await asyncio.sleep(2)
            return say("One two three.")

        house.model._script = think
        got = await house.accept("count", **ON_CHAT)
        await house.live.line_of(got.event, 60)
        ((ref, shown),) = outside.seen.items()
        texts = [message.text for message in shown]
        assert texts[0] == "One " and texts[-1] == "One two three."
        assert len(set(texts)) >= 3
        assert shown[-1].replace == ref
        rows = house.disk.all("select kind, state, vendor_ref from effect")
        assert rows == [("reply", "sent", ref)]


@virtual
@pytest.mark.parametrize(
    "words", [("Hel", "lo."), ()], ids=["whole soon after its first words", "in no pieces at all"]
)
async def test_an_answer_that_nobody_would_see_grow_is_sent_once_and_at_once(words):
    outside = Platform(name="chat", policy=Policy.KEYED, draft_s=1.5)
    async with Switchboard(channels={"chat": outside}) as house:

        class Begun(Live):
            def subscribe(self, tenant: TenantId, conv: str) -> Watch:
                self.begin(tenant, ConvId(conv), house.live.begun[-1][0], 0)
                return super().subscribe(tenant, conv)

        live = house.engine.drafts._live = Begun()
        now = asyncio.get_running_loop().time
        done_at = 0.0

        async def think(request: Any) -> Any:
            nonlocal done_at
            ((conv,),) = house.disk.all("select id from conv")
            await asyncio.sleep(0.5)
            for word in words:
                live.text(HOME, conv, house.live.begun[-1][0], word)
                await asyncio.sleep(0.01)
            done_at = now()
            return say("Hello.")

        house.model._script = think
        got = await house.accept("hi", **ON_CHAT)
        await house.live.line_of(got.event, 60)
        assert now() - done_at < 0.1, "it waited for nothing"
        assert [[m.text for m in all_] for all_ in outside.seen.values()] == [["Hello."]]


@virtual
async def test_beyond_what_a_platform_bears_answers_come_whole_and_later_grow_again(monkeypatch):
    monkeypatch.setattr("bot.platforms.drafts.GROWING", 1)
    outside = Platform(name="chat", policy=Policy.KEYED, draft_s=1.0)
    streamed: dict[str, bool] = {}

    async with Switchboard(channels={"chat": outside}) as house:
        house.engine.drafts._live = Live()
        house.live.is_watched = lambda *_: False  # nobody looks on from a page
        run = house.engine.loop.run

        def watched(claim: Any, agent: Any, person: Any, stream: bool) -> Any:
            streamed[claim.event.text] = stream
            return run(claim, agent, person, stream)

        async def think(request: Any) -> Any:
            await asyncio.sleep(5)
            return say("Here.")

        house.engine.loop.run = watched
        house.model._script = think
        got = [await house.accept(text, thread=text, **ON_CHAT) for text in ("one", "two", "three")]
        for each in got:
            assert (await house.live.line_of(each.event, 60))["text"] == "Here."
        assert sorted(streamed.values()) == [False, False, True]
        last = await house.accept("four", thread="four", **ON_CHAT)
        await house.live.line_of(last.event, 60)
        assert streamed["four"], "there is room again"


@virtual
async def test_a_platform_that_says_when_to_come_again_gets_the_answer_then():
    outside = Platform(name="chat", policy=Policy.NONE, refusals=2)
    async with Switchboard(channels={"chat": outside}) as house:
        got = await house.accept("hello", **ON_CHAT)
        line = await house.live.line_of(got.event, 60)
        assert line["text"] == "Hello."
        assert [m.text for (m,) in outside.seen.values()] == ["Hello."]


async def connect(house: Switchboard, tenant: TenantId, by: PersonId, name: str) -> None:
    """An account at a service; Otto's does not work any more."""
    made = Connection(
        tenant=tenant,
        id=f"con_{by}",
        provider="x" if by == OTTO else "linkedin",
        account=name,
        name=name,
        status="broken" if by == OTTO else "active",
        connected_by=f"person:{by}",
        connected_at=house.clock.now(),
    )
    sealed = ValueRow(provider=made.provider, owner=made.id, field="tokens", version=1, value="")
    await house.db.write(put(made, sealed, ""))


@virtual
async def test_a_form_asks_for_the_texts_of_the_card_and_only_of_those_who_may_decide():
    outside = Platform(name="chat", policy=Policy.KEYED)
    async with Switchboard(ScriptedModel(asks), channels={"chat": outside}) as house:
        await house.ask("do it", **ON_CHAT)
        (question,) = await house.pending()
        engine = house.engine
        desk = Counter(
            Seat(channel="chat", tenant=HOME),
            Behind(
                db=house.db,
                approvals=lambda: engine.approvals,
                people=lambda: engine.directory,
                places=Places(house.db, house.clock, lambda tenant, name: True, engine.changed),
            ),
            list,
        )
        form = await desk.form("", "U-Olga", question.id, "edit")
        (text,) = form.inputs
        assert (text.label, text.value) == ("Text", "a")
        _, (effect,) = await engine.approvals.get(HOME, question.id)
        several = texts(
            question, (effect, replace(effect, id=EffectId("eff_2"))), engine.questions.title
        )
        title = question.card.title
        assert [each.label for each in several] == [f"{title}: text"] * 2
        for stranger in ("U-Nobody", "U-Eve"):
            with pytest.raises(Forbidden):
                await desk.form("", stranger, question.id, "edit")
            assert await desk.waiting("", stranger) == ()
            assert await desk.known("", stranger) is None
        known = await desk.known("", "U-Olga")
        assert known and (known.role, known.channels) == ("owner", ("chat",))
        assert known.accounts == ()
        for tenant, by, name in ((HOME, OTTO, "The shop"), (HOME, ANA, "Ana"), (AWAY, EVE, "Eve")):
            await connect(house, tenant, by, name)
        known = await desk.known("", "U-Olga")
        assert known and known.accounts == (
            ("Linkedin: Ana", "works"),
            ("X: The shop", "has to be connected again"),
        )
        known = await desk.known("", "U-Ana")
        assert known and known.accounts == (("Linkedin: Ana", "works"),)
        await house.accept(
            "",
            kind=Kind.FORM,
            channel="chat",
            ext="U-Olga",
            person=None,
            payload={
                "approval": form.approval,
                "version": form.version,
                "choice": "edit",
                "inputs": {text.key: "b"},
            },
        )
        await asyncio.sleep(5)
        assert [record.arguments for record in house.vendor.book] == [{"text": "b"}]
        _, covered = await engine.approvals.get(HOME, question.id)
        assert filled(covered, {text.key: "c"})[covered[0].id] == {"text": "c"}


@virtual
async def test_a_page_of_the_house_is_named_whole_outside():
    outside = Platform(name="chat", policy=Policy.KEYED)
    echo = ScriptedModel(lambda request: say(last_words(request)))
    async with Switchboard(echo, channels={"chat": outside}) as house:
        house.engine.replies._address = lambda: "https://bot.example"
        told = "See /admin/sandbox#eff_1, or [it](/admin/sandbox#eff_2); x.org/admin/sandbox#eff_3"
        await house.ask(told, **ON_CHAT)
        whole = told.replace(" /adm", " https://bot.example/adm").replace(
            "(/", "(https://bot.example/"
        )
        assert whole in outside.seen["ref0"][-1].text
