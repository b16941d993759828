"""The mail server that only plays, against the standard library's own client."""

import asyncio
import smtplib
import ssl
from contextlib import asynccontextmanager

import pytest

from tests import certificate
from tests.dovecot import running
from tests.fakes import mails
from tests.fakes.smtp_server import SmtpServer

USER, PASSWORD, TO = "desk@shop.example", "smtp-secret", "ana@example.com"
MAIL = mails.write(USER, TO, "Hi", "one\n.two\n..three\n")


@pytest.fixture
def cert(tmp_path):
    return certificate.make(tmp_path)


@asynccontextmanager
async def playing(username=USER, password=PASSWORD, **options):
    async with SmtpServer(username, password, domain="shop.example", **options) as server:
        yield server


def post(server, raw=MAIL, to=(TO,), sender=USER, password=PASSWORD, tls=None, **more):
    """Send as smtplib does; blocks."""
    kind = smtplib.SMTP_SSL if server.implicit_tls else smtplib.SMTP
    secure = {"context": tls} if server.implicit_tls else {}
    with kind("localhost", server.port, timeout=30, **secure) as client:
        if server.certificate and not server.implicit_tls and tls:
            client.starttls(context=tls)
        if password:
            client.login(USER, password)
        return client.sendmail(sender, list(to), raw, **more)


async def sent(server, *given, **more):
    return await asyncio.to_thread(post, server, *given, **more)


async def test_a_mail_is_taken_as_it_was_written():
    async with playing() as server:
        await sent(server)
        (taken,) = server.taken
        assert (taken.sender, taken.to, taken.user) == (USER, [TO], USER)
        assert taken.raw == MAIL and server.mistakes == []


@pytest.mark.parametrize("implicit", [True, False])
async def test_tls_comes_before_the_password(cert, implicit):
    trusted = ssl.create_default_context(cafile=str(cert.cert))
    async with playing(certificate=cert, implicit_tls=implicit) as server:
        await sent(server, tls=trusted)
        assert len(server.taken) == 1
        if not implicit:
            with pytest.raises(smtplib.SMTPNotSupportedError):
                await sent(server)
        with pytest.raises(ssl.SSLCertVerificationError):
            await sent(server, tls=ssl.create_default_context())
        assert len(server.taken) == 1 and server.mistakes == []


async def test_who_may_send_and_to_whom():
    async with playing() as server:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            await sent(server, password="wrong")
        with pytest.raises(smtplib.SMTPSenderRefused):
            await sent(server, password="")
        with pytest.raises(smtplib.SMTPSenderRefused):
            await sent(server, sender="a@elsewhere.example")
        server.unknown.add("ben@example.com")
        refused = await sent(server, to=[TO, "ben@example.com"])
        assert refused["ben@example.com"][0] == 550 and server.taken[0].to == [TO]
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await sent(server, to=["ben@example.com"])


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (MAIL.replace(b"Hi", "Hé".encode()), "SMTPUTF8"),
        (MAIL + b"x" * 999 + b"\r\n", "longer"),
        (MAIL.replace(b"Subject", b"From: a@b.example\r\nSubject"), "from is there 2"),
        (MAIL.replace(b"Message-ID", b"X-ID"), "message-id is missing"),
        (MAIL.replace(b"Subject", b"Bcc: a@b.example\r\nSubject"), "Bcc"),
    ],
)
async def test_what_a_careful_program_does_not_write_is_a_mistake(raw, word):
    async with playing() as server:
        await sent(server, raw)
        assert len(server.taken) == 1 and word in server.mistakes[0]


async def test_commands_out_of_turn_and_bare_line_feeds_are_mistakes():
    async with playing("") as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        body = b"EHLO a\r\nRCPT TO:<a@b.example>\r\nDATA\nHELP\r\nMAIL FROM:<desk@shop.example>\r\n"
        body += b"RCPT TO:<a@b.example>\r\nDATA\r\nFrom: a\nX: b\r\n.\r\nQUIT\r\n"
        writer.write(body)
        answers = (await reader.read()).decode()
        writer.close()
        assert "354" in answers and "queued" in answers
        for word in ("RCPT before", "DATA without", "bare line feed:", "no command", "bare line feeds"):  # fmt: skip
            assert any(word in each for each in server.mistakes), word


@pytest.mark.parametrize(
    ("command", "answer", "number"),
    [
        ("MAIL", "451 4.7.1 later", 0),
        ("RCPT", "450 4.2.0 greylisted", 0),
        ("DATA", "cut", 0),
        (".", "554 5.7.1 spam", 0),
        (".", "cut", 0),
        (".", "lost", 1),
    ],
)
async def test_it_goes_wrong_where_it_is_told_to(command, answer, number):
    async with playing() as server:
        server.fail(command, answer)
        with pytest.raises((smtplib.SMTPException, OSError)):
            await sent(server)
        assert len(server.taken) == number
        await sent(server)
        assert len(server.taken) == number + 1


async def test_what_it_takes_can_lie_in_a_real_mailbox():
    with running(TO) as dovecot:
        async with playing() as server:

            async def carry(raw, recipients):
                for each in recipients:
                    await asyncio.to_thread(dovecot.put, each, raw)

            server.carry = carry
            await sent(server)
        (found,) = await asyncio.to_thread(dovecot.wait, TO, 1)
        assert found.endswith(MAIL.partition(b"\r\n\r\n")[2])
