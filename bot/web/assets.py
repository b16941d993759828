"""The page's own files: the style sheets, the icon, a few scripts.

Scripts are written as small ES modules, one idea a file, and need no build: at first use the
modules that a script imports are joined in memory, comments and indents left out, so that a page
costs two or three requests instead of thirty. Each module stays a scope of its own. What is in
`base.js` is loaded once and imported by the others. What is served is a closed list made from our
own folder: a path in a request only ever selects a name from it.
"""

import gzip
import re
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from bot.frozen import frozen

FOLDER = Path(__file__).parent / "static"
BASE = "base.js"
SCRIPTS = ("chat.js", "admin.js", "talk.js", "later.js", "posts.js", "accounts.js", "oauth.js")
"""The scripts beside the base; the pages load `talk`, `later`, `posts`, `accounts` when wanted."""
_TYPES = {".css": "text/css", ".svg": "image/svg+xml", ".js": "text/javascript"}

_IMPORT = re.compile(r'^(import|export) \{ ([\w, ]+) \} from "(\.{1,2}/[\w./-]+\.js)";$')
_EXPORT = re.compile(r"^export ((?:async )?function\*?|const|class) (\w+)")
_COMMENT = re.compile(r"^\s*(?://|/\*\*|\*/?(?:\s|$))")


class BrokenScript(ValueError):
    """A module breaks a rule of joining; the message names file and line."""


@frozen
class Asset:
    """One file as it is sent."""

    body: bytes
    zipped: bytes
    media_type: str
    digest: str
    """The start of its SHA-256: the tag, and part of its address, which may be kept forever."""


@frozen
class Module:
    """One source file: its lines without comments, what it imports and what it exports."""

    lines: tuple[str, ...]
    imports: tuple[tuple[Path, tuple[str, ...]], ...]
    exports: tuple[str, ...]
    passes_on: tuple[str, ...]
    """What it exports of what it imports: only the first file of a script does."""


def _read(path: Path) -> Module:
    lines: list[str] = []
    imports: list[tuple[Path, tuple[str, ...]]] = []
    exports: list[str] = []
    passes_on: list[str] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if taken := _IMPORT.match(line):
            names = tuple(name.strip() for name in taken[2].split(","))
            imports.append(((path.parent / taken[3]).resolve(), names))
            passes_on += names if taken[1] == "export" else ()
        elif given := _EXPORT.match(line):
            exports.append(given[2])
            lines.append(line.removeprefix("export ").strip())
        elif line.startswith(("import ", "export ")):
            where = f"{path.name}:{number}"
            raise BrokenScript(f"{where}: only `import {{ a, b }}` and `export` of one")
        elif line.strip() and not _COMMENT.match(line):
            lines.append(line.strip())
    return Module(
        lines=tuple(lines),
        imports=tuple(imports),
        exports=tuple(exports),
        passes_on=tuple(passes_on),
    )


def modules(entry: Path) -> dict[Path, Module]:
    """Return the modules that `entry` needs, each after those it imports. Raises BrokenScript."""
    done: dict[Path, Module] = {}
    open_: list[Path] = []

    def visit(path: Path) -> None:
        if path in done:
            return
        if path in open_:
            raise BrokenScript(f"{path.name}: imports itself by way of {open_[-1].name}")
        open_.append(path)
        module = _read(path)
        for other, names in module.imports:
            visit(other)
            for name in set(names) - set(done[other].exports):
                raise BrokenScript(f"{path.name}: {other.name} exports no {name}")
        open_.pop()
        done[path] = module

    visit(entry.resolve())
    return done


def _scope(path: Path, module: Module) -> Iterator[str]:
    names = ", ".join(module.exports)
    yield f"// {path.name}"
    yield f"const {{ {names} }} = (() => {{" if names else "(() => {"
    yield from module.lines
    if names:
        yield f"return {{ {names} }};"
    yield "})();"
    if module.passes_on:
        yield f"export {{ {', '.join(module.passes_on)} }};"


def join(entry: Path, base: Path | None = None, base_address: str = "") -> str:
    """Return one script of the entry and what it imports. Raises BrokenScript.

    What the script at `base` has is not joined again but imported from `base_address`.
    """
    shared = modules(base) if base else {}
    offered = shared[base.resolve()].passes_on if base else ()
    parts: list[str] = []
    exported: dict[str, Path] = {}
    wanted: set[str] = set()
    for path, module in modules(entry).items():
        if path in shared:
            continue
        for other, names in module.imports:
            wanted |= set(names) if other in shared else set()
        for name in module.exports:
            if name in exported or name in offered:
                raise BrokenScript(f"{path.name}: another module exports {name} as well")
            exported[name] = path
        parts += _scope(path, module)
    if missing := wanted - set(offered):
        raise BrokenScript(f"{entry.name}: the base does not offer {', '.join(sorted(missing))}")
    head = f'import {{ {", ".join(sorted(wanted))} }} from "{base_address}";\n' if wanted else ""
    return head + "\n".join(parts) + "\n"


def _asset(name: str, body: bytes) -> Asset:
    return Asset(
        body=body,
        zipped=gzip.compress(body, 9, mtime=0),
        media_type=_TYPES[Path(name).suffix],
        digest=sha256(body).hexdigest()[:16],
    )


def _address(name: str, asset: Asset) -> str:
    return f"/static/{name}?v={asset.digest}"


@cache
def assets() -> Mapping[str, Asset]:
    """Return every file by the name under which it is served; read once."""
    plain = (path for path in FOLDER.iterdir() if path.suffix in (".css", ".svg"))
    found = {path.name: _asset(path.name, path.read_bytes()) for path in plain}
    base = found[BASE] = _asset(BASE, join(FOLDER / BASE).encode())
    for name in SCRIPTS:
        text = join(FOLDER / name, FOLDER / BASE, _address(BASE, base))
        found[name] = _asset(name, text.encode())
    return found


def address(name: str) -> str:
    """Return where a file is served, with its digest: a new text has a new address."""
    return _address(name, assets()[name])


async def static(request: web.Request) -> web.Response:
    """Send one of our files: kept forever under its own digest, asked for anew otherwise."""
    asset = assets().get(request.match_info["file"])
    if asset is None:
        raise web.HTTPNotFound
    forever = request.query.get("v") == asset.digest
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if forever else "no-cache",
        "ETag": f'"{asset.digest}"',
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    zipped = "gzip" in request.headers.get("Accept-Encoding", "")
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return web.Response(
        body=asset.zipped if zipped else asset.body,
        headers=headers,
        content_type=asset.media_type,
        charset="utf-8",
    )
