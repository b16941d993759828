"""The link in a card's mail: opening decides nothing, a press decides once, nobody forges one."""

import asyncio
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.core.errors import Forbidden
from bot.core.event import Kind
from channels.email.channel import make
from channels.email.deciding import PATH, Slip
from tests.channels.email_side import ANA, CARD, Desk, Sink, card_for, lent, taking, written
from tests.channels.running import found
from tests.channels.test_email import SMTP, heard
from tests.channels.test_email_carriers import PUBLIC, hooked
from tests.channels.test_email_whole import whole


class Whole(Desk):
    """Shows Ana the card."""

    async def whole(self, account: str, who: str, approval: str) -> str:
        if who != ANA:
            raise Forbidden("Others may decide this one.")
        return "Say <b>hello</b>"


class Server:
    webhook_via = ""


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_opening_decides_nothing_and_a_press_decides_once() -> None:
    async with taking() as smtp:
        box = make(replace(lent(PUBLIC, **SMTP, smtp_port=smtp.port), desk=Whole()))
        server, sink = Server(), Sink()
        async with hooked(box, server, sink):
            event = await heard(written(), box)
            assert event
            await box.send(card_for(event, amount=""))
            text = smtp.taken[0].mail.get_body(("plain",)).get_content()
            link = re.search(rf"{PUBLIC}{PATH}\?t=\S+", text)
            assert link
            parts = urlsplit(link[0])
            url = f"{server.webhook_via}{parts.path}?{parts.query}"
            async with aiohttp.ClientSession() as session:
                for _ in range(3):
                    async with session.get(url) as got:
                        page = await got.text()
                        assert got.status == 200 and "Say &lt;b&gt;hello" in page
                        assert got.headers["Cache-Control"] == "no-store"
                async with session.head(url):
                    pass
                assert sink.events == []
                async with session.post(url, data=b"choice=maybe", headers=FORM) as got:
                    assert got.status == 404
                async with session.post(url, json={"choice": "approve"}) as got:
                    assert got.status == 415
                for choice in (b"choice=reject", b"choice=approve"):
                    async with session.post(url, data=choice, headers=FORM) as got:
                        assert got.status == 200
            (press,) = sink.events  # the second has the same name: it is spent
            assert press.kind == Kind.PRESSED and press.sender.ext_id == ANA
            assert press.payload == {"approval": "apr_1", "version": 1, "choice": "reject"}
            assert press.place.thread == event.place.thread


@pytest.mark.parametrize("how", ["changed", "late", "unsealed", "other", "empty", "long"])
async def test_a_link_that_is_not_ours_shows_and_decides_nothing(how: str) -> None:
    box = make(replace(lent(PUBLIC, **SMTP), desk=Whole()))
    deciding, server, sink = box._deciding, Server(), Sink()
    good = Slip(approval="apr_1", version=1, address=ANA, thread="t", until=2**33)
    other = make(replace(lent(PUBLIC, **SMTP), seal=lambda text: "0" * 64))._deciding
    token = {
        "changed": "A" + deciding.token(good)[1:],
        "late": deciding.token(replace(good, until=1)),
        "unsealed": deciding.token(good).partition(".")[0] + ".",
        "other": other.token(good),
        "empty": "",
        "long": "x" * 5000,
    }[how]
    async with hooked(box, server, sink), aiohttp.ClientSession() as session:
        url = f"{server.webhook_via}{PATH}"
        async with session.get(url, params={"t": token}) as got:
            assert got.status == 404
        async with session.post(
            url, params={"t": token}, data=b"choice=approve", headers=FORM
        ) as got:
            assert got.status == 404
        stranger = deciding.token(replace(good, address="eve@example.org"))
        async with session.get(url, params={"t": stranger}) as got:
            assert got.status == 403
    assert sink.events == []


async def test_where_money_moves_the_link_leads_to_the_house() -> None:
    async with taking() as smtp:
        box = make(replace(lent(PUBLIC, **SMTP, smtp_port=smtp.port), desk=Whole()))
        event = await heard(written(), box)
        assert event and CARD.amount
        await box.send(card_for(event))
        text = smtp.taken[0].mail.get_body(("plain",)).get_content()
        assert PATH not in text and "https://bot.example/a" in text
        alone = make(lent(**SMTP, smtp_port=smtp.port))
        assert alone.routes() == [] and alone._deciding.link(card_for(event), ANA).endswith("/a")


async def seen(seal: str, **options: str) -> list[str]:
    """What others get to see of our keys: the mark against loops, an id, a link."""
    async with taking() as smtp:
        given = lent(PUBLIC, **SMTP, smtp_port=smtp.port, **options)
        box = make(replace(given, seal=lambda text: sha256(f"{seal} {text}".encode()).hexdigest()))
        event = await heard(written(), box)
        assert event
        await box.send(card_for(event, amount=""))
        mail = smtp.taken[0].mail
        link = re.search(r"\?t=(\S+)", mail.get_body(("plain",)).get_content())
        assert link and box._deciding.slip(link[1])
        return [str(mail["X-Loop"]), str(mail["Message-ID"]), link[1].partition(".")[2]]


async def test_what_leaves_hangs_on_the_houses_key_and_on_no_password() -> None:
    imap = {"imap_host": "127.0.0.1", "imap_username": "t"}
    one = await seen("key", imap_password="correct horse", **imap)
    assert await seen("key", imap_password="battery staple", **imap) == one
    assert await seen("key") == one  # and without any secret nobody can work it out
    assert not set(await seen("another", imap_password="correct horse", **imap)) & set(one)


async def test_on_the_whole_program_the_link_is_pressed_once(tmp_path: Path) -> None:
    async with whole(tmp_path, public_url=PUBLIC) as house:
        await house.write("publish it")
        card = await found(
            lambda: next((s for s in house.smtp.taken if "decide" in s.mail["Subject"]), None), 60
        )
        link = re.search(rf"{PATH}\?t=\S+", card.mail.get_body(("plain",)).get_content())
        assert link
        url = f"{house.program.url}{link[0]}"
        host = {"Host": urlsplit(PUBLIC).netloc}
        async with aiohttp.ClientSession() as session:
            async with session.head(url, headers=host) as got:  # as checkers of links do
                assert got.status == 200 and got.content_type == "text/html"
                assert await got.read() == b""
            async with session.get(url, headers=host) as got:
                assert got.status == 200 and "We are open on Sunday" in await got.text()
            await asyncio.sleep(1)
            assert house.posts() == []
            for choice, status in ((b"approve", 200), (b"approve", 409), (b"reject", 409)):
                async with session.post(
                    url, data=b"choice=" + choice, headers={**host, **FORM}
                ) as got:
                    # Whoever presses again, or the other one, is told what it came to.
                    assert got.status == status and "Approved by Ana" in await got.text()
        await found(house.posts, 60)
        await asyncio.sleep(1)
        assert len(house.posts()) == 1
