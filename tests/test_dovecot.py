"""The mailbox server of the tests is a real one: LOGIN, APPEND, FETCH, IDLE, delivery, TLS."""

import imaplib
import smtplib
import ssl
from collections.abc import Iterator

import pytest

from tests.dovecot import PASSWORD, Dovecot, running
from tests.fakes import mails

DESK, OPS = "desk@shop.example", "ops@shop.example"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """One server for these tests."""
    with running(DESK, OPS) as server:
        yield server


def test_only_the_password_opens_a_mailbox(dovecot: Dovecot) -> None:
    with dovecot.login(DESK) as client:
        assert "IDLE" in client.capabilities
    with (
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
        imaplib.IMAP4(dovecot.host, dovecot.imap_port) as client,
    ):
        client.login(DESK, PASSWORD + "x")


def test_a_mail_is_delivered_and_read_back_as_it_was(dovecot: Dovecot) -> None:
    raw = mails.write("ana@example.com", DESK, "Bücher", "Hallo ✓", html="<p>Hallo")
    dovecot.put("desk+7k@shop.example", raw)
    (found,) = dovecot.wait(DESK, 1)
    letter = mails.open_letter(found, "x")
    assert (letter.header("Subject"), letter.text.strip()) == ("Bücher", "Hallo ✓")
    assert found.endswith(raw.partition(b"\r\n\r\n")[2]) and b"Return-Path: <sender@" in found
    assert dovecot.read(OPS) == []
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        dovecot.put("nobody@shop.example", raw)


def test_append_fetch_and_flags(dovecot: Dovecot) -> None:
    raw = mails.write(OPS, "ana@example.com", "sent")
    with dovecot.login(OPS) as client:
        assert client.append("Sent", "\\Seen", "", raw)[0] == "OK"
        client.select("Sent")
        _, found = client.fetch("1", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        assert b"\\Seen" in found[0][0] and b"Subject: sent" in found[0][1]
    assert dovecot.read(OPS, "Sent") == [raw]


def test_idle_wakes_when_a_mail_comes(dovecot: Dovecot) -> None:
    with dovecot.login(OPS) as client:
        client.select("INBOX")
        client.send(b"A1 IDLE\r\n")
        assert client.readline().startswith(b"+")
        dovecot.put(OPS, mails.write("ana@example.com", OPS))
        while b"EXISTS" not in (line := client.readline()):
            assert line, "the connection ended"
        client.send(b"DONE\r\n")
        while not (line := client.readline()).startswith(b"A1 OK"):
            assert line, "the connection ended"


def test_tls_is_trusted_by_its_certificate(dovecot: Dovecot) -> None:
    context = ssl.create_default_context(cafile=str(dovecot.ca))
    with imaplib.IMAP4_SSL("localhost", dovecot.imaps_port, ssl_context=context) as client:
        client.login(DESK, PASSWORD)
    with pytest.raises(ssl.SSLCertVerificationError):
        imaplib.IMAP4_SSL("localhost", dovecot.imaps_port, ssl_context=ssl.create_default_context())
    with imaplib.IMAP4(dovecot.host, dovecot.imap_port) as client:
        client.starttls(context)
        client.login(DESK, PASSWORD)


def test_mail_outlives_an_outage_on_the_same_ports(dovecot: Dovecot) -> None:
    before = dovecot.read(DESK), dovecot.imap_port
    dovecot.stop()
    with pytest.raises(OSError):
        dovecot.read(DESK)
    dovecot.start()
    assert (dovecot.read(DESK), dovecot.imap_port) == before
