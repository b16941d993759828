"""Sending a browser to another site, and knowing it again when it comes back.

A state is 256 random bits, good for ten minutes, once, for the tenant, person, site and browser
session that it went out with. Installing a platform's app and connecting an account both begin and
end here.
"""

import base64
import hashlib
from datetime import timedelta

from bot.core.errors import Forbidden
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.store import oauth_states as rows
from bot.store.oauth_states import Bearer, Meant
from bot.store.script import Database

LASTS = timedelta(minutes=10)
NOTHING = Meant()


class States:
    """The states of every site."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def begin(self, bearer: Bearer, site: str, meant: Meant = NOTHING) -> str:
        """A state for a browser that is sent away."""
        state = base64.urlsafe_b64encode(self._clock.chance(32)).decode().rstrip("=")
        now = self._clock.now()
        times = (to_us(now), to_us(now + LASTS))
        await self._db.write(rows.begin(bearer, site, _hash(state), meant, times))
        return state

    async def spend(self, bearer: Bearer, site: str, state: str) -> Meant:
        """What was meant when it went out.

        Raises Forbidden for a state of another browser, an old one, or one that was spent.
        """
        now = to_us(self._clock.now())
        meant = await self._db.write(rows.spend(bearer, site, _hash(state), now))
        if meant is None:
            raise Forbidden(
                "This answer was used before, is older than ten minutes, or was meant for another "
                "browser. Begin again on the page where you began."
            )
        return meant


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode(errors="surrogatepass")).hexdigest()
