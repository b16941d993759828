"""The ways out, in their order: the next one is tried only when the one before surely did not send.

https://www.rfc-editor.org/rfc/rfc5321#section-4.5.4 (read 2026-11-21)
"""

import logging
from collections.abc import Sequence
from typing import Final

from bot.core.channel import Receipt
from bot.core.effect import Policy
from bot.core.errors import ConnectionBroken, VendorError, VendorRefused, VendorUnknown
from channels.email.letter import Carrier, Letter

MOST_UNSURE: Final = 10_000
log = logging.getLogger(__name__)


class Carriers:
    """All that are set."""

    def __init__(self, carriers: Sequence[Carrier]) -> None:
        self._carriers = tuple(carriers)
        self._unsure: dict[str, None] = {}
        """Keys of mails of which it is not known whether they went."""

    @property
    def policy(self) -> Policy:
        """What makes a mail go once.

        Looked up, if every carrier can be looked into. By its key, if one has keys and every other
        can be looked into: what is not found there goes by the key, and is one mail. Else nothing.
        """
        others = [each for each in self._carriers if not each.keyed]
        if not self._carriers or not all(each.finds for each in others):
            return Policy.NONE
        keyed = len(self._carriers) - len(others)
        return (Policy.READBACK, Policy.KEYED, Policy.NONE)[min(keyed, 2)]

    async def try_out(self) -> Sequence[str]:
        """Ask each whether it may be used; what an owner should know. Raises as `send` does."""
        return [note for each in self._carriers for note in await each.try_out()]

    async def send(self, letter: Letter, *, is_again: bool = False) -> Receipt:
        """Send it by the first that takes it; one that may have gone before is looked for.

        Raises what the last one raised, VendorUnknown at once.
        """
        ways = self._carriers
        if is_again or letter.key in self._unsure:
            if found := await self._before(letter.key):
                return found
            if self.policy is not Policy.NONE:
                ways = tuple(each for each in ways if each.keyed) or ways
        try:
            return await self._send(letter, ways)
        except VendorUnknown:
            self._unsure[letter.key] = None
            while len(self._unsure) > MOST_UNSURE:
                self._unsure.pop(next(iter(self._unsure)))
            raise

    async def _send(self, letter: Letter, ways: Sequence[Carrier]) -> Receipt:
        last: VendorRefused | ConnectionBroken | None = None
        for carrier in ways:
            try:
                ref = await carrier.send(letter)
            except (VendorRefused, ConnectionBroken) as error:
                log.warning("A mail was not sent by %s: %s", carrier.name, error.message)
                last = error
            else:
                return Receipt(vendor_ref=f"{carrier.name}:{ref}")
        raise last or VendorRefused("No way is set by which mail is sent.")

    async def find(self, key: str, since_s: float = 86_400.0) -> Receipt | None:
        """Where a mail of this key is; None: surely nowhere. Raises VendorError: not known."""
        if found := await self._look(key, since_s):
            return found
        if mute := [each.name for each in self._carriers if not each.finds]:
            raise VendorUnknown(f"{mute[0]} cannot be asked what it sent.")
        return None

    async def _before(self, key: str) -> Receipt | None:
        """Where a mail is that may have gone before. Where nothing makes it go once, that it cannot
        be looked for keeps it from nothing.
        """
        try:
            return await self._look(key)
        except (VendorError, ConnectionBroken) as error:
            if self.policy is not Policy.NONE:
                raise
            log.warning("It could not be looked up whether a mail was sent: %s", error.message)
            return None

    async def _look(self, key: str, since_s: float = 86_400.0) -> Receipt | None:
        for carrier in self._carriers:
            if (carrier.finds or carrier.hears) and (ref := await carrier.find(key, since_s)):
                return Receipt(vendor_ref=f"{carrier.name}:{ref}")
        return None
