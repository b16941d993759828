"""Packages from outside the tree: found by their entry points, used only when settings name them.

    switchboard.channels    NAME = "module"    the module has `make(lent) -> Channel`
    switchboard.tools       GROUP = "module"   the module has `TOOLS`, and perhaps `Settings`
    switchboard.providers   NAME = "module"    the module has `PROVIDER`, a service's OAuth

Looking for packages imports none of them; what is not in `[extensions] allow` never runs. A package
that cannot be used is named with the reason and left out whole, and everything else goes on. How
to write one: docs/extending.md. Entry points: packaging.python.org/en/latest/specifications/
entry-points (read 2026-11-21).
"""

import inspect
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import Distribution, EntryPoint, distributions
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.config.mistakes import briefly
from bot.core.channel import Channel, Features
from bot.core.errors import BotError, OperatorError
from bot.core.secret import Secret
from bot.core.tool import Tool
from bot.frozen import field, frozen
from bot.oauth.provider import Feature, Provider, Services, names
from bot.platforms.carriers import HOUSE
from bot.platforms.lent import Lent, Make, Offer, Options
from bot.reach import Reach

log = logging.getLogger(__name__)

CHANNELS, TOOLS, PROVIDERS = "switchboard.channels", "switchboard.tools", "switchboard.providers"
TAKEN = HOUSE | {"stripe", "wordpress", "ghost"}
"""The house's own channels, and what it lists beside channels."""
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_SECRET = re.compile(r"(token|secret|key|password)$")


@frozen
class Extension:
    """One package that the settings name."""

    name: str
    version: str = ""
    problem: str = ""
    """Why it is not used; empty when it is."""
    makes: Mapping[str, Make] = field(default_factory=dict)
    """Channels, by name."""
    tools: Mapping[str, tuple[Tool, ...]] = field(default_factory=dict)
    """By group."""
    services: Mapping[str, Provider] = field(default_factory=dict)
    """By name."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Of each tool module that has some, by the module's name."""
    options: Options = field(default_factory=dict)

    @property
    def brings(self) -> str:
        """What it adds, in words."""
        parts = [f"channel {name}" for name in self.makes]
        parts += [f"tool {tool.name}" for group in self.tools.values() for tool in group]
        parts += [f"service {name}" for name in self.services]
        return ", ".join(parts) or "nothing"


def installed() -> Mapping[str, Distribution]:
    """Packages with an entry point of ours, by their normal name; imports none of them."""
    found: dict[str, Distribution] = {}
    for item in distributions():
        if any(point.group in (CHANNELS, TOOLS, PROVIDERS) for point in item.entry_points):
            found.setdefault(normal(item.metadata["Name"]), item)
    return found


def load(allow: Sequence[str], options: Mapping[str, Options]) -> tuple[Extension, ...]:
    """Import the packages that are named, in that order; each mistake is in its `problem`."""
    there = installed() if allow else {}
    given = {normal(name): told for name, told in options.items()}
    taken: set[str] = set(TAKEN)
    loaded = []
    for name in dict.fromkeys(normal(name) for name in allow):
        made = _one(name, there.get(name), given.get(name, {}), taken)
        if made.problem:
            log.warning("The extension %s is not used: %s", name, made.problem)
        taken |= {*made.makes, *made.tools, *made.services}
        loaded.append(made)
    return tuple(loaded)


def offers(extensions: Sequence[Extension], lend: Callable[[str, Options], Lent]) -> list[Offer]:
    """The channels that they bring; `lend` takes a channel's name and what it is told."""
    return [
        Offer(name=name, make=partial(make, lend(name, item.options)))
        for item in extensions
        for name, make in item.makes.items()
    ]


def services(extensions: Sequence[Extension]) -> Services:
    """The services of a house with these packages."""
    brought = [record for item in extensions for record in item.services.values()]
    return Services(brought, is_whole=not any(item.problem for item in extensions))


def settings_of(extensions: Sequence[Extension], reach: Reach) -> Mapping[str, object]:
    """What their tools get as settings, by module; one with tools that act by an account gets a
    `Reach`, which holds its own settings."""
    found: dict[str, object] = {}
    for item in extensions:
        found |= item.settings
        tools = (tool for group in item.tools.values() for tool in group if tool.provider)
        for module in {tool.perform.__module__ for tool in tools}:
            found[module] = replace(reach, options=item.settings.get(module))
    return found


def examine(allow: Sequence[str]) -> Mapping[str, str]:
    """Packages that are named and not there, with the reason; imports nothing but looks."""
    there = installed() if allow else {}
    found = {}
    for name in dict.fromkeys(normal(name) for name in allow):
        if name not in there:
            found[name] = _missing(name)
    return found


def secrets_of(options: Mapping[str, Options]) -> list[Secret]:
    """Options that are secrets by their names: they end in token, secret, key or password."""
    return [
        Secret(value)
        for told in options.values()
        for name, value in told.items()
        if isinstance(value, str) and value and is_secret(name)
    ]


def is_secret(name: str) -> bool:
    """Whether an option of this name is one."""
    return bool(_SECRET.search(name))


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _missing(name: str) -> str:
    return f"It is not installed here, or has no entry point of ours. Run: pip install {name}"


