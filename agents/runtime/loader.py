"""Agents as files: `<name>.md`, YAML front matter and then the prompt.

Read at start and again whenever a file changes, without a restart. A file that cannot be used is
named with its line and its mend, and the last good version of that agent goes on answering.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.core.agent import Agent, Limits
from bot.core.errors import SettingsError
from bot.core.ids import AgentName, TenantId
from bot.core.model import Task

log = logging.getLogger(__name__)

Names = tuple[str, ...]
Choice = Literal["auto", "ask", "deny"]
Overlay = Callable[[TenantId], Sequence[Agent]]
MAX_BYTES = 200_000
_USUAL = Limits()


class _Limits(BaseModel):
    """Front matter: `limits`."""

    model_config = ConfigDict(extra="forbid")

    steps: Annotated[int, Field(ge=1, le=100)] = _USUAL.steps
    depth: Annotated[int, Field(ge=0, le=10)] = _USUAL.depth
    tokens: Annotated[int, Field(ge=1)] = _USUAL.tokens
    money_micros: Annotated[int, Field(ge=0)] = _USUAL.money_micros
    wall_s: Annotated[float, Field(gt=0, le=3600)] = _USUAL.wall_s
    per_minute: Annotated[int, Field(ge=0)] = _USUAL.per_minute
    per_hour: Annotated[int, Field(ge=0)] = _USUAL.per_hour
    per_day: Annotated[int, Field(ge=0)] = _USUAL.per_day


class _Head(BaseModel):
    """Front matter."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    title: Annotated[str, Field(min_length=1, max_length=120)]
    emoji: Annotated[str, Field(max_length=8)] = ""
    model: str = ""
    task: Task = Task.REASON
    tools: Names = ()
    channels: Names = ()
    addresses: Names = ()
    policy: dict[str, Choice] = {}
    schedule: str = ""
    lead: str | None = None
    limits: _Limits = _Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A file that cannot be used as it stands."""

    file: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class AgentFileError(SettingsError):
    """An agent's file cannot be used. The message names the file, the line and the mend."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Team:
    """The agents of a folder: the port `Agents`."""

    def __init__(self, folder: Path, overlay: Overlay | None = None) -> None:
        """`overlay` gives a tenant's own versions, which stand before the files."""
        self._folder = folder
        self._overlay = overlay
        self._seen: Mapping[Path, tuple[int, int]] = {}
        self._by_file: dict[Path, Agent] = {}
        self._agents: dict[str, Agent] = {}
        self._all: tuple[Agent, ...] = ()
        self.problems: list[Problem] = []
        """What is wrong with files right now."""
        self.refresh()

    def get(self, tenant: TenantId, name: str) -> Agent | None:
        """One agent by name."""
        for agent in self._overlay(tenant) if self._overlay else ():
            if agent.name == name:
                return agent
        return self._agents.get(name)

    def all(self, tenant: TenantId) -> Sequence[Agent]:
        """Everyone, by name."""
        if self._overlay is None:
            return self._all
        own: dict[str, Agent] = {agent.name: agent for agent in self._overlay(tenant)}
        return tuple(sorted({**self._agents, **own}.values(), key=lambda a: a.name))

    def refresh(self) -> bool:
        """Read what has changed; True when anything has. Cheap when nothing has."""
        now = _signature(self._folder)
        if now == self._seen:
            return False
        changed = [path for path, mark in now.items() if self._seen.get(path) != mark]
        self._seen = now
        self.problems = [p for p in self.problems if p.file in now and p.file not in changed]
        for path in [p for p in self._by_file if p not in now]:
            del self._by_file[path]
        for path in changed:
            self._read(path)
        self._agents = {agent.name: agent for agent in self._by_file.values()}
        self._all = tuple(sorted(self._agents.values(), key=lambda a: a.name))
        self._check_leads()
        return True

    def _read(self, path: Path) -> None:
        try:
            agent = parse(path, path.read_bytes())
            twin = next(
                (p for p, a in self._by_file.items() if a.name == agent.name and p != path), None
            )
            if twin:
                raise AgentFileError(
                    Problem(file=path, line=2, what=f"{twin.name} has the name {agent.name} too")
                )
            self._by_file[path] = agent
        except AgentFileError as error:
            self.problems.append(error.problem)
            log.warning("%s", error.message)
        except OSError as error:
            self.problems.append(
                Problem(file=path, line=1, what=f"cannot be read: {error.strerror}")
            )

    def _check_leads(self) -> None:
        for path, agent in self._by_file.items():
            if agent.lead and agent.lead not in self._agents:
                what = f"lead: there is no agent {agent.lead}"
                if not any(p.file == path and p.what == what for p in self.problems):
                    self.problems.append(Problem(file=path, line=1, what=what))


