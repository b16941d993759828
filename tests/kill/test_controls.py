"""The same negative controls as in the simulation, with a real process that is really killed."""

from pathlib import Path

import pytest

from tests.kill.harness import Nursery, Tally


@pytest.mark.parametrize(
    ("breaks", "policy", "point", "kind"),
    [
        ("blind_resend", "none", "effect.after_call:1", "twice: none"),
        ("sending_after_the_call", "readback", "effect.after_call:1", "twice: readback"),
        ("key_changes_on_retry", "keyed", "effect.after_call:1", "twice: keyed"),
        ("ack_before_commit", "none", "accept.after_commit:2", "lost: "),
    ],
)
def test_a_kill_does_harm_when_this_is_broken(
    nursery: Nursery, tmp_path: Path, breaks: str, policy: str, point: str, kind: str
) -> None:
    said: list[str] = []
    for n in range(5):  # what is broken by a race harms as a rule, not always
        home = tmp_path / str(n)
        home.mkdir()
        end = nursery.live(home, policy=policy, kill=point, breaks=breaks)
        assert end["signal"] == 9
        nursery.live(home, policy=policy, breaks=breaks)
        tally = Tally()
        tally.add(home, policy, kills=1)
        said += tally.said
        if any(text.startswith(kind) for text in said):
            return
    raise AssertionError(said)
