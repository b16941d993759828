"""What Teams refuses: activities, cards, envelopes and Graph messages that do not fit, and excess.

Graph's message is held against the published description (`microsoft-graph.json`); the connector
has none, so its rules stand here.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit (read 2026-11-21)
"""

import json
import re
import time
from collections import deque
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Any

from tests.published import document

Body = dict[str, Any]

ADAPTIVE = "application/vnd.microsoft.card.adaptive"
MAX_BYTES = 28 * 1024
"""Of a post, with its cards; Microsoft says about 28 KB."""
MAX_ACTIONS = 6
WINDOWS = ((1, 7), (2, 8), (30, 60), (3600, 1800))
"""Seconds, and how many operations of one bot one conversation takes in them."""
APP_PER_SECOND = 30
REFUSALS: dict[str, tuple[int, str]] = {
    "BadSyntax": (400, "Bad format of the request."),
    "BotNotRegistered": (401, "No registration found for this bot."),
    "BotDisabledByAdmin": (403, "The tenant admin disabled this bot."),
    "BotNotInConversationRoster": (403, "The bot is not part of the conversation roster."),
    "ConversationBlockedByUser": (403, "User blocked the conversation with the bot."),
    "ForbiddenOperationException": (403, "Bot is not installed in user's personal scope."),
    "MessageWritesBlocked": (403, "Message writes are blocked for this thread."),
    "ConversationNotFound": (404, "Conversation not found."),
    "ActivityNotFoundInConversation": (404, "The activity was not found in the conversation."),
    "PreconditionFailed": (412, "Precondition failed, please try again."),
    "MessageSizeTooBig": (413, "Message size too large."),
    "Throttled": (429, "Too many requests."),
    "ServiceError": (500, "Internal server error."),
}
"""Code to status and sentence, as the connector answers."""

_ELEMENTS: dict[str, tuple[str, ...]] = {
    "TextBlock": ("text",),
    "RichTextBlock": ("inlines",),
    "Container": ("items",),
    "ColumnSet": ("columns",),
    "Column": (),
    "FactSet": ("facts",),
    "Image": ("url",),
    "ImageSet": ("images",),
    "ActionSet": ("actions",),
    "Table": ("rows",),
    "Input.Text": ("id",),
    "Input.Number": ("id",),
    "Input.Date": ("id",),
    "Input.Time": ("id",),
    "Input.Toggle": ("id", "title"),
    "Input.ChoiceSet": ("id", "choices"),
}
_ACTIONS: dict[str, tuple[str, ...]] = {
    "Action.Submit": ("title",),
    "Action.Execute": ("title",),
    "Action.OpenUrl": ("title", "url"),
    "Action.ShowCard": ("title", "card"),
    "Action.ToggleVisibility": ("title", "targetElements"),
}
_TAGS = set(
    "at attachment b strong i em u s strike del code pre blockquote p div span br hr h1 h2 h3 "
    "ul ol li a img table thead tbody tr td th".split()
)
_VOID = {"br", "hr", "img"}
_FORMATS = ("plain", "markdown", "xml", "extendedmarkdown")


class Refusal(Exception):
    """An answer that says no, in the vendor's own form."""

    def __init__(self, code: str, detail: str = "", *, mistake: bool = True) -> None:
        super().__init__(f"{code} {detail}")
        self.status, sentence = REFUSALS[code]
        self.code, self.detail, self.is_mistake = code, detail, mistake
        self.body: Body = {"error": {"code": code, "message": detail or sentence}}


def misfits(activity: object, *, bot: str, place: str = "") -> Iterator[str]:
    """What is wrong with an activity of the bot, one sentence each."""
    if not isinstance(activity, dict):
        yield "the body is not an object"
        return
    kind = activity.get("type")
    if kind not in ("message", "typing"):
        yield f"type {kind!r}: a bot sends message or typing"
        return
    for field, wanted in (("text", str), ("attachments", list), ("entities", list)):
        if activity.get(field) is not None and not isinstance(activity[field], wanted):
            yield f"{field} is not {wanted.__name__}"
            return
    if (activity.get("from") or {}).get("id", bot) != bot:
        yield f"from.id is not {bot}"
    named = (activity.get("conversation") or {}).get("id", "")
    if place and named and named != place:
        yield "conversation.id is not the conversation of the address"
    if kind == "message":
        yield from _message(activity)


def _message(activity: Body) -> Iterator[str]:
    text, attachments = activity.get("text") or "", activity.get("attachments") or []
    if not text.strip() and not attachments:
        yield "Activity resulted into empty chat activity"
    form = activity.get("textFormat", "markdown")
    if form not in _FORMATS:
        yield f"textFormat {form!r} is none of {_FORMATS}"
    if form == "xml":
        yield from markup(text)
    if activity.get("attachmentLayout", "list") not in ("list", "carousel"):
        yield "attachmentLayout is neither list nor carousel"
    for entity in activity.get("entities") or []:
        if entity.get("type") == "mention" and entity.get("text", "") not in text:
            yield "the text of a mention is not in the text"
    for attachment in attachments:
        if not isinstance(attachment, dict) or not attachment.get("contentType"):
            yield "an attachment without contentType"
        elif attachment["contentType"] == ADAPTIVE:
            yield from card_misfits(attachment.get("content"))


def card_misfits(card: object) -> Iterator[str]:
    """What is wrong with an Adaptive Card for Teams."""
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
        yield "content is not an AdaptiveCard"
        return
    if not re.fullmatch(r"1\.[0-6]", str(card.get("version", ""))):
        yield f"version {card.get('version')!r}: Teams shows 1.0 to 1.6"
    yield from _card(card, set())


