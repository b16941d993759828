"""The team: agents as Markdown files with a front matter, read anew when they change.

A file is `---`, YAML, `---`, and the prompt. A mistake is told by file and line; a broken file
keeps its last good version in service and stays in `problems` until it is mended. The files are
templates for every tenant; a tenant's own version, saved on the page, comes from `overlay` and
shadows the file. A turn pins the version it began with.
"""

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from bot.core.agent import Agent, Limits
from bot.core.ids import AgentName, TenantId
from bot.core.model import Task
from bot.frozen import field, frozen

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 64_000
_NAME = r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
_MATTER = re.compile(
    r"---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*(?:\r?\n|\Z)(?P<prompt>.*)", re.S | re.M
)

_USUAL = Limits()

Overlay = Callable[[TenantId], Sequence[Agent]]
Words = Annotated[str, Field(min_length=1, max_length=200)]
ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+(\.\*)?$", max_length=64)]
Name = Annotated[str, Field(pattern=f"^{_NAME}$", max_length=40)]


class LimitsMatter(BaseModel):
    """`limits` in a front matter."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    steps: Annotated[int, Field(ge=1, le=100)] = _USUAL.steps
    depth: Annotated[int, Field(ge=0, le=10)] = _USUAL.depth
    tokens: Annotated[int, Field(ge=1000)] = _USUAL.tokens
    money_micros: Annotated[int, Field(ge=0)] = _USUAL.money_micros
    wall_s: Annotated[float, Field(gt=0, le=3600)] = _USUAL.wall_s
    per_minute: Annotated[int, Field(ge=1)] = _USUAL.per_minute
    per_hour: Annotated[int, Field(ge=1)] = _USUAL.per_hour
    per_day: Annotated[int, Field(ge=1)] = _USUAL.per_day


class Matter(BaseModel):
    """A front matter, whole."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    name: Name = ""
    title: Words
    emoji: Annotated[str, Field(max_length=16)] = ""
    model: Annotated[str, Field(pattern=r"^$|^[a-z][a-z0-9_]*/\S+$")] = ""
    task: Task = Task.REASON
    tools: tuple[ToolName, ...] = ()
    more_tools: tuple[ToolName, ...] = ()
    channels: tuple[Words, ...] = ()
    addresses: tuple[Words, ...] = ()
    policy: dict[ToolName, Literal["auto", "ask", "deny"]] = {}
    schedule: Annotated[str, Field(max_length=200)] = ""
    lead: Name | None = None
    limits: LimitsMatter = Field(default_factory=LimitsMatter)


