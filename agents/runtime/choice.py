"""Which model is asked, and which one next: ordered lists, room for the prompt, and rest.

A request's own model comes first, then the list of its task, then the default list; with none of
these, the usual model of each provider that has a key. A model that failed rests: it is asked
last, or not before the time that its provider named. Rest belongs to a model *and* a key, so that
one tenant's limit holds up nobody else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from agents.runtime.failures import Failure, Kind, no_key
from agents.runtime.prices import Prices
from agents.runtime.providers import PROVIDERS, address, provider
from bot.core.errors import SettingsError
from bot.core.ids import TenantId
from bot.core.model import ModelRequest, Task
from bot.core.ports import Clock
from bot.core.secret import Secret
from bot.extras import install
from bot.frozen import field, frozen

Keys = Mapping[str, Secret]


@frozen
class Options:
    """What the operator set, as plain values."""

    keys: Keys = field(default_factory=dict)
    """By provider."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """By provider: where it is reached instead of its own address."""
    lists: Mapping[Task, Sequence[str]] = field(default_factory=dict)
    default: Sequence[str] = ()
    """For every task that has no list."""
    keys_of: Callable[[TenantId], Keys] | None = None
    """A tenant's own keys, which go before the house's."""
    only_direct: bool = False
    """LiteLLM is absent and not needed: only providers that speak OpenAI's shape can be asked."""
    direct: bool = False
    """Providers that speak OpenAI's shape are asked without LiteLLM."""


@frozen
class Candidate:
    """One model that may be asked, with all that a call to it takes."""

    model: str
    """With its prefix."""
    provider: str
    key: Secret | None
    base: str | None
    """Where it is reached; None when only LiteLLM knows."""

    @property
    def host(self) -> str:
        """The address in a sentence."""
        return urlsplit(self.base or "").netloc or self.provider

    def failure(self, kind: Kind) -> Failure:
        """A failure of this one."""
        row = provider(self.provider)
        return Failure(
            kind=kind,
            provider=self.provider,
            title=row.title,
            model=self.model,
            host=self.host,
            variable=row.variable,
            key=self.key,
        )


@frozen
class _Rest:
    until: float
    """Monotonic seconds."""
    failure: Failure


@frozen
class Resting:
    """A model that failed, as the status page names it; whose key it was is not told."""

    model: str
    seconds: float
    """Until it is asked in its turn again."""
    cause: str
    """In one word, such as `model.rate`."""
    status: int | None
    """HTTP, where the provider answered."""


