"""The e-mail channel with SMTP out and IMAP in: routes, threads, identity, silence, crashes."""

import asyncio
import socket
from dataclasses import replace
from typing import Any

import pytest

from bot.core.effect import Policy
from bot.core.errors import (
    ConnectionBroken,
    LimitReached,
    OperatorError,
    StoreError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.event import Event, Trust
from channels.email import box as mailbox
from channels.email.channel import Email
from channels.email.intake import Arrival
from channels.email.mime import parse
from channels.email.proof import is_proved
from tests.channels.email_side import (
    ANA,
    HOME,
    KELLY,
    Sink,
    card_for,
    channel,
    lent,
    listening,
    reply_to,
    taking,
    until,
    written,
)
from tests.fakes.imap_server import ImapServer

SMTP = {"smtp_host": "127.0.0.1", "smtp_security": "none"}


def by_smtp(port: int = 1, **options: Any) -> Email:
    return channel(**{**SMTP, "smtp_port": port, **options})


async def heard(raw: bytes, box: Email | None = None, **options: Any) -> Event | None:
    """The event that a mail becomes."""
    box = box or by_smtp(**options)
    sink = Sink()
    mail = parse(raw)
    arrival = Arrival(mail=mail, is_proved=is_proved(mail, frozenset({"mx.bot.example"})))
    await box._intake.take(arrival, sink)
    return sink.events[0] if sink.events else None


# --- for whom -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "headers", "address", "agent"),
    [
        (KELLY, {}, KELLY, "kelly"),
        (f"Kelly <{KELLY.upper()}>", {}, KELLY, "kelly"),
        (HOME, {}, HOME, None),
        ("team+mark@bot.example", {}, HOME, "mark"),
        ("team+nobody@bot.example", {}, HOME, None),
        ("x@example.org", {"Cc": KELLY}, KELLY, "kelly"),
        ("x@example.org", {"Delivered_To": KELLY}, KELLY, "kelly"),
        ("undisclosed-recipients:;", {"Delivered_To": "kelly+a@bot.example"}, KELLY, "kelly"),
    ],
)
async def test_a_mail_goes_to_the_agent_whose_address_it_names(
    to: str, headers: dict[str, str], address: str, agent: str | None
) -> None:
    event = await heard(written(to=to, **headers))
    assert event and (event.to, event.agent) == (address, agent)


async def test_a_mail_for_nobody_here_is_left_alone_unless_all_is_caught() -> None:
    raw = written(to="sales@bot.example")
    assert await heard(raw) is None
    event = await heard(raw, catch_all=True)
    assert event and event.to == "sales@bot.example" and event.agent is None
    assert await heard(written(to="x@example.org"), catch_all=True) is None


async def test_a_blind_copy_is_for_whose_mailbox_it_lies_in() -> None:
    intake = by_smtp()._intake
    blind, other = parse(written(to="x@example.org")), parse(written(to="sales@bot.example"))
    assert intake.target(blind) is None and intake.target(other, (), KELLY) is None
    found = intake.target(blind, (), KELLY)
    assert found and (found.address, found.agent) == (KELLY, "kelly")


# --- from whom ------------------------------------------------------------------------------


async def test_only_a_proved_sender_is_a_person() -> None:
    event = await heard(written())
    assert event and event.sender.ext_id == ANA and event.trust is Trust.PERSON
    for forged in (
        written(Authentication_Results=""),
        written(Authentication_Results="mx.evil.example; dmarc=pass header.from=example.org"),
        written(Authentication_Results="mx.bot.example; dmarc=fail header.from=example.org"),
        written().replace(b"From: Ana", b"From: boss@x.org\nFrom: Ana"),
    ):
        event = await heard(forged)
        assert event and event.trust is Trust.OUTSIDE
        assert event.sender.ext_id.startswith("unproved:") and event.place.id != ANA
        with pytest.raises(VendorRefused):
            await by_smtp().send(reply_to(event))


async def test_what_no_person_wrote_is_stored_and_not_answered() -> None:
    for headers in ({"Auto_Submitted": "auto-replied"}, {"List_Id": "<x>"}, {"Precedence": "bulk"}):
        event = await heard(written(**headers))
        assert event and not event.addressed and event.trust is Trust.OUTSIDE


async def test_a_thread_grows_quiet_after_too_many_mails() -> None:
    box = by_smtp(per_hour=2)
    found = [
        await heard(written(Message_ID=f"<m{n}@example.org>", References="<m0@example.org>"), box)
        for n in range(1, 5)
    ]
    assert [event and event.addressed for event in found] == [True, True, False, False]
    other = await heard(written(Message_ID="<other@example.org>"), box)
    assert other and other.addressed


