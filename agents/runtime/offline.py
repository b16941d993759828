"""The model that is always there: no key, no network, no guessing, and it says so.

It understands the phrases of `phrases.py` and nothing else, and asks for tools exactly as a real
model does, so that the whole path (tools, approvals, outcomes) can be tried in a minute. The same
question always gets the same answer. It answers only when no real model is set up; one that is set
up and fails is never replaced by it.
"""

import json
import re
from collections.abc import Mapping, Sequence

from agents.runtime.phrases import EVERYWHERE, Want, Wish, understand
from agents.runtime.wording import after_tools, from_outside, outcome, title_of
from bot.core.canonical import Json
from bot.core.model import ModelMessage, ModelReply, ModelRequest, ModelTool, ToolCall, Usage
from bot.core.ports import OnText

NAME = "offline"
SEVERAL = "posts_publish"
"""The tool for several networks at once."""
_HEADER = re.compile(r"\[\w+day \d{4}-\d\d-\d\d \d\d:\d\d [^;\]\n]*; (?P<who>[^\]\n]*)\] ?")
_FILES = re.compile(r"\n\[file: [^\n]*\]$")
_ROLES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "task", "note", "description"),
    "query": ("about", "query"),
    "url": ("url", "link"),
    "amount": ("amount_minor", "amount"),
}
"""What an argument of a tool may be called, best name first; else as the role itself."""
_ONLY_IF_REQUIRED = {"title", "privacy"}
_NEEDS_MEDIA = {"instagram": "a picture", "tiktok": "a film", "pinterest": "a picture"}
_WHERE = "What, and where? Such as: `publish “…” on the blog`, or `everywhere`."
_NAMED = {
    "subreddit": "a subreddit (write `on r/name`)",
    "board": "a board (write `on the board NAME`)",
}
_EXAMPLES: Sequence[tuple[str, str]] = (
    ("_publish", "publish “We are open on Sunday” on {network}"),
    ("workflow_steps", "run WF-042: “We are open on Sunday”"),
    ("schedule_create", "remind me to call Ann tomorrow at 9"),
    ("schedule_create", "every weekday at 9 publish “Good morning” on {network}"),
    ("schedule_list", "show my reminders"),
    ("memory_remember", "remember that we close at 6"),
    ("memory_recall", "what do you remember"),
    ("web_read", "read https://example.org"),
    ("stripe_invoice", "invoice Acme 120 EUR for two workshops"),
    ("send_telegram_message", "notify me: the report is ready"),
    ("score_show", "show the VIS score"),
    ("hand_off", "hand over to donna"),
    ("approval_withdraw", "withdraw that"),
)
_TOOLS = {
    Want.REMIND: "schedule_create",
    Want.INVOICE: "stripe_invoice",
    Want.REMEMBER: "memory_remember",
    Want.RECALL: "memory_recall",
    Want.FORGET: "memory_forget",
    Want.AGENDA: "schedule_list",
    Want.READ: "web_read",
    Want.HAND_OVER: "hand_off",
    Want.WITHDRAW: "approval_withdraw",
    Want.RECOGNISE: "community_recognise",
    Want.ROLE: "community_role",
    Want.SCORE: "score_update",
    Want.SHOW_SCORE: "score_show",
    Want.NOTIFY: "send_telegram_message",
}
_SAYING = {
    Want.REMIND: "I will put that on the clock.",
    Want.INVOICE: "I have drawn up the invoice.",
}
_WITHOUT = {
    Want.REMIND: "keep a schedule",
    Want.INVOICE: "send invoices: no payment service is set up",
    Want.REMEMBER: "keep notes",
    Want.RECALL: "keep notes",
    Want.FORGET: "keep notes",
    Want.AGENDA: "keep a schedule",
    Want.READ: "read pages",
    Want.HAND_OVER: "hand this over",
    Want.WITHDRAW: "withdraw that: nothing that I asked for waits here",
    Want.RECOGNISE: "recognise anybody on Discord",
    Want.ROLE: "change roles on Discord",
    Want.SCORE: "keep a score",
    Want.SHOW_SCORE: "keep a score",
    Want.NOTIFY: "write to you on Telegram",
}


