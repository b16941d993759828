"""The master keys: where they come from, and which of them is the first.

Each is 32 bytes with an id such as `kek_202611_3f9a01bc`. They come from the settings as text, or
from the file `master.key` in the home folder, which is made on the first start and read by its
owner only. Several may be present: the first wraps, all of them open. `bot/vault.py` is the only
user; the ids are stored beside what they wrapped, the keys nowhere.
"""

import base64
import binascii
import hashlib
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.core.errors import SettingsError
from bot.core.ports import Clock
from bot.core.secret import Secret
from bot.frozen import frozen

KEY_BYTES = 32
FILE = "master.key"
_ID = re.compile(r"kek_\d{6}_[a-z0-9]{1,16}")
_HEX = re.compile(r"[0-9a-fA-F]{64}")


@frozen
class Kek:
    """One master key."""

    id: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ring:
    """The master keys that are here, the primary one first."""

    keks: tuple[Kek, ...]

    def __post_init__(self) -> None:
        if not self.keks or len({kek.id for kek in self.keks}) != len(self.keks):
            raise SettingsError("A master key is missing or given twice. Give each once.")

    @property
    def primary(self) -> Kek:
        """The one that wraps."""
        return self.keks[0]

    def get(self, id: str) -> Kek | None:
        """The one of this id."""
        return next((kek for kek in self.keks if kek.id == id), None)

    def __str__(self) -> str:
        return ", ".join(kek.id for kek in self.keks)


def ring_of(text: Secret) -> Ring:
    """The ring that BOT_MASTER_KEY holds: keys separated by commas, the primary one first.

    A key is 32 bytes as base64url or as hex, with its id and a colon before it where it has one.
    Raises SettingsError.
    """
    return Ring(tuple(_kek(part, "BOT_MASTER_KEY") for part in text.reveal().split(",")))


def ring_in(home: Path, clock: Clock, *, make: bool) -> Ring:
    """The ring of the file in the home folder, made there if need be.

    `make` is False where something is wrapped already: no fresh key could open that. Raises
    SettingsError when the file is missing and not to be made, is open to others, or is damaged.
    """
    path = home / FILE
    if make and not path.exists():
        with suppress(FileExistsError):
            _write_new(path, _line(_fresh(clock)))
    return Ring(tuple(_kek(line, str(path)) for line in _read(path).split("\n") if line.strip()))


def add_primary(home: Path, clock: Clock) -> Ring:
    """Put a fresh key before those of the file. The old ones stay while anything needs them."""
    ring = ring_in(home, clock, make=False)
    grown = Ring((_fresh(clock), *ring.keks))
    path = home / FILE
    half = path.with_suffix(".new")
    half.unlink(missing_ok=True)
    _write_new(half, "".join(map(_line, grown.keks)))
    half.replace(path)
    _sync(home)
    return grown


def _fresh(clock: Clock) -> Kek:
    key = clock.chance(KEY_BYTES)
    return Kek(id=f"kek_{clock.now():%Y%m}_{_mark(key)}", key=key)


def _mark(key: bytes) -> str:
    """Eight letters that tell keys apart and say nothing about them."""
    return hashlib.sha256(b"switchboard kek" + key).hexdigest()[:8]


def _kek(text: str, where: str) -> Kek:
    id_, colon, rest = text.strip().rpartition(":")
    raw = _raw(rest.strip())
    if raw is None or (colon and not _ID.fullmatch(id_)):
        raise SettingsError(
            f"A master key of {where} is not 32 bytes as base64url or hex. Put the right one back, "
            "from your backup or another process's folder: no other opens the stored secrets. Only "
            "a new house takes a new one: openssl rand -hex 32"
        )
    return Kek(id=id_ or f"kek_000000_{_mark(raw)}", key=raw)


def _raw(text: str) -> bytes | None:
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    try:
        raw = base64.b64decode(text.rstrip("=") + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == KEY_BYTES else None


def _line(kek: Kek) -> str:
    return f"{kek.id}:{base64.urlsafe_b64encode(kek.key).decode()}\n"


def _write_new(path: Path, text: str) -> None:
    """Make the file whole and on the disk, or not at all. Raises FileExistsError."""
    half = path.with_suffix(f".{os.getpid()}")
    half.unlink(missing_ok=True)
    number = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(half, path)
    finally:
        half.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _read(path: Path) -> str:
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise SettingsError(
            f"The master key {path} cannot be read ({error.strerror}). Without it the stored "
            "secrets stay closed: put it back from your backup, or set BOT_MASTER_KEY to its line."
        ) from None
    with os.fdopen(number, encoding="ascii", errors="replace") as file:
        if stat.S_IMODE(os.fstat(number).st_mode) & 0o077:
            raise SettingsError(f"Others may read the master key. Mend it: chmod 600 {path}")
        return file.read()
