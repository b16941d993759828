"""Answers on their way: a row where the channel is the house's own, else an effect of the channel.

A reply effect is on the disk as `sending` before the channel is called, and its id is the key. On
a channel with neither key nor look-up it is sent again after a crash, once: a person would rather
read an answer twice than never. Where the channel says that a second copy does no harm, it is so
after a call without an answer as well. Tool effects never get that licence.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bot.core.canonical import Json
from bot.core.channel import Channel, Features, Outbound, Receipt
from bot.core.conversation import Claim, TurnEnd
from bot.core.effect import Effect, EffectKind, EffectState, Outcome, Policy, bind
from bot.core.errors import ConnectionBroken, Fenced, VendorError, VendorRefused, VendorUnknown
from bot.core.event import Attachment, Ending
from bot.core.ids import AgentName, EffectId
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.fleet import Peers
from bot.platforms.carriers import HOUSE, Carriers
from bot.platforms.texting import OptedOut
from bot.points import point
from bot.render.cards.layout import Ref
from bot.render.whole import asked
from bot.store import approvals, drafts, journal
from bot.store import effects as rows
from bot.store.heard import first, was_heard
from bot.store.patient import surely
from bot.store.rows import attachments_from, attachments_to_json
from bot.store.script import Database, Script, restartable

log = logging.getLogger(__name__)

REPLY_STEP = 1_000
"""Replies stand after every step of their turn."""
ATTEMPTS = 2
LOOK_AFTER_S = 2.0
"""How long after an unanswered send a look-up begins."""
FOR_SENDER = "for_sender"
"""Marks a reply that announces a question or is the house's own: for the one who wrote alone."""
LEAST_CARD = 300
"""Characters that a question gets, however long what stands before it is."""
_PAGE = re.compile(r"(?<![\w/:.-])/admin/sandbox#(?=\w)")
"""The page of the house that agents name."""
OPTED_OUT = "opted out"
WAITS, LONGEST_WAIT_S = 5, 60.0
"""How often a platform that says when to come again is obeyed, and for how long each time."""


