"""What each platform says of what was pasted, before any of it is kept."""

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, get_type_hints

import pytest

pytest.importorskip("discord")
pytest.importorskip("telegram")
pytest.importorskip("twilio")

from bot.core.channel import Channel
from bot.core.errors import (
    ConnectionBroken,
    Invalid,
    LimitReached,
    NotFound,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ids import PersonId, TenantId
from bot.core.people import Person, Role
from bot.infra.clock import SystemClock
from bot.platforms.checking import OFTEN, Checked, Checks, NotChecked, greet
from bot.platforms.outgoing import Outgoing
from bot.wiring.setup import channel_load, channel_wants
from channels.discord.channel import make as make_discord
from channels.email.channel import make as make_email
from channels.sms.channel import make as make_sms
from channels.teams.channel import make as make_teams
from channels.telegram.channel import make as make_telegram
from tests.channels import email_side, sms_side, teams_side
from tests.channels.test_email_graph import by_graph
from tests.fakes import resend_server, sendgrid_server
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import StillClock
from tests.fakes.database import InlineDatabase
from tests.fakes.discord_server import DiscordServer
from tests.fakes.graph_mail import GraphMail
from tests.fakes.imap_server import ImapServer
from tests.fakes.resend_server import ResendServer
from tests.fakes.sendgrid_server import SendGridServer
from tests.fakes.teams_server import TeamsServer
from tests.fakes.twilio_server import TwilioServer

HOME = TenantId("ten_1")


async def check(channel: Any) -> Checked:
    """As it is checked before it is connected."""
    return await Checks(SystemClock()).check(HOME, channel)


def test_every_platform_of_the_tree_can_be_asked() -> None:
    for name in ("discord", "email", "slack", "sms", "teams", "telegram"):
        channel_load(name)
        made = sys.modules[f"channels.{name}.channel"].make  # type: ignore[attr-defined]
        assert hasattr(get_type_hints(made)["return"], "try_out"), name


async def test_discord_names_bot_and_servers_and_an_intent_that_is_not_allowed() -> None:
    async with DiscordServer() as server:

        def made(**options: Any) -> Any:
            told = {"token": server.token, "commands": False, **options}
            return make_discord(replace(_lent(told), endpoint=server.url))

        found = await check(made())
        assert found.team == "Harbour" and found.bot.startswith("@") and not found.missing
        with pytest.raises(Invalid, match=r"Nothing was changed\. .*Reset it under Bot"):
            await check(made(token="wrong"))
        with pytest.raises(Invalid, match="Message Content Intent"):
            await check(made(message_content=True))
        server.world.app_flags = 1 << 19
        assert (await check(made(message_content=True))).team == "Harbour"


async def test_teams_asks_for_a_token_and_names_the_directory() -> None:
    async with TeamsServer() as server:
        found = await check(make_teams(teams_side.lent(server)))
        assert teams_side.APP in found.bot and teams_side.TENANT in found.team
        wrong = make_teams(teams_side.lent(server, app_secret="wrong"))
        with pytest.raises(Invalid, match="client secret"):
            await check(wrong)


async def test_twilio_names_the_numbers_and_one_that_the_account_has_not() -> None:
    async with TwilioServer() as server:
        server.world.number(sms_side.OURS)
        book: Any = object()
        found = await check(make_sms(sms_side.lent(server, book)))
        assert found.bot == sms_side.OURS and not found.notes
        chosen = make_sms(sms_side.lent(server, book, numbers="+15550009999"))
        assert "no number +15550009999" in (await check(chosen)).notes[0]
        with pytest.raises(Invalid, match="does not know these credentials"):
            await check(make_sms(sms_side.lent(server, book, auth_token="0" * 32)))


def _lent(options: Any) -> Any:
    return replace(email_side.lent(), options=options)


def _mail(**options: Any) -> Any:
    return make_email(email_side.lent(**options))


async def test_resend_and_sendgrid_take_the_key_or_say_what_it_lacks() -> None:
    async with ResendServer() as resend, SendGridServer() as sendgrid:
        resend.domains = {"bot.example"}
        ends = {"resend": resend.base, "sendgrid": sendgrid.base}

        def key(**options: Any) -> Any:
            return _mail(endpoints=ends, **options)

        assert not (await check(key(resend_api_key=resend_server.KEY))).notes
        resend.domains = set()
        assert "not verified" in (await check(key(resend_api_key=resend_server.KEY))).notes[0]
        sending = {"resend_api_key": resend_server.SENDING_KEY}
        assert not (await check(key(**sending))).notes
        hears = key(**sending, resend_webhook_secret="whsec_c2VjcmV0")
        assert "full access" in (await check(hears)).notes[0]
        with pytest.raises(Invalid, match="Resend does not take this key"):
            await check(key(resend_api_key="re_wrong"))
        right = {"sendgrid_api_key": sendgrid_server.KEY}
        assert (await check(key(**right))).bot == email_side.HOME
        with pytest.raises(Invalid, match="SendGrid does not take this key"):
            await check(key(sendgrid_api_key="SG.wrong"))
        sendgrid.scopes = {"stats.read"}
        with pytest.raises(Invalid, match=r"lacks the permission mail\.send"):
            await check(key(**right))


async def test_microsoft_shows_the_mailbox() -> None:
    async with GraphMail(email_side.HOME, email_side.KELLY) as server:
        assert (await check(by_graph(server))).bot == email_side.HOME
        with pytest.raises(Invalid, match="ms_client_secret"):
            await check(by_graph(server, ms_client_secret="wrong"))
        with pytest.raises(Invalid, match="no mailbox"):
            await check(by_graph(server, address="other@bot.example"))


async def test_a_mail_server_takes_the_password_or_is_not_there() -> None:
    async with email_side.taking("ana", "secret") as smtp, ImapServer("ana", "secret") as imap:

        def served(**options: Any) -> Any:
            told = {"smtp_host": "127.0.0.1", "smtp_port": smtp.port, "smtp_security": "none"}
            told |= {"smtp_username": "ana", "smtp_password": "secret"}
            return _mail(**{**told, **options})

        assert (await check(served())).bot == email_side.HOME
        with pytest.raises(Invalid, match="smtp_password"):
            await check(served(smtp_password="wrong"))
        with pytest.raises(NotChecked, match="cannot be reached"):
            await check(served(smtp_port=9))
        box = {"imap_host": "127.0.0.1", "imap_port": imap.port, "imap_security": "none"}
        box |= {"imap_username": "ana", "imap_password": "secret"}
        assert (await check(served(**box))).asked
        with pytest.raises(Invalid, match="imap_password"):
            await check(served(**{**box, "imap_password": "wrong"}))
        assert not smtp.taken


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (ConnectionBroken("No."), Invalid),
        (VendorRefused("Never."), Invalid),
        (VendorRefused("Later.", retry_after_s=2.0), NotChecked),
        (VendorUnknown("Silence."), NotChecked),
    ],
)
async def test_a_refusal_is_told_from_silence(raised: Exception, becomes: type[Exception]) -> None:
    class Refuses(FakeChannel):
        async def try_out(self) -> Checked:
            raise raised

    with pytest.raises(becomes, match="Nothing was changed"):
        await check(Refuses())


