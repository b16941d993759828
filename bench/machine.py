"""What the numbers were made on, and what the kernel says of a process: CPU, memory, cores.

Linux only: everything is read from `/proc`. Nothing here measures; the benchmarks do.
"""

import os
import platform
import socket
import sqlite3
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
"""The one that is measured has this core to itself."""
CLIENT_CORE = CORES[1 % len(CORES)]
"""The stub of the model, the load and this program share the other one."""


def describe() -> list[str]:
    """The machine, in three lines."""
    load = os.getloadavg()[0]
    pinned = f"server on core {SERVER_CORE}, load and stub of the model on core {CLIENT_CORE}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "litellm", "sqlalchemy"))
    return [
        f"{len(CORES)} cores ({_cpu()}), load {load:.1f} at the start; {pinned}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}",
        f"Linux {platform.release()}, fdatasync of 4 KiB {_sync_ms():.2f} ms (median of 200)",
    ]


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _sync_ms() -> float:
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(200):
            began = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return sorted(took)[100] * 1000


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def threads_cpu_s(pid: int) -> dict[str, float]:
    """The same by thread: main, and each other by its name and id."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        name = "main" if task.name == str(pid) else f"{(task / 'comm').read_text().strip()}"
        found[f"{name} {task.name}"] = (int(fields[11]) + int(fields[12])) * _TICK_S
    return found


def rss_kb(pid: int) -> int:
    """Memory that a process holds now."""
    return _status(pid, "VmRSS")


def forget_peak(pid: int) -> None:
    """Let `peak_kb` begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_kb(pid: int) -> int:
    """The most memory that it held since."""
    return _status(pid, "VmHWM")


def _status(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    raise LookupError(field)


def free_port() -> int:
    """A port that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


PYTHON = sys.executable
ROOT = Path(__file__).resolve().parent.parent
