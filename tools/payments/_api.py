"""Calls Stripe: forms out, objects in, and what each refusal means for a deed that happens once.

Who may be asked again is decided here and nowhere else. A refusal (4xx) is definite: nothing
happened. A server's error, a broken answer and a key in use are not: VendorUnknown, and whoever
called looks. Nothing is tried again here.
https://docs.stripe.com/api/errors and /idempotent_requests (read 2026-11-21)
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bot.core.errors import ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.ports import Fetcher, Page
from bot.core.secret import Secret
from bot.frozen import frozen

VERSION = "2026-10-28.endive"
"""Pinned: the shape of answers changes with it. From the package stripe 16.1.0."""
TIMEOUT_S = 20.0
MAX_BYTES = 4_000_000
PAGE, PAGES = 100, 10
WAIT_S, LONGEST_S = 2.0, 300.0
"""How long a 429 waits that names no time, and the most that is believed."""

# `Any` below: objects of a vendor, read with `text` and `number`.
Object = Mapping[str, Any]
Form = Mapping[str, object]
"""Values are text, numbers, truths, or further mappings and lists of them."""


class Absent(VendorRefused):
    """Stripe has nothing of this id that the key could find, and never will."""


@frozen
class Api:
    """Stripe for one tenant."""

    fetcher: Fetcher
    base: str
    key: Secret

    async def get(self, path: str, query: Form | None = None) -> Object:
        """Read one thing. Raises ConnectionBroken, VendorRefused (Absent), VendorUnknown."""
        asked = f"?{encode(query)}" if query else ""
        return await self._call("GET", path + asked)

    async def post(self, path: str, form: Form, key: str) -> Object:
        """Do one thing; the same `key` does it once. Raises as `get` does."""
        return await self._call("POST", path, form, key)

    async def delete(self, path: str) -> Object:
        """End one thing; repeating it is refused. Raises as `get` does."""
        return await self._call("DELETE", path)

    async def every(self, path: str, query: Form) -> list[Object]:
        """A whole list. Raises VendorUnknown when it is longer than is read here."""
        found: list[Object] = []
        after: Form = {}
        for _ in range(PAGES):
            page = await self.get(path, {**query, "limit": PAGE, **after})
            found += objects(page)
            if not page.get("has_more") or not found:
                return found
            after = {"starting_after": text(found[-1], "id")}
        raise VendorUnknown("There are more of these at Stripe than can be looked through.")

    async def _call(
        self, method: str, path: str, form: Form | None = None, key: str = ""
    ) -> Object:
        headers = {"Authorization": f"Bearer {self.key.reveal()}", "Stripe-Version": VERSION}
        if key:
            headers["Idempotency-Key"] = key
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = encode(form).encode()
        page = await self.fetcher.fetch(
            f"{self.base}{path}",
            method=method,
            headers=headers,
            body=body,
            max_bytes=MAX_BYTES,
            timeout_s=TIMEOUT_S,
        )
        if urlsplit(page.url).netloc != urlsplit(self.base).netloc:
            raise VendorUnknown("Another server than Stripe answered.")
        if 200 <= page.status < 300:
            return _object(page)
        raise _error(page)


def _object(page: Page) -> Object:
    try:
        found = json.loads(page.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise VendorUnknown("Stripe's answer is broken off.")
    return found


def _error(page: Page) -> Exception:
    """What a refusal means."""
    status = page.status
    try:
        told = json.loads(page.body).get("error", {})
        kind, words = str(told.get("type", "")), str(told.get("message", ""))[:300]
        code = str(told.get("code", ""))
    except (ValueError, AttributeError):
        kind = words = code = ""
    said = f" It says: {words}" if words else ""
    if status == 401:
        return ConnectionBroken(
            "Stripe does not take the key. Connect it with `bot connect stripe`."
        )
    if status >= 500 or status == 409 or kind == "idempotency_error":
        return VendorUnknown(f"Stripe answered {status}; it may or may not have been done.{said}")
    if status == 429:
        wait = _wait(page.headers.get("retry-after", ""))
        return VendorRefused("Stripe is asked too often; nothing was done.", retry_after_s=wait)
    if status == 402:
        return VendorRefused(f"The payment was declined; no money moved.{said}")
    if status == 403:
        return VendorRefused(
            f"The key may not do this. Give it the right at Stripe; nothing was done.{said}"
        )
    if status == 404:
        refused = Absent if code == "resource_missing" else VendorRefused
        return refused(f"Stripe does not have this; nothing was done.{said}")
    return VendorRefused(f"Stripe refused it with {status}; nothing was done.{said}")


def _wait(told: str) -> float:
    return min(LONGEST_S, max(1.0, float(told))) if told.isdecimal() else WAIT_S


def encode(form: Form) -> str:
    """`a[b][0][c]=…`, as Stripe reads forms; what is None is left out."""
    return urlencode([pair for name, value in form.items() for pair in _flat(name, value)])


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _flat(f"{name}[{inner}]", each)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for n, each in enumerate(value):
            yield from _flat(f"{name}[{n}]", each)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is not None:
        yield name, str(value)


def text(found: Object, *names: str) -> str:
    """A text inside an object, or empty."""
    value: object = found
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def number(found: Object, name: str) -> int:
    """A whole number of an object, or 0."""
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def objects(page: Object) -> list[Object]:
    """What a list holds."""
    items = page.get("data")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def one(path: str, id_: str) -> str:
    """The address of one thing."""
    return f"{path}/{quote(id_, safe='')}"
