"""The worked example, installed as any package is and run through the whole house.

Nothing of it is imported here: pip builds and installs it into a folder of its own, and a house in
a process of its own finds it by its entry points. Beside it lie a package that breaks, one that is
not there, and one that nobody switched on.
"""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar, web

from tests.fakes.oauth_rules import Rule
from tests.fakes.oauth_server import CLIENT, SECRET, OAuthServer
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.process import ROOT, surroundings

EXAMPLE = ROOT / "examples" / "paperboy"
AGENT = """---
name: bri
title: helps
tools: [paperboy_deliver, press_print]
---
You help.
"""
SETTINGS = """
[oauth.pressroom]
client_id = "{client}"
client_secret = "{secret}"

[extensions]
allow = ["Paperboy", "broken-one", "not_there"]

[extensions.options.paperboy]
folder = "{folder}"
"""
PATIENCE_S = 40


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example and two more packages in it."""
    target = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "paperboy"
    subprocess.run(["cp", "-r", str(EXAMPLE), str(source)], check=True)
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    words = [str(base), "-m", "pip", "--python", sys.executable, "install", "--quiet", "--no-index"]
    words += ["--no-deps", "--no-build-isolation", "--target", str(target), str(source)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    by_hand(target, "broken-one", "broken_one", "raise RuntimeError('no such luck')")
    by_hand(target, "silent", "silent_one", "import pathlib; pathlib.Path('woken').touch()")
    return target


def by_hand(target: Path, name: str, module: str, text: str) -> None:
    """A package as an installer leaves it, in three files."""
    (target / f"{module}.py").write_text(text)
    info = target / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[switchboard.channels]\n{module} = {module}\n")


class Pressroom(OAuthServer):
    """The service that the example acts at: its OAuth, and jobs by their key."""

    def __init__(self) -> None:
        super().__init__("x")
        self.name, self.jobs = "pressroom", dict[str, str]()
        self.rule = Rule(
            authorize="/oauth/authorize",
            token="/oauth/token",
            who="/me",
            scopes=frozenset({"profile", "print"}),
            pkce="required",
            revoke="/oauth/revoke",
        )

    async def _api(self, request: web.Request) -> web.StreamResponse:
        answer = await super()._api(request)
        if request.path == "/jobs" and answer.status == 200:
            key = request.headers["Idempotency-Key"]
            self.jobs.setdefault(key, (await request.json())["text"])
            return web.Response(status=201, text=f"job-{len(self.jobs)}")
        return answer


class Place:
    """A house with the example in it, and the folder that is its world."""

    def __init__(self, folder: Path, site: Path, model: str, press: "Pressroom") -> None:
        self.folder = folder
        self.home, self.world, self.press = folder / "home", folder / "world", press
        self.shown = ""
        (folder / "agents").mkdir()
        (folder / "agents" / "bri.md").write_text(AGENT)
        (self.world / "in").mkdir(parents=True)
        (folder / "bot.toml").write_text(
            SETTINGS.format(folder=self.world, client=CLIENT, secret=SECRET)
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.around = surroundings(
            self.home,
            BOT_PORT=str(port),
            BOT_AGENTS_DIR=str(folder / "agents"),
            OPENAI_API_KEY="sk-test",
            BOT_ENDPOINT_OPENAI=model,
            BOT_ENDPOINT_PRESSROOM=press.base,
            BOT_ALLOW_PRIVATE_ENDPOINTS="1",
            PYTHONPATH=os.pathsep.join((str(ROOT), str(site))),
        )
        self.around.pop("PYTHONWARNINGS")  # what others' packages warn of is not ours
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the house."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            cwd=self.folder,
            env=self.around,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self.process.stdout is not None
        self.shown = ""
        while line := (await self.process.stdout.readline()).decode():
            self.shown += line
            if "Ctrl-C stops it" in line:
                return
        raise AssertionError(f"the house did not start: {self.shown}")

    async def end(self, sign: int = signal.SIGTERM) -> None:
        """Stop it, gently or not."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(sign)
            await self.process.communicate()

    async def bot(self, *words: str) -> str:
        """A verb of the command line; its output, whatever its exit code."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *words,
            cwd=self.folder,
            env=self.around,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return out.decode()

    async def connect(self) -> None:
        """An owner lets the house in at the press, as a browser does it."""
        found = re.search(r"(http://[^/]+)(/in/\S+)", self.shown)
        assert found, self.shown
        house, link = found.groups()
        jar = CookieJar(unsafe=True)
        async with ClientSession(house, headers={"Origin": house}, cookie_jar=jar) as browser:
            await browser.post(link, allow_redirects=False)
            asked = await browser.get("/oauth/pressroom/start", allow_redirects=False)
            assert asked.status == 303, await asked.text()
            back = self.press.agree(asked.headers["Location"])
            done = await browser.post("/oauth/pressroom/finish", data=back, allow_redirects=False)
            assert done.status == 303, await done.text()

    async def admit(self) -> None:
        """Ana writes for the first time, and is let in."""
        self.write("1", "Hello")
        stranger = await self.answer(lambda text: "I do not know you yet" in text)
        code = stranger.partition("runs this: ")[2].split()[0]
        assert "may write to the agents now" in await self.bot("pair", code)

    def write(self, number: str, text: str) -> None:
        """A letter of Ana's."""
        letter = json.dumps({"id": number, "from": "ana", "text": text})
        half = self.world / "in" / f"{number}.half"
        half.write_text(letter)
        half.rename(half.with_suffix(".json"))

    async def listens(self, name: str) -> bool:
        """Whether the house says that this channel is up."""
        status = json.loads(await self.bot("status", "--json"))
        (channel,) = (channel for channel in status["channels"] if channel["name"] == name)
        return channel["up"] is True

    def answers(self) -> list[str]:
        """What came back so far."""
        return [path.read_text() for path in (self.world / "out").glob("*.txt")]

    async def answer(self, fits: Callable[[str], object]) -> str:
        """The answer that fits, once it is there."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for text in self.answers():
                    if fits(text):
                        return text
                await asyncio.sleep(0.05)


def think(body: dict[str, Any]) -> Reply:
    """Deliver what is to be delivered; else say something."""
    last = body["messages"][-1]
    said = str(last.get("content"))
    if last["role"] == "user" and "print" in said and "[outcome]" not in said:
        return Reply(calls=(("press_print", json.dumps({"text": "We are open on Sunday"})),))
    if last["role"] == "user" and "deliver" in said and "[outcome]" not in said:
        return Reply(calls=(("paperboy_deliver", json.dumps({"text": "We are open on Sunday"})),))
    return Reply(text="So it is.")


@pytest.fixture
async def place(tmp_path: Path, site: Path) -> AsyncIterator[Place]:
    async with OpenAIServer(otherwise=think, check=False) as model, Pressroom() as press:
        made = Place(tmp_path, site, model.url, press)
        await made.start()
        yield made
        await made.end()


@pytest.mark.timeout(240)
async def test_the_example_works_through_the_whole_house(place: Place) -> None:
    await place.admit()
    place.write("2", "deliver the news please")
    card = await place.answer(lambda text: "Waiting for your yes" in text)
    assert not (place.world / "papers").exists(), "nothing is delivered without a yes"
    code = code_on(card)

    async with asyncio.timeout(PATIENCE_S):  # the answer leaves a moment before its commit
        while code not in await place.bot("approvals"):
            await asyncio.sleep(0.1)
    await place.end(signal.SIGKILL)
    place.write("3", f"OK {code}")
    await place.start()
    await place.answer(lambda text: "So it is." in text)
    (paper,) = (place.world / "papers").glob("*.txt")
    assert paper.read_text() == "We are open on Sunday"

    place.write("4", "/whoami")
    assert "ana" in (await place.answer(lambda text: "You are" in text))
    place.write("4b", "/bad too slow")
    await place.answer(lambda text: "noted" in text)
    assert "too slow" in await place.bot("feedback", "export")

    told = json.loads(await place.bot("doctor", "--json"))
    problems = " ".join(item["what"] for item in told["problems"])
    assert "broken-one is not used" in problems and "no such luck" in problems
    assert "not-there is not used" in problems and "not installed" in problems
    assert any(
        "paperboy 1.0.0: channel paperboy, tool paperboy_deliver, tool press_print, service pressroom"
        in n
        for n in told["notes"]
    )
    assert not (place.folder / "woken").exists(), "what nobody switched on was imported"
    async with asyncio.timeout(PATIENCE_S):  # a channel is up when it has listened for a while
        while not await place.listens("paperboy"):
            await asyncio.sleep(0.2)
    assert len(list((place.world / "papers").glob("*"))) == 1


@pytest.mark.timeout(240)
async def test_its_service_is_connected_and_acted_by_as_ours_are(place: Place) -> None:
    await place.admit()
    place.write("2", "print the news please")
    card = await place.answer(lambda text: "Waiting for your yes" in text)
    assert "sandbox" in card.lower(), "nobody connected an account yet"
    place.write("3", f"NO {code_on(card)}")
    await place.answer(lambda text: "So it is." in text)

    await place.connect()
    told = json.loads(await place.bot("connections", "--json"))
    (item,) = told["items"]
    assert (item["provider"], item["title"], item["status"]) == ("pressroom", "Pressroom", "active")
    assert "works" in await place.bot("doctor") and place.press.mistakes == []
    assert (await place.bot("connections", "check", item["id"])).endswith("connected.\n")

    place.write("4", "print the news please")
    card = await place.answer(lambda text: "Waiting" in text and "sandbox" not in text.lower())
    assert place.press.jobs == {}, "nothing is printed without a yes"
    place.write("5", f"OK {code_on(card)}")
    async with asyncio.timeout(PATIENCE_S):
        while not place.press.jobs:
            await asyncio.sleep(0.05)
    assert list(place.press.jobs.values()) == ["We are open on Sunday"]
    (key,) = place.press.jobs
    assert key.startswith("eff_") and "canary-access" not in await place.bot("audit")

    said = await place.bot("connections", "disconnect", item["id"])
    assert "taken our access back" in said and place.press.revoked


def code_on(card: str) -> str:
    """The code that answers a card."""
    found = re.search(r"OK (\d+)", card)
    assert found, card
    return found[1]


def test_it_passes_the_contract_tests_that_it_runs_itself(site: Path, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    around = surroundings(tmp_path / "home", PYTHONPATH=os.pathsep.join((str(ROOT), str(site))))
    around.pop("PYTHONWARNINGS")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c"]
    words += [str(tmp_path / "pytest.ini"), str(EXAMPLE / "tests")]
    done = subprocess.run(words, capture_output=True, text=True, env=around, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


@pytest.fixture(scope="module", autouse=True)
def _no_rubbish() -> Iterator[None]:
    """The example's folder is as it was."""
    before = sorted(path.name for path in EXAMPLE.iterdir())
    yield
    assert sorted(path.name for path in EXAMPLE.iterdir()) == before
