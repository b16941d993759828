"""Others' Python packages that only judge us: installed once beside ours, run in their own process.

They lie in the user's cache folder and never in our environment, so that what they need changes
nothing that we test. Where one of them cannot be had, tests skip and say so.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def installed(package: str) -> Path:
    """The folder of a package such as `aiosmtpd==1.4.6`; skips the test where there is none."""
    pip = shutil.which("pip")
    if pip is None:
        pytest.skip(f"pip is not installed, so {package} cannot be")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    here = f"{package.replace('==', '-')}-py{sys.version_info[0]}.{sys.version_info[1]}"
    folder = cache / "switchboard-tests" / here
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            command = [pip, "--python", sys.executable, "install", "--target", str(folder)]
            done = subprocess.run(
                [*command, "--only-binary", ":all:", "--quiet", package],
                capture_output=True,
                text=True,
                timeout=100,
            )
            if done.returncode:
                pytest.skip(f"{package} cannot be installed: {done.stderr.strip()[-200:]}")
            (folder / "whole").touch()
    return folder


def surroundings(package: str) -> dict[str, str]:
    """An environment in which a Python finds it."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed(package))}
