"""Named points where a test may stop the world. In production `point` does nothing.

One before and after each commit, vendor call and acknowledgement; `POINTS` lists them all, so that
the kill tests can visit every one.
"""

from collections.abc import Callable

POINTS = (
    "accept.before_commit",
    "accept.after_commit",
    "turn.claimed",
    "step.before_journal",
    "step.after_journal",
    "model.before_call",
    "model.after_call",
    "effect.before_sending",
    "effect.after_sending",
    "effect.after_call",
    "effect.after_settle",
    "reply.before_sending",
    "reply.after_sending",
    "reply.after_call",
    "turn.before_finish",
    "turn.after_finish",
    "decide.before_commit",
    "decide.after_commit",
    "fire.before_commit",
    "fire.after_commit",
)

_hook: Callable[[str], None] | None = None


def point(name: str) -> None:
    """Pass a named point."""
    if _hook is not None:
        _hook(name)


def arm(hook: Callable[[str], None] | None) -> None:
    """Call `hook` at every point from now on; None disarms."""
    global _hook
    _hook = hook
