"""The whole program by mail, started as a user would: talk, an approval by mail, kill -9.

`python -m bot run` in a process of its own; the mail servers and the model are on loopback. What
Ana reads and answers is what the mail server was given.
"""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.channels.email_side import ANA, HOME, PROVED, taking
from tests.channels.running import POST, Model, Program, found, standing
from tests.channels.test_email_answers import OFFICE
from tests.fakes.imap_server import ImapServer
from tests.fakes.smtp_server import SmtpServer, Taken

SIGNED = "v=1; d=example.org; s=k; h=from:to:subject:reply-to:message-id; bh=x; b=y"


class House:
    """The program, and Ana's side of it."""

    def __init__(self, program: Program, smtp: SmtpServer, imap: ImapServer) -> None:
        self.program, self.smtp, self.imap = program, smtp, imap
        self._n = 0

    async def write(self, text: str, answers: Taken | None = None, **headers: str) -> str:
        """Ana writes, perhaps as an answer the way a mail client does it; gives the id."""
        self._n += 1
        mail = EmailMessage(policy=policy.default.clone(max_line_length=998))
        mail["Authentication-Results"] = headers.pop("results", PROVED)
        mail["From"] = headers.pop("sender", f"Ana <{ANA}>")
        mail["To"] = HOME
        mail["Message-ID"] = headers.pop("id", f"<ana{self._n}@example.org>")
        if elsewhere := headers.pop("reply_to", ""):
            mail["Reply-To"], mail["DKIM-Signature"] = elsewhere, SIGNED
        if answers:
            theirs = answers.mail
            mail["Subject"] = str(theirs["Subject"])
            mail["In-Reply-To"] = str(theirs["Message-ID"])
            mail["References"] = f"{theirs['References'] or ''} {theirs['Message-ID']}".strip()
            body = theirs.get_body(("plain",)).get_content()
            quoted = "\n".join(f"> {line}" for line in body.splitlines())
            text = f"{text}\n\nOn 5 Jan 2026, Kelly <{HOME}> wrote:\n{quoted}"
        else:
            mail["Subject"] = headers.pop("subject", "Tea")
        mail.set_content(text)
        await self.imap.bring(mail.as_bytes())
        return str(mail["Message-ID"])

    async def sent(self, count: int) -> Taken:
        """The mail number `count` that the house sends."""
        await found(lambda: len(self.smtp.taken) >= count, 60)
        return self.smtp.taken[count - 1]

    def posts(self) -> list[Path]:
        return self.program.posts()


@asynccontextmanager
async def whole(tmp_path: Path, public_url: str = "", per_hour: int = 20) -> AsyncIterator[House]:
    """The program on a new folder, with Ana admitted."""
    async with (
        Model() as model,
        taking("u", "secret-pw") as smtp,
        ImapServer("u", "secret-pw") as imap,
    ):
        options: dict[str, Any] = {
            "address": HOME,
            "authserv": "mx.bot.example",
            "smtp_security": "none",
            "imap_security": "none",
        }
        toml = ", ".join(f'{name} = "{value}"' for name, value in options.items())
        toml += f", per_hour = {per_hour}"
        program = Program(
            tmp_path,
            model,
            BOT_CHANNELS=f"{{email = {{{toml}}}}}",
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=str(smtp.port),
            SMTP_USERNAME="u",
            SMTP_PASSWORD="secret-pw",
            IMAP_HOST="127.0.0.1",
            IMAP_PORT=str(imap.port),
            IMAP_USERNAME="u",
            IMAP_PASSWORD="secret-pw",
            **({"BOT_PUBLIC_URL": public_url} if public_url else {}),
        )
        house = House(program, smtp, imap)
        async with standing(program, "secret-pw"):
            await house.write("hello?")
            first = await house.sent(1)
            await program.admit(first.mail.get_body(("plain",)).get_content())
            yield house


def below(house: House, id_: str) -> list[Taken]:
    """What was sent in answer to a mail."""
    return [each for each in house.smtp.taken if each.mail["In-Reply-To"] == id_]


