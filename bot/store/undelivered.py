"""Texts that left and did not arrive: written down and told where they were asked for, at once.

What a tool texted is told to the agent that texted it, in the conversation where it was asked for,
as an outcome like any other. An answer that did not arrive is not: its conversation is with that
very phone. Owners hear of both (`bot/troubles.py`).
"""

from sqlalchemy import bindparam, select

from bot.core.canonical import Json
from bot.core.effect import Effect, EffectKind
from bot.core.event import Event, Kind, Place, Sender, Trust
from bot.core.ids import EffectId, EventId
from bot.core.times import from_us
from bot.store import conversations, effects, inbox, texts
from bot.store.decisions import Ids
from bot.store.script import Ask, Script, Statement, one_of, restartable
from bot.store.tables_sms import sms_message
from bot.store.texts import Texted

FALLEN = ("undelivered", "failed")
LATEST = 2**62
_LISTED = Statement(
    lambda: (
        select(*(sms_message.c[name] for name in texts.MESSAGE))
        .where(
            sms_message.c.tenant == bindparam("tenant"),
            one_of(sms_message.c.state, *FALLEN),
            sms_message.c.changed_at < bindparam("before"),
        )
        .order_by(sms_message.c.changed_at.desc())
        .limit(bindparam("limit"))
    )
)


@restartable
def moved(tenant: str, found: Texted, at: int, ids: Ids) -> Script[tuple[bool, bool]]:
    """Bring a text forward; whether that was new, and whether a conversation was told."""
    if not (yield from texts.moved(tenant, found, at)):
        return False, False
    if found.state not in FALLEN:
        return True, False
    effect = yield from effects.get(tenant, EffectId(found.id))
    if effect is None or effect.kind is not EffectKind.TOOL:
        return True, False
    return True, (yield from _tell(effect, found, at, ids))


def listed(tenant: str, before: int = LATEST, limit: int = 100) -> Script[list[Texted]]:
    """Those that did not arrive, the latest first."""
    rows = yield Ask(_LISTED, {"tenant": tenant, "before": before, "limit": limit})
    return [texts.texted(row) for row in rows]


def _tell(effect: Effect, found: Texted, at: int, ids: Ids) -> Script[bool]:
    """One event for the agent that texted; never a second for the same deed."""
    here = yield from conversations.get(effect.tenant, effect.conv)
    if not here or here[0].place == found.contact:
        return False
    where = here[0]
    outcome: dict[str, Json] = {
        "tool": effect.tool,
        "state": "sent, and did not arrive",
        "error": found.error,
        "sandbox": effect.sandbox,
        "arguments": dict(effect.arguments),
    }
    event = Event(
        id=EventId(ids.event),
        tenant=effect.tenant,
        channel=where.channel,
        account=where.account,
        ext_id=f"undelivered:{effect.id}",
        kind=Kind.SETTLED,
        conv=where.key,
        sender=Sender(ext_id="house", name="", person=effect.person),
        place=Place(id=where.place, thread=where.thread),
        text="",
        at=from_us(at),
        agent=effect.agent,
        trust=Trust.HOUSE,
        payload={"tainted": where.tainted, "outcomes": [outcome]},
    )
    yield from inbox.ingest(event, (ids.conv, ids.line), at)
    return True