def _one(name: str, dist: Distribution | None, options: Options, taken: set[str]) -> Extension:
    if dist is None:
        return Extension(name=name, problem=_missing(name))
    makes: dict[str, Make] = {}
    tools: dict[str, tuple[Tool, ...]] = {}
    records: dict[str, Provider] = {}
    settings: dict[str, object] = {}
    try:
        for point in dist.entry_points:
            if point.group == CHANNELS:
                makes[point.name] = _channel(point, taken)
            elif point.group == TOOLS:
                module = _module(point, taken)
                tools[point.name] = _tools(point, module)
                if kind := getattr(module, "Settings", None):
                    settings[module.__name__] = _settings(kind, options)
            elif point.group == PROVIDERS:
                records[point.name] = _service(point, taken)
        if both := sorted({*makes} & {*records}):
            what = "a channel and a service, which are connected by their names"
            raise OperatorError(f"{both[0]} is the name of {what}. Rename one of them.")
    except BotError as error:
        return Extension(name=name, version=dist.version, problem=error.message)
    return Extension(
        name=name,
        version=dist.version,
        makes=MappingProxyType(makes),
        tools=MappingProxyType(tools),
        services=MappingProxyType(records),
        settings=MappingProxyType(settings),
        options=options,
    )


def _module(point: EntryPoint, taken: set[str]) -> Any:
    """Import what an entry point names. Raises OperatorError. `Any`: callers check each piece."""
    if not _NAME.fullmatch(point.name):
        rule = "small letters, digits and underscores, a letter first, 30 at most"
        raise OperatorError(f"{point.name!r} is no name: {rule}.")
    if point.name in taken or _is_ours(point):
        raise OperatorError(f"The name {point.name} is taken already. Take another.")
    try:
        return point.load()
    except (Exception, SystemExit) as error:  # somebody else's code: the house goes on
        log.warning("%s cannot be imported", point.value, exc_info=error)
        what = f"{type(error).__name__}: {error}"
        raise OperatorError(f"{point.value} cannot be imported ({what}). Mend or remove it.") from (
            error
        )


def _is_ours(point: EntryPoint) -> bool:
    """Whether the tree has one of this name; a channel and a service are connected by theirs."""
    if point.group == TOOLS:
        return find_spec(f"tools.{point.name}") is not None
    return point.name in names() or find_spec(f"channels.{point.name}") is not None


def _channel(point: EntryPoint, taken: set[str]) -> Make:
    make: object = getattr(_module(point, taken), "make", None)
    if not callable(make):
        raise OperatorError(f"{point.value} has no function make(lent). docs/extending.md has one.")

    def checked(lent: Lent) -> Channel:
        channel: Channel = make(lent)
        wanted = ("routes", "run", "send")
        if channel.name != point.name or not isinstance(channel.features, Features):
            raise OperatorError(f"{point.value} must be named {point.name} and have Features.")
        if not all(callable(getattr(channel, name, None)) for name in wanted):
            raise OperatorError(f"{point.value} must have {', '.join(wanted)}.")
        for _, path, _handler in channel.routes():
            if not path.startswith(f"/webhooks/{point.name}/"):
                raise OperatorError(f"{path} must lie below /webhooks/{point.name}/.")
        return channel

    return checked


def _tools(point: EntryPoint, module: Any) -> tuple[Tool, ...]:
    tools = getattr(module, "TOOLS", None)
    if not isinstance(tools, tuple) or not tools or not all(isinstance(t, Tool) for t in tools):
        raise OperatorError(f"{point.value} has no TOOLS, a tuple of Tool.")
    for tool in tools:
        if not tool.name.startswith(point.name) or not _NAME.fullmatch(tool.name[:30]):
            raise OperatorError(f"The tool {tool.name} must begin with {point.name}.")
        if not inspect.iscoroutinefunction(tool.perform):
            raise OperatorError(f"{tool.name}.perform must be an async function.")
    return tools


def _service(point: EntryPoint, taken: set[str]) -> Provider:
    record: object = getattr(_module(point, taken), "PROVIDER", None)
    if not isinstance(record, Provider):
        raise OperatorError(
            f"{point.value} has no PROVIDER, a Provider. docs/extending.md has one."
        )
    if record.name != point.name:
        raise OperatorError(f"The service of {point.value} must be named {point.name}.")
    check_record(record)
    return record


def check_record(record: Provider) -> None:
    """Raises OperatorError for a service's record that could not be used."""
    try:
        addresses, is_whole = record.addresses(), _is_whole(record)
    except (AttributeError, TypeError):
        is_whole = False
    if not is_whole:
        raise OperatorError(
            f"The record of {record.name} is not whole: fields lack, or are of other types."
        )
    for url in addresses:
        if not re.match(rf"https://{_HOST.pattern}(/|$)", url):
            raise OperatorError(f"{url} must be an https address, with its host.")
    for host in record.hosts:
        if not _HOST.fullmatch(host):
            raise OperatorError(f"{host} is no host's name, such as api.example.com.")


def _is_whole(record: Provider) -> bool:
    """Whether the pieces are of their kinds; what lists services stumbles over others."""
    record.known_scopes()
    texts = (record.title, record.authorize_url, record.token_url, *record.hosts, *record.to_do)
    return (
        all(isinstance(text, str) for text in texts)
        and all((record.title, record.authorize_url, record.token_url, record.hosts))
        and all(isinstance(one, Feature) for one in record.features.values())
        and isinstance(record.hosts, tuple)
    )


def _settings(kind: object, options: Options) -> object:
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        raise OperatorError("Settings must be a pydantic model.")
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        raise OperatorError(f"Its options do not fit: {briefly(error)}.") from None
