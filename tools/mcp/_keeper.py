"""Stands between the house and a server's program, so that none is left over: run as a script.

It starts the program in a group of its own and waits for one of two things: the program ends, or
the house does (then the pipe `life` is at its end, also after a kill that no house can catch).
Either way the whole group is ended. It imports nothing of ours and runs isolated (`python -I`), so
no file beside it can stand in for a library.

Usage: python -I -S _keeper.py LIFE_FD PROGRAM ARGS…
"""

import os
import select
import signal
import subprocess
import sys
import time

GRACE_S = 2.0


def main(life: int, command: list[str]) -> int:
    """Run the command until it ends or the house does; the exit code."""
    wake, wakes = os.pipe()
    for side in (wake, wakes):
        os.set_blocking(side, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: None)  # only `life` says when it is over
    try:
        child = subprocess.Popen(command, start_new_session=True)  # noqa: S603 (the owner's words)
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
        return 127
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the program holds them alone, so that their end is seen
        os.dup2(null, stream)
    while child.poll() is None:
        ready, _, _ = select.select([life, wake], [], [])
        if life in ready:
            break
        os.read(wake, 512)
    end(child)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def end(child: "subprocess.Popen[bytes]") -> None:
    """End what is left of the group: kindly, then surely."""
    tell(child.pid, signal.SIGTERM)
    until = time.monotonic() + GRACE_S
    while time.monotonic() < until and (child.poll() is None or tell(child.pid, 0)):
        time.sleep(0.02)
    tell(child.pid, signal.SIGKILL)
    child.wait()


def tell(group: int, what: int) -> bool:
    """Send a signal to a group; False when nobody is in it."""
    try:
        os.killpg(group, what)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
