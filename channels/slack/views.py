"""Forms and the home page, as Slack's views.

Limits: 24 characters of a title, 100 blocks, 3,000 characters of a text and of what a form
remembers. A text that is longer cannot be edited here, and is never cut.
https://docs.slack.dev/reference/views (read 2026-11-21)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.errors import Invalid
from bot.platforms.lent import Form, Known, Waiting
from bot.render.text import clip
from channels.slack.events import Body, body_of, list_of, text_of

APPROVAL, FEEDBACK = "approval_form", "feedback_form"
MAX_TITLE, MAX_INPUT, MAX_INPUTS, MAX_LABEL = 24, 3000, 50, 200
MAX_LISTED: Final = 30
MAX_ACCOUNTS: Final = 10
STRANGER: Final = (
    "You are not connected. Write to me under Messages: I answer with a code, and whoever runs "
    "this lets you in with it. Or write /link and that code where I know you already."
)
FIELD: Final = "text"
"""The `action_id` of every input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a form was opened: answers of the house go there."""

    channel: str
    thread: str
    message: str

    def words(self) -> dict[str, Json]:
        """As a form remembers it."""
        return {"channel": self.channel, "thread": self.thread, "message": self.message}


def of_form(form: Form, origin: Origin) -> dict[str, Json]:
    """The view of a form. Raises Invalid when a text is too long for Slack."""
    if len(form.inputs) > MAX_INPUTS or any(len(each.value) > MAX_INPUT for each in form.inputs):
        raise Invalid("This is too long to be edited in Slack. Edit it on the house's own page.")
    about: dict[str, Json] = {
        "approval": form.approval,
        "version": form.version,
        "choice": form.choice,
    }
    keys: list[Json] = [each.key for each in form.inputs]
    inputs = [
        _input(f"i{n}", each.label, each.value, each.long) for n, each in enumerate(form.inputs)
    ]
    remembered: dict[str, Json] = {**about, **origin.words(), "keys": keys}
    return _modal(APPROVAL, form.title, inputs, remembered)


def of_feedback(origin: Origin) -> dict[str, Json]:
    """The view that asks what was wrong."""
    inputs = [_input("i0", "What was wrong?", "", True)]
    return _modal(FEEDBACK, "Feedback", inputs, {**origin.words(), "keys": ["detail"]})


def of_home(
    known: Known,
    agents: Sequence[tuple[str, str]],
    waiting: Sequence[Waiting],
    places: Sequence[Json],
) -> dict[str, Json]:
    """The home page: what waits for the person, whom they can ask, what is connected for them, who
    they are here, and what they may change. At most 97 blocks, with 20 places."""
    lines = [_header("Waiting for you"), *_listed(waiting), _header("Agents")]
    lines += [_line(title or name, name) for name, title in agents[:MAX_LISTED]]
    accounts = [_line(*each) for each in known.accounts[:MAX_ACCOUNTS]]
    lines += [_header("Connected accounts"), *accounts] if accounts else []
    lines += [
        _header("You"),
        _line(known.name, known.role),
        _line("Known on", ", ".join(each.capitalize() for each in known.channels)),
    ]
    lines += [_header("Places"), *places] if places else []
    return {"type": "home", "blocks": lines}


def of_stranger() -> dict[str, Json]:
    """The home page of somebody who is not known here: nothing but how they would be."""
    return {"type": "home", "blocks": [_header("Not connected"), _stranger()]}


def _stranger() -> Json:
    return {"type": "section", "text": _text(STRANGER, 300)}


def of_waiting(waiting: Sequence[Waiting] | None) -> dict[str, Json]:
    """A view of what waits for the person; None for somebody who is not known here."""
    return {
        "type": "modal",
        "title": _text("Waiting for you", MAX_TITLE),
        "close": _text("Close", MAX_TITLE),
        "blocks": [_stranger()] if waiting is None else _listed(waiting),
    }


def _listed(waiting: Sequence[Waiting]) -> list[Json]:
    found = [_line(f"{each.code}  {each.title}", each.agent) for each in waiting[:MAX_LISTED]]
    return found or [_line("Nothing waits for you.", "")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A form that came back."""

    callback: str
    origin: Origin
    about: Mapping[str, Json]
    """approval, version and choice."""
    inputs: Mapping[str, str]
    """By the key that the house gave; empty where nothing was written."""


def sent(view: Body) -> Sent | None:
    """Read a view that was submitted; None when it is none of ours."""
    try:
        remembered = json.loads(text_of(view, "private_metadata", 3000))
    except ValueError:
        return None
    if not isinstance(remembered, dict) or text_of(view, "callback_id") not in (APPROVAL, FEEDBACK):
        return None
    values = body_of(body_of(view, "state"), "values")
    inputs = {
        str(key): text_of(body_of(body_of(values, f"i{n}"), FIELD), "value", MAX_INPUT)
        for n, key in enumerate(list_of(remembered, "keys"))
    }
    version = remembered.get("version")
    return Sent(
        callback=text_of(view, "callback_id"),
        origin=Origin(
            channel=text_of(remembered, "channel"),
            thread=text_of(remembered, "thread"),
            message=text_of(remembered, "message"),
        ),
        about={
            "approval": text_of(remembered, "approval"),
            "version": version if isinstance(version, int) else 0,
            "choice": text_of(remembered, "choice"),
        },
        inputs=inputs,
    )


def _modal(
    callback: str, title: str, inputs: Sequence[Json], remembered: Mapping[str, Json]
) -> dict[str, Json]:
    metadata = json.dumps(remembered, separators=(",", ":"))
    if len(metadata) > MAX_INPUT:
        raise Invalid("There are too many texts to edit in Slack. Use the house's own page.")
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": metadata,
        "title": _text(title, MAX_TITLE),
        "submit": _text("Send", MAX_TITLE),
        "close": _text("Cancel", MAX_TITLE),
        "blocks": list(inputs),
    }


def _input(block: str, label: str, value: str, long: bool) -> Json:
    element: dict[str, Any] = {
        "type": "plain_text_input",
        "action_id": FIELD,
        "multiline": long or "\n" in value,
        "max_length": MAX_INPUT,
    }
    if value:
        element["initial_value"] = value
    return {
        "type": "input",
        "block_id": block,
        "optional": True,
        "label": _text(label or "Text", MAX_LABEL),
        "element": element,
    }


def _header(words: str) -> Json:
    return {"type": "header", "text": _text(words, 150)}


def _line(words: str, detail: str) -> Json:
    text: list[Json] = [{"type": "text", "text": clip(words, 300), "style": {"bold": True}}]
    if detail:
        text.append({"type": "text", "text": f"  {clip(detail, 100)}"})
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": text}]}


def _text(words: str, room: int) -> Json:
    return {"type": "plain_text", "text": clip(words, room), "emoji": False}
