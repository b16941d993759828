"""Links that give one file to whoever holds them, for a while.

A link names its tenant, its file and its end, and a signature by a key of the vault binds the three
together: nothing of it can be changed, and none is stored. Deleting the file ends every link to it.
The text `TENANT.FILE.END.SIGNATURE` is part of the path and never of the query.
"""

import hmac
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.core.errors import NotFound, UserError
from bot.core.ports import Clock
from bot.core.times import from_us, to_us
from bot.frozen import frozen

LASTS = timedelta(hours=1)
LONGEST = timedelta(days=7)
PURPOSE = "file link"
_TOKEN = re.compile(r"([A-Za-z0-9_]{1,80})\.([A-Za-z0-9_]{1,80})\.([0-9]{1,17})\.([0-9a-f]{64})")

Sign = Callable[[str, str], str]
"""Purpose and text to 64 hex digits, by a key that nobody else has (`Vault.lookup`)."""


class LinkOver(UserError):
    """This link has ended. Ask whoever sent it for a new one."""

    status = 410


@frozen
class Linked:
    """What a good link names."""

    tenant: str
    file: str


class Links:
    """Signs links and reads them."""

    def __init__(self, clock: Clock, sign: Sign) -> None:
        self._clock = clock
        self._sign = sign

    def make(self, tenant: str, file: str, lasts: timedelta = LASTS) -> tuple[str, datetime]:
        """A token and its end; no more than LONGEST from now."""
        ends = to_us(self._clock.now() + min(lasts, LONGEST))
        return f"{tenant}.{file}.{ends}.{self._signature(tenant, file, ends)}", from_us(ends)

    def read(self, token: str) -> Linked:
        """What a token names. Raises NotFound for one that is not ours, LinkOver after its end."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise NotFound("There is no such file here.")
        tenant, file, ends = found[1], found[2], int(found[3])
        if not hmac.compare_digest(found[4], self._signature(tenant, file, ends)):
            raise NotFound("There is no such file here.")
        if to_us(self._clock.now()) >= ends:
            raise LinkOver
        return Linked(tenant=tenant, file=file)

    def _signature(self, tenant: str, file: str, ends: int) -> str:
        return self._sign(PURPOSE, f"{tenant} {file} {ends}")
