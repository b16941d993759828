"""A way to connect a platform, where there are several to choose from."""

from bot.frozen import frozen


@frozen
class Way:
    """One of several ways to connect a platform, such as one carrier of mail.

    A channel's `Settings` names them as `ways`; then a person is asked for one of them first.
    """

    name: str
    title: str
    asks: tuple[tuple[str, ...], ...]
    """What it is to be told, in groups: the rest of a group goes with its first."""
    needs: tuple[str, ...] = ()
    """What it cannot do without."""