def parse(path: Path, raw: bytes) -> Agent:
    """Return the agent of a file's bytes. Raises AgentFileError."""

    def wrong(line: int, what: str) -> AgentFileError:
        return AgentFileError(Problem(file=path, line=line, what=what))

    if len(raw) > MAX_BYTES:
        raise wrong(1, f"longer than {MAX_BYTES} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise wrong(line, "not UTF-8; save it as UTF-8") from None
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != "---":
        raise wrong(1, "the first line must be `---`; front matter comes before the prompt")
    try:
        end = next(i for i, line in enumerate(lines[1:], 1) if line.strip() == "---")
    except StopIteration:
        raise wrong(1, "the front matter is not closed by a second `---`") from None
    head = _head("\n".join(lines[1:end]), lines, wrong)
    prompt = "\n".join(lines[end + 1 :]).strip()
    if not prompt:
        raise wrong(end + 1, "there is no prompt after the front matter")
    return Agent(
        name=AgentName(head.name),
        title=head.title,
        prompt=prompt,
        version=hashlib.sha256(raw).hexdigest()[:12],
        model=head.model,
        task=head.task,
        tools=head.tools,
        channels=head.channels,
        addresses=head.addresses,
        policy=dict(head.policy),
        schedule=head.schedule,
        lead=AgentName(head.lead) if head.lead else None,
        limits=Limits(**head.limits.model_dump()),
        emoji=head.emoji,
    )


def _head(text: str, lines: Sequence[str], wrong: Callable[[int, str], AgentFileError]) -> _Head:
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 2
        raise wrong(line, f"not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(raw, dict):
        raise wrong(2, "the front matter must be lines of `key: value`")
    try:
        return _Head.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        keys = [str(part) for part in first["loc"]]
        raise wrong(_line_of(keys, lines), _sentence(keys, first["type"], first["msg"])) from None


def _sentence(keys: Sequence[str], kind: str, message: str) -> str:
    key = ".".join(keys)
    if kind == "extra_forbidden":
        known = list(_Limits.model_fields if len(keys) > 1 else _Head.model_fields)
        near = get_close_matches(keys[-1], known, n=1)
        hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(known)
        return f"{key}: unknown key, {hint}"
    if kind == "missing":
        return f"{key} is missing"
    return f"{key}: {message}"


def _line_of(keys: Sequence[str], lines: Sequence[str]) -> int:
    """The line of a key, following nested ones in order; 2 when it is not there."""
    at = 0
    for key in keys:
        for number in range(max(at, 1), len(lines)):
            if lines[number].strip().startswith((f"{key}:", f'"{key}":')):
                at = number
                break
    return at + 1 if at else 2


def _signature(folder: Path) -> dict[Path, tuple[int, int]]:
    found: dict[Path, tuple[int, int]] = {}
    for path in sorted(folder.glob("*.md")):
        try:
            stat = path.stat()
        except OSError:
            continue  # saved by a rename at this very moment
        found[path] = (stat.st_mtime_ns, stat.st_size)
    return found
