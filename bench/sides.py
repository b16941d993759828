"""The programs that are measured, each started as its user starts it, each in a process of its own.

Ours is the whole program, `python -m bot run` on an empty home; the floors are `bench/floor.py`.
All servers share one core and everything that plays on them the other one, so that no side gains
from a core that its load leaves idle. Only processes that were started here are ended here.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.load import Plan, Seen
from bench.machine import CLIENT_CORE, PYTHON, ROOT, SERVER_CORE, cpu_s, free_port

TOKEN = "bench-token-of-the-first-owner-0123456789"
PACE_MS = 0.345
"""CPU of a turn of F on the machine that the absolute goals were set on: 2,900 turns/s a core."""
MANY = "1000000000"
"""Limits are on and counted; this one is never reached."""
START_S = 90.0
OURS = ("ours", "direct")
"""The whole program, by LiteLLM and past it."""
BOT = ("-m", "bot", "run")


class Failed(Exception):
    """A program of the benchmark did not do its part."""


@dataclass(slots=True, kw_only=True)
class Side:
    """One running program."""

    name: str
    """ours, direct (ours past LiteLLM), F or L."""
    port: int
    folder: Path
    process: "subprocess.Popen[bytes]"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def load(self, **words: Any) -> Seen:
        """Let a load play on it."""
        return play(Plan(port=self.port, pid=self.pid, headers=self.headers, **words))

    def get(self, path: str) -> Any:
        """Ask it something, as JSON."""
        return call(f"http://127.0.0.1:{self.port}{path}", headers=self.headers)

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Any:
        """Tell it something."""
        url = f"http://127.0.0.1:{self.port}{path}"
        return call(url, body, {**self.headers, **(headers or {})})

    def kill(self) -> None:
        """End it at once, as loss of power would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it as its user does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def rest(self, least_s: float = 0.3, most_s: float = 60.0) -> None:
        """Wait until it has nothing left to do."""
        until = time.monotonic() + most_s
        while time.monotonic() < until:
            before = cpu_s(self.pid)
            time.sleep(least_s)
            if cpu_s(self.pid) - before <= least_s * 0.05:
                return

    def said(self) -> str:
        """The end of what it printed, for whoever looks for a fault."""
        return (self.folder / "output").read_text(errors="replace")[-2000:]


