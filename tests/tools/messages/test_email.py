"""Mail that agents send: to the very address that was shown, with that subject, and once."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from bot.core.channel import Outbound
from bot.core.effect import EffectKind, Policy
from bot.core.errors import Conflict, Invalid, VendorRefused, VendorUnknown
from bot.core.event import Attachment
from bot.core.ids import ConvId, EffectId, TenantId
from bot.platforms.lent import NoMailbook, NoShelf, Spot
from channels.email.channel import make
from tests.channels.email_side import KELLY, lent, taking, written
from tests.channels.test_email import SMTP, heard
from tests.fakes.database import Disk
from tests.fakes.switchboard import Switchboard, Team, agent, image
from tests.fakes.vendor import Fate
from tests.sim.loop import virtual
from tests.tools.kit import lines
from tests.tools.messages.test_slack import HOME, Library, Outgoing, Platform, platform, sending
from tools.messages import email
from tools.messages.email import EmailMessage

TOOLS = {tool.name: tool for tool in email.TOOLS}
BEN = "ben@example.org"
MAIL = {"place": "Ben@Example.org", "subject": "Tea  on Sunday", "text": "We meet at **four**."}


class Post(Platform):
    """A platform where any address is a place."""

    has_news: bool = False
    """Whether it tells later of what it sent."""

    def spot(self, named: str) -> Spot:
        if "@" not in named:
            raise Invalid("This is no e-mail address. Give one such as ben@example.org.")
        return Spot(id=named.lower(), name=named.lower(), about="one person's mailbox")

    async def send(self, message):
        self.extra = message.extra
        return await super().send(message)

    async def find(self, effect):
        found = await super().find(effect)
        if self.policy is Policy.READBACK or (found and self.has_news):
            return found
        raise VendorUnknown


def house_of(post: Post, model: Any, disk: Disk | None = None) -> Switchboard:
    team = Team({"bri": agent("bri", tools=tuple(TOOLS))})
    made = Switchboard(model, team=team, tools=TOOLS, disk=disk)
    outgoing = Outgoing(lambda t, n: post if (t, n) == (HOME, "email") else None, Library())  # type: ignore[arg-type]
    made.engine.toolset._settings = {"messages": outgoing}
    return made


def post(*fates: Fate, policy: Policy = Policy.NONE) -> Post:
    made = platform("email", policy, *fates)
    return Post(name="email", policy=policy, fate=made.fate)


@virtual
async def test_the_card_shows_address_subject_and_words_and_a_yes_sends_them_once():
    outside = post()
    async with house_of(outside, sending("send_email", **MAIL)) as house:
        await house.ask("write to Ben")
        (question,) = await house.pending()
        assert outside.sent == []
        shown = lines(question.card)
        assert shown["To"] == f"{BEN} ({BEN})" and shown["Subject"] == "Tea on Sunday"
        assert shown["Text"] == MAIL["text"] and question.card.recipients == (BEN,)
        await house.decide(question, "approve")
        assert '"state":"sent"' in await house.settled(question)
        assert outside.sent == [(BEN, MAIL["text"], ())]
        assert outside.extra["subject"] == "Tea on Sunday" and outside.extra["agent"] == "bri"
        with pytest.raises(Conflict):
            await house.decide(question, "approve")
        assert len(outside.sent) == 1


@pytest.mark.parametrize("fate", [Fate.SILENT, Fate.LOST])
@virtual
async def test_a_mail_whose_answer_never_came_is_asked_about_and_not_sent_again(fate):
    outside = post(fate)
    async with house_of(outside, sending("send_email", **MAIL)) as house:
        await house.ask("write to Ben")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await doubted(house)
        assert len(outside.sent) <= 1
        assert house.states() == [("send_email", "in_doubt")]


@pytest.mark.parametrize("policy", [Policy.KEYED, Policy.READBACK])
@pytest.mark.parametrize("fate", [Fate.SILENT, Fate.LOST])
@virtual
async def test_where_a_carrier_has_keys_or_can_be_asked_nobody_is_and_one_mail_leaves(policy, fate):
    outside = post(fate, policy=policy)
    async with house_of(outside, sending("send_email", **MAIL)) as house:
        await house.ask("write to Ben")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await house.settled(question)
        assert outside.sent == [(BEN, MAIL["text"], ())]
        assert house.states() == [("send_email", "sent")] and await house.pending() == []


@virtual
async def test_news_of_a_mail_settles_what_its_carrier_did_not_answer():
    outside = post(Fate.SILENT)
    outside.has_news = True
    async with house_of(outside, sending("send_email", **MAIL)) as house:
        await house.ask("write to Ben")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await house.settled(question)
        assert len(outside.sent) == 1 and house.states() == [("send_email", "sent")]


@pytest.mark.parametrize("now", [Policy.NONE, Policy.KEYED])
@pytest.mark.parametrize("arrived", [True, False])
@virtual
async def test_a_key_sends_again_after_a_crash_only_where_it_is_still_known(now, arrived):
    disk = Disk(image())
    outside = post(policy=Policy.KEYED)
    model = sending("send_email", **MAIL)
    async with house_of(outside, model, disk=disk) as house:
        await house.ask("write to Ben")
        (question,) = await house.pending()
        ((id_, policy, window),) = disk.all("select id, policy, window_s from effect")
        assert (policy, window) == ("keyed", 300)
    disk.all("update approval set state = 'approved'")
    disk.all(
        "update effect set state = 'sending', attempt = 1, progress = ?, started_at = ?",
        f'{{"place":"{BEN}","thread":""}}',
        house.now_us,
    )
    if arrived:
        await outside.send(replace(message(), effect=id_))
    outside.policy = now
    async with house_of(outside, model, disk=disk) as again:
        if now is Policy.NONE:
            await doubted(again)
            assert len(outside.sent) == arrived
        else:
            await again.settled(question)
            assert len(outside.sent) == 1 and again.states() == [("send_email", "sent")]


async def doubted(house: Switchboard) -> None:
    """Wait until the doubt is asked."""
    async with asyncio.timeout(600):
        while house.states() != [("send_email", "in_doubt")]:
            await asyncio.sleep(0.1)


@virtual
async def test_a_process_that_dies_while_it_sends_sends_nothing_twice():
    disk = Disk(image())
    outside = post()
    model = sending("send_email", **MAIL)
    async with house_of(outside, model, disk=disk) as house:
        await house.ask("write to Ben")
        (question,) = await house.pending()
    assert question
    disk.all("update approval set state = 'approved'")
    disk.all(
        "update effect set state = 'sending', attempt = 1, progress = ?, started_at = ?",
        f'{{"place":"{BEN}","thread":""}}',
        house.now_us,
    )
    async with house_of(outside, model, disk=disk) as again:
        await doubted(again)
        assert outside.sent == [] and again.states() == [("send_email", "in_doubt")]


@virtual
async def test_what_is_no_address_is_said_to_the_model_and_nobody_is_asked():
    for place in ("ben", "everyone"):
        outside = post()
        async with house_of(outside, sending("send_email", **{**MAIL, "place": place})) as house:
            assert "no e-mail address" in await house.ask("write to Ben")
            assert await house.pending() == [] and outside.sent == []


def test_a_subject_that_would_read_otherwise_than_the_card_is_refused():
    with pytest.raises(ValidationError, match="=\\?"):
        EmailMessage(**{**MAIL, "subject": "=?utf-8?q?You_have_won?="})


# --- the channel's side ---------------------------------------------------------------------


class Shelf(NoShelf):
    """Two files; a third was taken away."""

    async def has(self, item: Attachment) -> bool:
        return item.name != "gone.txt"

    async def open(self, item: Attachment):
        yield b"1,2"

    def link(self, item: Attachment) -> str:
        return "https://house.example/files/x"


def message(*files: Attachment, to: str = BEN) -> Outbound:
    return Outbound(
        tenant=TenantId("ten_1"),
        conv=ConvId("cnv_1"),
        account="",
        place=to,
        thread="",
        effect=EffectId("eff_1"),
        kind=EffectKind.TOOL,
        text="We meet at **four**.",
        attachments=files,
        extra={"agent": "kelly", "subject": "Tea\r\nBcc: x@evil.example"},
    )


async def test_it_leaves_in_the_agents_name_with_its_files_and_a_way_to_leave():
    small = Attachment(name="a.csv", media_type="text/csv", size=3, sha256="x", source="fil_1")
    huge = replace(small, name="b.zip", size=2**30)
    book = Book()
    async with taking() as smtp:
        box = make(replace(lent(**SMTP, smtp_port=smtp.port), shelf=Shelf(), mailbook=book))
        await box.send(message(small, huge, replace(small, name="gone.txt")))
        mail = smtp.taken[0].mail
        assert smtp.taken[0].to == [BEN] and mail["Bcc"] is None
        assert str(mail["From"]) == f"Kelly <{KELLY}>" and mail["X-Agent-ID"] == "kelly"
        assert "+unsubscribe@bot.example" in mail["List-Unsubscribe"]
        assert [part.get_filename() for part in mail.iter_attachments()] == ["a.csv"]
        text = mail.get_body(("plain",)).get_content()
        assert "b.zip (1024.0 MB): https://house.example/files/x" in text
        assert "gone.txt is not kept here any more" in text
        assert box.spot(" Ben@example.org ").id == BEN
        with pytest.raises(Invalid):
            box.spot("ben@example.org, eve@example.org")
        # Whoever gets it may say that it was the last; nobody else can for them.
        leave = "team+unsubscribe@bot.example"
        assert await heard(written(to=leave, Authentication_Results=""), box) is None
        assert book.closed == ""
        assert await heard(written(to=leave), box) is None
        with pytest.raises(VendorRefused, match="Nothing is sent"):
            await box.send(message(to=book.closed))


class Book(NoMailbook):
    """Remembers who left."""

    closed = ""

    async def note(self, news):
        self.closed = news.address
        return True

    async def why_closed(self, address: str) -> str:
        return "left" if address == self.closed else ""