@pytest.mark.parametrize(
    ("text", "headers", "trust"),
    [
        ("OK 4821", {}, Trust.PERSON),
        ("/approve 4821", {}, Trust.PERSON),
        ("and then?", {}, Trust.OUTSIDE),
        ("/status", {}, Trust.OUTSIDE),
        ("OK 4821", {"Auto_Submitted": "auto-replied"}, Trust.OUTSIDE),
    ],
)
async def test_a_quiet_thread_answers_nothing_and_takes_a_decision(
    text: str, headers: dict[str, str], trust: Trust
) -> None:
    box = by_smtp(per_hour=1)
    for n in range(1, 3):
        await heard(written(Message_ID=f"<m{n}@example.org>", References="<m0@example.org>"), box)
    said = written(text, Message_ID="<yes@example.org>", References="<m0@example.org>", **headers)
    event = await heard(said, box)
    assert event and not event.addressed and event.trust is trust


# --- whose words ----------------------------------------------------------------------------


async def test_a_sender_grows_quiet_who_begins_a_thread_with_every_mail() -> None:
    box = by_smtp(per_hour=2)
    events = [await heard(written(Message_ID=f"<n{n}@example.org>"), box) for n in range(12)]
    assert [event.addressed for event in events if event] == [True] * 10 + [False] * 2
    other = written(Message_ID="<o@example.net>", From="bo@example.org")
    event = await heard(other, box)
    assert event and event.addressed


async def test_words_files_and_quotations_arrive_apart() -> None:
    event = await heard(written("Please read.\n\n-- \nAna", Subject="Tea"))
    assert event and event.text == "Tea\n\nPlease read." and event.attachments == ()
    event = await heard(written("OK 4821", Subject="Tea"))
    assert event and event.text == "OK 4821"
    forward = "See\n\n---------- Forwarded message ---------\nFrom: X <x@y.org>\nOK 4821"
    event = await heard(written(forward, Subject="Fwd: Tea"))
    assert event and event.text == "Fwd: Tea\n\nSee"
    assert [item.name for item in event.attachments] == ["forwarded.txt"]
    quoted = written("Yes\n\nOn 5 May Kelly wrote:\n> OK 4821", In_Reply_To="<a@example.org>")
    event = await heard(quoted)
    assert event and event.text == "Yes"
    assert [item.name for item in event.attachments] == ["quoted.txt"]


# --- threads and letters --------------------------------------------------------------------


async def test_an_answer_stands_in_the_thread_and_its_answer_in_the_same_conversation() -> None:
    async with taking("kelly", "pass word") as smtp:
        box = by_smtp(smtp.port, smtp_username="kelly", smtp_password="pass word")
        first = await heard(
            written(Subject="Tee für zwei", References="<root@example.org> <b@example.org>"), box
        )
        assert first
        await box.send(reply_to(first))
        (sent,) = smtp.taken
        mail = sent.mail
        assert (sent.sender, sent.to) == (KELLY, [ANA])
        assert str(mail["From"]) == f"Kelly <{KELLY}>" and mail["To"] == ANA
        assert mail["Subject"] == "Re: Tee für zwei"
        assert mail["In-Reply-To"] == "<m1@example.org>"
        assert str(mail["References"]).split() == [
            "<root@example.org>",
            "<b@example.org>",
            "<m1@example.org>",
        ]
        assert mail["Auto-Submitted"] == "auto-replied" and mail["X-Agent-ID"] == "kelly"
        parts = {part.get_content_type(): part for part in mail.walk()}
        assert parts["text/plain"].get_content().strip() == "Yes."
        assert "<strong>Yes.</strong>" in parts["text/html"].get_content()
        assert box._carriers.policy is Policy.NONE
        # Answered by a client that keeps no References, and by one that keeps them.
        for headers in (
            {"In_Reply_To": str(mail["Message-ID"])},
            {"References": f"{mail['References']} {mail['Message-ID']}"},
        ):
            back = await heard(written("ok", Message_ID="<m2@example.org>", **headers), box)
            assert back and back.place == first.place
        # Our own mail, come back, is ours.
        mail.replace_header("To", KELLY)
        echo = await heard(mail.as_bytes(), box)
        assert echo and not echo.addressed


async def test_the_same_answer_sent_twice_has_one_id() -> None:
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        event = await heard(written(), box)
        assert event
        for _ in range(2):
            await box.send(reply_to(event))
        first, second = smtp.taken
        assert first.mail["Message-ID"] == second.mail["Message-ID"]