@frozen
class Problem:
    """One mistake, where it stands."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@frozen
class _Kept:
    """A file as it was last seen."""

    stamp: tuple[int, int, int]
    agent: Agent | None
    """Its last good version."""
    problems: tuple[Problem, ...] = ()
    tools: Mapping[str, int] = field(default_factory=dict)
    """The line on which each tool is first named."""


class Team:
    """The port `Agents` over a folder."""

    def __init__(self, folder: Path, overlay: Overlay | None = None) -> None:
        self._folder = folder
        self._overlay = overlay
        self._files: dict[str, _Kept] = {}
        self._agents: dict[str, Agent] = {}
        self._all: tuple[Agent, ...] = ()
        self._lost: Problem | None = None
        self._problems: tuple[Problem, ...] = ()
        self._is_read = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the files now, for `bot doctor`."""
        self._begin()
        return self._problems

    def _begin(self) -> None:
        """Read the files when somebody first asks: 30 ms that no start should wait for."""
        if not self._is_read:
            self.refresh()

    def get(self, tenant: TenantId, name: str) -> Agent | None:
        """An agent by name; upper and lower case are one."""
        self._begin()
        wanted = name.lower()
        for agent in self._overlay(tenant) if self._overlay else ():
            if agent.name.lower() == wanted:
                return agent
        return self._agents.get(wanted)

    def all(self, tenant: TenantId) -> Sequence[Agent]:
        """Everybody, by name."""
        self._begin()
        own = (
            {agent.name.lower(): agent for agent in self._overlay(tenant)} if self._overlay else {}
        )
        if not own:
            return self._all
        return _sorted({**self._agents, **own})

    def refresh(self) -> bool:
        """Read what has changed; True when something had. Cheap when nothing has."""
        self._is_read = True
        try:
            found = self._stamps()
        except OSError as error:  # whoever was here stays
            text = f"the folder cannot be read: {error.strerror}; mend agents_dir"
            self._lost = Problem(file=str(self._folder), line=1, text=text)
            changed = self._problems != (self._lost,)
            self._problems = (self._lost,)
            return changed
        if not self._lost and found == {name: kept.stamp for name, kept in self._files.items()}:
            return False
        self._lost = None
        files = {}
        for name, stamp in found.items():
            old = self._files.get(name)
            files[name] = old if old and old.stamp == stamp else self._read(name, stamp, old)
        self._files = files
        self._agents = {k.agent.name.lower(): k.agent for k in files.values() if k.agent}
        self._all = _sorted(self._agents)
        self._problems = (*(p for kept in files.values() for p in kept.problems), *self._chart())
        return True

    def _stamps(self) -> dict[str, tuple[int, int, int]]:
        """Name → what changes when a file does."""
        with os.scandir(self._folder) as entries:
            stats = {
                entry.name: entry.stat()
                for entry in entries
                if entry.name.endswith(".md") and entry.name[0] not in "._" and entry.is_file()
            }
        return {n: (stats[n].st_mtime_ns, stats[n].st_size, stats[n].st_ino) for n in sorted(stats)}

    def _read(self, name: str, stamp: tuple[int, int, int], old: _Kept | None) -> _Kept:
        path = self._folder / name
        shown = f"{self._folder.name}/{name}"
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
            if len(raw) > MAX_BYTES:
                raise Mistaken(1, f"it has more than {MAX_BYTES} bytes")
            agent = parse(raw.decode("utf-8"), path.stem)
        except Mistaken as error:
            problems = tuple(Problem(file=shown, line=n, text=text) for n, text in error.mistakes)
            return _Kept(stamp=stamp, agent=old.agent if old else None, problems=problems)
        except (OSError, UnicodeDecodeError) as error:
            problem = Problem(file=shown, line=1, text=f"cannot be read: {error}")
            return _Kept(stamp=stamp, agent=old.agent if old else None, problems=(problem,))
        return _Kept(stamp=stamp, agent=agent, tools=_places(raw.decode(), agent))

    def unknown(self, known: Collection[str]) -> tuple[Problem, ...]:
        """Tools that files name and nobody has; the agents go on without them."""
        self._begin()
        return tuple(
            Problem(file=f"{self._folder.name}/{name}", line=line, text=_no_tool(tool, known))
            for name, kept in self._files.items()
            for tool, line in kept.tools.items()
            if tool not in known
        )

    def _chart(self) -> Iterator[Problem]:
        """Leads that nobody is."""
        for name, kept in self._files.items():
            lead = kept.agent.lead if kept.agent else None
            if lead and lead.lower() not in self._agents:
                yield Problem(
                    file=f"{self._folder.name}/{name}",
                    line=1,
                    text=f"lead: nobody is called {lead}",
                )


def _places(text: str, agent: Agent) -> dict[str, int]:
    """The line on which each tool of an agent's file is first named."""
    lines = text.splitlines()
    return {
        tool: next((n for n, line in enumerate(lines, 1) if tool in line), 1)
        for tool in (*agent.tools, *agent.policy)
    }


def _no_tool(tool: str, known: Collection[str]) -> str:
    near = get_close_matches(tool, sorted(known), n=1)
    return f"there is no tool {tool}; " + (f"did you mean {near[0]}?" if near else "leave it out")


def _sorted(agents: Mapping[str, Agent]) -> tuple[Agent, ...]:
    return tuple(agents[name] for name in sorted(agents))


