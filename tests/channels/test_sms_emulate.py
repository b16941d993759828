"""Texts at a Twilio that somebody else wrote: sent once, found, refused, followed to their end.

emulate was not written from our client. It is laxer than Twilio (any number is a number, nothing is
queued), and it signs the whole address of a webhook, of which Twilio leaves the fragment out.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from bot.core.errors import ConnectionBroken, VendorRefused, VendorUnknown
from bot.infra.clock import SystemClock
from bot.platforms.texting import Book
from channels.sms import outgoing
from channels.sms.channel import Sms, make
from channels.sms.provider import Letter
from channels.sms.twilio import Twilio
from tests.channels.running import Program, standing
from tests.channels.sms_side import ANA, BEN, HOME, OURS, lent, out
from tests.channels.test_sms_whole import DOUBTS, answer, rows
from tests.fakes import emulate
from tests.fakes.database import InlineDatabase
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.twilio_world import ACCOUNT, API_KEY, API_SECRET, TOKEN, VERSION
from tests.process import free_port

KEY = {"sid": API_KEY, "secret": API_SECRET, "friendly_name": "Ours"}
SEED = {
    "account": {"sid": ACCOUNT, "auth_token": TOKEN, "friendly_name": "Tea"},
    "api_keys": [KEY],
    "phone_numbers": [{"phone_number": OURS, "friendly_name": "Tea"}],
}


@dataclass
class Phones:
    """What people see and do over there."""

    base: str
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **fields: str) -> dict[str, Any]:
        how = {"params": fields} if method == "GET" else {"data": fields}
        async with self.session.request(method, f"{self.base}{path}", **how) as got:  # type: ignore[arg-type]
            assert got.status < 300, await got.text()
            said: dict[str, Any] = await got.json()
            return said

    async def texts(self, to: str = ANA) -> list[dict[str, Any]]:
        """What somebody was texted, the oldest first."""
        path = f"/{VERSION}/Accounts/{ACCOUNT}/Messages.json"
        listed = await self.ask("GET", path, To=to, From=OURS, PageSize="1000")
        return list(reversed(listed["messages"]))

    async def said(self, to: str = ANA) -> list[str]:
        return [text["body"] for text in await self.texts(to)]

    async def write(self, text: str) -> None:
        path = "/_twilio/simulate/inbound-message"
        await self.ask("POST", path, To=OURS, From=ANA, Body=text)

    async def number(self) -> dict[str, Any]:
        path = f"/{VERSION}/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json"
        (only,) = (await self.ask("GET", path))["incoming_phone_numbers"]
        return dict(only)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with emulate.running(tmp_path, "twilio", free_port(), SEED) as found:
        yield found


@pytest.fixture
async def phones(address: str) -> AsyncIterator[Phones]:
    login = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}
    async with aiohttp.ClientSession(headers=login) as session:
        yield Phones(address, session)


def channel(address: str, book: Book, **options: Any) -> Sms:
    return make(lent(SimpleNamespace(base=address), book, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{}, {"api_key": API_KEY, "api_secret": API_SECRET}])
async def test_a_text_is_taken_once_and_found(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, options: dict[str, str]
) -> None:
    monkeypatch.setattr(outgoing, "SETTLED_S", 0.3)
    book = Book(InlineDatabase(), SystemClock(), HOME)
    sms = channel(phones.base, book, **options)
    receipt = await sms.send(out("Yes — at four"))
    assert await sms.send(out("Yes — at four")) == receipt
    (text,) = await phones.texts()
    assert (text["sid"], text["body"], text["from"]) == (receipt.vendor_ref, "Yes - at four", OURS)
    # Taken, and the answer lost: looked up by numbers, time and words, and not sent again.
    real = Twilio.send

    async def silent(self: Twilio, letter: Letter, callback: str) -> Any:
        await real(self, letter, callback)
        raise VendorUnknown("Twilio did not answer.")

    monkeypatch.setattr(Twilio, "send", silent)
    with pytest.raises(VendorUnknown):
        await sms.send(out("At five", "rep_2"))
    monkeypatch.setattr(Twilio, "send", real)
    found_again = await sms.send(out("At five", "rep_2"))
    assert found_again.vendor_ref == (await phones.texts())[-1]["sid"]
    assert await phones.said() == ["Yes - at four", "At five"]


async def test_a_wrong_token_and_a_number_of_others_are_named(phones: Phones) -> None:
    book = Book(InlineDatabase(), SystemClock(), HOME)
    with pytest.raises(ConnectionBroken, match="does not know these credentials"):
        await channel(phones.base, book, auth_token="another-token").send(out("Hello"))
    with pytest.raises(VendorRefused, match="cannot send texts"):
        await channel(phones.base, book).send(out("Hello", "rep_3", thread="+15550109999"))
    assert await phones.texts() == []


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_killed_while_it_answers_the_whole_program_loses_nothing_and_says_nothing_twice(
    tmp_path: Path, phones: Phones
) -> None:
    rng = random.Random(3)
    async with OpenAIServer(otherwise=answer) as model:
        program = Program(
            tmp_path,
            model,
            TWILIO_ACCOUNT_SID=ACCOUNT,
            TWILIO_AUTH_TOKEN=TOKEN,
            BOT_ENDPOINT_TWILIO=phones.base,
            BOT_LIMITS_PERSON_PER_MINUTE="1000",
        )
        program.environ["BOT_PUBLIC_URL"] = program.url
        async with standing(program, TOKEN):
            await _pointed(phones, program.url)
            await phones.write("hello?")
            await program.admit(await _seen(phones, "I do not know you yet"))
            await program.verb("policies", "set", "auto", "--tool", "send_sms")
            words = 0
            for _ in range(10):
                for _ in range(4):
                    words += 1
                    await phones.write(f"{'say' if words % 2 else 'tell ben'} w{words}x")
                    await asyncio.sleep(rng.random() * 0.15)
                await asyncio.sleep(rng.random() * 0.6)
                program.stop(signal.SIGKILL)
                await program.start()
            wanted = {f"You said w{n}x." for n in range(1, words + 1, 2)}
            wanted |= {f"Table w{n}x" for n in range(2, words + 1, 2)}
            async with asyncio.timeout(200):
                while wanted - set(await phones.said()) - set(await phones.said(BEN)):
                    await asyncio.sleep(0.5)
            await asyncio.sleep(2)
            shown = Counter([*await phones.said(), *await phones.said(BEN)])
            count = {
                "texts": words,
                "twice": sum(shown[text] - 1 for text in wanted),
                "in doubt": rows(program, DOUBTS),
            }
            print(count)
            assert (count["twice"], count["in doubt"]) == (0, 0)
            # What it tells of a text is known here.
            (*_, last) = await phones.texts()
            path = "/_twilio/simulate/message-status"
            await phones.ask("POST", path, MessageSid=last["sid"], Status="delivered")
            assert "delivered" in await program.verb("sms", "threads", OURS, ANA)


async def _pointed(phones: Phones, url: str) -> None:
    """Its number leads to the house; without the fragment, which it would sign."""
    async with asyncio.timeout(30):
        while url not in str((await phones.number())["sms_url"]):
            await asyncio.sleep(0.1)
    there = (await phones.number())["sms_url"].partition("#")[0]
    number = (await phones.number())["sid"]
    path = f"/{VERSION}/Accounts/{ACCOUNT}/IncomingPhoneNumbers/{number}.json"
    await phones.ask("POST", path, SmsUrl=there)


async def _seen(phones: Phones, words: str) -> str:
    async with asyncio.timeout(60):
        while True:
            for text in await phones.said():
                if words in text:
                    return text
            await asyncio.sleep(0.1)
