"""aimock, somebody else's stand-in for OpenAI, Anthropic and Gemini: installed once, then kept.

It speaks the three wire formats and was not written from our client, which is what it is trusted
for; it checks keys and no message lists (`openai_server.py` does). The npm package lies in the
user's cache folder. Where npm is absent or the package cannot be had, tests skip and say so.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PACKAGE = "@copilotkit/aimock@1.43.0"
KEY = "test-key-0123456789WXYZ"


def program() -> list[str]:
    """The command that starts it; skips the test where there is none."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm is not installed, so aimock cannot be")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "switchboard-tests" / PACKAGE.rsplit("/", 1)[1].replace("@", "-")
    script = folder / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
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
    return [node, str(script)]


@contextmanager
def running(folder: Path, fixtures: list[dict[str, object]]) -> Iterator[str]:
    """Its address, while it runs with these fixtures."""
    (folder / "fixtures.json").write_text(json.dumps({"fixtures": fixtures}))
    command = [*program(), "-p", "0", "-f", str(folder / "fixtures.json"), "--strict"]
    process = subprocess.Popen(
        command,
        env={"PATH": os.environ["PATH"], "AIMOCK_API_KEYS": KEY},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def _address(process: subprocess.Popen[str]) -> str:
    for line in process.stdout or ():
        if "listening on " in line:
            return line.rsplit("listening on ", 1)[1].strip()
    raise RuntimeError("aimock did not start")
