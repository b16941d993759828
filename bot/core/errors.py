"""Every error of the house, grouped by who must act.

    BotError
    ├── UserError        the person who asked: say it to them
    │   ├── NotFound · Forbidden · Conflict · Invalid · LimitReached · BudgetReached
    ├── OperatorError    whoever runs the house: a setting, a folder, a key
    │   ├── SettingsError · ConnectionBroken · StoreError · ExtraMissing
    ├── VendorError      a service outside; `retry_after_s` and `may_retry` say what next
    │   ├── VendorRefused (definite: it did not happen) · VendorUnknown (it may have happened)
    └── DeveloperError   a bug of ours
        └── Diverged · Fenced

The docstring of a class is its message when none is given. An error carries ids, never a secret
or a person's text.
"""

from inspect import cleandoc


class BotError(Exception):
    """Something went wrong that has no better name; see the log."""

    status = 500
    """HTTP status at the web's edge."""

    def __init__(self, message: str | None = None, **ids: str | int | float | None) -> None:
        text = message or cleandoc(type(self).__doc__ or "").split("\n\n")[0].replace("\n", " ")
        super().__init__(text)
        self.message = text
        self.ids = ids


class UserError(BotError):
    """The request cannot be carried out as it stands."""

    status = 400


class NotFound(UserError):
    """There is no such thing here."""

    status = 404


class Forbidden(UserError):
    """You may not do this. Ask an owner of this workspace."""

    status = 403


class Conflict(UserError):
    """It has changed in the meantime. Look again and repeat."""

    status = 409


class Invalid(UserError):
    """The values do not fit. Correct them and repeat."""

    status = 422


class LimitReached(UserError):
    """Too many messages in a short time. Wait a little and write again."""

    status = 429


class BudgetReached(UserError):
    """The budget for this is used up. An owner can raise it."""

    status = 402


class OperatorError(BotError):
    """The house is not set up for this. `bot doctor` says what to mend."""

    status = 503
    exit_code = 1


class SettingsError(OperatorError):
    """A setting is wrong. The message names it, its place and the mend."""

    exit_code = 2


class ConnectionBroken(OperatorError):
    """The connection to this service no longer works. Connect it again."""


class StoreError(OperatorError):
    """The database cannot be used. The message says why."""


class ExtraMissing(OperatorError):
    """An optional part is not installed. The message names the command that adds it."""


class VendorError(BotError):
    """The service outside did not do what it was asked."""

    status = 502
    may_retry = False

    def __init__(
        self, message: str | None = None, *, retry_after_s: float | None = None, **ids: str | int
    ) -> None:
        super().__init__(message, **ids)
        self.retry_after_s = retry_after_s and min(max(0.0, retry_after_s), 86_400.0)


class VendorRefused(VendorError):
    """The service refused; nothing happened there."""


class VendorUnknown(VendorError):
    """The service did not answer; it may or may not have done it."""

    may_retry = True


class DeveloperError(BotError):
    """A mistake in this program. Please report it with the ids in the log."""


class Diverged(DeveloperError):
    """A turn, repeated after a restart, took another way than the first time."""


class Fenced(DeveloperError):
    """Another process has taken over this conversation; the late result was set aside."""