class Replies:
    """Delivers answers."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        carriers: Carriers,
        peers: Peers,
        draft: Callable[[str], str] = lambda turn: "",
        address: Callable[[], str] = lambda: "",
    ) -> None:
        """`draft` is where the draft of a turn is to be seen; empty where there is none.

        `address` is where the house is reached: a page of its own is named whole outside.
        """
        self._draft, self._address = draft, address
        self._db = db
        self._peers = peers
        self._clock = clock
        self._carriers = carriers

    async def deliver(self, claim: Claim, end: TurnEnd) -> TurnEnd:
        """Send the answer of a turn, once; returns the end as it is to be written.

        A row needs nothing: `finish` writes it. What an earlier attempt of the turn began to say
        stands, whatever this one would say. Raises Fenced, and StoreError, CodeTaken and
        ConnectionBroken before the send.
        """
        where = claim.conv
        channel = self._carriers.get(claim.event.tenant, where.channel, where.account)
        if where.channel in HOUSE or (channel and channel.features.reply_is_row):
            return end
        past = next((e for e in claim.effects if e.id == _id(claim)), None)
        draft = self._draft(claim.event.id) or (past.vendor_ref if past else "")
        if past is None and not end.reply and not draft:
            return end
        if channel is None:
            if past and past.state in (EffectState.SENT, EffectState.IN_DOUBT):
                return end
            raise ConnectionBroken(f"{where.channel} is not connected here. Connect it again.")
        effect = self._effect(claim, end, channel.features)
        if past is None or past.state is EffectState.PLANNED:
            past, effect = None, replace(effect, vendor_ref=draft)
            await self._check_code(end)
            bearing = drafts.become if draft else _bear
            point("reply.before_sending")
            await self._db.write(bearing(claim, end.steps, effect, self._now()))
            point("reply.after_sending")
            outcome = await self._send(channel, claim, effect)
        elif past.state is EffectState.SENDING:
            outcome = await self._again(channel, claim, past)
        else:
            outcome = Outcome(state=past.state, error=past.error)
        await surely(self._db, lambda: rows.settle(past or effect, outcome, self._now()))
        if past and past.arguments != effect.arguments:
            end = _said_before(end, past)
        return _undelivered(end, outcome)

    async def _check_code(self, end: TurnEnd) -> None:
        """Raises CodeTaken, before anybody reads a code that is another question's by now."""
        asked = end.approval
        if asked and await self._db.read(approvals.by_code(asked.tenant, asked.code)):
            raise approvals.CodeTaken

    async def _again(self, channel: Channel, claim: Claim, past: Effect) -> Outcome:
        """Go on with a reply that was on its way when the process died."""
        # What is found of a draft is not yet the answer; to replace it again does no harm.
        found = None if past.vendor_ref else await self._look(channel, past)
        if found:
            return found
        if past.attempt >= ATTEMPTS and past.policy is Policy.NONE:
            return Outcome(state=EffectState.IN_DOUBT, error="Sent twice, without an answer.")
        again = await self._db.write(rows.attempt_again(past, self._now(), self._peers.id))
        return await self._send(channel, claim, again)

    async def _send(self, channel: Channel, claim: Claim, effect: Effect) -> Outcome:
        """Send it; an answer that is missing is found out where it can be, and else let be."""
        heard = await self._heard(claim)
        found: Outcome | None = None
        for _ in range(ATTEMPTS):
            try:
                receipt = await self._in_time(channel, _message(claim, effect, heard))
            except VendorUnknown as error:
                point("reply.after_call")
                if effect.vendor_ref:
                    continue
                found = await self._look(channel, effect)
                again = None if found else await self._once_more(effect, error)
                if again is None:
                    break
                effect = again
            except OptedOut as error:
                return Outcome(state=EffectState.ABANDONED, error=error.message)
            except VendorError as error:
                return Outcome(state=EffectState.FAILED, error=error.message)
            except ConnectionBroken as error:
                if effect.policy is not Policy.NONE:
                    raise  # it waits for a person to mend that; sent again it is known by itself
                log.warning("An answer could not be delivered: %s", error.message)
                return Outcome(state=EffectState.FAILED, error=error.message)
            else:
                point("reply.after_call")
                ref = receipt.vendor_ref
                return Outcome(state=EffectState.SENT, vendor_ref=ref, url=receipt.url)
        return found or Outcome(state=EffectState.IN_DOUBT, error="The channel did not answer.")

    async def _once_more(self, effect: Effect, error: VendorUnknown) -> Effect | None:
        """The reply for a second send; None where nobody knows of the first and it is the last."""
        if effect.policy is not Policy.NONE:
            return effect
        if error.retry_after_s is None or effect.attempt >= ATTEMPTS:
            return None
        await asyncio.sleep(error.retry_after_s)
        return await self._db.write(rows.attempt_again(effect, self._now(), self._peers.id))

    async def _heard(self, claim: Claim) -> Mapping[str, Json]:
        """What its channel kept of the message that is answered.

        Where the house itself speaks, of an outcome or by the clock, that is the latest one here.
        """
        event = claim.event
        if was_heard(event):
            return event.payload
        said = [line.turn for line in reversed(claim.history) if line.role == "user"]
        found = await self._db.read(first(event.tenant, said))
        return event.payload if found is None else found

    async def _in_time(self, channel: Channel, message: Outbound) -> Receipt:
        """Send it; obey a platform that says when to come again. Raises Fenced, VendorError."""
        waits = 0
        while True:
            if not self._peers.holds():
                raise Fenced(effect=message.effect)
            try:
                return await channel.send(message)
            except VendorRefused as error:
                if error.retry_after_s is None or waits >= WAITS:
                    raise
                waits += 1
                await asyncio.sleep(min(error.retry_after_s, LONGEST_WAIT_S))

    async def _look(self, channel: Channel, effect: Effect) -> Outcome | None:
        """Where the channel can be looked into, see whether the reply is there."""
        find = getattr(channel, "find", None)
        if effect.policy is not Policy.READBACK or find is None:
            return None
        await asyncio.sleep(LOOK_AFTER_S)
        found: Outcome | None = await find(effect)
        return found

    def _effect(self, claim: Claim, end: TurnEnd, features: Features) -> Effect:
        text = _PAGE.sub(lambda page: f"{self._address()}{page[0]}", end.reply)
        if end.approval and not features.buttons:
            ref = Ref(approval=end.approval.id, version=end.approval.version)
            room = max(features.max_chars - len(text) - 2, LEAST_CARD)
            text = f"{text}\n\n{asked(end.approval.card, ref, room)}"
        made = self.effect(claim, text, end.agent or AgentName(""), features, end.attachments)
        if end.approval is None and end.role != "system":
            return made
        return replace(made, progress={**made.progress, FOR_SENDER: True})

    @staticmethod
    def effect(
        claim: Claim,
        text: str,
        agent: AgentName,
        features: Features,
        files: Sequence[Attachment] = (),
    ) -> Effect:
        """The reply of a turn with these words and files."""
        event = claim.event
        arguments: dict[str, Json] = {"text": text}
        if files:
            arguments["files"] = list(attachments_to_json(files))
        return replace(
            Effect(
                id=_id(claim),
                tenant=event.tenant,
                conv=claim.conv.id,
                turn=event.id,
                step=REPLY_STEP,
                n=claim.replay,
                kind=EffectKind.REPLY,
                tool=claim.conv.channel,
                tool_version=1,
                agent=agent,
                person=event.sender.person,
                connection=claim.conv.account,
                arguments=arguments,
                hash=bind(
                    event.tenant, agent, claim.conv.channel, 1, arguments, claim.conv.account
                ),
                policy=features.policy,
                window_s=features.window_s,
                state=EffectState.SENDING,
            ),
            attempt=1,
            progress={"place": claim.conv.place, "thread": claim.conv.thread},
        )

    def _now(self) -> int:
        return to_us(self._clock.now())


