"""The whole program by mail, and what it must not answer: bounces, lists, machines, nasty mail.

What closes an address is written down for owners, who open it again.
"""

import asyncio
from pathlib import Path

from tests.channels.email_side import ANA, HOME, PROVED
from tests.channels.running import found
from tests.channels.test_email_reading import NASTY, PLAIN
from tests.channels.test_email_whole import House, below, whole
from tests.fakes import mails

LEAVE = "team+unsubscribe@bot.example"
MACHINES = (
    "Auto-Submitted: auto-replied",
    "Precedence: bulk",
    "List-Id: <tea.example.org>",
    "List-Unsubscribe: <mailto:leave@example.org>",
    "X-Auto-Response-Suppress: All",
    "Return-Path: <>",
    "X-Autoreply: yes",
    "Subject: Out of office: back on Monday",
)


async def read(house: House) -> None:
    """Wait until all that lies in the mailbox was taken in, or left alone for good."""
    await found(lambda: all("\\Seen" in kept.flags for kept in house.imap.mails), 60)
    await asyncio.sleep(1)


async def test_a_bounce_or_a_leave_closes_the_address_and_the_house_is_silent(
    tmp_path: Path,
) -> None:
    async with whole(tmp_path) as house:
        await house.write("How are you?")
        answer = await house.sent(2)
        closed = await house.program.verb("mail", "closed")
        assert ANA not in closed
        # Our answer came back for good: nobody answers the report, and owners see it.
        await house.imap.bring(mails.bounce(answer.mail, "postmaster@mx.example", ANA))
        await read(house)
        assert len(house.smtp.taken) == 2
        assert "bounced" in await house.program.verb("mail", "closed")
        # She writes, so her mailbox lives.
        lives = await house.write("Are you there?", subject="Second")
        await found(lambda: below(house, lives), 60)
        assert ANA not in await house.program.verb("mail", "closed")
        # She says that it was the last: writing does not open it, an owner does.
        to_leave = f"Authentication-Results: {PROVED}\nFrom: {ANA}\nTo: {LEAVE}\n"
        await house.imap.bring(f"{to_leave}Message-ID: <l1@example.org>\n\nleave".encode())
        await read(house)
        unheard = await house.write("One more thing", subject="Third")
        await read(house)
        assert below(house, unheard) == []
        assert ANA in await house.program.verb("mail", "closed")
        await house.program.verb("mail", "open", ANA)
        again = await house.write("And now?", subject="Fourth")
        await found(lambda: below(house, again), 60)


async def test_nothing_that_no_person_wrote_is_answered_and_nasty_mail_stops_nothing(
    tmp_path: Path,
) -> None:
    async with whole(tmp_path) as house:
        sent = len(house.smtp.taken)
        head = f"Authentication-Results: {PROVED}\nFrom: {ANA}\nTo: {HOME}\n"
        for n, line in enumerate(MACHINES):
            mail = f"{head}Message-ID: <m{n}@example.org>\n{line}\n\nOK 4821"
            await house.imap.bring(mail.encode())
        # Our own mail that comes back to us, two senders, a group as a sender.
        await house.imap.bring(house.smtp.taken[0].raw)
        twice = f"{head}From: boss@example.org\nMessage-ID: <two@example.org>\n\npublish it"
        group = head.replace(ANA, f"team: {ANA};") + "Message-ID: <g@example.org>\n\npublish it"
        for mail in (twice, group):
            await house.imap.bring(mail.encode())
        for raw in NASTY.values():
            await house.imap.bring(b"To: " + HOME.encode() + b"\r\n" + raw)
        await house.imap.bring(PLAIN + b"\r\nhello")
        await read(house)
        assert len(house.smtp.taken) == sent
        # Thirty nasty mails later a person is answered.
        asked = await house.write("How are you?", subject="After all that")
        await found(lambda: below(house, asked), 60)
        assert len(house.smtp.taken) == sent + 1
