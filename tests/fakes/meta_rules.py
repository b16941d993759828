"""What Meta's networks share: how errors are worded, and their published parameters as a judge.

The description is that of Meta's own business packages (`facebook-graph`): nodes, their fields and
their edges with parameters. It says nothing of Threads, nor of an Instagram container's fields:
those rules stand with the servers and come from a facts sheet (2026-11-21).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from tests.fakes.network_server import Answer
from tests.published import document

EVERYWHERE = frozenset({"fields", "access_token", "appsecret_proof"})
PAGING = frozenset({"limit", "after", "before", "since", "until"})
"""Of every edge that is listed: https://developers.facebook.com/docs/graph-api/results."""
_TRUTH = ("true", "false", "1", "0", True, False)


def error(code: int, message: str, subcode: int = 0, status: int = 400) -> Answer:
    """How Meta says no."""
    told: dict[str, Any] = {
        "message": f"(#{code}) {message}",
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "AbCdEf0123",
    }
    if subcode:
        told["error_subcode"] = subcode
    return Answer(status, {"error": told})


def refused(how: str, retry_after: int) -> Answer:
    """The refusals of all of Meta's networks.

    dead: a token that is over, told with 400; limited: by one of its own codes and no hint when;
    too_many: 429 with Retry-After; blocked: held to be spam.
    """
    known = {
        "unauthorized": error(190, "Error validating access token", 463, 401),
        "dead": error(190, "Error validating access token: session has expired", 463),
        "forbidden": error(200, "Permissions error", status=403),
        "missing": error(100, "Object does not exist", 33),
        "conflict": error(506, "Duplicate status message", 1455006),
        "large": error(1, "Please reduce the amount of data you're asking for", status=413),
        "unfit": error(100, "Invalid parameter", 2061006),
        "blocked": error(368, "The action attempted has been deemed abusive", status=400),
        "limited": error(32, "Page request limit reached"),
        "too_many": error(4, "Application request limit reached", status=429),
    }
    answer = known[how]
    if how == "too_many":
        answer.headers = {"Retry-After": str(retry_after)}
    return answer


@cache
def nodes() -> Mapping[str, Any]:
    """The described nodes; empty without the file."""
    found: Mapping[str, Any] = (document("facebook-graph.json") or {}).get("nodes", {})
    return found


@cache
def _enums() -> Mapping[str, list[str]]:
    found = (document("facebook-graph.json") or {}).get("enum_types", [])
    return {each["name"]: each["values"] for each in found}


def edge_misfits(
    node: str, method: str, edge: str, given: Mapping[str, Any], more: Iterable[str] = ()
) -> Iterator[str]:
    """What is wrong with the parameters of an edge; `more`: what only prose has."""
    if not nodes():
        return
    apis = nodes()[node]["apis"]
    found = [
        a for a in apis if a["method"] == method and edge in (a.get("endpoint"), a.get("name"))
    ]
    if not found:
        yield f"{node} has no edge {method} {edge}"
        return
    known = {each["name"]: each for each in found[0]["params"]}
    free = EVERYWHERE | set(more) | (PAGING if method == "GET" else set())
    for name, value in given.items():
        if name in known:
            if not _fits(known[name]["type"], value):
                yield f"{node} {method} {edge}: {name} is {value!r}, not {known[name]['type']}"
        elif name not in free:
            yield f"{node} {method} {edge}: no parameter {name}"
    for name, each in known.items():
        if each["required"] and name not in given:
            yield f"{node} {method} {edge}: {name} is lacking"


def field_misfits(node: str, asked: str, more: Iterable[str] = ()) -> Iterator[str]:
    """Fields that a node does not have, out of `id,comments.limit(0){id}`."""
    if not nodes():
        return
    known = {each["name"] for each in nodes()[node]["fields"]} | set(more)
    known |= {a["endpoint"] for a in nodes()[node]["apis"] if "endpoint" in a}
    for name in names_of(asked):
        if name not in known:
            yield f"{node} has no field {name}"


def names_of(asked: str) -> list[str]:
    """The names of fields at the top."""
    depth, plain = 0, ""
    for sign in asked:
        depth += (sign in "({") - (sign in ")}")
        plain += sign if depth == 0 and sign not in ")}" else ""
    return [re.split(r"[.\s]", name.strip())[0] for name in plain.split(",") if name.strip()]


def listed(value: Any) -> list[Any]:
    """A list that came as JSON, as text of JSON, or parted by commas."""
    if isinstance(value, list):
        return value
    try:
        found = json.loads(value)
    except (ValueError, TypeError):
        return str(value).split(",")
    return found if isinstance(found, list) else [found]


def truth(value: Any) -> bool:
    """A yes or no, as JSON or as text."""
    return value in (True, "true", "1", 1)


def _fits(kind: str, value: Any) -> bool:
    if kind.startswith("list<"):
        return all(_fits(kind[5:-1], each) for each in listed(value))
    if kind in _enums():
        return str(value).upper() in [each.upper() for each in _enums()[kind]]
    if kind == "bool":
        return value in _TRUTH
    if kind in ("unsigned int", "int"):
        return re.fullmatch(r"\d+", str(value)) is not None and not isinstance(value, bool)
    if kind in ("Object", "map"):
        return isinstance(_opened(value), dict | str)
    if kind == "datetime":
        return re.fullmatch(r"\d+|\d{4}-\d\d-\d\d.*", str(value)) is not None
    return isinstance(value, str) if kind == "string" else True


def _opened(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
