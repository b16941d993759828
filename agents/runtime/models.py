"""The door to models: which one answers, and a new key while the house runs.

A real model answers when a key or a model is configured, in the settings or pasted on the page;
with neither, the built-in offline model does, and says so. A configured model that fails is never
replaced by the offline one. Pasted keys are tried first and then kept sealed.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from typing import Literal, Protocol

from agents.runtime.choice import Options
from agents.runtime.door import Door
from agents.runtime.embedding import Embedder, ModelEmbedder, WordEmbedder
from agents.runtime.failures import Failure
from agents.runtime.hearing import Transcriber
from agents.runtime.offline import OfflineModel
from agents.runtime.prices import Price, Prices
from agents.runtime.providers import PROVIDERS, proposed, provider_of
from agents.runtime.providers import provider as row_of
from bot.core.canonical import Json
from bot.core.errors import BotError, Invalid
from bot.core.ids import TenantId
from bot.core.model import ModelReply, ModelRequest, Offer, Task, Usage
from bot.core.people import Person
from bot.core.ports import Clock, Model, OnText
from bot.core.secret import Secret
from bot.frozen import field, frozen

log = logging.getLogger(__name__)

FIELD = "model_key"
MUTE: Mapping[str, str] = {
    "model.auth": "its key is refused",
    "model.credit": "its key has no credit left",
    "model.unreachable": "it cannot be reached",
    "model.certificate": "its certificate does not hold",
}
"""Failures that the next message meets as well."""
REPLACED = "model_key_replaced"
"""Which key of the settings a pasted one was pasted for, as a fingerprint: it goes before that one
alone, and one that is put there later goes before both."""
CHOICE, CHOSEN, SAYS = "model_choice", "models", "answers come from "
"""Where the model that a person chose is kept. Words go before its name: what is kept sealed is
masked in the logs wherever it stands, and a model's name is no secret."""


class Secrets(Protocol):
    """Where pasted keys are kept."""

    async def put(self, tenant: TenantId, provider: str, field: str, secret: Secret) -> None: ...

    async def readable(
        self, tenant: TenantId, field: str
    ) -> tuple[Mapping[str, Secret], Mapping[str, BotError]]: ...


@frozen
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
    embeddings: str = ""
    """The model that embeds; empty: words are counted instead."""
    transcription: str = ""
    """The model that listens; empty: nobody does."""
    transport: Literal["litellm", "direct"] = "litellm"


def _print(key: Secret) -> str:
    """Tells one key from another, and opens nothing."""
    return sha256(b"switchboard model key" + key.reveal().encode()).hexdigest()


def _causes(failures: Mapping[str, Failure]) -> dict[str, tuple[str, int | None]]:
    """Cause and HTTP status of each."""
    return {name: (failure.kind.value.cause, failure.status) for name, failure in failures.items()}


