"""Logs that may be read by anybody: one line per record, secrets masked, controls escaped.

Masking happens where a record is made, so that every handler gets the masked one, a library's own
as well. By value: every secret that was added, also as base64 and URL-encoded. By pattern: what
tokens of known vendors look like, and values beside telling names. A terminal gets one readable
line, everything else one JSON object with allow-listed fields; a person's text belongs in neither.

The pieces meet in `setup`; `Redactor` serves other sinks (traces, error reports) as well.
"""

import base64
import json
import logging
import re
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final, TextIO
from urllib.parse import quote, quote_plus

from bot.core.secret import Secret

MASK: Final = "***"
MIN_VALUE = 8
"""Shorter secrets are not looked for by value: they would mask half the words of a log."""
MAX_CHARS = 10_000
"""What is kept of one message or one traceback."""
FIELDS = (
    *("tenant", "event", "conv", "turn", "step", "effect", "approval", "schedule", "person"),
    *("agent", "channel", "tool", "connection", "provider", "model", "vendor", "status", "method"),
    *("path", "state", "ending", "attempt", "ms", "size", "count", "host", "port", "retry_after_s"),
    *("seq", "mac"),
)
"""The extras that a record may carry to a log."""
VENDORS = (
    *(
        "aiohttp",
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
        "urllib3",
        "LiteLLM",
        "LiteLLM Proxy",
        "LiteLLM Router",
    ),
    *("openai", "anthropic", "slack_bolt", "slack_sdk", "telegram", "discord", "twilio", "msal"),
    *("apscheduler", "sqlalchemy", "asyncpg", "alembic", "asyncio", "botocore"),
    *("boto3", "mcp", "markdown_it", "hpack", "websockets", "nats", "redis", "litellm"),
)
"""Libraries whose debug output holds requests, bodies or keys: capped at WARNING."""

_PATTERN = re.compile(
    r"""
      \b(?P<kind>xox[a-z](?:\.xox[a-z])?-|xapp-|whsec_|sk-ant-|sk-|[sr]k_(?:live|test)_|SG\.|AIza
                |gh[pousr]_|github_pat_|EAA(?=\w{20}))[\w.-]{6,}
    | \b(?P<jwt>eyJ)[\w-]{6,1500}+\.[\w-]{6,}(?:\.[\w-]*)?
    | (?P<scheme>\b(?:Bearer|Basic)\s+)(?!Information\b)[\w.~+/=-]{8,}
    | (?P<weak>\b(?:Bot|token)\s+)(?=\S*\d)[\w.~+/=-]{20,}
    | (?P<telegram>/bot)\d+:[\w-]+
    | (?P<user>\b[a-z][\w+.-]{1,15}://)[^\s/@]{1,500}@
    | (?P<entry>/in/)[\w.~-]{4,}
    | (?P<named>\b(?:code|state|code_verifier)=)[^\s&;,"'<>)\]}]+
    | (?P<cookie>cookie["']?\s*[=:]\s*["']?)[^\r\n"']{4,}
    | (?P<name>(?:token|secret|password|passwd|api_?key|authorization|signature)
        ["']?\s*[=:]\s*["']?(?:(?:Bearer|Basic|Bot|Digest)\s+)?)
        (?!\*\*\*)[^\s&;,"'<>)\]}]{4,}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HINTS = (
    *("xox", "xapp-", "whsec_", "sk-", "k_live_", "k_test_", "sg.", "aiza", "gh", "eaa", "eyj"),
    *(
        "bearer",
        "basic",
        "bot ",
        "/bot",
        "token",
        "@",
        "/in/",
        "code=",
        "verifier=",
        "state=",
        "secret",
    ),
    *("passw", "key", "authorization", "signature", "cookie"),
)
"""Text without any of these needs no search by pattern, which takes ten times as long."""
_BOT_TOKEN = re.compile(r"\b\d{6,12}:[\w-]{30,}")


class Redactor:
    """Masks secrets in text. Calling it is cheap, also with thousands of secrets."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._starts: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Secret) -> None:
        """Mask this secret from now on."""
        text = secret.reveal()
        if len(text) < MIN_VALUE:
            return
        with self._lock:
            starts = dict(self._starts)
            for form in _forms(text):
                known = starts.get(form[:MIN_VALUE], ())
                if form not in known:
                    # The longest first, so that no end of a longer one stays behind.
                    starts[form[:MIN_VALUE]] = tuple(sorted({*known, form}, key=len, reverse=True))
            self._starts = starts

    def __call__(self, text: str) -> str:
        """Return the text with every secret masked."""
        starts = self._starts
        if starts:
            windows = {text[at : at + MIN_VALUE] for at in range(len(text) - MIN_VALUE + 1)}
            for start in starts.keys() & windows:
                for form in starts[start]:
                    text = text.replace(form, MASK)
        if ":" in text:
            text = _BOT_TOKEN.sub(MASK, text)
        lower = text.lower()
        return _PATTERN.sub(_masked, text) if any(hint in lower for hint in _HINTS) else text


def _masked(found: re.Match[str]) -> str:
    """What stays of a match: the part that says what it was."""
    name = found.lastgroup or ""
    end = "@" if name == "user" else ""
    return f"{found[name]}{MASK}{end}"


def _forms(text: str) -> set[str]:
    """The secret as it is, URL-encoded, and inside base64 text wherever it may start there."""
    raw = text.encode()
    forms = {text, quote(text, safe=""), quote(text), quote_plus(text), json.dumps(text)[1:-1]}
    for shift in range(3):
        code = base64.b64encode(b"\0" * shift + raw)
        # The first and last letters hold bits of the neighbours as well.
        head, tail = (0, 2, 3)[shift], (0, 4, 3)[(shift + len(raw)) % 3]
        inner = code[head : len(code) - tail].decode()
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= MIN_VALUE}


