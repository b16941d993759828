"""`python -m bot` and the command `bot`; everything else is in `bot/cli`."""

import sys

from bot.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
