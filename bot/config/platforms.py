"""What the settings tell platforms, held to what these know: no misspelt key is passed over.

The settings lie below the platforms, so whoever loads them says what each platform may be told.
"""

from collections.abc import Callable, Collection, Iterator, Mapping

from bot.config.file import Keys
from bot.config.mistakes import Mistake, Places, dotted, nearest

Platforms = Mapping[str, Callable[[], Collection[str] | None]]
"""The platforms there are, each with what gives the keys that it knows; None: it does not say."""


def unfit_platforms(
    channels: Mapping[str, Collection[str]],
    platforms: Platforms,
    may_be_brought: bool,
    places: Places,
) -> Iterator[Mistake]:
    """Each section and key of `[channels]` that nobody reads, with the nearest that somebody does.

    `may_be_brought`: a package may bring platforms that are unknown here.
    """
    for name, options in channels.items():
        if name not in platforms:
            if may_be_brought:
                continue
            there = f"There are: {', '.join(sorted(platforms))}."
            what = f"There is no such platform. {_mend(('channels',), name, platforms) or there}"
            yield places.mistake(("channels", name), what)
            continue
        known = platforms[name]()
        unread = [] if known is None else [key for key in options if key not in known]
        for key in unread:
            there = f"Take it out; docs/channels/{name}.md says what it wants."
            what = (
                f"There is no such setting. {_mend(('channels', name), key, known or ()) or there}"
            )
            yield places.mistake(("channels", name, key), what)


def _mend(above: Keys, key: str, known: Collection[str]) -> str:
    near = nearest(key, known)
    return f"Did you mean {dotted((*above, near))}? Rename it, or take it out." if near else ""
