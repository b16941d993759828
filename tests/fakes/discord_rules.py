"""What Discord refuses: bodies that do not fit its description, and too many requests.

Bodies are held against the published description (`discord.json`) and against the limits that it does not say; without it, against
the latter alone. Rates: https://docs.discord.com/developers/topics/rate-limits (read 2026-11-21).
"""

import time
from collections import deque
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.fakes.discord_world import EPHEMERAL, V2, Body, parts
from tests.published import document

MAX_CONTENT = 2000
"""Of a bot; the description's 4,000 is for people who pay."""
MAX_EMBEDS_CHARS = 6000
MAX_FILE = 10 * 1024 * 1024
FIELDS_THAT_COUNT = ("title", "description")


class Refusal(Exception):
    """An answer that says no."""

    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.body: Body = {"message": message, "code": code, **more}


def invalid(**errors: list[str]) -> Refusal:
    """Invalid Form Body, with what is wrong in each field."""
    shown = {
        where: {"_errors": [{"code": "BASE_TYPE", "message": each} for each in wrong]}
        for where, wrong in errors.items()
    }
    return Refusal(400, 50035, "Invalid Form Body", errors=shown)


@cache
def published() -> Body | None:
    """The published description; None where it is absent."""
    found: Body | None = document("discord.json")
    return found


@cache
def _validator(method: str, path: str) -> Any:
    found = published()
    if found is None:
        return None
    operation = found["paths"].get(path, {}).get(method.lower(), {})
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    from jsonschema import Draft202012Validator

    schema = content["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": found["components"]})


def described(method: str, path: str, body: object) -> list[str]:
    """What does not fit the description; empty when all is well."""
    validator = _validator(method, path)
    if validator is None:
        return []
    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"
        for error in validator.iter_errors(body)
    ]


def with_text_ids(body: Any) -> Any:
    """The body with ids as text: Discord takes numbers too, and its own library sends them."""
    if not isinstance(body, dict):
        return body
    found = dict(body)
    if isinstance(found.get("attachments"), list):
        found["attachments"] = [
            {**each, "id": str(each.get("id"))} for each in found["attachments"]
        ]
    if isinstance(found.get("message_reference"), dict):
        found["message_reference"] = {
            key: str(value) if key.endswith("_id") else value
            for key, value in found["message_reference"].items()
        }
    if isinstance(found.get("allowed_mentions"), dict):
        found["allowed_mentions"] = {
            key: [str(each) for each in value] if isinstance(value, list) else value
            for key, value in found["allowed_mentions"].items()
        }
    if "recipient_id" in found:
        found["recipient_id"] = str(found["recipient_id"])
    if isinstance(found.get("data"), dict):
        found["data"] = with_text_ids(found["data"])
    return found


def unknown_fields(kind: str, body: Body) -> list[str]:
    """Fields that Discord does not know and passes over: most likely misspelt."""
    found = published()
    if found is None:
        return []
    known = found["components"]["schemas"][kind]["properties"]
    return sorted(set(body) - set(known) - {"tts"})


def check_message(body: Body, files: dict[str, bytes], *, is_new: bool) -> None:
    """The limits of a message. Raises Refusal."""
    content = body.get("content") or ""
    if not isinstance(content, str):
        raise invalid(content=["Could not interpret as string."])
    if len(str(body.get("nonce") or "")) > 25:
        raise invalid(nonce=["Must be 25 or fewer in length."])
    if len(content) > MAX_CONTENT:
        raise invalid(content=[f"Must be {MAX_CONTENT} or fewer in length."])
    embeds, components = body.get("embeds") or [], body.get("components") or []
    if sum(map(_counted, embeds)) > MAX_EMBEDS_CHARS:
        raise invalid(embeds=["Embed size exceeds maximum size of 6000"])
    is_v2 = bool((body.get("flags") or 0) & V2)
    if is_v2 and (content or embeds or body.get("poll") or body.get("sticker_ids")):
        raise invalid(flags=["MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"])
    has_something = content.strip() or embeds or components or files or body.get("sticker_ids")
    if is_new and not has_something and not body.get("poll"):
        raise Refusal(400, 50006, "Cannot send an empty message")
    if any(len(each) > MAX_FILE for each in files.values()):
        raise Refusal(413, 40005, "Request entity too large")
    if body.get("enforce_nonce") and not body.get("nonce"):
        raise invalid(nonce=["This field is required"])
    check_components(components, is_v2)


def _counted(embed: Body) -> int:
    size = sum(len(embed.get(name) or "") for name in FIELDS_THAT_COUNT)
    size += sum(len(each["name"]) + len(each["value"]) for each in embed.get("fields") or ())
    size += len((embed.get("footer") or {}).get("text") or "")
    return size + len((embed.get("author") or {}).get("name") or "")


