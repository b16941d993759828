"""One tool as its server describes it: read, capped, and named by the hash of what it says.

The hash covers name, description and schema exactly as they came. An owner approves that hash;
whatever else the server says later is another tool, which waits. What a model reads is cut, freed
of hidden characters, and stands inside the marks of outside text.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping

from bot.core.canonical import Json, digest
from bot.frozen import frozen
from bot.store.rows import dumps
from tools.mcp._schema import Unfit, harmless

MAX_DESCRIPTION = 2_000
MAX_WORDS = 300
"""Characters of a description inside a schema."""
MAX_SCHEMA = 30_000
MAX_NAME = 64
"""The longest name that every provider of models takes."""
_ODD = re.compile(r"[^a-z0-9]+")


@frozen
class Definition:
    """What a server says of one of its tools."""

    name: str
    """As the server calls it."""
    tool: str
    """As agents call it: `<server>_<name>`."""
    description: str
    schema: Mapping[str, Json]
    """Harmless; empty when the tool is unfit."""
    hash: str
    problem: str = ""
    """Why it cannot be used, as a sentence."""

    @property
    def version(self) -> int:
        """The hash as a number: an approval of a call binds to it."""
        return int(self.hash[:12], 16) + 1


def read(server: str, name: str, description: str, schema: Mapping[str, Json]) -> Definition:
    """Take one tool of a server's list."""
    problem = ""
    made: dict[str, Json] = {}
    tool = f"{server}_{_ODD.sub('_', name.lower()).strip('_')}"
    try:
        if not name or len(tool) > MAX_NAME or tool == f"{server}_":
            raise Unfit("Its name is empty or too long.")
        if clean(name, MAX_NAME) != name:
            raise Unfit("Its name holds hidden characters.")
        if len(dumps(dict(schema)).encode()) > MAX_SCHEMA:
            raise Unfit("Its schema is too large, or refers to itself.")
        made = _shown(harmless(schema))
    except (Unfit, ValueError, RecursionError) as error:
        problem = str(error) if isinstance(error, Unfit) else "Its schema cannot be read."
    return Definition(
        name=clean(name, 200),
        tool=tool[:MAX_NAME],
        description=clean(description, MAX_DESCRIPTION),
        schema=made,
        hash=hash_of(name, description, schema),
        problem=problem,
    )


def hash_of(name: str, description: str, schema: Mapping[str, Json]) -> str:
    """What an owner's yes is bound to."""
    try:
        return digest([name, description, schema])
    except (ValueError, TypeError, RecursionError):
        return hashlib.sha256(repr((name, description, schema)).encode()).hexdigest()


def clean(text: str, most: int) -> str:
    """Text without what hides in it, cut with a mark; it cannot close the marks around it."""
    seen = "".join(
        char if char in "\n\t" or unicodedata.category(char)[0] != "C" else " "
        for char in text[: most * 4]
    )
    seen = re.sub(r"<(/?)(outside)", r"<\\\1\2", seen, flags=re.IGNORECASE)
    return seen if len(seen) <= most else f"{seen[:most]} [cut]"


def _shown(schema: dict[str, Json]) -> dict[str, Json]:
    """The schema with its texts cleaned."""
    made = _texts(schema)
    if not isinstance(made, dict):
        raise Unfit("Its arguments are no object.")
    return made


def _texts(node: Json) -> Json:
    if isinstance(node, Mapping):
        return {
            key: clean(value, MAX_WORDS)
            if key in ("description", "title") and isinstance(value, str)
            else _texts(value)
            for key, value in node.items()
        }
    return [_texts(item) for item in node] if isinstance(node, list) else node
