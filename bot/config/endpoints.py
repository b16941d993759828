"""`[endpoint]` held to who is there: a misspelt name would go to the vendor's own address.

Whoever reads an address is a platform, a service, a provider of models or one of a few vendors
behind them. Agents' files name models of others, and packages bring some: what is far from every
name is told as a hint and not refused.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from bot.config.file import Keys
from bot.config.mistakes import nearest
from bot.config.sections import Models
from bot.config.values import MODEL_VENDORS, is_private

BEHIND = frozenset({"twilio", "graph", "resend", "sendgrid", "wordpress", "ghost"})
"""Vendors behind a platform or the blog, which have no file by their own name to be found by."""
PARTS = ("authorize", "token", "revoke", "issuer")
"""What of a service may stand elsewhere by itself, such as `google_token`: test servers have own
paths, and names of their own as issuers. The others are found at `google`."""
CLOSE = 0.75
"""From this likeness on a name is taken for a misspelling; `openai_like` is none of `openai`."""
_MODEL = re.compile(r"""^model:[ \t]*["']?([a-z][a-z0-9_]*)/""", re.MULTILINE)
_HEAD = 20_000
"""So much of an agent's file is looked at, in characters."""

INSIDE = (
    "This address lies inside a private network. "
    "If that is meant, set allow_private_endpoints (BOT_ALLOW_PRIVATE_ENDPOINTS=1)."
)


@cache
def _files() -> frozenset[str]:
    """Platforms and services, by their files' names, and the parts of services."""
    root = Path(__file__).parents[2]
    folders = (root / "channels", root / "bot" / "oauth" / "providers")
    found = {path.stem for folder in folders for path in folder.iterdir()}
    found |= {f"{path.stem}_{part}" for path in folders[1].iterdir() for part in PARTS}
    return frozenset(name for name in found if not name.startswith(("_", ".")))


def _of_models(models: Models) -> set[str]:
    """Providers that the settings name a model of."""
    tasks = (models.default, models.reason, models.write, models.summarise, models.fast)
    names = {name for task in tasks for name in task}
    return {name.partition("/")[0] for name in names | {models.embeddings, models.transcription}}


def unknown(endpoint: Collection[str], models: Models) -> list[str]:
    """Names that nobody here has: only an agent's file or a package may read them."""
    known = _files() | BEHIND | MODEL_VENDORS | _of_models(models)
    return [name for name in endpoint if name not in known]


def unfit_hooks(
    hooks: Iterable[tuple[Keys, str]], *, may_be_private: bool
) -> Iterator[tuple[Keys, str]]:
    """Each address that posts are sent to and that lies where it may not."""
    if not may_be_private:
        yield from ((keys, INSIDE) for keys, url in hooks if url and is_private(url))


def _of_agents(folder: Path) -> set[str]:
    """Providers that an agent's file names a model of; what is wrong with a file is told later."""
    found: set[str] = set()
    for path in folder.glob("*.md"):
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                found.update(_MODEL.findall(file.read(_HEAD)))
        except OSError:
            continue
    return found


def unfit_endpoints(
    endpoint: Mapping[str, str],
    models: Models,
    agents: Path,
    *,
    may_be_private: bool,
    may_be_brought: bool,
) -> Iterator[tuple[Keys, str]]:
    """Each that is misspelt or may not be used, and why. `may_be_brought`: a package has names."""
    strange = () if may_be_brought else unknown(endpoint, models)
    named = _of_agents(agents).intersection(strange) if strange else set[str]()
    strange = [name for name in strange if name not in named]
    ours = MODEL_VENDORS | _of_models(models) | named
    for name, url in endpoint.items():
        near = nearest(name, _files() | BEHIND | ours, CLOSE) if name in strange else ""
        if near:
            what = f"Nothing here is called {name}. Did you mean {near}? Rename it, or take it out."
            what += f" If you do mean {name}, name a model of it in an agent's file or in [models]."
        elif may_be_private or name in ours:
            continue
        elif is_private(url):
            what = INSIDE
        elif url.startswith("http:"):
            what = "Keys and tokens would travel unencrypted. Write https."
        else:
            continue
        yield ("endpoint", name), what