class OfflineModel:
    """The port `Model`, without a model."""

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelReply:
        """Answer at once; the words come in pieces where somebody watches."""
        text, calls = answer(request)
        if on_text:
            for piece in re.findall(r"\s*\S+\s*", text):
                on_text(piece)
        return ModelReply(
            message=ModelMessage(role="assistant", content=text, tool_calls=calls),
            finish="tool_calls" if calls else "stop",
            model=NAME,
            usage=Usage(),
            offline=True,
        )

    def reserve(self, request: ModelRequest) -> Usage:
        """It costs nothing."""
        return Usage()


Said = tuple[str, tuple[ToolCall, ...]]


def answer(request: ModelRequest) -> Said:
    """The words and calls that follow from a conversation."""
    last = request.messages[-1]
    if last.role == "tool":
        return after_tools(request.messages, request.agent), ()
    text = last.content
    if text.startswith("[outcome]"):
        return outcome(text), ()
    if text.startswith("<outside"):
        return from_outside(), ()
    header = _HEADER.match(text)
    who = header["who"] if header else ""
    text = text[header.end() :] if header else text
    while found := _FILES.search(text):
        text = text[: found.start()]
    wish = understand(text)
    if "a question about approval" in who and not (wish and wish.want is Want.WITHDRAW):
        return (
            "It is still open, and nothing has been done. I am the offline model and cannot say "
            "more about it than its card does. `withdraw that` takes it back.",
            (),
        )
    return _ticked(request, text) if who == "your schedule says" else _asked(request, text)


def _ticked(request: ModelRequest, text: str) -> Said:
    """The clock: a reminder is told, anything else is done. Never a new schedule."""
    wish = understand(text)
    if wish is None or wish.want in (Want.REMIND, Want.HELP):
        return f"**Reminder:** {re.sub(r'^remind me:? *', '', text, flags=re.I)}", ()
    return _granted(request, wish)


def _asked(request: ModelRequest, text: str) -> Said:
    wish = understand(text) or understand(_below(text))
    if wish is None:
        return (
            "That is none of the phrases that I know. I am the built-in offline model and "
            f"understand only a few of them:\n\n{phrases(request.tools)}\n\nWith a key of a real "
            "model you can speak to me as you like.",
            (),
        )
    return _granted(request, wish)


def _below(text: str) -> str:
    """What stands under a first line and an empty one: a mail begins with its subject."""
    head, _, rest = text.partition("\n\n")
    return "" if "\n" in head else rest


def _granted(request: ModelRequest, wish: Wish) -> Said:
    if wish.want is Want.HELP:
        return (
            f"Hello, I am **{request.agent}**. Until a real model is set up I understand these "
            f"phrases:\n\n{phrases(request.tools)}",
            (),
        )
    if wish.want is Want.PUBLISH:
        return _publish(request, wish)
    tool = _offered(request, _TOOLS[wish.want])
    if tool is None:
        return f"I cannot {_WITHOUT[wish.want]}.", ()
    if wish.want is Want.REMIND and not (wish.values["when"] and wish.values["text"]):
        return "When, and of what? Such as: `remind me to call Ann tomorrow at 9`.", ()
    arguments, missing = fill(tool, wish.values)
    if missing:
        return f"For that I would have to know more: {', '.join(missing)}.", ()
    return _SAYING.get(wish.want, ""), (_call(request, tool, arguments, 0),)


def _publish(request: ModelRequest, wish: Wish) -> Said:
    """One call for each network that can take the post; the others are named."""
    own = _networks(request.tools)
    wanted = list(wish.networks)
    if not wanted and len(own) != 1:
        return (_WHERE if own else _no(own)), ()
    if EVERYWHERE in wanted or not wanted:
        wanted = own
    if not own or not set(wanted) & set(own):
        return _no(own), ()
    calls: list[ToolCall] = []
    left_out: list[str] = []
    for network in wanted:
        tool = _offered(request, f"{network}_publish")
        missing = ["a tool for it"] if tool is None else _lacking(network, wish)
        if tool is not None and not missing:
            arguments, missing = fill(tool, _post(network, wish))
        if tool is None or missing:
            needs = " and ".join(_NAMED.get(name, name) for name in missing)
            left_out.append(f"{title_of(network)} needs {needs}")
        else:
            calls.append(_call(request, tool, arguments, len(calls)))
    note = f" Left out: {'; '.join(left_out)}." if left_out else ""
    if not calls:
        return f"I cannot publish that.{note}", ()
    where = ", ".join(title_of(call.name[:-8]) for call in calls)
    several = _offered(request, SEVERAL) if len(calls) > 1 else None
    if several is not None:
        calls = [_call(request, several, _together(calls, wish.values["text"]), 0)]
    return f"I have laid it out for {where}.{note}", tuple(calls)


