"""Folders as they are named in settings: which can be one, and where it is.

Nothing is made and nothing is looked into here but links.
"""

from contextlib import suppress
from pathlib import Path
from typing import TypeGuard

DEFAULT_HOME = "~/.switchboard"


def folder(named: str | Path) -> Path:
    """The folder of this name. Raises ValueError where none can be called so."""
    if "\0" in str(named):
        raise ValueError("No folder is called so: there is a zero byte in it. Take it out.")
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(
            "The user behind ~ is not known here. Write the folder in full."
        ) from error


def is_folder(named: object) -> TypeGuard[str | Path]:
    """Whether a folder can be called so."""
    with suppress(ValueError):
        return isinstance(named, str | Path) and bool(folder(named))
    return False


def home_folder(named: object) -> Path:
    """The home folder of this name, or the usual one where none can be called so."""
    return folder(named if named and is_folder(named) else DEFAULT_HOME)


def followed(named: object) -> object:
    """A folder with the links on its way followed; what can be none stays, and is refused later."""
    with suppress(OSError, RuntimeError):  # a link that leads to itself
        return folder(named).resolve() if is_folder(named) else named
    return named
