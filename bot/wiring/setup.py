"""The settings, in the shapes that the parts of a house take."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

import channels
from agents.runtime.models import ModelSetup
from bot.core.canonical import Json
from bot.core.channel import Channel
from bot.core.errors import NotFound, OperatorError
from bot.core.model import Task
from bot.core.ports import Clock
from bot.extras import install
from bot.limits import Rate
from bot.platforms.lent import Lent, Offer, Options
from bot.platforms.ways import Way
from bot.settings import Settings
from bot.wiring.engine import Limits


def model_setup(settings: Settings, clock: Clock) -> ModelSetup:
    """What the door to models is made of."""
    models, keys = settings.models, settings.keys
    return ModelSetup(
        clock=clock,
        keys={name: key for name in type(keys).model_fields if (key := getattr(keys, name))},
        endpoints=dict(settings.endpoint),
        default=models.default,
        lists={task: getattr(models, task.value) for task in Task},
        prices={name: (price.input, price.output) for name, price in models.price.items()},
        timeout_s=models.timeout_s,
        transport=models.transport,
        embeddings=models.embeddings,
        transcription=models.transcription,
    )


def engine_limits(settings: Settings) -> Limits:
    """How much at once, how often, and for how much money."""
    limits, budget = settings.limits, settings.budget
    return Limits(
        open_turns=limits.open_turns,
        sender=Rate(count=limits.person_per_minute, seconds=60),
        tenant=Rate(count=limits.tenant_per_minute, seconds=60),
        asks_per_hour=limits.approvals_per_hour,
        tenant_day_micros=micros(budget.tenant_day_usd),
        person_day_micros=micros(budget.person_day_usd),
    )


def channel_names() -> Sequence[str]:
    """The platforms that there are files for."""
    return [item.name for item in iter_modules(channels.__path__)]


def channel_wants(name: str) -> Sequence[Mapping[str, Json]]:
    """What a platform is to be told: `{name, about, secret, needed, begins}`; nothing where it is
    unknown.

    A package's settings are read without its library, which need not be here.
    """
    return _wants(_settings(name))


@cache
def _binds(name: str) -> Mapping[str, Sequence[str]]:
    return getattr(_settings(name), "binds", {})


def channel_bound(name: str, file: str, options: Options) -> Options:
    """Those options of a platform that say by which account a tool's `file` acts there.

    A platform's `Settings` names them as `binds`, by the name of the tool's file, the others' under
    the empty name; where it names none, all of them count.
    """
    told = _binds(name)
    keys = told.get(file, told.get("", tuple(options)))
    return {key: options[key] for key in keys if options.get(key)}


def channel_own(name: str) -> Sequence[Mapping[str, Json]]:
    """What an app that is one agent's own is to be told; nothing where a platform has none."""
    return _wants(_own(name))


def channel_own_ways(name: str) -> Sequence[Mapping[str, Json]]:
    """The ways to connect such an app, as `channel_ways` gives them."""
    return _ways(_own(name))


def _own(name: str) -> type[BaseModel] | None:
    module = f"channels.{name}.own"
    if name not in channel_names() or not _has(module):
        return None
    with suppress(ImportError):
        found: type[BaseModel] = import_module(module).Own
        return found
    return None


def _wants(kind: type[BaseModel] | None) -> Sequence[Mapping[str, Json]]:
    if kind is None:
        return []
    return [
        {
            "name": field,
            "about": info.description or "",
            "secret": info.annotation is SecretStr,
            "needed": info.is_required(),
            "begins": _begins(info),
        }
        for field, info in kind.model_fields.items()
        if not info.exclude  # the house itself sets those
    ]


def _begins(info: FieldInfo) -> str:
    """How a value begins that can be right; empty where that is not known."""
    extra = info.json_schema_extra
    return str(extra.get("begins", "")) if isinstance(extra, dict) else ""


def channel_ways(name: str) -> Sequence[Mapping[str, Json]]:
    """The ways to connect a platform, of which a person chooses: `{name, title, asks, needs}`."""
    return _ways(_settings(name))


def _ways(kind: type[BaseModel] | None) -> Sequence[Mapping[str, Json]]:
    ways: Sequence[Way] = getattr(kind, "ways", ())
    return [
        {
            "name": way.name,
            "title": way.title,
            "asks": [list(group) for group in way.asks],
            "needs": list(way.needs),
        }
        for way in ways
    ]


def _settings(name: str) -> type[BaseModel] | None:
    """What a platform may be told; None where it is unknown, or its library is not here."""
    if name not in channel_names():
        return None
    own = f"channels.{name}.settings"
    try:
        found: type[BaseModel] = (import_module(own) if _has(own) else _module(name)).Settings
    except (ImportError, AttributeError):
        return None
    return found


def has_manifest(name: str) -> bool:
    """Whether the platform makes an app of a manifest."""
    return name in channel_names() and _has(f"channels.{name}.manifest")


def _has(module: str) -> bool:
    """Whether there is such a module in a platform's package; a platform of one file has none."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def channel_manifest(
    name: str, address: str, agent: tuple[str, str] | None = None
) -> tuple[int, Mapping[str, Json]]:
    """Version and manifest of the app that a platform makes of one; Slack is such a platform.

    `address` is the house's own; empty when the platform cannot reach it. `agent`: name and title
    of whose own app it is. Raises NotFound.
    """
    if not has_manifest(name):
        raise NotFound(f"The platform {name} has no manifest; docs/channels has a page for each.")
    found: Any = import_module(f"channels.{name}.manifest")
    return found.VERSION, found.manifest(address, agent)


def channel_load(name: str) -> None:
    """Import a platform's library, which takes a while; what is wrong is told when it is made."""
    with suppress(ImportError):
        _module(name)


def channel_offer(name: str, lent: Lent) -> Offer:
    """A platform of the tree; its library is imported when its channel is made."""
    return Offer(name=name, make=partial(_made, name, lent))


def _made(name: str, lent: Lent) -> Channel:
    if name not in channel_names():
        raise OperatorError(f"There is no channel {name}. There are: {', '.join(channel_names())}.")
    try:
        made: Channel = _module(name).make(lent)
    except ModuleNotFoundError as error:
        raise OperatorError(
            f"The channel {name} needs a package that is not here ({error.name}). "
            f"Run: {install(name)}"
        ) from error
    return made


def _module(name: str) -> Any:
    """A platform's module. `Any`: it is asked for `make` and `Settings`."""
    module = import_module(f"channels.{name}")
    if hasattr(module, "__path__"):  # a package says nothing itself
        module = import_module(f"channels.{name}.channel")
    return module


def micros(dollars: float | None) -> int | None:
    """Millionths of a dollar; None where there is no limit."""
    return None if dollars is None else int(dollars * 1_000_000)