def _id(claim: Claim) -> EffectId:
    """The reply of a turn; a turn taken back from the dead letters replies anew."""
    again = f"-{claim.replay}" if claim.replay else ""
    return EffectId(f"rep_{claim.event.id[4:]}{again}")


def _message(claim: Claim, effect: Effect, heard: Mapping[str, Json]) -> Outbound:
    """The reply as the channel takes it; it replaces its own draft."""
    where = claim.conv
    return Outbound(
        tenant=effect.tenant,
        conv=effect.conv,
        account=where.account,
        place=where.place,
        thread=where.thread,
        effect=effect.id,
        kind=EffectKind.REPLY,
        text=str(effect.arguments["text"]),
        attachments=_files(effect),
        replace=effect.vendor_ref,
        reply_to=claim.event.ext_id,
        extra={
            "attempt": max(effect.attempt, claim.attempt + 1),
            "agent": effect.agent,
            "event": heard,
            FOR_SENDER: bool(effect.progress.get(FOR_SENDER)),
        },
    )


def _files(effect: Effect) -> tuple[Attachment, ...]:
    found = effect.arguments.get("files")
    return (
        attachments_from([item for item in found if isinstance(item, dict)])
        if isinstance(found, list)
        else ()
    )


def _said_before(end: TurnEnd, past: Effect) -> TurnEnd:
    """The end that goes with what was said already; of what this attempt wanted nothing is done."""
    return TurnEnd(
        ending=end.ending,
        detail="said before it was cut off",
        reply=str(past.arguments["text"]),
        role="system",
        agent=past.agent or None,
        attachments=_files(past),
        tainted=end.tainted,
        spends=end.spends,
    )


def _undelivered(end: TurnEnd, outcome: Outcome) -> TurnEnd:
    """The end when the channel refused the answer: a dead letter, unless nobody waits for it.

    Whoever has opted out waits for none, and that they are told nothing is no failure.
    """
    if end.ending is not Ending.ANSWERED:
        return end
    if outcome.state is EffectState.ABANDONED:
        return replace(end, ending=Ending.IGNORED, detail=OPTED_OUT)
    if outcome.state is not EffectState.FAILED:
        return end
    why = f"The answer was not delivered: {outcome.error}"
    return replace(end, ending=Ending.FAILED, detail=why)


@restartable
def _bear(claim: Claim, steps: int, effect: Effect, at: int) -> Script[None]:
    """Write a reply as `sending`, if the turn is still ours."""
    yield from journal.hold(claim, steps)
    yield from rows.plan(effect, at)