def escape(text: str) -> str:
    r"""Return the text on one line: controls and invisible marks as `\n` or `\u202e`."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


class JsonLines(logging.Formatter):
    """One JSON object per record."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line. Everything but ASCII is escaped, so a line is a line for every reader."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= _extras(record, self._redact)
        if trace := _trace(self, record):
            line["error"] = trace
        return json.dumps(line, separators=(",", ":")).replace("\x7f", "\\u007f")


class HumanLines(logging.Formatter):
    """One line per record for a person; a traceback follows, set in, each line escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        ids = " ".join(f"{key}={value}" for key, value in _extras(record, _same).items())
        level = "" if record.levelno == logging.INFO else f"{record.levelname} "
        text = escape(f"{at} {level}{record.getMessage()}{'  ' if ids else ''}{ids}")
        if trace := _trace(self, record):
            text += "".join(f"\n    {escape(line)}" for line in trace.split("\n"))
        return text


def _same(text: str) -> str:
    return text


def _extras(record: logging.LogRecord, redact: Callable[[str], str]) -> dict[str, object]:
    """The allow-listed extras of a record."""
    given = record.__dict__
    return {
        name: given[name] if isinstance(given[name], int | float) else redact(str(given[name]))
        for name in FIELDS
        if given.get(name) is not None
    }


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)
    return record.exc_text or ""


class Logs:
    """What `setup` put in place; `close` takes it away again."""

    def __init__(self, redact: Redactor, handler: logging.Handler) -> None:
        self.redact = redact
        self._handler = handler
        self._factory = logging.getLogRecordFactory()
        self._level = logging.getLogger().level
        self._vendors = {name: logging.getLogger(name).level for name in VENDORS}

    def open(self, level: int) -> None:
        """Begin."""
        root = logging.getLogger()
        root.addHandler(self._handler)
        root.setLevel(level)
        for name in VENDORS:
            logging.getLogger(name).setLevel(max(level, logging.WARNING))
        logging.setLogRecordFactory(self._record)

    def close(self) -> None:
        """Stop, and leave the logging of the process as it was found."""
        root = logging.getLogger()
        root.removeHandler(self._handler)
        root.setLevel(self._level)
        for name, level in self._vendors.items():
            logging.getLogger(name).setLevel(level)
        logging.setLogRecordFactory(self._factory)

    # `Any`: the arguments are logging's own, and go on as they came.
    def _record(self, *args: Any, **named: Any) -> logging.LogRecord:
        """Make a record that holds no secret, whoever formats it later."""
        record = self._factory(*args, **named)
        record.msg, record.args = self._clean(_message(record)), ()
        if record.exc_info and record.exc_info[0]:
            record.exc_text = self._clean(logging.Formatter().formatException(record.exc_info))
        return record

    def _clean(self, text: str) -> str:
        if len(text) > 2 * MAX_CHARS:
            text = text[: 2 * MAX_CHARS]
        text = self.redact(text)
        return text if len(text) <= MAX_CHARS else text[:MAX_CHARS] + " …"


def _message(record: logging.LogRecord) -> str:
    """The message with its arguments; a mistake in a logging call must not stop its caller."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  (any `__str__` may run in there)
        return f"{record.msg} (its arguments do not fit)"


def setup(level: str, stream: TextIO, secrets: Iterable[Secret] = ()) -> Logs:
    """Log to `stream` from `level` on; add later secrets to `.redact`. Call `close` at the end."""
    redact = Redactor(secrets)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(HumanLines() if stream.isatty() else JsonLines(redact))
    logs = Logs(redact, handler)
    logs.open(logging.getLevelNamesMapping()[level.upper()])
    return logs
