"""Who listens on a port of this machine, as Linux tells it; nobody, where it does not.

`/proc/net/tcp` names the socket by a number, and each process's open files name the same number.
Layout: https://docs.kernel.org/networking/proc_net_tcp.html (read 2026-11-21).
"""

from pathlib import Path

from bot.frozen import frozen

PROC = Path("/proc")
_LISTEN = "0A"


@frozen
class Holder:
    """A process that listens."""

    pid: int
    program: str


def holder_of(port: int, proc: Path = PROC) -> Holder | None:
    """The process that listens on `port`; None when that cannot be seen."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    if not sockets:
        return None
    for process in proc.iterdir():
        if process.name.isdigit() and _holds(process, sockets):
            return Holder(pid=int(process.name), program=_program(process))
    return None


def _inodes(port: int, proc: Path) -> set[str]:
    found: set[str] = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            cells = line.split()
            if cells[3] == _LISTEN and int(cells[1].rpartition(":")[2], 16) == port:
                found.add(cells[9])
    return found


def _holds(process: Path, sockets: set[str]) -> bool:
    try:
        return any(str(file.readlink()) in sockets for file in (process / "fd").iterdir())
    except OSError:
        return False  # not ours to look at, or gone


def _program(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a program"