async def test_a_card_is_a_mail_with_its_code_and_is_not_sent_again_when_decided() -> None:
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        event = await heard(written(), box)
        assert event
        receipt = await box.send(card_for(event))
        text = smtp.taken[0].mail.get_body(("plain",)).get_content()
        for words in ("120.00 EUR", "Tea & Co", "For tea", "4821", "https://bot.example/a"):
            assert words in text
        assert smtp.taken[0].mail["From"].addresses[0].addr_spec == KELLY
        done = replace(card_for(event, decided="Approved by Ana"), replace=receipt.vendor_ref)
        assert (await box.send(done)).vendor_ref == receipt.vendor_ref
        assert len(smtp.taken) == 1
        # An answer to it is in the conversation that asked.
        headers = {"In_Reply_To": str(smtp.taken[0].mail["Message-ID"])}
        back = await heard(written("OK 4821", Message_ID="<m3@example.org>", **headers), box)
        assert back and back.place == event.place and back.text == "OK 4821"


@pytest.mark.parametrize(
    "evil", ["Hi\r\nBcc: x@evil.example", "=?utf-8?q?Hi=0D=0ABcc:_x=40evil.example?="]
)
async def test_a_subject_brings_no_header_of_its_own(evil: str) -> None:
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        event = await heard(written(), box)
        assert event
        payload: dict[str, Any] = {**event.payload["mail"], "subject": evil}  # type: ignore[dict-item]
        message = reply_to(event)
        await box.send(replace(message, extra={**message.extra, "event": {"mail": payload}}))
        assert smtp.taken[0].mail["Bcc"] is None and smtp.taken[0].to == [ANA]


async def test_a_subject_hides_nothing_and_is_not_turned_around() -> None:
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        event = await heard(written(Subject="Pay\u200b \u202eylkciuq"), box)
        assert event
        await box.send(reply_to(event))
        assert smtp.taken[0].mail["Subject"] == "Re: Pay[U+200B] [U+202E]ylkciuq"


# --- definite or unknown --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "answer", "taken", "wrong"),
    [
        ("MAIL", "550 5.7.1 not you", 0, VendorRefused),
        ("RCPT", "550 5.1.1 nobody", 0, VendorRefused),
        ("RCPT", "451 4.7.1 later", 0, VendorRefused),
        ("DATA", "554 5.5.1 no mail here", 0, VendorRefused),
        (".", "554 5.6.0 spam", 0, VendorRefused),
        (".", "cut", 0, VendorUnknown),
        (".", "lost", 1, VendorUnknown),
    ],
)
async def test_what_the_server_says_decides_whether_it_was_sent(
    command: str, answer: str, taken: int, wrong: type[Exception]
) -> None:
    async with taking() as smtp:
        smtp.fail(command, answer)
        event = await heard(written())
        assert event
        with pytest.raises(wrong) as caught:
            await by_smtp(smtp.port).send(reply_to(event))
        if isinstance(caught.value, VendorRefused):
            assert (caught.value.retry_after_s is not None) == ("451" in answer)
        assert len(smtp.taken) == taken


async def test_a_server_that_is_away_or_refuses_the_password_is_definite() -> None:
    event = await heard(written())
    assert event
    with pytest.raises(VendorRefused):
        await by_smtp(1).send(reply_to(event))
    async with taking("a", "b") as smtp:
        with pytest.raises(ConnectionBroken):
            await by_smtp(smtp.port, smtp_username="a", smtp_password="x").send(reply_to(event))


# --- the mailbox ----------------------------------------------------------------------------


def by_imap(port: int, **options: Any) -> Email:
    told = {"imap_host": "127.0.0.1", "imap_port": port, "imap_security": "none"}
    return by_smtp(**told, imap_username="team", imap_password="pw", **options)


async def test_what_is_unread_is_taken_in_once_and_then_read() -> None:
    async with ImapServer("team", "pw") as server:
        await server.bring(written())
        await server.bring(b"\0\0\0")
        async with listening(by_imap(server.port)) as sink:
            await until(lambda: all("\\Seen" in kept.flags for kept in server.mails))
            first, rubbish = sink.events
            assert first.ext_id == f"{ANA} m1@example.org" and rubbish.trust is Trust.OUTSIDE
            await server.bring(written(Message_ID="<m2@example.org>"))
            await until(lambda: len(sink.events) == 3)
            await until(lambda: all("\\Seen" in kept.flags for kept in server.mails))
        async with listening(by_imap(server.port)) as again:
            await asyncio.sleep(0.3)
            assert again.events == []