def check_components(components: list[Body], is_v2: bool) -> None:
    """Rows, buttons and their names. Raises Refusal."""
    if not is_v2 and len(components) > 5:
        raise invalid(components=["Must be between 1 and 5 in length."])
    every = parts(components)
    if len(every) > 40:
        raise invalid(components=["The total number of components must be 40 or fewer."])
    ids = [part["custom_id"] for part in every if part.get("custom_id")]
    if len(ids) != len(set(ids)):
        raise invalid(components=["Component custom id cannot be duplicated"])
    for part in every:
        if not is_v2 and part.get("type") not in (1, 2, 3, 4, 5, 6, 7, 8, 18):
            raise invalid(components=["Value of field 'type' needs the flag of components v2"])
        if part.get("type") == 2:
            _check_button(part)


def _check_button(button: Body) -> None:
    is_link = button.get("style") == 5
    if is_link == bool(button.get("custom_id")) or is_link != bool(button.get("url")):
        raise invalid(components=["A button has a url (style 5) or a custom id, never both"])
    if not button.get("label") and not button.get("emoji"):
        raise invalid(components=["A button needs a label or an emoji"])
    if len(button.get("label") or "") > 80 or len(button.get("custom_id") or "") > 100:
        raise invalid(components=["Must be 80 (label), 100 (custom id) or fewer in length."])


def check_callback(kind: int, body: Body) -> None:
    """Whether this interaction may be answered so. Raises Refusal."""
    allowed = {2: (4, 5, 9, 12), 3: (4, 5, 6, 7, 9, 12), 5: (4, 5, 6, 7, 12)}[kind]
    if body.get("type") not in allowed:
        raise invalid(type=[f"Value must be one of {allowed} for an interaction of type {kind}."])
    data = body.get("data") or {}
    if body["type"] == 9:
        inputs = [part for part in parts(data.get("components") or []) if part.get("type") == 4]
        ids = [part.get("custom_id") for part in inputs]
        if not 1 <= len(data["components"]) <= 5 or len(ids) != len(set(ids)):
            raise invalid(data=["A modal has 1 to 5 components with custom ids of their own."])
        for each in inputs:
            _check_input(each)
    elif body["type"] in (4, 7):
        check_message(data, {}, is_new=body["type"] == 4)
    if (data.get("flags") or 0) & ~(EPHEMERAL | V2 | 1 << 2 | 1 << 12):
        raise invalid(flags=["Only ephemeral, suppress and components v2 can be set."])


def _check_input(part: Body) -> None:
    longest = part.get("max_length") or 4000
    if len(part.get("value") or "") > longest:
        raise invalid(value=[f"Must be {longest} or fewer in length."])


@dataclass(slots=True)
class Bucket:
    """So many requests in so long."""

    limit: int
    per_s: float
    times: deque[float] = field(default_factory=deque)

    def take(self) -> float:
        """Take one; 0.0, or the seconds until there is one."""
        now = time.monotonic()
        while self.times and self.times[0] <= now - self.per_s:
            self.times.popleft()
        if len(self.times) >= self.limit:
            return self.times[0] + self.per_s - now
        self.times.append(now)
        return 0.0

    @property
    def remaining(self) -> int:
        """How many are left now."""
        return max(0, self.limit - len(self.times))

    @property
    def reset_after(self) -> float:
        """When the oldest is forgotten."""
        return max(0.0, self.times[0] + self.per_s - time.monotonic()) if self.times else 0.0


class Rates:
    """Per route and place, per bot, and how much refusal is borne before the ban."""

    def __init__(self) -> None:
        self.per_route: dict[str, tuple[int, float]] = {
            "POST /channels/{channel_id}/messages": (5, 5.0),
            "PATCH /channels/{channel_id}/messages/{message_id}": (5, 5.0),
            "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me": (
                1,
                0.25,
            ),
            "POST /channels/{channel_id}/typing": (5, 5.0),
        }
        """Not documented and not to be relied on; observed by libraries. Others: 50 a second."""
        self.whole = Bucket(50, 1.0)
        self.ban_after = 10_000
        """Answers of 401, 403 and 429 within ten minutes."""
        self.refusals = Bucket(1 << 60, 600.0)
        self.banned = False
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def bucket(self, route: str, place: str) -> Bucket:
        """The bucket of a route in a place."""
        key = (route, place)
        if key not in self._buckets:
            self._buckets[key] = Bucket(*self.per_route.get(route, (50, 1.0)))
        return self._buckets[key]

    def refused(self) -> None:
        """Count an answer that Discord minds."""
        self.refusals.take()
        if len(self.refusals.times) >= self.ban_after:
            self.banned = True
