"""The way to a server that is a program: lines of JSON over its standard input and output.

Written anew because the package's own way reads a line without end into memory, hands down parts of
the environment, and leaves the program behind when the house is killed. A line has a limit, the
environment is what the settings name, and `_keeper.py` ends the program with the house. What it
says on its standard error goes to the log, a line at a time and masked there.

Protocol, read 2026-11-21:
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from bot.core.errors import VendorRefused
from tools.mcp._server import Server

log = logging.getLogger(__name__)

MAX_LINE = 8 * 1024 * 1024
MAX_LOGGED = 500
LOG_LINES = 200
"""How many lines of its standard error are kept of one run."""
STOP_S = 5.0
_KEEPER = str(Path(__file__).with_name("_keeper.py"))

Streams = tuple[Any, Any]
"""What the package reads from and writes to."""


@contextlib.asynccontextmanager
async def open_stdio(server: Server, ended: Callable[[], None]) -> AsyncIterator[Streams]:
    """Run the program; `ended` is called when it stops by itself. Raises VendorRefused."""
    process, life = await _start(server)
    into, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, out = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = [
        asyncio.create_task(_read(process, into, ended), name=f"mcp {server.name} reads"),
        asyncio.create_task(_write(process, out), name=f"mcp {server.name} writes"),
        asyncio.create_task(_listen(process, server.name), name=f"mcp {server.name} log"),
    ]
    try:
        yield incoming, outgoing
    finally:
        with anyio.CancelScope(shield=True):
            await asyncio.shield(_stop(process, life, tasks))
        for stream in (into, incoming, outgoing, out):
            stream.close()


async def _start(server: Server) -> tuple[asyncio.subprocess.Process, int]:
    if os.name != "posix":
        raise VendorRefused("Programs as MCP servers need Linux or macOS; use its HTTP address.")
    env = {"PATH": server.path or os.defpath}
    env |= {name: value.reveal() for name, value in server.env.items()}
    there, life = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", _KEEPER, str(there), server.command, *server.args),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
            pass_fds=(there,),
            start_new_session=True,
            limit=MAX_LINE,
        )
    except OSError as error:
        os.close(life)
        raise VendorRefused(f"{server.name} cannot be started: {error.strerror}.") from error
    finally:
        os.close(there)
    return process, life


async def _read(process: asyncio.subprocess.Process, into: Any, ended: Callable[[], None]) -> None:
    """Lines to messages, until the program ends or says a line that is too long."""
    if process.stdout is None:
        return
    try:
        while line := await process.stdout.readline():
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError as error:
                await into.send(error)
                continue
            await into.send(SessionMessage(message))
    except ValueError:
        log.warning("An MCP server said a line of more than %d bytes; it is stopped.", MAX_LINE)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
        pass  # this side is closing
    finally:
        into.close()
        ended()


async def _write(process: asyncio.subprocess.Process, out: Any) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(ConnectionError, anyio.ClosedResourceError):
        async for item in out:
            text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(text.encode() + b"\n")
            await process.stdin.drain()


async def _listen(process: asyncio.subprocess.Process, name: str) -> None:
    """What it says on its standard error, to the log; read on even when no more is kept."""
    if process.stderr is None:
        return
    kept = 0
    while chunk := await process.stderr.read(65_536):
        for line in chunk.decode("utf-8", "replace").splitlines():
            kept += 1
            if kept <= LOG_LINES:
                log.info("MCP server %s: %s", name, line[:MAX_LOGGED])


async def _pour_away(process: asyncio.subprocess.Process) -> None:
    while process.stdout and await process.stdout.read(1 << 20):
        pass


async def _stop(
    process: asyncio.subprocess.Process, life: int, tasks: list[asyncio.Task[None]]
) -> None:
    """Close its input, which asks it to end; the keeper sees to it that it does.

    What it still says is poured away: as long as somebody has not read to its end, a program is not
    over for asyncio, and its pipe stays open.
    """
    if process.stdin:
        process.stdin.close()
    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    tasks.append(asyncio.create_task(_pour_away(process), name="mcp pours away"))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await process.wait()
    os.close(life)
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        log.warning("An MCP server's keeper does not end; it is killed.")
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
