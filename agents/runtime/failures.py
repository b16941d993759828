"""What can go wrong with a model, what follows from it, and how a person is told.

A failure is sorted into a `Kind` once; the kind alone says whether another model may be asked,
whether the same may be asked again, and who must act. The sentence names provider, model, address,
HTTP status, the provider's own words and one next step; a key shows only its last four characters.
"""

import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from bot.core.errors import (
    BotError,
    ConnectionBroken,
    SettingsError,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.secret import Secret
from bot.frozen import frozen

MAX_WORDS = 300


@frozen
class Consequence:
    """What follows."""

    cause: str
    """In one word, for programs."""
    error: type[BotError]
    says: str
    """What happened; `{…}` are fields of the failure."""
    step: str
    """The one next step."""
    falls_over: bool = True
    """Another model may be asked instead."""
    again: bool = False
    """The same may be asked again in a moment."""
    rest_s: float = 0.0
    """How long the model is asked last, when the provider named no time."""


class Kind(Enum):
    """The sorts of failure."""

    WRONG_KEY = Consequence(
        cause="model.auth",
        error=ConnectionBroken,
        says="{title} does not accept the key{last4}",
        step="Paste one that works, or put it into {variable} and start again.",
        rest_s=60.0,
    )
    NO_MONEY = Consequence(
        cause="model.credit",
        error=ConnectionBroken,
        says="The account at {title} has no credit left for the key{last4}",
        step="Add credit there, or name another model in models.default.",
        rest_s=60.0,
    )
    RATE = Consequence(
        cause="model.rate",
        error=VendorRefused,
        says="{title} takes no more requests for now",
        step="Try again {later}.",
        again=True,
        rest_s=20.0,
    )
    OVERFLOW = Consequence(
        cause="model.overflow",
        error=VendorRefused,
        says="This conversation is longer than the model can read",
        step="Start a new one with /new.",
    )
    TIMEOUT = Consequence(
        cause="model.timeout",
        error=VendorUnknown,
        says="{title} did not answer in time",
        step="Try again, or raise models.timeout_s.",
        rest_s=30.0,
    )
    UNREACHABLE = Consequence(
        cause="model.unreachable",
        error=ConnectionBroken,
        says="The model cannot be asked: cannot reach {host}",
        step="Check the network{endpoint}.",
        rest_s=15.0,
    )
    CERTIFICATE = Consequence(
        cause="model.certificate",
        error=ConnectionBroken,
        says="The model cannot be asked: {host} shows a certificate that does not hold",
        step="Look at the clock of this machine; if that is right, ask who runs the host, or "
        "the proxy before it.",
        rest_s=15.0,
    )
    SERVER = Consequence(
        cause="model.failed",
        error=VendorUnknown,
        says="{title} failed",
        step="Try again in a minute.",
        again=True,
        rest_s=15.0,
    )
    NONSENSE = Consequence(
        cause="model.nonsense",
        error=VendorUnknown,
        says="{title} answered something that is no answer",
        step="Try again; if it stays so, check the address of the model.",
        again=True,
        rest_s=15.0,
    )
    CUT = Consequence(
        cause="model.cut",
        error=VendorUnknown,
        says="{title} broke off in the middle of its answer",
        step="Try again.",
        again=True,
        rest_s=5.0,
    )
    NOT_FOUND = Consequence(
        cause="model.unknown",
        error=SettingsError,
        says="{title} knows no such model, or not for this key",
        step="Name another one in models.default or in the agent's file.",
        falls_over=False,
    )
    REFUSED = Consequence(
        cause="model.refused",
        error=VendorRefused,
        says="{title} refused the request",
        step="Say it in other words, or name another model in models.default.",
        falls_over=False,
    )


@frozen
class Failure:
    """One failed call."""

    kind: Kind
    provider: str
    title: str
    """The provider as people say it."""
    model: str
    """With its prefix; empty when only the key was tried."""
    host: str
    variable: str = ""
    """Where the key is set."""
    key: Secret | None = None
    status: int | None = None
    words: str = ""
    """What the provider said."""
    retry_after_s: float | None = None

    @property
    def message(self) -> str:
        """What a person reads."""
        follows = self.kind.value
        last4 = self.key.last4 if self.key else ""
        later = f"in {self.retry_after_s:.0f} seconds" if self.retry_after_s else "in a minute"
        is_trial = self.kind is Kind.WRONG_KEY and not self.model  # nothing was kept
        words_of_step = (
            "Paste one that works, or put it into {variable}." if is_trial else follows.step
        )
        step = words_of_step.format(
            variable=self.variable or "the settings",
            later=later,
            endpoint=f", or BOT_ENDPOINT_{self.provider.upper()}" if self.provider else "",
        )
        says = follows.says.format(
            title=self.title, host=self.host, last4=f" ending in {last4}" if last4 else ""
        )
        status = f"HTTP {self.status}" if self.status else ""
        where = ", ".join(part for part in (self.model, self.host, status) if part)
        words = masked(self.words, self.key)
        return f"{says} ({where}){f': “{words}”' if words else ''}. {step}".replace(".”.", ".”")

    def error(self) -> BotError:
        """The error that its caller raises."""
        kind = self.kind.value.error
        if issubclass(kind, VendorError):
            return kind(
                self.message, retry_after_s=self.retry_after_s, vendor=self.provider, **_model(self)
            )
        return kind(self.message, vendor=self.provider, **_model(self))


def _model(failure: Failure) -> dict[str, str]:
    named = {"cause": failure.kind.value.cause}
    return {**named, "model": failure.model} if failure.model else named


def no_key(model: str, variable: str) -> SettingsError:
    """A model is named and its provider has no key."""
    return SettingsError(
        f"The model {model} needs a key. Put it into {variable}.", cause="model.auth"
    )


_KEYLIKE = re.compile(r"\b(?:sk|csk|gsk|xai|AIza)[-_\w]{12,}")


def masked(words: str, key: Secret | None) -> str:
    """A provider's words, short, on one line, without the key that some repeat."""
    text = " ".join(words.split())
    if key:
        text = text.replace(key.reveal(), f"…{key.last4}")
    text = _KEYLIKE.sub(lambda found: f"…{found[0][-4:]}", text)
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1] + "…"