def _card(card: Body, ids: set[str]) -> Iterator[str]:
    for element in card.get("body") or []:
        yield from _element(element, ids)
    actions = card.get("actions") or []
    if len(actions) > MAX_ACTIONS:
        yield f"{len(actions)} actions: at most {MAX_ACTIONS} are shown"
    for action in actions:
        yield from _action(action, ids)


def _element(element: object, ids: set[str]) -> Iterator[str]:
    kind = element.get("type") if isinstance(element, dict) else None
    if not isinstance(element, dict) or kind not in _ELEMENTS:
        yield f"element {kind!r} is not known"
        return
    yield from (f"{kind} without {each}" for each in _ELEMENTS[kind] if each not in element)
    if kind.startswith("Input."):
        if element.get("id") in ids:
            yield f"two inputs {element.get('id')!r}"
        ids.add(str(element.get("id")))
    if kind == "RichTextBlock":
        for run in element.get("inlines") or []:
            if not isinstance(run, str) and (run.get("type") != "TextRun" or "text" not in run):
                yield "an inline is neither text nor TextRun"
    for inner in element.get("items") or element.get("columns") or element.get("images") or []:
        yield from _element({"type": "Column", **inner} if kind == "ColumnSet" else inner, ids)
    for action in element.get("actions") or []:
        yield from _action(action, ids)


def _action(action: object, ids: set[str]) -> Iterator[str]:
    kind = action.get("type") if isinstance(action, dict) else None
    if not isinstance(action, dict) or kind not in _ACTIONS:
        yield f"action {kind!r} is not known"
        return
    yield from (f"{kind} without {each}" for each in _ACTIONS[kind] if not action.get(each))
    if action.get("style", "default") not in ("default", "positive", "destructive"):
        yield f"style {action['style']!r}"
    if kind == "Action.OpenUrl" and not str(action.get("url")).startswith(("https:", "http:")):
        yield "Action.OpenUrl leads nowhere"
    if kind == "Action.ShowCard" and isinstance(action.get("card"), dict):
        yield from _card(action["card"], ids)


class _Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            self.wrong.append(f"tag <{tag}> is not shown")
        self.wrong += [f"attribute {name}" for name, _ in attrs if name.startswith("on")]
        if tag not in _VOID:
            self.open.append(tag)
        if tag in ("br", "p", "div", "li", "tr"):
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def markup(text: str) -> list[str]:
    """What is wrong with the HTML of a message."""
    parser = _Markup()
    parser.feed(text)
    parser.close()
    return parser.wrong + [f"<{tag}> stays open" for tag in parser.open]


def words(text: str) -> str:
    """What a reader sees of HTML."""
    parser = _Markup()
    parser.feed(text)
    parser.close()
    return "".join(parser.words).strip()


def envelope_misfits(body: object) -> Iterator[str]:
    """What is wrong with a post to a Workflows webhook."""
    if not isinstance(body, dict) or body.get("type") != "message":
        yield "type is not message"
        return
    attachments = body.get("attachments")
    if not isinstance(attachments, list) or not attachments:
        yield "attachments are missing"
        return
    for attachment in attachments:
        if not isinstance(attachment, dict) or attachment.get("contentType") != ADAPTIVE:
            yield f"contentType is not {ADAPTIVE}"
        else:
            yield from card_misfits(attachment.get("content"))
            if '"Action.Submit"' in json.dumps(attachment) or '"Action.Execute"' in json.dumps(
                attachment
            ):
                yield "a workflow's card has nobody who hears its buttons"


def graph_misfits(body: object) -> list[str]:
    """What is wrong with a message for Graph, by its published description."""
    if not isinstance(body, dict):
        return ["the body is not an object"]
    wrong = []
    if not (body.get("body") or {}).get("content") and not body.get("attachments"):
        wrong.append("body.content is missing")
    wrong += [f"{each} is read only" for each in ("id", "webUrl", "etag", "from") if each in body]
    validator = _graph()
    if validator is not None:
        wrong += [f"{e.json_path}: {e.message[:200]}" for e in validator.iter_errors(body)]
    return wrong


@cache
def _graph() -> Any:
    found = document("microsoft-graph.json")
    if found is None:
        return None
    from jsonschema import Draft202012Validator

    return Draft202012Validator({**found, "$ref": "#/components/schemas/chatMessage"})


class Rates:
    """The published windows, for each conversation and for the app."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[float]] = {}
        self.rest: dict[str, float] = {}
        """Conversation to the time before which nothing is taken."""

    def excess(self, place: str) -> float:
        """Seconds to wait; 0, and counted, when there is room."""
        now = time.monotonic()
        calls = self._calls.setdefault(place, deque())
        wait = max(0.0, self.rest.get(place, 0.0) - now)
        for span, most in WINDOWS:
            inside = [at for at in calls if at > now - span]
            if len(inside) >= most:
                wait = max(wait, inside[-most] + span - now)
        everywhere = sum(at > now - 1 for each in self._calls.values() for at in each)
        if everywhere >= APP_PER_SECOND:
            wait = max(wait, 1.0)
        if wait <= 0:
            calls.append(now)
            while calls[0] <= now - WINDOWS[-1][0]:
                calls.popleft()
        return wait

    def clear(self) -> None:
        """Forget all calls: time has passed."""
        self._calls.clear()
        self.rest.clear()
