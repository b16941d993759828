"""What was said lately, kept at hand: the lines of conversations that end a turn in this process.

The next event of such a conversation need not have its lines read anew. They are the same as in the
database as long as nobody else took the conversation, gave out one of its numbers or wrote a line,
of which its row tells at the moment of the claim (`Known.still`); whoever changes or removes lines
otherwise passes over a number. A database that was away may give the same numbers again to other
lines: then all is forgotten. Kept by tenant and key, bounded, and let go of after a while.
"""

from collections import OrderedDict

from bot.core.conversation import Claim, Conversation, Line
from bot.core.ports import Clock
from bot.frozen import frozen
from bot.store.conversations import HISTORY_LINES

MOST_LINES = 5_120
"""Of all conversations together: as many as 64 long ones have."""
MOST_CHARS = 8_000_000
"""Of all of them together."""
KEPT_S = 600.0


@frozen
class Known:
    """The lines of a conversation up to a moment, and its row's numbers at that moment."""

    conv: str
    epoch: int
    seq: int
    """The last number that was given out."""
    n: int
    """The position of the last line."""
    lines: tuple[Line, ...]
    chars: int
    until: float
    """Monotonic seconds."""

    def still(self, where: Conversation, seq: int, n: int) -> bool:
        """Whether all of it holds where a claim has just given out `seq` and position `n`."""
        return (self.conv, self.epoch + 1, self.seq + 1, self.n + 1) == (
            where.id,
            where.epoch,
            seq,
            n,
        )


class Recent:
    """Keeps them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], Known] = OrderedDict()
        self._lines = self._chars = 0
        self._opened: dict[str, tuple[int, Line, Known | None]] = {}
        """By conversation: the epoch of its open turn, what that turn answers, and what was known
        before it."""

    def known(self, tenant: str, key: str) -> Known | None:
        """What is at hand of a conversation; whether it still holds, its row must tell."""
        known = self._kept.get((tenant, key))
        return known if known and known.until > self._clock.monotonic() else None

    def opened(self, claim: Claim, said: Line | None) -> None:
        """A turn is open, of which `said` is the line that it answers."""
        before = self._drop((claim.event.tenant, claim.conv.key))
        # Files are written into a line later, and PostgreSQL keeps no zero byte.
        if said is not None and not said.attachments and "\x00" not in said.text:
            self._opened[claim.conv.id] = (claim.conv.epoch, said, before)

    def closed(self, claim: Claim, said: Line | None, last: int) -> None:
        """It has ended with a line; `last` is the last number that its conversation has given out.

        None, or anything that came in between: the next turn reads for itself.
        """
        epoch, asked, before = self._opened.pop(claim.conv.id, (0, None, None))
        if asked is None or said is None or epoch != claim.conv.epoch or last != claim.seq:
            return
        if said.n != asked.n + 1:
            return
        lines = (*claim.history, asked, said)
        if len(lines) > HISTORY_LINES:
            first = sorted(line.n for line in lines)[-HISTORY_LINES]
            lines = tuple(line for line in lines if line.n >= first)
        if before and before.lines is claim.history and len(lines) == len(before.lines) + 2:
            chars = before.chars + _chars(asked) + _chars(said)
        else:
            chars = sum(map(_chars, lines))
        until = self._clock.monotonic() + KEPT_S
        known = Known(
            conv=claim.conv.id,
            epoch=epoch,
            seq=last,
            n=said.n,
            lines=lines,
            chars=chars,
            until=until,
        )
        self._kept[claim.event.tenant, claim.conv.key] = known
        self._lines += len(lines)
        self._chars += chars
        self._make_room()

    def left(self, conv: str) -> None:
        """Its task is over, however it ended."""
        self._opened.pop(conv, None)

    def forget(self) -> None:
        """The database may have gone back behind what is at hand, as one that goes on from a copy
        does: numbers alone no longer prove anything."""
        self._kept.clear()
        self._opened.clear()
        self._lines = self._chars = 0

    def _make_room(self) -> None:
        now = self._clock.monotonic()
        while self._kept:
            oldest, known = next(iter(self._kept.items()))
            is_full = self._lines > MOST_LINES or self._chars > MOST_CHARS
            if not is_full and known.until > now:
                return
            self._drop(oldest)

    def _drop(self, key: tuple[str, str]) -> Known | None:
        known = self._kept.pop(key, None)
        if known is not None:
            self._lines -= len(known.lines)
            self._chars -= known.chars
        return known


def _chars(line: Line) -> int:
    """How much is kept of a line; most of an agent's work may stand beside its words."""
    many = len(line.text)
    for message in line.raw:
        many += len(message.content) + sum(len(call.arguments) for call in message.tool_calls)
        many += len(str(message.raw)) if message.raw else 0
    return many