class ModelDoor:
    """The model of the house, behind the port `Model`."""

    def __init__(self, setup: ModelSetup, secrets: Secrets, tenant: TenantId) -> None:
        self._setup = setup
        self._secrets = secrets
        self._tenant = tenant
        self._real: Door | None = None
        self._offline = OfflineModel()
        self._embedder: ModelEmbedder | None = None
        self._words = WordEmbedder()
        self._choosing = asyncio.Lock()
        self._chosen: tuple[Mapping[str, Secret], str] | None = None
        """By which keys, and by whose choice, it is decided who answers."""
        self._lost: frozenset[str] = frozenset()
        """Providers whose keys cannot be opened, as was said."""
        self.transcriber: Transcriber | None = None
        """Who writes down what is said; None: nobody."""

    async def start(self) -> None:
        """Choose who answers; and again, where another process was given a key since then."""
        async with self._choosing:
            kept, _ = await self._secrets.readable(self._tenant, CHOICE)
            keys = {name: key for name, (_, key) in (await self._keys()).items()}
            chosen = kept.get(CHOSEN, Secret("")).reveal().removeprefix(SAYS)
            if self._chosen != (keys, chosen):
                await self._choose(keys, chosen)

    async def warm(self) -> None:
        """Load the library of the real model, if one is configured."""
        if self._real:
            await self._real.warm()

    async def close(self) -> None:
        """Let connections go."""
        if self._real:
            await self._real.close()
        if self._embedder:
            await self._embedder.close()
        if self.transcriber:
            await self.transcriber.close()

    @property
    def embedder(self) -> Embedder:
        """Who makes vectors of texts."""
        return self._embedder or self._words

    async def keys(self) -> list[dict[str, Json]]:
        """Whose keys there are, by their ends, and where each comes from."""
        return [
            {"provider": name, "last4": key.last4, "source": source}
            for name, (source, key) in sorted((await self._keys()).items())
        ]

    async def _keys(self) -> dict[str, tuple[str, Secret]]:
        """The key of each provider, and where it comes from."""
        pasted = await self._pasted()
        replaced, _ = await self._secrets.readable(self._tenant, REPLACED)
        found = {name: ("pasted", key) for name, key in pasted.items()}
        for name, key in self._setup.keys.items():
            if name not in pasted or not replaced.get(name, Secret("")).matches(_print(key)):
                found[name] = ("settings", key)
        return found

    def current(self) -> tuple[str, bool]:
        """The name of the model that answers, and whether it is the offline one."""
        if self._real:
            return self._real.default_model, False
        return "offline model", True

    def problems(self) -> list[str]:
        """What keeps the model from answering until a person mends it, as far as that is known."""
        if self._real is None:
            return []
        lost = self._unread()
        alone = all(name.partition("/")[0] in lost for name in self._real.named())
        refused = self._nobody(_causes(self._real.refused()))
        return [
            *self._real.problems(),
            *(self.lost() if lost and alone else ()),
            *([refused] if refused else ()),
        ]

    def lost(self) -> list[str]:
        """Whose pasted keys cannot be opened, whoever else answers."""
        return [
            f"The key of {row_of(name).title} that was pasted cannot be opened any more. "
            "Paste it again."
            for name in self._unread()
        ]

    def _unread(self) -> list[str]:
        """Providers whose pasted key cannot be opened, and whom the settings give none."""
        keys = self._chosen[0] if self._chosen else {}
        return [name for name in sorted(self._lost) if not keys.get(name)]

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

    def silent(self) -> str:
        """Why no model would answer now, as the last calls told; empty while one of them might."""
        if self._real is None:
            return ""
        resting = {rest.model: (rest.cause, rest.status) for rest in self._real.resting()}
        return self._nobody({**resting, **_causes(self._real.refused())})

    def _nobody(self, failed: Mapping[str, tuple[str, int | None]]) -> str:
        """Why nobody answers, where all that are named failed so; empty else."""
        named = self._real.named() if self._real else ()
        if not named or any(failed.get(name, ("", None))[0] not in MUTE for name in named):
            return ""
        cause, status = failed[named[0]]
        said = MUTE[cause] + (f", HTTP {status}" if status else "")
        others = "none of the others did" if len(named) > 1 else "no other model is there"
        return f"{named[0]} did not answer ({said}), and {others}."

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelReply:
        """Ask whoever answers."""
        return await self._model.complete(request, on_text)

    def reserve(self, request: ModelRequest) -> Usage:
        """The most that a call can cost."""
        return self._model.reserve(request)

    async def check(self, key: Secret, model: str = "") -> Offer:
        """Try a key, with the model that is to answer where a person chose one.

        Raises Invalid or OperatorError with a sentence that names the next step.
        """
        provider = model.split("/", 1)[0] if "/" in model else provider_of(key.reveal())
        if not provider:
            raise Invalid(
                "This key is none that I know by its look. Name the model with it, such as "
                "`openai/gpt-4o-mini`, so that I know whose it is."
            )
        trial = self._make({provider: key})
        try:
            if model and self._is_named and model != trial.default_model:
                raise Invalid(
                    f"The settings name the model that answers, {trial.default_model}. "
                    f"Name {model} there, as models.default."
                )
            found = await trial.check(provider, key)
            names = [
                name if name.startswith(f"{provider}/") else f"{provider}/{name}" for name in found
            ]
            chosen = model if self._is_named else proposed(model, provider, names)
            chosen = chosen or trial.default_model
        finally:
            await trial.close()
        ordered = (chosen, *(name for name in names if name != chosen))
        return Offer(provider=provider, models=ordered, model=chosen)

    async def adopt(self, key: Secret, offer: Offer, actor: Person) -> None:
        """Keep a key that was tried, sealed, and answer with it from now on."""
        await self._secrets.put(self._tenant, offer.provider, FIELD, key)
        log.info("a model key was added", extra={"provider": offer.provider, "person": actor.id})
        if set_one := self._setup.keys.get(offer.provider):
            seen = Secret(_print(set_one))
            await self._secrets.put(self._tenant, offer.provider, REPLACED, seen)
        if not self._is_named:
            await self._secrets.put(self._tenant, CHOSEN, CHOICE, Secret(SAYS + offer.model))
        self._chosen = None
        await self.start()

    @property
    def _is_named(self) -> bool:
        """The settings say which model answers; nobody chooses another while the house runs."""
        return bool(self._setup.default or self._setup.lists.get(Task.REASON))

    async def _pasted(self) -> Mapping[str, Secret]:
        """Provider → key. One that cannot be opened is empty, so that the offline model does not
        answer for it: the house starts, and its calls fail with the mend.
        """
        kept, lost = await self._secrets.readable(self._tenant, FIELD)
        for name in lost.keys() - self._lost:
            log.warning("The key of %s is lost, paste it again: %s", name, lost[name].message)
        self._lost = frozenset(lost)
        return {**dict.fromkeys(lost, Secret("")), **kept}

    @property
    def _model(self) -> Model:
        return self._real or self._offline

    async def _choose(self, keys: Mapping[str, Secret], chosen: str) -> None:
        self._chosen, old = (keys, chosen), self._real
        setup = self._setup
        if chosen and chosen.partition("/")[0] in keys and not self._is_named:
            others = (PROVIDERS[name].default for name in keys if name in PROVIDERS)
            self._real = self._make(keys, dict.fromkeys(filter(None, (chosen, *others))))
        elif keys or setup.default or any(setup.lists.values()):
            self._real = self._make(keys)
        if old:
            await old.close()
        if setup.embeddings:
            before, self._embedder = self._embedder, self._make_embedder(keys)
            if before:
                await before.close()

        if setup.transcription:
            gone, self.transcriber = self.transcriber, self._make_transcriber(keys)
            if gone:
                await gone.close()

    def _make_transcriber(self, keys: Mapping[str, Secret]) -> Transcriber:
        setup = self._setup
        prices = Prices({m: Price(input=i, output=o) for m, (i, o) in setup.prices.items()})
        is_direct = setup.transport == "direct"
        options = Options(
            keys={name: key for name, key in keys.items() if key},
            endpoints=setup.endpoints,
            only_direct=is_direct and find_spec("litellm") is None,
            direct=is_direct,
        )
        return Transcriber(setup.transcription, options, setup.clock, prices)

    def _make_embedder(self, keys: Mapping[str, Secret]) -> ModelEmbedder:
        setup = self._setup
        prices = Prices({m: Price(input=i, output=o) for m, (i, o) in setup.prices.items()})
        options = Options(
            keys={name: key for name, key in keys.items() if key}, endpoints=setup.endpoints
        )
        return ModelEmbedder(setup.embeddings, options, setup.clock, prices)

    def _make(self, keys: Mapping[str, Secret], default: Iterable[str] = ()) -> Door:
        setup = self._setup
        return Door(
            keys=keys,
            endpoints=setup.endpoints,
            default=tuple(default) or setup.default,
            lists=setup.lists,
            prices=setup.prices,
            timeout_s=setup.timeout_s,
            transport=setup.transport,
            at_once=True,
            clock=setup.clock,
        )
