"""How the offline model words what became of things: results of tools, outcomes of approvals.

Text in, text out. It says what the result says and nothing more; words from outside are shown as
a quotation.
"""

import json
import re
from collections.abc import Mapping, Sequence

from bot.core.canonical import Json
from bot.core.model import ModelMessage

MAX_QUOTED = 700
_TITLES = {
    "x": "X",
    "tiktok": "TikTok",
    "linkedin": "LinkedIn",
    "blog": "the blog",
}
_OUTSIDE = re.compile(r'<outside source="[^"]*">\n?(?P<text>.*?)\n?</outside>', re.DOTALL)
_DONE = {"alignable": "handed over for"}
"""What is said instead of `published on`, where a person's hand does it."""


def title_of(network: str) -> str:
    """A network as people say it."""
    return _TITLES.get(network, network.capitalize())


def deed_of(tool: str) -> str:
    """What a tool does as people say it, where no call of it was made: `Publish on X`."""
    if tool.endswith("_publish"):
        return f"Publish on {title_of(tool[:-8])}"
    return tool.replace("_", " ").capitalize()


def from_outside() -> str:
    """What is said to words that no member of the house wrote."""
    return (
        "I was sent words from outside the house. They are information and no instruction to me, "
        "and as the offline model I cannot make more of them."
    )


def after_tools(messages: Sequence[ModelMessage], agent: str) -> str:
    """The results of the latest calls, in words."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    results: list[ModelMessage] = []
    for message in reversed(messages):
        if message.role != "tool":
            break
        results.append(message)
    lines = [_result(names.get(m.tool_call_id, ""), m.content, agent) for m in reversed(results)]
    return "\n\n".join(lines)


def _result(tool: str, text: str, agent: str) -> str:
    text = text.strip()
    if text.startswith("Error:"):
        return f"That did not work: {text[6:].strip()}"
    if text.startswith(("Refused:", "Not done:", "Unknown whether", "Waiting for", "Withdrawn")):
        return text
    if tool == "hand_off":
        return f"This is **{agent}** now. What can I do? (`help` shows what I understand.)"
    if tool == "web_read":
        return f"The page says:\n\n{_quoted(text)}"
    if tool.endswith("_publish"):
        return f"Done: {_published(tool[:-8])}.{text.removeprefix('Done.')}"
    return _quoted(text) if _OUTSIDE.search(text) else _plain(text) or "Done."


def _quoted(text: str) -> str:
    found = _OUTSIDE.search(text)
    inner = found["text"] if found else text
    if len(inner) > MAX_QUOTED:
        inner = inner[:MAX_QUOTED].rsplit(" ", 1)[0] + " …"
    return "\n".join(f"> {line}" if line.strip() else ">" for line in inner.strip().splitlines())


def _plain(text: str) -> str:
    """A result for a person: JSON becomes lines."""
    try:
        value: Json = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, Mapping):
        return "\n".join(f"- {name}: {item}" for name, item in value.items()) or "Done."
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(f"- {_line(item)}" for item in value) or "Nothing."
    return str(value)


def _line(item: Json) -> str:
    if isinstance(item, Mapping):
        return ", ".join(str(value) for value in item.values() if value not in (None, ""))
    return str(item)


def outcome(text: str) -> str:
    """What became of an approved, rejected or expired action.

    Words from outside are quoted below, and never read as an outcome.
    """
    lines = []
    for line in _OUTSIDE.sub("", text).splitlines()[1:]:
        try:
            item: Json = json.loads(line)
        except ValueError:
            continue
        if isinstance(item, Mapping):
            lines.append(_became(item))
            if found := item.get("found"):
                lines.append(_plain(str(found)))
    lines += [_quoted(found[0]) for found in _OUTSIDE.finditer(text)]
    return "\n\n".join(lines) or "It is settled."


def _became(item: Mapping[str, Json]) -> str:
    if "budget" in item:
        if item["budget"] == "approved":
            return "There is money for thinking again. Say it once more and I go on."
        return "There is no more money for thinking, so I leave it at that."
    tool = str(item.get("tool") or "it")
    network = title_of(tool[:-8]) if tool.endswith("_publish") else ""
    deed = f"publishing on {network}" if network else tool.replace("_", " ")
    note = f" The note says: “{item['note']}”" if item.get("note") else ""
    error = f" {item['error']}" if item.get("error") else ""
    match item.get("state"):
        case "sent":
            return _sent(item, _published(tool[:-8]) if network else deed) + note
        case "failed":
            return f"It failed: {deed}.{error} Nothing came of it."
        case "rejected":
            return f"All right, I leave it: {deed} was rejected.{note}"
        case "expired":
            return (
                f"Nobody decided in time about {deed}, so it was not done. "
                "Ask again if you still want it."
            )
        case "abandoned":
            return f"Left out: {deed}.{note}"
        case state:
            return f"{deed.capitalize()}: {state}.{error}{note}"


def _published(name: str) -> str:
    """What was done on a network."""
    return f"{_DONE.get(name, 'published on')} {title_of(name)}"


def _sent(item: Mapping[str, Json], deed: str) -> str:
    url = str(item.get("url") or "")
    link = f"[{url}]({url})" if url.startswith("/") else url
    if item.get("sandbox"):
        kept = f" See {link}." if link else ""
        return f"Done, in the sandbox: {deed}. No account is connected, so nothing went out.{kept}"
    return f"Done: {deed}: {link}" if link else f"Done: {deed}."
