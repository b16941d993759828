"""Answers on their way: a row where the channel is the house's own, else an effect of the channel.

A reply effect is on the disk as `sending` before the channel is called, and its id is the key. On
a channel with neither key nor look-up it is sent again after a crash, once: a person would rather
read an answer twice than never. Tool effects never get that licence.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace

from bot.core.channel import Channel, Features, Outbound
from bot.core.conversation import Claim, TurnEnd
from bot.core.effect import Effect, EffectKind, EffectState, Outcome, Policy, bind
from bot.core.errors import VendorError, VendorUnknown
from bot.core.ids import AgentName, EffectId
from bot.core.points import point
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.store import effects as rows
from bot.store.script import Database

log = logging.getLogger(__name__)

REPLY_STEP = 1_000
"""Replies stand after every step of their turn."""
ATTEMPTS = 2


class Replies:
    """Delivers answers."""

    def __init__(self, db: Database, clock: Clock, channels: Mapping[str, Channel]) -> None:
        self._db = db
        self._clock = clock
        self._channels = channels

    async def deliver(self, claim: Claim, end: TurnEnd) -> None:
        """Send the answer of a turn, once. A row needs nothing: `finish` writes it."""
        channel = self._channels.get(claim.event.channel)
        if channel is None or channel.features.reply_is_row or not end.reply:
            return
        past = next((e for e in claim.effects if e.kind is EffectKind.REPLY), None)
        if past and past.state is not EffectState.SENDING:
            return
        if past is None:
            effect = self._effect(claim, end, channel.features)
            point("reply.before_sending")
            await self._db.write(rows.plan(effect, self._now()))
            point("reply.after_sending")
        else:
            found = await self._look(channel, past)
            if found:
                await self._db.write(rows.settle(past, found, self._now()))
                return
            if past.attempt >= ATTEMPTS and past.policy is Policy.NONE:
                gone = Outcome(state=EffectState.FAILED, error="Sent twice without an answer.")
                await self._db.write(rows.settle(past, gone, self._now()))
                return
            effect = await self._db.write(rows.attempt_again(past, self._now()))
        outcome = await self._send(channel, claim, end, effect)
        point("reply.after_call")
        await self._db.write(rows.settle(effect, outcome, self._now()))

    async def _send(self, channel: Channel, claim: Claim, end: TurnEnd, effect: Effect) -> Outcome:
        message = Outbound(
            tenant=effect.tenant,
            conv=effect.conv,
            account=claim.conv.account,
            place=claim.conv.place,
            thread=claim.conv.thread,
            effect=effect.id,
            kind=EffectKind.REPLY,
            text=str(effect.arguments["text"]),
            card=end.approval.card if end.approval else None,
            reply_to=claim.event.ext_id,
            extra={"attempt": effect.attempt},
        )
        for _ in range(ATTEMPTS):
            try:
                receipt = await channel.send(message)
            except VendorUnknown as error:
                if effect.policy is Policy.NONE:
                    return Outcome(state=EffectState.FAILED, error=error.message)
            except VendorError as error:
                return Outcome(state=EffectState.FAILED, error=error.message)
            else:
                return Outcome(
                    state=EffectState.SENT, vendor_ref=receipt.vendor_ref, url=receipt.url
                )
        return Outcome(state=EffectState.FAILED, error="The channel did not answer.")

    async def _look(self, channel: Channel, effect: Effect) -> Outcome | None:
        """Where the channel can be looked into, see whether the reply is there."""
        find = getattr(channel, "find", None)
        if effect.policy is not Policy.READBACK or find is None:
            return None
        found: Outcome | None = await find(effect)
        return found

    def _effect(self, claim: Claim, end: TurnEnd, features: Features) -> Effect:
        event = claim.event
        text = end.reply
        if end.approval and not features.buttons:
            text = f"{text}\n\n{code_help(end.approval.code)}"
        agent = end.agent or AgentName("")
        arguments = {"text": text}
        return replace(
            Effect(
                id=EffectId(f"rep_{event.id[4:]}"),
                tenant=event.tenant,
                conv=claim.conv.id,
                turn=event.id,
                step=REPLY_STEP,
                n=0,
                kind=EffectKind.REPLY,
                tool=event.channel,
                tool_version=1,
                agent=agent,
                person=event.sender.person,
                connection=claim.conv.account,
                arguments=arguments,
                hash=bind(event.tenant, agent, event.channel, 1, arguments, claim.conv.account),
                policy=features.policy,
                window_s=features.window_s,
                state=EffectState.SENDING,
            ),
            attempt=1,
        )

    def _now(self) -> int:
        return to_us(self._clock.now())


def code_help(code: str) -> str:
    """How to decide by text, where there are no buttons."""
    return f"Reply OK {code} to approve, NO {code} to refuse, or EDIT {code} and the new text."
