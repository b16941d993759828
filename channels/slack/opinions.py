"""The two thumbs below an answer, and what a press of one says.

They stand below the last part of an answer and name its first one, by which the house knows it.
https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element (read 2026-11-21)
"""

from collections.abc import Sequence
from typing import Final

from bot.core.canonical import Json

RATE: Final = "rate_answer"
"""The `action_id` of the pair; which of the two was pressed says its value."""
_THUMBS: Final = {"feedback_positive": "up", "feedback_negative": "down"}


def below(text: str, first: str) -> Sequence[Json]:
    """The blocks of an answer's last part: its words and the thumbs. `first` is the first part's
    ts; empty where this is the only one."""
    words: Json = {"type": "mrkdwn", "text": text, "verbatim": True}
    pair: Json = {
        "type": "feedback_buttons",
        "action_id": RATE,
        "positive_button": _button("Good answer", "feedback_positive", first),
        "negative_button": _button("Bad answer", "feedback_negative", first),
    }
    return [
        {"type": "section", "text": words, "expand": True},
        {"type": "context_actions", "elements": [pair]},
    ]


def of_value(value: str) -> tuple[str, str]:
    """up or down, and the first part's ts where it is another message; empty for what is none."""
    name, _, first = value.partition(":")
    return _THUMBS.get(name, ""), first


def _button(words: str, name: str, first: str) -> Json:
    return {
        "text": {"type": "plain_text", "text": words, "emoji": False},
        "accessibility_label": words,
        "value": f"{name}:{first}" if first else name,
    }
