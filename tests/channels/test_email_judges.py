"""Mail beside what others wrote: Resend's webhooks as the `svix` package signs them, and aiosmtpd."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from bot.infra.clock import SystemClock
from channels.email.resend_in import signed
from tests.channels.email_side import ANA, KELLY, reply_to, written
from tests.channels.test_email import by_smtp, heard
from tests.fakes import borrowed
from tests.process import free_port

SVIX, AIOSMTPD = "svix==1.99.1", "aiosmtpd==1.4.6"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_SIGN = """
import json, sys
from datetime import datetime
from svix.webhooks import Webhook
told = json.load(sys.stdin)
at = datetime.fromisoformat(told["at"])
print(Webhook(told["secret"]).sign(told["id"], at, told["body"]))
"""


def by_svix(id_: str, at: datetime, body: str) -> dict[str, str]:
    """The headers that the package makes."""
    told = json.dumps({"secret": SECRET, "id": id_, "at": at.isoformat(), "body": body})
    done = subprocess.run(
        [sys.executable, "-c", _SIGN],
        input=told,
        env=borrowed.surroundings(SVIX),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    stamp = str(int(at.timestamp()))
    return {"svix-id": id_, "svix-timestamp": stamp, "svix-signature": done.stdout.strip()}


@pytest.mark.parametrize("body", ['{"type":"email.received"}', '{"subject":"Grüße — 🫖"}', ""])
def test_what_the_svix_package_signs_holds_and_nothing_that_was_changed(body: str) -> None:
    headers, clock = by_svix("msg_1", datetime.now(UTC), body), SystemClock()
    assert signed(SECRET, headers, body.encode(), clock)
    more = {**headers, "svix-signature": f"v1,AAAA {headers['svix-signature']}"}
    assert signed(SECRET, more, body.encode(), clock)  # an old secret's beside it
    assert not signed(SECRET, headers, body.encode() + b" ", clock)
    for name, value in (("svix-id", "msg_2"), ("svix-timestamp", "1700000000")):
        assert not signed(SECRET, {**headers, name: value}, body.encode(), clock)


async def test_an_answer_is_taken_by_aiosmtpd_as_it_was_written(tmp_path: Path) -> None:
    box, port = tmp_path / "mailbox", free_port()
    command = [sys.executable, "-W", "ignore", "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "-c", "aiosmtpd.handlers.Mailbox", str(box)],
        env=borrowed.surroundings(AIOSMTPD),
    )
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.1)
                    continue
                writer.close()
                break
        channel = by_smtp(port)
        event = await heard(written("Tea?", Subject="Tee für zwei"), channel)
        assert event
        await channel.send(reply_to(event, "**Yes**, at four: Grüße"))
        (file,) = (box / "new").iterdir()
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert mail["X-RcptTo"] == ANA and str(mail["From"]) == f"Kelly <{KELLY}>"
        assert mail["In-Reply-To"] == "<m1@example.org>" and mail["Subject"] == "Re: Tee für zwei"
        assert "Grüße" in mail.get_body(("plain",)).get_content()
        assert "<strong>Yes</strong>" in mail.get_body(("html",)).get_content()
    finally:
        process.terminate()
        process.wait(10)
