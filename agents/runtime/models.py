"""The door to models: which one answers, and a new key while the house runs.

A real model answers when a key or a model is configured, in the settings or pasted on the page;
with neither, the built-in offline model does, and says so. A configured model that fails is never
replaced by the offline one. Pasted keys are tried first and then kept sealed.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agents.runtime.door import Door
from agents.runtime.offline import OfflineModel
from agents.runtime.providers import provider_of
from bot.core.canonical import Json
from bot.core.errors import Invalid
from bot.core.ids import TenantId
from bot.core.model import ModelReply, ModelRequest, Offer, Task, Usage
from bot.core.people import Person
from bot.core.ports import Clock, Model, OnText
from bot.core.secret import Secret
from bot.settings import Settings

log = logging.getLogger(__name__)

FIELD = "model_key"


class Secrets(Protocol):
    """Where pasted keys are kept."""

    async def put(self, tenant: TenantId, provider: str, field: str, secret: Secret) -> None: ...

    async def of_field(self, tenant: TenantId, field: str) -> Mapping[str, Secret]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSetup:
    """What the settings say about models."""

    clock: Clock
    keys: Mapping[str, Secret]
    """Provider → key."""
    endpoints: Mapping[str, str]
    """Provider → base address, where it is not the usual one."""
    default: Sequence[str] = ()
    lists: Mapping[Task, Sequence[str]] = field(default_factory=dict)
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Model → US dollars per million tokens, in and out."""
    timeout_s: float = 120.0
    transport: Literal["litellm", "direct"] = "litellm"


def setup_of(settings: Settings, clock: Clock) -> ModelSetup:
    """Read the settings."""
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
    )


class ModelDoor:
    """The model of the house, behind the port `Model`."""

    def __init__(self, setup: ModelSetup, secrets: Secrets, tenant: TenantId) -> None:
        self._setup = setup
        self._secrets = secrets
        self._tenant = tenant
        self._real: Door | None = None
        self._offline = OfflineModel()

    async def start(self) -> None:
        """Choose who answers."""
        pasted = await self._secrets.of_field(self._tenant, FIELD)
        await self._choose({**pasted, **self._setup.keys})

    async def warm(self) -> None:
        """Load the library of the real model, if one is configured."""
        if self._real:
            await self._real.warm()

    async def close(self) -> None:
        """Let connections go."""
        if self._real:
            await self._real.close()

    async def keys(self) -> list[dict[str, Json]]:
        """Whose keys there are, by their ends, and where each comes from."""
        pasted = await self._secrets.of_field(self._tenant, FIELD)
        found = {**{name: ("pasted", key) for name, key in pasted.items()}}
        found.update({name: ("settings", key) for name, key in self._setup.keys.items()})
        return [
            {"provider": name, "last4": key.last4, "source": source}
            for name, (source, key) in sorted(found.items())
        ]

    def current(self) -> tuple[str, bool]:
        """The name of the model that answers, and whether it is the offline one."""
        if self._real:
            return self._real.default_model, False
        return "offline model", True

    def problems(self) -> list[str]:
        """What keeps the model from answering, as far as that is known."""
        return self._real.problems() if self._real else []

    def resting(self) -> list[dict[str, Json]]:
        """`[{model, seconds, cause, status}]`: who failed lately and is asked last, or not yet."""
        return [
            {
                "model": rest.model,
                "seconds": round(rest.seconds),
                "cause": rest.cause,
                "status": rest.status,
            }
            for rest in (self._real.resting() if self._real else ())
        ]

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelReply:
        """Ask whoever answers."""
        return await self._model.complete(request, on_text)

    def reserve(self, request: ModelRequest) -> Usage:
        """The most that a call can cost."""
        return self._model.reserve(request)

    async def check(self, key: Secret, model: str = "") -> Offer:
        """Try a key. Raises Invalid or OperatorError with a sentence that names the next step."""
        provider = model.split("/", 1)[0] if "/" in model else provider_of(key.reveal())
        if not provider:
            raise Invalid(
                "This key is none that I know by its look. Name the model with it, such as "
                "`openai/gpt-4o-mini`, so that I know whose it is."
            )
        trial = self._make({provider: key})
        try:
            found = await trial.check(provider, key)
            chosen = model or trial.default_model
        finally:
            await trial.close()
        names = [name if "/" in name else f"{provider}/{name}" for name in found]
        ordered = (chosen, *(name for name in names if name != chosen))
        return Offer(provider=provider, models=ordered, model=chosen)

    async def adopt(self, key: Secret, offer: Offer, actor: Person) -> None:
        """Keep a key that was tried, sealed, and answer with it from now on."""
        await self._secrets.put(self._tenant, offer.provider, FIELD, key)
        log.info("a model key was added", extra={"provider": offer.provider, "person": actor.id})
        pasted = await self._secrets.of_field(self._tenant, FIELD)
        await self._choose({**self._setup.keys, **pasted})

    @property
    def _model(self) -> Model:
        return self._real or self._offline

    async def _choose(self, keys: Mapping[str, Secret]) -> None:
        old = self._real
        setup = self._setup
        if keys or setup.default or any(setup.lists.values()):
            self._real = self._make(keys)
        if old:
            await old.close()

    def _make(self, keys: Mapping[str, Secret]) -> Door:
        setup = self._setup
        return Door(
            keys=keys,
            endpoints=setup.endpoints,
            default=setup.default,
            lists=setup.lists,
            prices=setup.prices,
            timeout_s=setup.timeout_s,
            transport=setup.transport,
            clock=setup.clock,
        )
