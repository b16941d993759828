"""How the calendar of a connected account is read, by vendor. Loaded when the first one is due: its
shapes take a tenth of a second, for which no start waits.
"""

from collections.abc import Callable, Mapping

from bot.frozen import frozen
from bot.oauth.accounts import Client
from tools.calendar._book import Book, Service
from tools.calendar._following import Following
from tools.calendar._google import SERVICE as GOOGLE
from tools.calendar._google import Google
from tools.calendar._google_following import GoogleFollowing
from tools.calendar._outlook import SERVICE as OUTLOOK
from tools.calendar._outlook import Outlook
from tools.calendar._outlook_following import OutlookFollowing


@frozen
class Way:
    """One vendor's."""

    service: Service
    book: Callable[[Client], Book]
    following: Callable[[Client], Following]


WAYS: Mapping[str, Way] = {
    way.service.provider: way
    for way in (
        Way(service=GOOGLE, book=Google, following=GoogleFollowing),
        Way(service=OUTLOOK, book=Outlook, following=OutlookFollowing),
    )
}
"""By the connection's provider."""
