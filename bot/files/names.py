"""What people call a file and say it is: shown, never a path, and never believed."""

import re

SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that a browser may show by itself; none of them carries a script."""
_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,99}")


def clean_name(name: str) -> str:
    """The last part of a name, without controls and at most 200 characters long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(char for char in last if char.isprintable()).strip(" .")
    return shown[-200:] or "file"


def clean_type(media_type: str) -> str:
    """A plain media type; anything odd becomes bytes."""
    plain = media_type.split(";", 1)[0].strip().lower()
    return plain if _TYPE.fullmatch(plain) else "application/octet-stream"