def call(url: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
    """One request by the standard library; None for an empty answer. Raises OSError."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, sent)
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def play(plan: Plan) -> Seen:
    """Run a load in a process of its own. Raises Failed when an answer was none."""
    done = subprocess.run(
        [PYTHON, "-m", "bench.load"],
        input=json.dumps(asdict(plan)).encode(),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        preexec_fn=_on(CLIENT_CORE),
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise Failed(f"The load ended with {done.returncode}.")
    seen = Seen(**json.loads(done.stdout))
    if seen.wrong and plan.kind != "burst":
        raise Failed(f"{seen.lost} answers were none, such as {seen.wrong[0]}")
    return seen


def spawn(words: Sequence[str], folder: Path, core: int, env: Mapping[str, str]) -> Any:
    """Start a program on a core; what it prints goes to `folder/output`."""
    plain = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(
            [PYTHON, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            env={**plain, "HOME": str(folder), **env},
            preexec_fn=_on(core),
        )


def _on(core: int) -> Any:
    return lambda: os.sched_setaffinity(0, {core})


class Yard:
    """A folder for one run, the stub in it, and whatever is started on it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.stub_port, self.tell_port = free_port(), free_port()
        words = ["--port", str(self.stub_port), "--tell", str(self.tell_port)]
        self._stub = spawn(["-m", "bench.stub", *words], self.folder, CLIENT_CORE, {})
        self._sides: list[Side] = []
        self._kept: dict[str, Side] = {}
        self._pace = 0.0
        wait_for(self.stub_port, self._stub, self.folder)

    @property
    def stub_url(self) -> str:
        """Where the model is."""
        return f"http://127.0.0.1:{self.stub_port}/v1"

    @property
    def stub_pid(self) -> int:
        """Its process."""
        pid: int = self._stub.pid
        return pid

    def last_request(self) -> dict[str, Any]:
        """What the model was asked last."""
        asked: dict[str, Any] = call(f"http://127.0.0.1:{self.tell_port}/last")
        return asked

    def most_at_once(self) -> int:
        """How many the model had before it at a time, since this was asked last."""
        return int(call(f"http://127.0.0.1:{self.tell_port}/most")["most"])

    def close(self) -> None:
        """End all that was started, and leave nothing."""
        for side in self._sides:
            side.stop()
        self._stub.terminate()
        self._stub.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def kept(self, name: str) -> Side:
        """A side that several benchmarks share; its model's library is loaded."""
        if name not in self._kept:
            side = self._kept[name] = self.start(name)
            side.load(kind="chat", turns=20, name="warm", renew=10)
            side.rest()
        return self._kept[name]

    def pace(self) -> float:
        """How much slower this machine is than the one that absolute goals were set on."""
        if not self._pace:
            side = self.kept("F")
            words = {"kind": "chat", "conversations": 64, "seconds": 1.0, "warm": 1}
            seen = [side.load(**words, name=f"pace{n}") for n in range(3)]
            turn_ms = min(each.cpu_s / each.done for each in seen) * 1000
            self._pace = max(1.0, turn_ms / PACE_MS)
            side.rest()
        return self._pace

    def start(
        self, name: str, env: Mapping[str, str] | None = None, words: Sequence[str] = BOT
    ) -> Side:
        """Start a side on a fresh folder and wait until it listens."""
        side = self.launch(name, env, words=words)
        wait_for(side.port, side.process, side.folder)
        return side

    def by_hand(self, words: Sequence[str]) -> Side:
        """Start a program that somebody wrote by hand and wait until it says that it is ready."""
        port = free_port()
        folder = self.folder / f"hand-{port}"
        folder.mkdir()
        process = spawn([*words, "--port", str(port)], folder, SERVER_CORE, {})
        side = Side(name="by hand", port=port, folder=folder, process=process)
        self._sides.append(side)
        wait_for(port, process, folder)
        return side

    def launch(
        self,
        name: str,
        env: Mapping[str, str] | None = None,
        folder: Path | None = None,
        words: Sequence[str] = BOT,
    ) -> Side:
        """Start a side and do not wait; `folder` is that of an earlier one, to go on with."""
        port = free_port()
        if folder is None:
            folder = self.folder / f"{name}-{port}"
            folder.mkdir()
        if name in OURS:
            settings = self.settings(port, folder)
            settings["BOT_MODELS_TRANSPORT"] = "direct" if name == "direct" else "litellm"
        else:
            words = ["-m", "bench.floor", name, "--port", str(port), "--model-url", self.stub_url]
            words, settings = [*words, "--home", str(folder)], {}
        process = spawn(words, folder, SERVER_CORE, {**settings, **(env or {})})
        headers = {"Authorization": f"Bearer {TOKEN}"} if name in OURS else {}
        side = Side(name=name, port=port, folder=folder, process=process, headers=headers)
        self._sides.append(side)
        return side

    def settings(self, port: int, folder: Path) -> dict[str, str]:
        """How ours is set: a real model at the stub, and limits that are counted but not reached."""
        return {
            "BOT_HOME": str(folder / "home"),
            "BOT_PORT": str(port),
            "BOT_API_TOKEN": TOKEN,
            "BOT_AGENTS_DIR": str(self.agents()),
            "BOT_MODELS_DEFAULT": "openai/gpt-4o-mini",
            "OPENAI_API_KEY": "test-key",
            "BOT_ENDPOINT_OPENAI": self.stub_url,
            "BOT_LIMITS_PERSON_PER_MINUTE": MANY,
            "BOT_LIMITS_TENANT_PER_MINUTE": MANY,
        }

    def agents(self) -> Path:
        """The shipped agents, word for word, but for how often they may be spoken to."""
        folder = self.folder / "agents"
        if not folder.exists():
            folder.mkdir()
            for file in (ROOT / "agents").glob("*.md"):
                text = file.read_text("utf-8")
                (folder / file.name).write_text(unhurried(text), "utf-8")
        return folder


def unhurried(text: str) -> str:
    """An agent's file with limits that are counted and that no load reaches."""
    _, head, prompt = text.split("---\n", 2)
    told = yaml.safe_load(head)
    often = dict.fromkeys(("per_minute", "per_hour", "per_day"), int(MANY))
    told["limits"] = {**told.get("limits", {}), **often}
    return f"---\n{yaml.safe_dump(told, sort_keys=False, allow_unicode=True)}---\n{prompt}"


def wait_for(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Wait until a program listens. Raises Failed with what it said."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Failed((folder / "output").read_text(errors="replace")[-2000:])
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
            return
        except urllib.error.HTTPError:
            return  # it has no such page, so it is there
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    raise Failed(f"Nothing listens on port {port}.")


@contextlib.contextmanager
def yard() -> Iterator[Yard]:
    """A yard for the length of a run."""
    made = Yard()
    try:
        yield made
    finally:
        made.close()
