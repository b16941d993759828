"""One post as one Markdown file, put in place whole, and once for each key.

The name ends in a mark made from the key, so that a file tells by itself whether its deed was
done. It is written beside its place under a name that no reader sees, forced to the disk, and given
its name only where none is; a crash leaves a whole post or none.
"""

import hashlib
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bot.core.errors import SettingsError, VendorUnknown
from bot.core.times import iso
from bot.frozen import frozen

MAX_SLUG = 60
HALF = ".switchboard-"
"""What the name of a file that is being written begins with."""


@frozen
class Article:
    """What stands in the file."""

    title: str
    text: str
    tags: Sequence[str]
    key: str
    """The key of the effect that makes it."""
    at: datetime


def slug(title: str) -> str:
    """A title as a part of an address: plain letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_SLUG].strip("-") or "post"


def mark(key: str) -> str:
    """What a key leaves in a file's name: 12 hex digits."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def check(place: Path) -> None:
    """Raises SettingsError where a folder or a file was made a link.

    A link that is meant stands in the settings, which follow it once, at the start.
    """
    if place.is_symlink():
        raise SettingsError(
            f"{place} is a link to another place, so no post is written there. "
            "For a folder that is meant, set BOT_BLOG_FOLDER to where it leads."
        )


def find(folder: Path, key: str) -> str:
    """The name of the post that a key made; empty when it made none. Raises as `check`."""
    if not key:
        raise SettingsError("A post needs the key of its effect.")
    check(folder)
    made = (path for path in folder.glob(f"*-{mark(key)}.md") if not path.is_symlink())
    return next((path.stem for path in made), "")


def write(folder: Path, article: Article) -> str:
    """Put the post in its place, whole, unless its key made one before; returns its name."""
    if name := find(folder, article.key):
        return name
    name = f"{slug(article.title)}-{mark(article.key)}"
    check(folder / f"{name}.md")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = _stored(folder, document(article))
    except OSError as error:
        raise SettingsError(f"Cannot write into {folder}: {error.strerror}.") from error
    try:
        _place(temporary, folder / f"{name}.md")
        _sync(folder)
    except OSError as error:
        raise VendorUnknown(f"Cannot finish in {folder}: {error.strerror}.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return name


def sweep(folder: Path) -> None:
    """Remove what a killed process left half written; what others hide in the folder stays."""
    if folder.is_symlink():
        return
    for path in folder.glob(f"{HALF}*.tmp"):
        path.unlink(missing_ok=True)


def _stored(folder: Path, text: str) -> Path:
    """A file that no reader sees, with the whole text on the disk."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=HALF, suffix=".tmp")
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        path.chmod(0o644)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


def _place(temporary: Path, target: Path) -> None:
    """Give the file its name, if no other has it."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        return  # another attempt of the same deed
    except OSError:  # a file system without links
        if not target.exists():
            temporary.rename(target)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def document(article: Article) -> str:
    """The file: front matter in YAML, then the text."""
    front = [f"title: {_quoted(article.title)}", f"date: {iso(article.at)}"]
    if article.tags:
        front.append(f"tags: {json.dumps(list(article.tags), ensure_ascii=False)}")
    front.append(f"effect: {_quoted(article.key)}")
    return "---\n" + "\n".join(front) + f"\n---\n\n{article.text}\n"


def _quoted(text: str) -> str:
    """A YAML text on one line, as plain to read as can be."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'
