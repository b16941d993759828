"""Asking an agent about a message: the form of the message's shortcut, and the question it makes.

The message goes along as words of others, never as the asker's own; the answer is for whoever
asked alone. What the form remembers of the message is limited by Slack to 3,000 characters.
https://docs.slack.dev/interactivity/implementing-shortcuts#messages (read 2026-11-21)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.event import Event, Kind, Sender
from bot.core.ids import AgentName
from bot.render.text import clip
from channels.slack.events import Body, Reader, body_of, text_of
from channels.slack.placing import AGENT, ROUTED, chosen, options_of
from channels.slack.whispers import alone
from channels.slack.words import plain

SHORTCUT: Final = "ask_about_message"
FORM: Final = "ask_form"
QUESTION: Final = "question"
USUAL: Final = "What do you make of this message?"
"""What is asked where nothing was written."""
MAX_REMEMBERED, MAX_QUESTION = 3000, 3000
STEP: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The message that is asked about."""

    channel: str
    writer: str
    text: str


def about(payload: Body, us: str) -> About:
    """What a shortcut was used on."""
    message = body_of(payload, "message")
    return About(
        channel=text_of(body_of(payload, "channel"), "id"),
        writer=text_of(message, "user") or text_of(message, "username") or "an app",
        text=plain(text_of(message, "text", 200_000), us),
    )


def of_ask(asked: About, agents: Sequence[tuple[str, str]]) -> dict[str, Json]:
    """The form."""
    options = options_of(agents)
    who: dict[str, Json] = {
        "type": "static_select",
        "action_id": AGENT,
        "options": list(options),
        "initial_option": options[0],
    }
    what: dict[str, Json] = {
        "type": "plain_text_input",
        "action_id": QUESTION,
        "multiline": True,
        "max_length": MAX_QUESTION,
        "placeholder": _text(USUAL, 150),
    }
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": _remembered(asked),
        "title": _text("Ask an agent", 24),
        "submit": _text("Ask", 24),
        "close": _text("Cancel", 24),
        "blocks": [
            {"type": "section", "text": _text(asked.text or "A message without words", 300)},
            {"type": "input", "block_id": AGENT, "label": _text("Whom", 200), "element": who},
            {
                "type": "input",
                "block_id": QUESTION,
                "optional": True,
                "label": _text("Your question", 200),
                "element": what,
            },
        ],
    }


def event_of(view: Body, who: Sender, reader: Reader) -> Event | None:
    """The question of a form that came back; None when it is none of ours."""
    try:
        told = json.loads(text_of(view, "private_metadata", MAX_REMEMBERED))
    except ValueError:
        return None
    channel = text_of(told, "channel")
    if not channel:
        return None
    values = body_of(body_of(view, "state"), "values")
    question = text_of(body_of(body_of(values, QUESTION), QUESTION), "value", MAX_QUESTION)
    agent = chosen(view, AGENT)
    said: Mapping[str, Any] = {
        "role": text_of(told, "writer"),
        "content": text_of(told, "text", MAX_REMEMBERED),
    }
    return reader.event(
        f"{reader.account.team}:ask:{text_of(view, 'id')}:{who.ext_id}",
        Kind.MESSAGE,
        who,
        reader.place(channel, alone(who.ext_id)),
        text=question.strip() or USUAL,
        agent=AgentName(agent) if agent not in ("", ROUTED) else None,
        payload={"history": [dict(said)]},
    )


def _remembered(asked: About) -> str:
    """As the form keeps it: cut, and so marked, where Slack has no room for all of it."""
    room = len(asked.text)
    while True:
        text = asked.text if room >= len(asked.text) else f"{asked.text[:room]} […]"
        found = json.dumps(
            {"channel": asked.channel, "writer": asked.writer, "text": text}, ensure_ascii=False
        )
        if len(found) <= MAX_REMEMBERED or room <= 0:
            return found
        room = min(room, MAX_REMEMBERED) - STEP


def _text(words: str, room: int) -> Json:
    return {"type": "plain_text", "text": clip(words, room), "emoji": False}
