"""Tell one story again, with everything that the engine says meanwhile: `python -m tests.sim 42`."""

import logging
from argparse import ArgumentParser

from tests.sim import world
from tests.sim.checks import complaints
from tests.sim.people import story


def main() -> int:
    """Print the log, then what is wrong; 1 when something is."""
    parser = ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--faults", type=float, default=1.0, help="how often the disk fails")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    told = world.tell(args.seed, story, faults=args.faults, silent=False)
    said = complaints(told.evidence())
    print("\n".join(said) or "Every promise was kept.")
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main())
