"""`python -m bench [name …]`: measure ours beside the floors and print the tables.

    python -m bench                      all of it, about five minutes
    python -m bench latency throughput   some of it
    python -m bench profile              where a turn and a start spend their time
    python -m bench --small              the least that runs every line; its numbers mean nothing

A goal that is missed is printed with ✗ and is no error: the exit code says only whether everything
could be measured. docs/performance.md says what each row means.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from bench import acks, alone, channels, chats, fleet, house, kill, profile
from bench.machine import CLIENT_CORE, describe
from bench.scale import SMALL, WHOLE, Bench, Scale
from bench.sides import Failed, Yard, yard
from bench.table import Row, render

BENCHES: Mapping[str, tuple[str, Bench]] = {
    "start": ("The start", house.start),
    "memory": ("Memory", house.memory),
    "idle": ("Doing nothing", house.idle),
    "latency": ("One conversation, model at 0 ms", chats.added_latency),
    "throughput": ("Many conversations, model at 0 ms", chats.throughput),
    "crowd": ("A crowd, model at 500 ms", chats.crowd),
    "acks": ("A stream of events", acks.acks),
    "channels": ("Platforms, model at 500 ms", channels.channels),
    "burst": ("All at once", chats.burst),
    "growth": ("Many turns", chats.growth),
    "engine": ("The engine alone", alone.engine),
    "shared": ("The engine on PostgreSQL", alone.shared),
    "fleet": ("Three processes on one PostgreSQL", fleet.fleet),
    "kill": ("Killed", kill.kill),
}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = (*BENCHES, "profile")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(known))
    parser.add_argument("--small", action="store_true", help="only show that it runs")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in known]:
        print(f"There is no benchmark {unknown[0]}. There are: {', '.join(known)}.")
        return 2
    if not sys.platform.startswith("linux"):
        print("The benchmarks read /proc and pin cores: they need Linux.")
        return 2
    return measure(given.names or tuple(BENCHES), SMALL if given.small else WHOLE)


def measure(names: Sequence[str], scale: Scale) -> int:
    """Run these and print; 1 when one could not be measured."""
    for line in describe():
        print(line)
    print("A goal in seconds is multiplied by how much slower F is here than where it was set.")
    print("F: aiohttp and one writer thread; L: the same with LiteLLM; direct: ours past LiteLLM.")
    os.sched_setaffinity(0, {CLIENT_CORE})
    began = time.monotonic()
    missed: list[str] = []
    broken = 0
    with yard() as made:
        for name in names:
            if name == "profile":
                profile.profile(made, scale)
                continue
            rows = _one(made, name, scale)
            broken += not rows
            missed += [row.what for row in rows if row.ok is False]
    print(f"\n{time.monotonic() - began:.0f} s in all.", end=" ")
    print(f"Goals missed: {'; '.join(missed)}." if missed else "No goal was missed.")
    return 1 if broken else 0


def _one(made: Yard, name: str, scale: Scale) -> Sequence[Row]:
    title, bench = BENCHES[name]
    command = f"python -m bench {name}{' --small' if scale is SMALL else ''}"
    began = time.monotonic()
    try:
        rows = bench(made, scale)
    except (Failed, OSError, subprocess.SubprocessError) as error:
        print(f"\n{title}\n  $ {command}\n  It could not be measured: {error}")
        return ()
    took = f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}"
    print(render(f"{title} ({took})", command, rows), flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