async def asks(house: House, nth: int = 1) -> tuple[Taken, str]:
    """The card number `nth` that the house mails, and its code."""

    def cards() -> list[Taken]:
        return [
            sent
            for sent in house.smtp.taken
            if str(sent.mail["Subject"]).startswith("Please decide")
        ]

    await found(lambda: len(cards()) >= nth, 60)
    card = cards()[nth - 1]
    code = re.search(r"OK (\d{4,7})", card.mail.get_body(("plain",)).get_content())
    assert code
    return card, code[1]


async def said(house: House, words: str) -> Taken:
    """The mail that says this."""

    def look() -> Taken | None:
        texts = ((sent, sent.mail.get_body(("plain",)).get_content()) for sent in house.smtp.taken)
        return next((sent for sent, text in texts if words in text), None)

    taken: Taken = await found(look, 60)
    return taken


async def test_talk_and_approve_by_mail(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        first = await house.write("How are you?", subject="Tee für zwei")
        answer = await house.sent(2)
        assert answer.to == [ANA] and answer.mail["In-Reply-To"] == first
        assert answer.mail["Subject"] == "Re: Tee für zwei"
        # A stranger who says to be Ana, with results of another server, is not even answered.
        await house.write(
            "publish it", results="mx.evil.example; dmarc=pass header.from=example.org"
        )
        await house.write(
            "publish it", sender="Ana <ana@evil.example>", results="mx.bot.example; dmarc=none"
        )
        # Asked in the thread, the card comes as a mail with a code.
        await house.write("publish it", answer)
        card = await found(
            lambda: next((s for s in house.smtp.taken if "decide" in s.mail["Subject"]), None), 60
        )
        text = card.mail.get_body(("plain",)).get_content()
        assert POST["text"] in text and card.to == [ANA]
        code = re.search(r"OK (\d{4,7})", text)[1]
        # Not hers; not above the quotation; not proved; automatic: each decides nothing.
        await house.write(
            f"OK {code}", card, results="mx.bot.example; dmarc=fail header.from=example.org"
        )
        await house.write("", card)
        await house.write(f"OK {code}", card, sender="Bo <bo@example.org>")
        await house.imap.bring(
            f"Authentication-Results: {PROVED}\nFrom: {ANA}\nTo: {HOME}\nMessage-ID: <auto@x>\n"
            f"Auto-Submitted: auto-replied\n\nOK {code}".encode()
        )
        await found(lambda: all("\\Seen" in kept.flags for kept in house.imap.mails), 60)
        await asyncio.sleep(1)
        assert house.posts() == []
        # Hers, above the quotation: done once, also when it comes twice.
        before = len(house.smtp.taken)
        await house.write(f"OK {code}", card, id="<yes@example.org>")
        (post,) = await found(house.posts, 60)
        assert POST["text"] in post.read_text()
        # The outcome stands in her thread as well, as an answer.
        thread = str(card.mail["Message-ID"]).partition(".")[2][:20]
        told = await found(
            lambda: [
                sent
                for sent in house.smtp.taken[before:]
                if str(sent.mail["Message-ID"]).startswith("<rep_")
                and f".{thread}" in str(sent.mail["Message-ID"])
            ],
            45,
        )
        assert told[0].mail["Subject"].startswith("Re: ") and told[0].mail["In-Reply-To"]
        await house.write(f"OK {code}", card, id="<yes@example.org>")
        await house.write(f"OK {code}", card)
        await found(lambda: all("\\Seen" in kept.flags for kept in house.imap.mails), 60)
        await asyncio.sleep(1)
        assert len(house.posts()) == 1
        assert not any("evil" in to for sent in house.smtp.taken for to in sent.to)


async def test_in_one_thread_one_deed_is_changed_and_one_approved(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        await house.write("How are you?", subject="Sunday")
        answer = await house.sent(2)
        # Changed: what was written anew is published, and what the card showed is not.
        asked = await house.write("publish it", answer)
        card, code = await asks(house)
        # What is quoted below the new words is no part of them, nor is a signature.
        changed = await house.write(f"EDIT {code} We are open on Monday\n\n-- \nAna", card)
        (post,) = await found(house.posts, 60)
        text = post.read_text()
        assert "We are open on Monday" in text and POST["text"] not in text
        assert "EDIT" not in text and "wrote:" not in text and "Ana" not in text.split("---")[-1]
        await said(house, "Edited and approved by Ana")
        # Approved: a second deed of the same thread, with a code of its own.
        await house.write("publish it", answer)
        second, other = await asks(house, 2)
        assert other != code
        await house.write(f"OK {code}", second)  # was decided: it does nothing now
        await house.write(f"OK {other}", second)
        await found(lambda: len(house.posts()) == 2, 60)
        assert [POST["text"] in each.read_text() for each in house.posts()].count(True) == 1
        await said(house, "Approved by Ana")
        # Everything that answers stands in her thread, below the mail that it answers.
        assert below(house, asked) and below(house, changed)
        tokens = {
            str(sent.mail["Message-ID"]).partition(".")[2][:20] for sent in house.smtp.taken[1:]
        }
        assert len(tokens) == 1, tokens
        await asyncio.sleep(1)
        assert len(house.posts()) == 2


async def test_who_reads_the_answers_is_told_no_code_and_decides_nothing(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        first = await house.write("How are you?", reply_to=OFFICE)
        answer = await house.sent(2)
        assert answer.to == [OFFICE] and answer.mail["In-Reply-To"] == first
        # The question, the line that announces it, and what a command tells: to her alone.
        await house.write("publish it", answer, reply_to=OFFICE)
        card, code = await asks(house)
        await said(house, "Waiting for your yes")
        await house.write(f"SHOW {code}", card, reply_to=OFFICE)
        shown = await house.write("/approvals", subject="What waits?", reply_to=OFFICE)
        await found(lambda: below(house, shown), 60)
        link = await house.write("/link", subject="Me", reply_to=OFFICE)
        (linking,) = await found(lambda: below(house, link), 60)
        assert linking.to == [ANA]
        # The office, proved to be itself, decides nothing with it.
        await house.write(f"OK {code}", answer, sender=OFFICE)
        await found(lambda: all("\\Seen" in kept.flags for kept in house.imap.mails), 60)
        await asyncio.sleep(1)
        assert house.posts() == []
        told = [sent.mail.as_string() for sent in house.smtp.taken if sent.to == [OFFICE]]
        assert told and [text for text in told if code in text or POST["title"] in text] == []
        yes = await house.write(f"OK {code}", card, reply_to=OFFICE)
        await found(house.posts, 60)
        (noted,) = await found(lambda: below(house, yes), 60)
        assert noted.to == [ANA]


async def test_a_yes_counts_in_a_thread_that_has_grown_quiet(tmp_path: Path) -> None:
    async with whole(tmp_path, per_hour=2) as house:
        first = await house.write("How are you?")
        answer = await house.sent(2)
        await house.write("publish it", answer)
        card = await found(
            lambda: next((s for s in house.smtp.taken if "decide" in s.mail["Subject"]), None), 60
        )
        code = re.search(r"OK (\d{4,7})", card.mail.get_body(("plain",)).get_content())[1]
        unheard = await house.write("are you there?", answer)
        await house.write(f"OK {code}", card, sender="Bo <bo@example.org>")
        await found(lambda: all("\\Seen" in kept.flags for kept in house.imap.mails), 60)
        assert house.posts() == []
        yes = await house.write(f"OK {code}", card)
        (post,) = await found(house.posts, 60)
        assert POST["text"] in post.read_text()
        (told,) = await found(lambda: below(house, yes), 60)
        assert "Approved" in told.mail.get_body(("plain",)).get_content()
        assert below(house, first) and not below(house, unheard)


async def test_kill_and_restart_lose_nothing_and_answer_nothing_twice(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        await house.write("say it slowly")
        await found(lambda: "\\Seen" in house.imap.mails[-1].flags, 60)
        house.program.stop(signal.SIGKILL)
        meanwhile = await house.write("are you there?", subject="Second")
        await house.program.start()
        await found(lambda: len(house.smtp.taken) >= 3, 60)
        ids = [sent.mail["In-Reply-To"] for sent in house.smtp.taken]
        assert meanwhile in ids and len(ids) == 3
        # Brought again by the server: nothing is answered twice.
        await house.imap.bring(house.imap.mails[-1].raw)
        await found(lambda: "\\Seen" in house.imap.mails[-1].flags, 60)
        await asyncio.sleep(1)
        assert len(house.smtp.taken) == 3
