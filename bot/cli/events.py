"""`bot events` and `bot trace`: what happened, and the story of one event from door to end."""

import json
from argparse import ArgumentParser, Namespace

from bot.cli.client import pages, path_of
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import Terminal, clean, money, one_line, when
from bot.cli.verb import Actions
from bot.command import runnable

LATEST = 20


def list_events(shell: Shell, args: Namespace) -> int:
    """Name the latest events and how they ended."""
    with shell.client() as client:
        items = list(pages(client, path_of("events"), most=args.limit))
    rows = [
        (e.text("id"), when(e.text("at")), e.text("channel"), e.text("kind"), _ending(e))
        for e in items
    ]
    lines = shell.terminal.table(("id", "at", "channel", "kind", "ended"), rows)
    shell.terminal.show({"items": items}, lines if rows else ["Nothing has happened yet."])
    return 0


def list_dead(shell: Shell, _: Namespace) -> int:
    """Name what failed for good."""
    with shell.client() as client:
        items = list(pages(client, path_of("dead")))
    rows = [(e.text("id"), when(e.text("at")), e.text("channel"), _ending(e)) for e in items]
    lines = shell.terminal.table(("id", "at", "channel", "why"), rows)
    lines.append(runnable("Try one again: bot events replay ID"))
    shell.terminal.show({"items": items}, lines if rows else ["Nothing has failed for good."])
    return 0


def replay(shell: Shell, args: Namespace) -> int:
    """Try an event again."""
    with shell.client() as client:
        answer = client.call("POST", path_of("dead", args.id, "replay"), {})
    shell.terminal.show(answer, [runnable(f"{args.id} is tried again. Look: bot trace {args.id}")])
    return 0


def trace(shell: Shell, args: Namespace) -> int:
    """Tell the story of one event."""
    with shell.client() as client:
        story = client.call("GET", path_of("events", args.id))
    shell.terminal.show(story, story_of(shell.terminal, story, with_data=args.raw))
    return 0


def story_of(terminal: Terminal, story: Record, *, with_data: bool = False) -> list[str]:
    """The lines of a trace: the event, its steps, what it did outside, what the book says."""
    head = (
        f"{clean(story.text('kind'))} on {clean(story.text('channel'))}, {when(story.text('at'))}"
    )
    lines = [terminal.style(head, "bold"), f"  ended {_ending(story)}"]
    if conversation := story.text("conversation"):
        lines.append(f"  in {clean(conversation)}")
    for step in story.records("steps"):
        lines += _step(step, with_data=with_data)
    for effect in story.records("effects"):
        lines.append(_effect(effect))
    for entry in story.records("audit"):
        action, target = clean(entry.text("action")), clean(entry.text("target"))
        lines.append(f"  book: {when(entry.text('at'))} {action} {target}".rstrip())
    return lines


def _step(step: Record, *, with_data: bool) -> list[str]:
    facts = [f"{step.number('ms'):,} ms"] if step.number("ms") else []
    if step.number("tokens_in") or step.number("tokens_out"):
        facts.append(f"{step.number('tokens_in'):,} + {step.number('tokens_out'):,} tokens")
    if step.number("micros"):
        facts.append(money(step.number("micros")))
    title = one_line(step.text("title") or step.text("kind"))
    said = f" ({', '.join(facts)})" if facts else ""
    lines = [f"  {step.number('step'):>3}. {title}{said}"]
    if with_data and "data" in step:
        data = json.dumps(step.raw["data"], ensure_ascii=False, indent=2)
        lines += [f"       {clean(line)}" for line in data.split("\n")]
    return lines


def _effect(effect: Record) -> str:
    more = effect.text("url") or effect.text("error")
    sandbox = " (sandbox)" if effect.flag("sandbox") else ""
    said = f"  did: {clean(effect.text('tool'))}{sandbox} {clean(effect.text('state'))}"
    return f"{said}: {one_line(more, 200)}" if more else said


def _ending(event: Record) -> str:
    detail = one_line(event.text("detail"), 100)
    ending = clean(event.text("ending")) or "not yet"
    return f"{ending}: {detail}" if detail else ending


def _declare_events(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    every = actions.add("list", list_events, "the latest ones")
    every.add_argument("--limit", type=int, default=LATEST, metavar="N")
    parser.set_defaults(limit=LATEST)
    actions.add("dead", list_dead, "what failed for good")
    actions.add("replay", replay, "try one again").add_argument("id")


def _declare_trace(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="EVENT")
    parser.add_argument("--raw", action="store_true", help="with what went in and out of each step")
    parser.set_defaults(act=trace)


VERBS = {"events": _declare_events, "trace": _declare_trace}