def _together(calls: Sequence[ToolCall], text: str) -> dict[str, Json]:
    """The calls of several networks as one; each says what is its own."""
    on: list[Json] = []
    for call in calls:
        own = json.loads(call.arguments)
        if own.get("text") == text:
            del own["text"]
        on.append({"network": call.name.removesuffix("_publish"), **own})
    return {"text": text, "on": on}


def _networks(tools: Sequence[ModelTool]) -> list[str]:
    """Where these tools publish."""
    names = [tool.name for tool in tools if tool.name != SEVERAL]
    return [name.removesuffix("_publish") for name in names if name.endswith("_publish")]


def _no(own: Sequence[str]) -> str:
    mine = f" I publish on {', '.join(title_of(name) for name in own)}." if own else ""
    return f"I cannot publish there.{mine} Try `hand over to bri`."


def _lacking(network: str, wish: Wish) -> list[str]:
    media = _NEEDS_MEDIA.get(network)
    if media and "url" not in wish.values:
        return [f"{media} (add `with https://…`)"]
    return []


def _post(network: str, wish: Wish) -> dict[str, str]:
    """The values of a post; a title is its first line, and a film is for everyone."""
    values = {**wish.values, "privacy": "everyone"}
    values["title"] = values["text"].splitlines()[0][:80]
    if values.pop("form", "") == "link":
        values["text"] = ""  # the title says it
    if network in _NEEDS_MEDIA:
        values["media"] = values.pop("url")
    return values


def fill(tool: ModelTool, values: Mapping[str, str]) -> tuple[dict[str, Json], list[str]]:
    """Arguments for a tool from what was said, and the required ones that nothing was said for."""
    properties = tool.parameters.get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    required = tool.parameters.get("required")
    needed = list(required) if isinstance(required, Sequence) else []
    arguments: dict[str, Json] = {}
    for role, value in values.items():
        names = (n for n in _ROLES.get(role, (role,)) if n in known and n not in arguments)
        name = next(names, None)
        if name is not None and (name in needed or role not in _ONLY_IF_REQUIRED):
            arguments[name] = _as_kind(name, known[name], value)
    return arguments, [str(name) for name in needed if name not in arguments]


def _as_kind(name: str, schema: Json, value: str) -> Json:
    """A value as the schema has it."""
    kind = schema.get("type") if isinstance(schema, Mapping) else "string"
    if name == "media":
        return [{"url": value}]
    if kind in ("integer", "number"):
        number = float(value.replace(",", ""))
        if name.endswith("_minor"):
            return round(number * 100)
        return int(number) if kind == "integer" else number
    return value


def _offered(request: ModelRequest, name: str) -> ModelTool | None:
    return next((tool for tool in request.tools if tool.name == name), None)


def _call(
    request: ModelRequest, tool: ModelTool, arguments: Mapping[str, Json], n: int
) -> ToolCall:
    return ToolCall(
        id=f"call_{len(request.messages)}_{n}",
        name=tool.name,
        arguments=json.dumps(arguments, ensure_ascii=False),
    )


def phrases(tools: Sequence[ModelTool]) -> str:
    """The phrases that these tools can serve, as a list."""
    names = [tool.name for tool in tools]
    networks = _networks(tools)
    network = "the blog" if "blog" in networks else title_of(networks[0]) if networks else ""
    lines = [
        f"- `{example.format(network=network)}`"
        for needed, example in _EXAMPLES
        if any(name.endswith(needed) for name in names) and (network or "{network}" not in example)
    ]
    return "\n".join([*lines, "- `help`"])
