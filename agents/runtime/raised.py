"""What a transport raised, sorted: LiteLLM's errors, aiohttp's, and those that are told already.

LiteLLM wraps several layers of several packages, and changes status and words on the way. So the
chain of causes is searched for the answer itself; only what it does not say is LiteLLM's word.
Observed on LiteLLM 1.106.2 (2026-11-21), each shape held by `test_vendor_faults.py`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from ssl import CertificateError
from typing import Any

from aiohttp.client_exceptions import ClientConnectorError, ConnectionTimeoutError

from agents.runtime.failures import (
    CutOff,
    Kind,
    Told,
    bearable,
    kind_of_status,
    spoken_by,
    wait_of,
)


def sorted_out(error: Exception, now: datetime) -> Told:
    """Whatever a call raised, as one of ours."""
    if isinstance(error, Told):
        return error
    kind = kind_of(error)
    return Told(
        kind,
        status=status_of(error),
        words=words_of(error, kind),
        retry_after_s=retry_after(error, now),
    )


_UNREACHABLE = (ClientConnectorError, ConnectionTimeoutError)


def kind_of(error: BaseException) -> Kind:
    """The sort of what was raised. LiteLLM wraps several layers, and the innermost know best."""
    chain = list(_causes(error))
    names = {type(each).__name__ for each in chain}
    if any(isinstance(each, CertificateError) for each in chain):
        return Kind.CERTIFICATE
    if any(isinstance(each, _UNREACHABLE) for each in chain):
        return Kind.UNREACHABLE
    if "ClientPayloadError" in names or isinstance(error, CutOff):
        return Kind.CUT
    if "MidStreamFallbackError" in names:
        inner = getattr(error, "original_exception", None)
        if isinstance(inner, BaseException) and status_of(inner) is not None:
            return kind_of(inner)
        return Kind.CUT
    if "ContextWindowExceededError" in names:
        return Kind.OVERFLOW
    if "Timeout" in names or isinstance(error, TimeoutError):
        return Kind.TIMEOUT
    if "JSONDecodeError" in names:
        return Kind.NONSENSE
    status = getattr(error, "status_code", None)
    return kind_of_status(status, str(error)) if isinstance(status, int) else Kind.SERVER


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def status_of(error: BaseException) -> int | None:
    """The HTTP status that the provider answered; None when it did not answer, or not with one.

    LiteLLM invents one in that case, and then has no headers to go with it, or could not read what
    came; and it says 500 for some others. The answer itself, where it is kept, knows.
    """
    response = _refusal(error)
    if response is not None:
        return int(response.status_code)
    status = getattr(error, "status_code", None)
    unread = any(isinstance(each, json.JSONDecodeError) for each in _causes(error))
    return status if isinstance(status, int) and _headers(error) and not unread else None


def _refusal(error: BaseException) -> Any:
    """The answer that was no 200, as the HTTP client under LiteLLM raised it; None without one."""
    for each in _causes(error):
        response = getattr(each, "response", None)
        status = getattr(response, "status_code", None)
        if isinstance(status, int) and getattr(response, "headers", None):
            return response
    return None


_WRAPPING = re.compile(r"^.*?Exception(?: \w+)? - ", re.DOTALL)
_NO_ANSWER = re.compile(r"^.*?Original Response: ", re.DOTALL)


def words_of(error: BaseException, kind: Kind) -> str:
    """What the provider said, out of LiteLLM's wrapping; empty when it said nothing."""
    if not _headers(error):
        return ""
    text = _WRAPPING.sub("", str(error), count=1)
    return _NO_ANSWER.sub("", text, count=1) if kind is Kind.NONSENSE else spoken_by(text)


def _headers(error: BaseException) -> Mapping[str, str]:
    """The headers of the answer, as LiteLLM keeps them; empty when there was none."""
    found = getattr(_refusal(error), "headers", None)
    if found is None:
        found = getattr(error, "litellm_response_headers", None)
    return found if isinstance(found, Mapping) else {}


def retry_after(error: BaseException, now: datetime) -> float | None:
    """Seconds that the provider asks to wait."""
    wait = wait_of(_headers(error).get("retry-after"), now)
    return bearable(wait_in(str(error)) if wait is None else wait)


_DELAY = re.compile(r'"retryDelay"\s*:\s*"(\d{1,6}(?:\.\d{1,9})?)s"')
"""Gemini says in the body when to come back, in a `google.rpc.RetryInfo`:
https://cloud.google.com/apis/design/errors (read 2026-11-21)."""


def wait_in(text: str) -> float | None:
    """Seconds to wait, where the body of a refusal names them."""
    found = _DELAY.search(text)
    return float(found[1]) if found else None