class Mistaken(Exception):
    """A text is no agent; `mistakes` says why, by line."""

    def __init__(self, line: int, text: str, *more: tuple[int, str]) -> None:
        super().__init__(text)
        self.mistakes = ((line, text), *more)


def parse(text: str, stem: str) -> Agent:
    """An agent from its text; `stem` is the name of its file. Raises Mistaken."""
    found = _MATTER.fullmatch(text.removeprefix("\ufeff"))
    if found is None:
        raise Mistaken(1, "begin with a line `---`, the settings, another line `---`, the prompt")
    raw, lines = _load(found["yaml"])
    raw.setdefault("name", stem)
    try:
        matter = Matter.model_validate(raw)
    except ValidationError as error:
        first, *more = (_explain(item, lines) for item in error.errors(include_url=False))
        raise Mistaken(*first, *more) from None
    if matter.name.lower() != stem.lower():
        raise Mistaken(lines.get(("name",), 1), f"name: the file is called {stem}; rename one")
    prompt = found["prompt"].strip()
    if not prompt:
        raise Mistaken(text.count("\n") + 1, "the prompt is missing below the second `---`")
    return Agent(
        name=AgentName(matter.name),
        title=matter.title,
        prompt=prompt,
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
        model=matter.model,
        task=matter.task,
        tools=(*matter.tools, *matter.more_tools),
        more=matter.more_tools,
        channels=matter.channels,
        addresses=matter.addresses,
        policy=dict(matter.policy),
        schedule=matter.schedule,
        lead=AgentName(matter.lead) if matter.lead and matter.lead != matter.name else None,
        limits=Limits(**matter.limits.model_dump()),
        emoji=matter.emoji,
    )


Lines = dict[tuple[str, ...], int]
"""The line in the file of each key, by its path."""


def _load(text: str) -> tuple[dict[str, object], Lines]:
    """The settings and the lines they stand on; a key that stands twice is a mistake."""
    import yaml  # with the first file: a start does not wait for it

    lines: Lines = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        for path, line in _keys(node, ()):
            if path in lines:
                raise Mistaken(line, f"{'.'.join(path)}: it stands twice")
            lines[path] = line
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "it is no YAML"
        raise Mistaken(mark.line + 2 if mark else 1, str(what)) from None
    if not isinstance(raw, dict):
        raise Mistaken(2, "write settings as `key: value`, one on a line")
    return {str(key): value for key, value in raw.items()}, lines


def _keys(
    node: "yaml.Node | None", above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each key with its line; the first line of the settings is line 2 of the file."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = (*above, str(key.value))
            yield path, key.start_mark.line + 2
            if len(path) < 3:
                yield from _keys(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for n, value in enumerate(node.value):
            yield (*above, str(n)), value.start_mark.line + 2


def _explain(item: ErrorDetails, lines: Lines) -> tuple[int, str]:
    """A mistake in words, and its line."""
    path = tuple(str(part) for part in item["loc"] if part != "[key]")
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 1)
    shown = ".".join(path)
    if item["type"] == "extra_forbidden":
        known = LimitsMatter if path[0] == "limits" and len(path) > 1 else Matter
        near = get_close_matches(path[-1], list(known.model_fields), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known.model_fields)}"
        return line, f"{shown}: unknown key, {hint}"
    if item["type"] == "missing":
        return line, f"{shown}: it is missing"
    if item["type"] == "string_pattern_mismatch":
        return line, f"{shown}: {_SHAPES.get(path[0], 'it has another form')}"
    return line, f"{shown}: {item['msg'][0].lower()}{item['msg'][1:]}"


_SHAPES = {
    "name": "a name is letters, digits and dashes",
    "lead": "a name is letters, digits and dashes",
    "model": "a model needs its provider in front, such as openai/gpt-5.4-mini",
    "more_tools": "a tool is letters, digits and underscores, or `group.*`",
    "tools": "a tool is letters, digits and underscores, or `group.*`",
    "policy": "a tool is letters, digits and underscores",
}
