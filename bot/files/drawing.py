"""Has the text drawn out of a file by a child process, which a hostile file may ruin alone.

The child gets the bytes and nothing else: no environment, no secret, no open file of ours. It is
given so many seconds and so much output, two children work at a time, and none outlives its call.
What it says is no more trusted than the file.
"""

import asyncio
import contextlib
import json
import re
import signal
import sys
from pathlib import Path

from bot.core.errors import Invalid
from bot.files.draw.limits import MAX_CHARS
from bot.frozen import frozen

TIMEOUT_S = 20.0
AT_ONCE = 2
MAX_ANSWER = 12 * MAX_CHARS + 10_000
"""Bytes: a character outside the first plane is written as two escapes of six."""
_ROOT = Path(__file__).resolve().parents[2]
_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True; "
    "from bot.files.draw.child import main; main()"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class NoText(Invalid):
    """No text can be read from this file."""


@frozen
class Drawn:
    """What a file says."""

    kind: str
    """pdf, docx, html or text."""
    text: str
    note: str = ""
    """What is not here, and why; empty when all is."""


class Drawing:
    """Starts children."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def draw(self, data: bytes) -> Drawn:
        """The text of a file. Raises NoText with a sentence for the person."""
        async with self._turn:
            answer, code = await self._run(data)
        return _understood(answer, code)

    async def _run(self, data: bytes) -> tuple[bytes, int]:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-c", _CODE, str(_ROOT)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )
        feeding = asyncio.ensure_future(_feed(child, data))
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await _hear(child)
                if len(answer) <= MAX_ANSWER:
                    return answer, await child.wait()
                return b"", 1
        except TimeoutError:
            raise NoText("This file takes too long to be read.") from None
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            await child.wait()


async def _feed(child: asyncio.subprocess.Process, data: bytes) -> None:
    assert child.stdin is not None  # noqa: S101 (asked for above)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(data)
        await child.stdin.drain()
    child.stdin.close()


async def _hear(child: asyncio.subprocess.Process) -> bytes:
    """Standard output, or one byte more than is taken."""
    assert child.stdout is not None  # noqa: S101 (asked for above)
    heard = bytearray()
    while len(heard) <= MAX_ANSWER and (piece := await child.stdout.read(65_536)):
        heard += piece
    return bytes(heard)


def _understood(answer: bytes, code: int) -> Drawn:
    if code == -signal.SIGXCPU or code == -signal.SIGKILL:
        raise NoText("This file takes too long to be read.")
    try:
        said = json.loads(answer)
        if error := said.get("error"):
            raise NoText(str(error)[:300])
        kind, text, note = (str(said[name]) for name in ("kind", "text", "note"))
    except (ValueError, LookupError, AttributeError):
        raise NoText("This file cannot be read: it is broken, or needs too much.") from None
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\f", "\n"))[:MAX_CHARS]
    if not text.strip():
        raise NoText("There is no text in this file.")
    return Drawn(kind=kind, text=text, note=note[:300])