class Choice:
    """Chooses, and remembers who rests."""

    def __init__(self, options: Options, clock: Clock, prices: Prices) -> None:
        self._options = options
        self._clock = clock
        self._prices = prices
        self._resting: dict[tuple[str, Secret | None], _Rest] = {}
        self._found: dict[tuple[TenantId, str, Task], tuple[Candidate, ...]] = {}

    def named(self, task: Task = Task.REASON, model: str = "") -> tuple[str, ...]:
        """The models that the settings name for a task, in order."""
        options = self._options
        listed = [*options.lists.get(task, ()), *options.default]
        names = [model, *listed] if model else listed
        if not names:
            usual = (PROVIDERS[name].default for name in options.keys if name in PROVIDERS)
            names = list(filter(None, usual))
        if not names:
            names = [PROVIDERS["openai"].default] if "openai" in options.endpoints else []
        return tuple(dict.fromkeys(names))

    def all_for(self, request: ModelRequest) -> tuple[Candidate, ...]:
        """Every model that could be asked, resting or not. Raises SettingsError with the mend."""
        who = (request.tenant, request.model, request.task)
        known = None if self._options.keys_of else self._found.get(who)
        if known is not None:
            return known
        names = self.named(request.task, request.model)
        found = [c for name in names if (c := self._candidate(request.tenant, name))]
        if not found:
            raise self._nobody(names)
        if len(self._found) > 1000:
            self._found.clear()
        self._found[who] = tuple(found)
        return self._found[who]

    def order(self, request: ModelRequest, tokens: int) -> Sequence[Candidate]:
        """Whom to ask, in order, with `tokens` to read and write.

        Raises what the provider said when each of them asked for a pause that is not over.
        """
        found = self.all_for(request)
        if len(found) > 1:
            found = self._with_room(found, tokens)
        if not self._resting:
            return found
        now = self._clock.monotonic()
        awake, asleep = [], []
        for candidate in found:
            rest = self._resting.get((candidate.model, candidate.key))
            if rest is None or rest.until <= now:
                awake.append(candidate)
            elif rest.failure.retry_after_s is None:
                asleep.append(candidate)
        if awake or asleep:
            return [*awake, *asleep]
        rests = (self._resting[c.model, c.key] for c in found)
        first = min(rests, key=lambda rest: rest.until)
        raise replace(first.failure, retry_after_s=first.until - now).error()

    def rest(self, candidate: Candidate, failure: Failure) -> None:
        """Let it rest after a failure."""
        asked = failure.retry_after_s
        span = self._uneven(failure.kind.value.rest_s) if asked is None else asked
        if span > 0:
            if len(self._resting) > 1000:
                self._resting.clear()
            until = self._clock.monotonic() + span
            self._resting[candidate.model, candidate.key] = _Rest(until=until, failure=failure)

    def wake(self, candidate: Candidate) -> None:
        """It answered."""
        self._resting.pop((candidate.model, candidate.key), None)

    def resting(self) -> list[Resting]:
        """Who rests now by the house's own keys, the longest last."""
        now = self._clock.monotonic()
        latest = {model: rest for model, rest in self._of_house().items() if rest.until > now}
        return [
            Resting(
                model=model,
                seconds=rest.until - now,
                cause=rest.failure.kind.value.cause,
                status=rest.failure.status,
            )
            for model, rest in sorted(latest.items(), key=lambda pair: pair[1].until)
        ]

    def refused(self) -> dict[str, Failure]:
        """Models whose key of the house a person has to mend, by what they said last."""
        said = {model: rest.failure for model, rest in self._of_house().items()}
        kinds = (Kind.WRONG_KEY, Kind.NO_MONEY)
        return {model: failure for model, failure in said.items() if failure.kind in kinds}

    def _of_house(self) -> dict[str, _Rest]:
        """Who failed with the key that everybody has; a tenant's own is its own matter."""
        found = {}
        for (model, key), rest in self._resting.items():
            ours = self._candidate(TenantId(""), model)
            if ours and ours.key == key:
                found[model] = rest
        return found

    def problems(self) -> list[str]:
        """What stands in the way of the models that the settings name."""
        names: Iterable[str] = dict.fromkeys(name for task in Task for name in self.named(task))
        found = []
        for name in names:
            row = provider(name.partition("/")[0])
            if self._candidate(TenantId(""), name) is None:
                found.append(self._unasked(name).message)
            elif (day := self._prices.retires(name)) and day <= f"{self._clock.now():%Y-%m-%d}":
                found.append(f"{row.title} retired {name} on {day}. Name another one.")
        return found

    def _candidate(self, tenant: TenantId, model: str) -> Candidate | None:
        """A model with its key; None when its provider has none."""
        name, slash, rest = model.partition("/")
        if not slash or not rest:
            raise SettingsError(
                f"The model {model} needs its provider in front, such as openai/{model}."
            )
        options = self._options
        own = options.keys_of(tenant).get(name) if options.keys_of and tenant else None
        key = own or options.keys.get(name) or None
        endpoint = options.endpoints.get(name)
        row = provider(name)
        if not key and not endpoint and not row.is_local:
            return None
        if options.only_direct and not row.speaks_openai:
            return None
        # Stated always where it is known: else LiteLLM looks for one in the environment.
        base = address(name, endpoint) if endpoint else row.base or None
        return Candidate(model=model, provider=name, key=key, base=base)

    def _nobody(self, names: Sequence[str]) -> SettingsError:
        if not names:
            variables = ", ".join(row.variable for row in PROVIDERS.values() if row.variable)
            return SettingsError(f"No model is set. Put a key into one of {variables}.")
        return self._unasked(names[0])

    def _unasked(self, model: str) -> SettingsError:
        """Why a model that is named cannot be asked, and the mend."""
        row = provider(model.partition("/")[0])
        if self._options.only_direct and not row.speaks_openai:
            return SettingsError(
                f"The model {model} goes through LiteLLM, also when models.transport is direct, "
                f"and LiteLLM is not installed: {install('llm')}"
            )
        return no_key(model, row.variable)

    def _uneven(self, span: float) -> float:
        """Up to a quarter longer, so that not everybody comes back at once."""
        return span * (1 + int.from_bytes(self._clock.chance(2), "big") / 65536 / 4)

    def _with_room(self, found: Sequence[Candidate], tokens: int) -> tuple[Candidate, ...]:
        """Those that can read so much; when none can, the one that reads most."""
        sizes = [(c, self._prices.context(c.model)) for c in found]
        fitting = tuple(c for c, size in sizes if size is None or size >= tokens)
        return fitting or (max(sizes, key=lambda pair: pair[1] or 0)[0],)