_WRONG_KEY = re.compile(
    r"invalid_api_key|incorrect api key|api key not valid|invalid (?:x-)?api[- ]key", re.IGNORECASE
)
_NO_MONEY = re.compile(
    r"insufficient[_ ](?:quota|balance|credits)|credit balance is too low"
    r"|exceeded your current quota",
    re.IGNORECASE,
)
_OVERFLOW = re.compile(
    r"context_length_exceeded|maximum context length|context window|prompt is too long"
    r"|input token count .{0,40}exceeds",
    re.IGNORECASE,
)


def kind_of_status(status: int, words: str) -> Kind:
    """The sort of a refusal by its HTTP status and what was said with it."""
    if status == 402 or _NO_MONEY.search(words):
        return Kind.NO_MONEY
    if status == 401 or (status in (400, 403) and _WRONG_KEY.search(words)):
        return Kind.WRONG_KEY
    if status in (400, 413, 422) and _OVERFLOW.search(words):
        return Kind.OVERFLOW
    by_status = {404: Kind.NOT_FOUND, 408: Kind.TIMEOUT, 413: Kind.OVERFLOW, 429: Kind.RATE}
    if status in by_status:
        return by_status[status]
    if 200 <= status < 400:
        return Kind.NONSENSE
    return Kind.SERVER if status >= 500 else Kind.REFUSED


class CutOff(Exception):
    """A stream ended without saying that the answer is whole."""


class Told(Exception):
    """A failure that is sorted already, with what its provider said."""

    def __init__(
        self,
        kind: Kind,
        *,
        status: int | None = None,
        words: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(kind.name)
        self.kind = kind
        self.status = status
        """HTTP; None when the provider did not answer."""
        self.words = words
        self.retry_after_s = retry_after_s


def spoken_by(text: str) -> str:
    """The sentence in an error's body: `error.message` where it is JSON, else the text."""
    start = text.find("{")
    if start >= 0:
        try:
            body, _ = json.JSONDecoder().raw_decode(text[start:])
        except ValueError:
            return text
        inner = body.get("error", body)
        said = inner.get("message") if isinstance(inner, dict) else inner
        return said if isinstance(said, str) else text
    return text


MAX_WAIT_S = 300.0
"""A provider that asks for more is tried again after five minutes all the same."""


def bearable(wait: float | None) -> float | None:
    """A pause that is asked for, as long as we keep it."""
    return None if wait is None else min(wait, MAX_WAIT_S)


def wait_of(value: object, now: datetime | None = None) -> float | None:
    """A `Retry-After` header in seconds; it is a number, or a date where `now` is given."""
    if not isinstance(value, str):
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at - now).total_seconds()) if now and at.tzinfo else None
