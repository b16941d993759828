"""What platforms want to be told is known without their libraries."""

import subprocess
import sys

from bot.wiring.setup import channel_names, channel_wants, has_manifest

LOOK = """
import sys
from bot.wiring.setup import channel_names, channel_wants
before = set(sys.modules)
assert all(channel_wants(name) for name in channel_names())
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
"""


def test_the_list_of_platforms_imports_none_of_their_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, timeout=60, check=True
    )
    heavy = {"slack_sdk", "slack_bolt", "telegram", "discord", "msal", "twilio", "aioimaplib"}
    assert "channels" in done.stdout.split()
    assert not heavy & set(done.stdout.split())


def test_a_platform_that_is_unknown_wants_nothing() -> None:
    assert list(channel_wants("pigeon")) == [] and not has_manifest("pigeon")
    assert has_manifest("slack") and "slack" in channel_names()
