"""What the tests of MCP servers share: our own server and the reference server, as processes."""

import asyncio
import fcntl
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.infra.clock import SystemClock
from tools.mcp._definition import Definition
from tools.mcp._link import Link
from tools.mcp._result import Keep
from tools.mcp._server import Server

HERE = Path(__file__).parent
PACKAGE = "@modelcontextprotocol/server-everything@2026.8.31"
"""The reference server of the protocol's own project; nobody of us wrote it."""
HOME = TenantId("ten_home")


def notes(folder: Path, **changes: object) -> Server:
    """Our own small server, on the official package, over stdio."""
    env = {"BOOK": Secret(str(folder / "book")), "SHAPE": Secret(str(folder / "shape"))}
    values = {
        "name": "notes",
        "command": sys.executable,
        "args": (str(HERE / "server.py"), "stdio"),
        "env": env,
        "path": os.environ["PATH"],
        "tenants": frozenset({HOME}),
        "agents": ("bri",),
        **changes,
    }
    return Server(**values)  # type: ignore[arg-type]


def everything() -> str:
    """The script of the reference server, installed once into the user's cache."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm is not installed, so the reference server cannot be")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "switchboard-tests" / PACKAGE.rsplit("/", 1)[1].replace("@", "-")
    script = folder / "node_modules" / PACKAGE.rpartition("@")[0] / "dist" / "index.js"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            command = [npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit"]
            done = subprocess.run(
                [*command, "--no-fund", PACKAGE], capture_output=True, text=True, timeout=100
            )
            if done.returncode or not script.exists():
                pytest.skip(f"{PACKAGE} cannot be installed: {done.stderr.strip()[-200:]}")
    return str(script)


@asynccontextmanager
async def listening(
    command: Sequence[str], port: int, env: Mapping[str, str]
) -> AsyncIterator[None]:
    """A server that listens, until it is no longer needed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": os.environ["PATH"], **env},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield
    finally:
        process.kill()
        await process.wait()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@asynccontextmanager
async def opened(server: Server, clock: SystemClock | None = None) -> AsyncIterator[Link]:
    """A link to a server, closed at the end."""
    lists: list[Sequence[Definition]] = []

    async def seen(_: Server, found: Sequence[Definition]) -> None:
        lists.append(found)

    link = Link(server, clock or SystemClock(), seen)
    link.lists = lists  # type: ignore[attr-defined]
    try:
        yield link
    finally:
        await link.close()


def nowhere(tenant: TenantId, person: str | None) -> Keep:
    """Files are counted and not kept."""

    async def keep(name: str, media_type: str, pieces: AsyncIterator[bytes]) -> str:
        raw = b"".join([piece async for piece in pieces])
        return f"[file: {name}, {media_type}, {len(raw)} bytes, of {person}]"

    return keep


def book(folder: Path) -> list[str]:
    """What our server was asked to do."""
    path = folder / "book"
    return path.read_text().splitlines() if path.exists() else []


def processes(marker: str) -> list[str]:
    """Command lines of running processes that hold a word."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().decode().replace("\0", " ")
            env = (entry / "environ").read_bytes().decode(errors="replace")
        except (OSError, ValueError):
            continue
        if entry.name.isdigit() and int(entry.name) != os.getpid() and marker in env:
            found.append(line)
    return found


async def gone(marker: str) -> bool:
    """Whether nothing that carries this word runs any more, soon."""
    for _ in range(200):
        if not processes(marker):
            return True
        await asyncio.sleep(0.05)
    return False
