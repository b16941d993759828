"""`bot status`: at most twelve lines, and exit 0 only if a message would be answered now."""

from argparse import ArgumentParser, Namespace

from bot.cli.client import Client, HttpClient, Refused, Unreachable, path_of
from bot.cli.record import Record
from bot.cli.running import Running
from bot.cli.shell import Shell
from bot.cli.terminal import Terminal, clean, count, money, one_line
from bot.command import runnable
from bot.config.mistakes import Mistaken

PATIENCE_S = 2.0


def status(shell: Shell, _: Namespace) -> int:
    """Say how it stands."""
    terminal = shell.terminal
    found = shell.running()
    wrong = mistakes(shell)
    if found is None:
        words = "Switchboard is not running. Start it with: bot run"
        told = {"running": False, "answers": False, "settings": wrong}
        terminal.show(told, map(runnable, [words, *_settings(wrong, running=False)]))
        return 1
    client = HttpClient(found.url, found.token, PATIENCE_S)
    why = unready(client)
    try:
        answer = client.call("GET", path_of("status"))
    except (Refused, Unreachable) as error:
        answer, why = Record({}), why or error.message
    why = why or answer.text("silent")
    told = {**answer.raw, "running": True, "answers": not why, "url": found.url, "why": why}
    told["settings"] = wrong
    lines = [*_lines(terminal, found, answer, why), *_settings(wrong, running=True)]
    terminal.show(told, map(runnable, lines))
    return 1 if why else 0


def unready(client: Client) -> str:
    """Why no message would be answered now; empty when one would be."""
    try:
        answer = client.call("GET", "/ready")
    except Refused as error:
        problems = error.body.texts("problems")
        return " ".join(problems) if problems else error.message
    except Unreachable as error:
        return error.message
    return " ".join(answer.texts("problems"))


def mistakes(shell: Shell) -> list[str]:
    """What is wrong with the settings as they stand now."""
    try:
        _ = shell.settings
    except Mistaken as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


def _lines(terminal: Terminal, found: Running, answer: Record, why: str) -> list[str]:
    mark = terminal.style("not ready", "red", "bold") if why else terminal.style("ready", "green")
    lines = [f"Switchboard {clean(found.version)}: {mark} ({found.describe()})"]
    if why:
        lines.append(f"  why       {one_line(why, 160)}")
    if not answer:
        return lines
    model = clean(answer.text("model")) or "none"
    if answer.flag("offline"):
        model += " (the built-in offline model; `bot keys paste` adds a real one)"
    lines.append(f"  model     {model}")
    if resting := answer.records("resting"):
        lines.append(f"  resting   {one_line(' · '.join(map(_resting, resting)), 160)}")
    if channels := answer.records("channels"):
        lines.append(f"  channels  {one_line(' · '.join(map(_channel, channels)), 160)}")
    turns = count(answer.number("open_turns"), "conversation")
    lines.append(f"  now       {turns} being worked on, {answer.number('queued')} queued")
    lines.append(f"  waiting   {count(answer.number('pending'), 'approval')}{_more(answer)}")
    lines.append(f"  spent     {money(answer.number('spent_today_micros'))} today")
    lines += _database(answer.record("database"))
    problems = len(answer.texts("problems")) + len(answer.record("database").texts("problems"))
    if problems and not why:
        lines.append(f"  to mend   {count(problems, 'problem')} (bot doctor names them)")
    return lines


def _database(database: Record) -> list[str]:
    """Where the rows are, and which processes work on them."""
    if not database:
        return []
    lines = [f"  database  {one_line(database_name(database), 160)}"]
    if processes := database.records("processes"):
        lines.append(f"  processes {one_line(' · '.join(map(process, processes)), 160)}")
    return lines


def database_name(database: Record) -> str:
    """`PostgreSQL host:port/name`, or the file."""
    kind, host, name = (clean(database.text(key)) for key in ("kind", "host", "name"))
    return f"{kind} {host}{'/' * bool(host)}{name}"


def process(one: Record) -> str:
    """One process: where it is, its version, and how long ago it gave a sign."""
    here = ", this one" * one.flag("this")
    silent = f"{one.decimal('silent_s'):.0f} s ago"
    return clean(f"{one.text('place')} ({one.text('version')}, {silent}{here})")


def _channel(channel: Record) -> str:
    state = "up" if channel.flag("up") else "down"
    detail = channel.text("detail")
    return f"{channel.text('name')} {state}" + (f" ({detail})" if detail else "")


def _resting(model: Record) -> str:
    """A model that failed lately, why, and for how long it is asked last or not at all."""
    why = model.text("cause").removeprefix("model.").replace("_", " ")
    if status := model.number("status"):
        why += f", HTTP {status}"
    return f"{model.text('model')} for {model.number('seconds')} s ({why})"


def _more(answer: Record) -> str:
    doubts, dead = answer.number("doubts"), answer.number("dead")
    said = f", {doubts} in doubt (bot approvals)" if doubts else ""
    return said + (f", {dead} failed for good (bot events dead)" if dead else "")


def _settings(wrong: list[str], *, running: bool) -> list[str]:
    if not wrong:
        return []
    kept = "; the running process keeps what it started with" if running else ""
    return [f"  settings  {count(len(wrong), 'mistake')}{kept} (bot doctor names them)"]


def _declare(parser: ArgumentParser) -> None:
    parser.set_defaults(act=status)


VERBS = {"status": _declare}