async def test_one_that_cannot_be_asked_is_not_called_checked_and_none_is_asked_often() -> None:
    plain: Channel = FakeChannel()
    assert not (await check(plain)).asked

    class Asked(FakeChannel):
        async def try_out(self) -> Checked:
            return Checked(team="Loft")

    checks = Checks(StillClock())
    for _ in range(OFTEN.count):
        await checks.check(HOME, Asked())
    with pytest.raises(LimitReached, match="Try again in"):
        await checks.check(HOME, Asked())
    assert (await checks.check(TenantId("ten_2"), Asked())).team == "Loft", "each its own"


def test_how_a_secret_begins_is_told_where_it_is_known() -> None:
    begins = {want["name"]: want["begins"] for want in channel_wants("slack")}
    assert begins["bot_token"] == "xoxb-" and begins["client_id"] == ""


async def test_a_test_message_without_a_place_says_first_that_nothing_is_connected() -> None:
    clock, db = SystemClock(), InlineDatabase()
    ada = Person(
        id=PersonId("per_1"), tenant=HOME, name="Ada", role=Role.OWNER, created_at=clock.now()
    )
    for channel, error, said in (
        (None, ConnectionBroken, "Telegram is not connected here. .*`bot connect telegram`"),
        (FakeChannel("telegram"), NotFound, "Say where the test message goes"),
    ):
        outgoing = Outgoing(lambda _tenant, _name, found=channel: found, None)
        with pytest.raises(error, match=said):
            await greet(db, clock, outgoing, ada, ("telegram", ""))


async def test_telegram_s_places_are_numbers() -> None:
    channel = make_telegram(_lent({"token": "1:" + "a" * 35}))
    assert (await channel.chosen("-100123")).id == "-100123"
    with pytest.raises(NotFound, match="by its number"):
        await channel.chosen("#general")


async def test_a_test_goes_to_nobody_who_opted_out_and_to_channels_that_were_heard_of() -> None:
    out: set[str] = {"+15550002222"}

    class Book:
        async def number_of(self, agent: str) -> str:
            return sms_side.OURS

        async def blocked(self, number: str, contact: str) -> Any:
            stopped = SimpleNamespace(how="STOP", number=number, contact=contact)
            return stopped if contact in out else None

    book: Any = Book()
    async with TwilioServer() as server:
        sms = make_sms(sms_side.lent(server, book))
        spot = await sms.chosen("+1 555 000-1234")
        assert (spot.id, spot.account) == ("+15550001234", sms_side.OURS)
        with pytest.raises(VendorRefused, match="opted out"):
            await sms.chosen("+15550002222")
        with pytest.raises(Invalid, match="with \\+"):
            await sms.chosen("#general")
    async with TeamsServer() as teams_server:
        teams = make_teams(teams_side.lent(teams_server))
        with pytest.raises(NotFound, match="Mention the app there"):
            await teams.chosen("General")
        teams._called.learn("19:a@thread.tacv2", "General", ("", "Shop"))
        assert (await teams.chosen("#general")).id == "19:a@thread.tacv2"
