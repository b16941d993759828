"""An approval as text: what will happen, exactly, and who is asked.

Everything is shown whole and every invisible character is written out; a card that hides something
would be a yes to something else.
"""

from bot.cli.record import Record
from bot.cli.terminal import Terminal, reveal, when

_WIDTH = 10


def card(terminal: Terminal, approval: Record) -> list[str]:
    """The lines of one approval."""
    shown = approval.record("shown")
    code = shown.text("code") or approval.text("code")
    title = reveal(shown.text("title") or approval.text("tool") or "A question")
    lines = ["", f"{terminal.style(title, 'bold')}   {terminal.style(code, 'dim')}"]
    behalf = shown.text("on_behalf_of")
    agent = shown.text("agent") or approval.text("agent")
    lines += _named("agent", agent + (f", on behalf of {behalf}" if behalf else ""))
    lines += _named("amount", shown.text("amount"))
    lines += _named("to", ", ".join(shown.texts("recipients")))
    body = shown.text("body")
    fields = shown.records("fields")
    for field in _by_length(fields, long=False):
        lines += _named(field.text("name"), field.text("value"))
    for field in _by_length(fields, long=True):
        if field.text("value") != body:
            lines += _below(field.text("name"), field.text("value"))
    if body:
        lines += ["", *(f"  │ {line}" for line in reveal(body).split("\n")), ""]
    lines += [
        terminal.style(f"  ! {line}", "yellow")
        for warning in shown.texts("warnings")
        for line in reveal(warning).split("\n")
    ]
    lines += _named("visible to", shown.text("audience"))
    lines += _named("asked", shown.text("why") or approval.text("why"))
    lines += _named(
        "may decide", ", ".join(shown.texts("approvers") or approval.texts("approvers"))
    )
    lines += _named("until", when(approval.text("expires_at")))
    if shown.flag("sandbox"):
        lines.append(terminal.style("  sandbox: nothing leaves this machine", "dim"))
    if approval.text("state", "pending") != "pending":
        lines.append(terminal.style(f"  {outcome(approval)}", "bold"))
    return lines


def outcome(approval: Record) -> str:
    """What became of it, in one sentence."""
    if decided := approval.record("shown").text("decided"):
        return reveal(decided)
    state = approval.text("state")
    who = approval.record("decided_by").text("name")
    words = {"pending": "Still waiting", "expired": "Expired, nobody decided"}.get(
        state, state.capitalize()
    )
    return f"{reveal(words)}{f' by {reveal(who)}' if who else ''}."


def _by_length(fields: list[Record], *, long: bool) -> list[Record]:
    return [field for field in fields if field.flag("long") is long]


def _below(name: str, value: str) -> list[str]:
    """Several lines stand below their name."""
    if "\n" not in value:
        return _named(name, value)
    return [f"  {reveal(name)}", *(f"    {line}" for line in reveal(value).split("\n"))]


def _named(name: str, value: str) -> list[str]:
    if not value:
        return []
    first, *rest = reveal(value).split("\n")
    return [f"  {reveal(name).ljust(_WIDTH)} {first}", *(f"  {' ' * _WIDTH} {r}" for r in rest)]
