"""The page before the outside: where a link leads, said truly, and opened by a person alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import ClientSession

from bot.core.conversation import Claim, TurnEnd
from bot.web.outward import lead
from tests.bot.web.api.reading import answered, items, lines, say
from tests.fakes.web_house import WebHouse, said

EVIL = "https://evil.example/take?q=secret"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    """A house whose agent has read outside words and writes a link of theirs."""
    async with WebHouse(tmp_path) as house:

        async def script(claim: Claim) -> TurnEnd:
            return said(f"See [our page]({EVIL}) and https://xn--bcher-kva.example/", tainted=True)

        house.script = script
        yield house


async def assistant(client: ClientSession, path: str, go: asyncio.Event | None = None) -> bytes:
    """The first answer of a stream; `go` is set once the stream is open."""
    async with asyncio.timeout(10), client.get(path) as stream:
        sent = b""
        while b'"role":"assistant"' not in sent:
            sent = await stream.content.readuntil(b"\n\n")
            if go and b"event: state" in sent:
                go.set()
    return sent


async def asked(client: ClientSession, conv: str, to: str) -> tuple[int, str, str]:
    """Status, text and Location of the page."""
    path = f"/chat/{conv}/out?to={quote(to, safe='')}"
    async with client.get(path, allow_redirects=False) as response:
        return response.status, await response.text(), response.headers.get("Location", "")


async def test_the_page_shows_where_a_link_leads_and_leads_nowhere_itself(house: WebHouse) -> None:
    person = await house.browser()
    told = await say(person, "What do they write?")
    await answered(person, told)
    status, page, location = await asked(person, told["conversation"], EVIL)
    assert (status, location) == (200, "")
    assert "<strong>evil.example</strong>" in page
    assert f'<p class="exact" dir="ltr">{EVIL}</p>' in page
    assert page.count(f'href="{EVIL}"') == 1
    assert "http-equiv" not in page
    assert "<script" not in page


@pytest.mark.parametrize(
    "to",
    [
        "https://other.example/",
        "https://evil.example/take?q=secret2",
        "javascript:alert(1)",
        "",
        "https://evil.example/" + "a" * 2000,
    ],
    ids=["another address", "a longer one", "a script", "none", "too long"],
)
async def test_an_address_that_stands_nowhere_gets_no_page_of_ours(
    house: WebHouse, to: str
) -> None:
    person = await house.browser()
    told = await say(person, "What do they write?")
    await answered(person, told)
    status, page, location = await asked(person, told["conversation"], to)
    assert (status, location) == (404, "")
    assert "evil.example" not in page
    assert "other.example" not in page


async def test_nobody_is_led_out_of_a_conversation_that_they_may_not_read(house: WebHouse) -> None:
    person = await house.browser()
    told = await say(person, "What do they write?")
    await answered(person, told)
    member = await house.browser(await house.member())
    tenant, stranger = await house.other_tenant()
    for other in (member, await house.browser(stranger)):
        assert (await asked(other, told["conversation"], EVIL))[0] == 404
    status, _, location = await asked(house.client(), told["conversation"], EVIL)
    assert (status, location) == (303, "/in")


async def test_lines_of_a_tainted_conversation_say_so_however_they_are_read(
    house: WebHouse,
) -> None:
    person = await house.bearer()
    told = await say(person, "What do they write?")
    read = await answered(person, told)
    assert [one.get("outside") for one in read] == [None, True]
    path = f"/v1/conversations/{told['conversation']}"
    before = f"{path}/messages?before={read[-1]['n'] + 1}"
    assert [one.get("outside") for one in await items(person, before)] == [None, True]
    assert b'"outside":true' in await assistant(person, f"{path}/stream?after=0")


async def test_a_line_that_is_told_as_it_comes_says_so_too(house: WebHouse) -> None:
    person = await house.bearer()
    house.script = house.echo
    told = await say(person, "Hello")
    await answered(person, told)
    ready, go = asyncio.Event(), asyncio.Event()

    async def script(claim: Claim) -> TurnEnd:
        ready.set()
        await go.wait()
        return said(EVIL, tainted=True)

    house.script = script
    await say(person, "And now?", conversation=told["conversation"])
    await ready.wait()
    path = f"/v1/conversations/{told['conversation']}/stream"
    assert b'"outside":true' in await assistant(person, path, go)


async def test_lines_of_another_conversation_say_nothing(house: WebHouse) -> None:
    house.script = house.echo
    person = await house.bearer()
    told = await say(person, "Hello")
    await answered(person, told)
    assert ["outside" in line for line in await lines(person, told)] == [False, False]


@pytest.mark.parametrize(
    ("address", "host", "meant"),
    [
        ("https://example.org/a?b=c#d", "example.org", ""),
        ("http://example.org:8080/", "example.org:8080", ""),
        ("HTTPS://Example.ORG/", "example.org", ""),
        ("https://bücher.example/", "xn--bcher-kva.example", "bücher.example"),
        ("https://\u0430pple.com/login", "xn--pple-43d.com", "\u0430pple.com"),
        ("https://ｅxample.org/", "example.org", "ｅxample.org"),
        ("https://[2001:db8::1]/", "[2001:db8::1]", ""),
        ("https://good.com.evil.example/good.com", "good.com.evil.example", ""),
    ],
)
def test_the_host_is_shown_as_it_is_looked_up(address: str, host: str, meant: str) -> None:
    found = lead(address)
    assert (found.host, found.meant, found.why_not) == (host, meant, "")
    assert found.href.startswith((f"https://{host}/", f"http://{host}/"))


@pytest.mark.parametrize(
    "address",
    [
        "https://good.com@evil.example/",
        "https://good.com\\@evil.example/",
        "https://evil.example\\.good.com/",
        "https://%65vil.example/",
        "https://evil.example/\u202egpj.exe",
        "https://evil\u200b.example/",
        "https://evil.example/\tx",
        "https://evil.example:99999/",
        "https://[::1",
        "https://" + "a" * 64 + ".example/",
        "https:///evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://evil.example/",
        "//evil.example/",
        "evil.example",
    ],
)
def test_what_could_be_read_in_two_ways_is_shown_and_not_opened(address: str) -> None:
    found = lead(address)
    assert found.href == ""
    assert found.why_not


def test_no_host_is_named_where_browsers_would_see_another() -> None:
    assert lead("https://good.com\\@evil.example/").host == ""


def test_what_is_hidden_in_an_address_is_written_out() -> None:
    assert "[U+202E]" in lead("https://evil.example/\u202egpj.exe").shown
