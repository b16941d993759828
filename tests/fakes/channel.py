"""A chat platform outside, which makes a message appear once, or cannot.

Its book holds what people really saw. With `KEYED` it knows a key that it has seen, with
`READBACK` it can be looked into, with `NONE` neither.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bot.core.channel import Features, Outbound, Receipt, Sink
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import VendorRefused, VendorUnknown
from tests.fakes.vendor import Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message that people saw."""

    effect: str
    conv: str
    text: str
    attempt: int


async def _at_once(_: str) -> float:
    return 0.0


@dataclass
class FakeChannel:
    """The platform."""

    name: str = "chat"
    policy: Policy = Policy.NONE
    buttons: bool = False
    rows: bool = False
    """What is said there is a row that people see, as on a page; nothing is sent."""
    max_chars: int = 4_000
    fate: Callable[[str], Fate] = lambda name: Fate.DONE
    delay: Callable[[str], Awaitable[float]] = _at_once
    book: list[Shown] = field(default_factory=list)
    again_s: float | None = None
    """What it says of an answer without a word: in how many seconds it may be sent once more."""

    @property
    def features(self) -> Features:
        """What it can do."""
        window = 300 if self.policy is Policy.KEYED else 0
        return Features(
            policy=self.policy,
            window_s=window,
            buttons=self.buttons,
            reply_is_row=self.rows,
            max_chars=self.max_chars,
        )

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """It has no webhooks."""
        return ()

    async def run(self, sink: Sink) -> None:
        """It listens to nothing; tests bring events themselves."""

    async def send(self, message: Outbound) -> Receipt:
        """Show one message."""
        fate = self.fate(self.name)
        await self.delay("out")
        if fate is Fate.REFUSED:
            raise VendorRefused("The channel refused this.")
        if fate is Fate.LOST:
            raise VendorUnknown(retry_after_s=self.again_s)
        seen = [n for n, shown in enumerate(self.book) if shown.effect == message.effect]
        if self.policy is Policy.KEYED and seen:
            return Receipt(vendor_ref=f"msg{seen[0]}")
        attempt = message.extra.get("attempt", 0)
        self.book.append(
            Shown(
                effect=message.effect,
                conv=message.conv,
                text=message.text,
                attempt=attempt if isinstance(attempt, int) else 0,
            )
        )
        ref = f"msg{len(self.book) - 1}"
        await self.delay("back")
        if fate is Fate.SILENT:
            raise VendorUnknown(retry_after_s=self.again_s)
        return Receipt(vendor_ref=ref)

    async def find(self, effect: Effect) -> Outcome | None:
        """Look one up."""
        for number, shown in enumerate(self.book):
            if shown.effect == effect.id:
                return Outcome(state=EffectState.SENT, vendor_ref=f"msg{number}")
        return None