async def test_a_mail_that_is_not_stored_stays_unread_and_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailbox, "IDLE_S", 0.2)
    async with ImapServer("team", "pw") as server:
        kept = await server.bring(written())
        sink = Sink(fails=[StoreError("full"), LimitReached(), StoreError("full")])
        server.idles = False
        async with listening(by_imap(server.port), sink):
            await until(lambda: sink.calls == 1)
            assert not sink.events and "\\Seen" not in kept.flags
            await until(lambda: sink.events)
            await until(lambda: "\\Seen" in kept.flags)
            assert sink.calls == 4


async def test_a_mail_that_the_server_does_not_give_keeps_no_other() -> None:
    async with ImapServer("team", "pw") as server:
        kept = await server.bring(written())
        server.spoiled.add(kept.uid)
        await server.bring(written(Message_ID="<m2@example.org>"))
        async with listening(by_imap(server.port)) as sink:
            await until(lambda: len(sink.events) == 1, 10)
            server.spoiled.clear()
            await server.bring(written(Message_ID="<m3@example.org>"))
            await until(lambda: len(sink.events) == 3)
            await until(lambda: all("\\Seen" in each.flags for each in server.mails))


async def test_a_connection_that_ends_is_made_again() -> None:
    async with ImapServer("team", "pw") as server:
        async with listening(by_imap(server.port)) as sink:
            await server.bring(written())
            await until(lambda: sink.events)
            server.cut()
            await server.bring(written(Message_ID="<m2@example.org>"))
            await until(lambda: len(sink.events) == 2)


@pytest.mark.parametrize("idles", [True, False], ids=["by IDLE", "without"])
async def test_whoever_waits_for_the_mailbox_ends_soon_though_nothing_wakes_it(
    idles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A socket that is closed while a thread waits for it need not wake the thread.
    monkeypatch.setattr(socket.socket, "shutdown", lambda self, how: None)
    async with ImapServer("team", "pw") as server:
        server.idles = idles
        box = mailbox.Box(by_imap(server.port)._inboxes["imap"]._settings)  # type: ignore[attr-defined]
        await asyncio.to_thread(box.open)
        waiting = asyncio.create_task(asyncio.to_thread(box.wait))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        box.cut()
        _, late = await asyncio.wait([waiting], timeout=5)
        assert not late
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_wrong_password_is_named() -> None:
    async with ImapServer("team", "other") as server:
        with pytest.raises(ConnectionBroken, match="imap_password"):
            async with asyncio.timeout(30):
                await by_imap(server.port).run(Sink())


async def test_an_attachment_is_fetched_from_the_mailbox() -> None:
    raw = (
        written()
        .replace(
            b"\n\nhello",
            b"\n\n--b\n\nhello\n--b\nContent-Type: text/csv\n"
            b'Content-Disposition: attachment; filename="a.csv"\n\n1,2\n--b--',
        )
        .replace(
            b'Content-Type: text/plain; charset="utf-8"',
            b"Content-Type: multipart/mixed; boundary=b",
        )
    )
    async with ImapServer("team", "pw") as server:
        await server.bring(raw)
        box = by_imap(server.port)
        async with listening(box) as sink:
            await until(lambda: sink.events)
        (item,) = sink.events[0].attachments
        assert item.name == "a.csv"
        got = b"".join([piece async for piece in box.fetch(item)])
        assert got == b"1,2"
        server.age += 1
        with pytest.raises(VendorRefused):
            _ = [piece async for piece in box.fetch(item)]


# --- settings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"address": ""}, "needs address"),
        ({}, "needs a way out"),
        ({**SMTP, "agents": "kelly"}, "agents reads"),
        ({**SMTP, "carriers": "smtp,pigeon"}, "pigeon"),
        ({**SMTP, "smtp_host": "mx.example.org"}, "smtp_security may be none"),
        ({**SMTP, "imap_host": "mx.example.org"}, "imap_username"),
        ({"ms_client_id": "x"}, "ms_tenant_id"),
        ({**SMTP, "sendgrid_inbound_secret": "short"}, "32 letters"),
        ({**SMTP, "smtp_port": "x"}, "smtp_port"),
        ({**SMTP, "nothing": "x"}, "nothing"),
    ],
)
def test_settings_that_do_not_fit_are_named_with_the_mend(
    options: dict[str, Any], words: str
) -> None:
    from channels.email.channel import make

    with pytest.raises(OperatorError, match=words):
        make(lent(**options))
