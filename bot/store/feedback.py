"""What people thought of answers: one row for each person and answer, the last opinion counts.

A row says whose answer it was and which model gave it, as it was when the thumb was pressed, so
that opinions can be counted without looking anything up.
"""

from collections.abc import Mapping

from sqlalchemy import bindparam, or_, select

from bot.core.canonical import Json
from bot.core.conversation import Conversation
from bot.core.times import from_us, iso
from bot.frozen import frozen
from bot.store import conversations
from bot.store.script import Ask, Params, Script, Statement
from bot.store.tables import effect, feedback, message, spend
from bot.store.upsert import insert_over

SCORES: Mapping[str, int] = {"up": 1, "down": -1}
VALUES: Mapping[int, str] = {score: value for value, score in SCORES.items()}
_TURN_S = 86_400
"""Seconds before an answer in which the calls of its turn are looked for."""

_LINE = (
    select(message.c.id, message.c.conv, message.c.agent, message.c.turn, message.c.at)
    .where(message.c.tenant == bindparam("tenant"), message.c.role == "assistant")
    .limit(1)
)
_BY_ID = Statement(lambda: _LINE.where(message.c.id == bindparam("id")))
_LAST = Statement(
    lambda: _LINE.where(message.c.conv == bindparam("conv")).order_by(message.c.n.desc())
)
_OF_TURN = Statement(
    lambda: _LINE.where(
        message.c.conv == bindparam("conv"), message.c.turn == bindparam("turn")
    ).order_by(message.c.n)
)
_SENT_AS = Statement(
    lambda: (
        select(effect.c.conv, effect.c.turn)
        .where(
            effect.c.tenant == bindparam("tenant"),
            effect.c.kind == "reply",
            effect.c.vendor_ref == bindparam("ref"),
            effect.c.tool == bindparam("channel"),
            effect.c.connection == bindparam("account"),
        )
        .limit(1)
    )
)
_MODEL = Statement(
    lambda: (
        select(spend.c.model)
        .where(
            spend.c.tenant == bindparam("tenant"),
            spend.c.at >= bindparam("since"),
            spend.c.at <= bindparam("until"),
            spend.c.turn == bindparam("turn"),
        )
        .order_by(spend.c.at.desc())
        .limit(1)
    )
)
_GIVEN = Statement(
    lambda: select(feedback.c.score, feedback.c.details).where(
        feedback.c.tenant == bindparam("tenant"),
        feedback.c.message == bindparam("message"),
        feedback.c.person == bindparam("person"),
    )
)
_NAMES = ("message", "person", "tenant", "conv", "agent", "model", "score", "details", "at")
_KEEP = Statement(lambda: insert_over(feedback, *_NAMES))
_DROP = Statement(
    lambda: feedback.delete().where(
        feedback.c.tenant == bindparam("tenant"),
        feedback.c.message == bindparam("message"),
        feedback.c.person == bindparam("person"),
    )
)
_LISTED = Statement(
    lambda: (
        select(*(feedback.c[name] for name in _NAMES), message.c.text, message.c.turn)
        .join(
            message,
            (message.c.id == feedback.c.message) & (message.c.tenant == feedback.c.tenant),
            isouter=True,
        )
        .where(
            feedback.c.tenant == bindparam("tenant"),
            feedback.c.at < bindparam("before"),
            or_(feedback.c.score == bindparam("score"), bindparam("score") == 0),
        )
        .order_by(feedback.c.at.desc())
        .limit(bindparam("limit"))
    )
)


@frozen
class Answered:
    """An answer that somebody has an opinion of."""

    id: str
    conv: str
    agent: str
    turn: str
    at: int


@frozen
class Opinion:
    """What one person thought of one answer."""

    message: str
    person: str
    tenant: str
    conv: str
    agent: str
    model: str
    """Empty when no model gave it."""
    score: int
    details: str
    at: int
    text: str = ""
    """The answer."""
    turn: str = ""

    def to_json(self) -> dict[str, Json]:
        """As the API shows it."""
        return {
            "message": self.message,
            "conversation": self.conv,
            "event": self.turn,
            "person": self.person,
            "agent": self.agent,
            "model": self.model or None,
            "value": VALUES[self.score],
            "detail": self.details,
            "text": self.text,
            "at": iso(from_us(self.at)),
        }


def answer(tenant: str, id_: str) -> Script[Answered | None]:
    """An agent's line by its id."""
    rows = yield Ask(_BY_ID, {"tenant": tenant, "id": id_})
    return _answered(rows)


def last_answer(tenant: str, conv: str) -> Script[Answered | None]:
    """The last line that an agent said in a conversation."""
    rows = yield Ask(_LAST, {"tenant": tenant, "conv": conv})
    return _answered(rows)


def sent_as(tenant: str, channel: str, account: str, ref: str) -> Script[Answered | None]:
    """The agent's line that a channel knows by a reference of its own."""
    params: Params = {"tenant": tenant, "channel": channel, "account": account, "ref": ref}
    found = yield Ask(_SENT_AS, params)
    if not found:
        return None
    rows = yield Ask(_OF_TURN, {"tenant": tenant, "conv": found[0][0], "turn": found[0][1]})
    return _answered(rows)


def conversation_of(tenant: str, answered: Answered) -> Script[Conversation | None]:
    """Where an answer was given."""
    found = yield from conversations.get(tenant, answered.conv)
    return found[0] if found else None


def given(tenant: str, id_: str, person: str) -> Script[tuple[int, str] | None]:
    """A person's opinion of a line, and the words with it."""
    rows = yield Ask(_GIVEN, {"tenant": tenant, "message": id_, "person": person})
    return (rows[0][0], rows[0][1]) if rows else None


def model_of(tenant: str, answered: Answered) -> Script[str]:
    """The model that gave an answer; empty when none did."""
    since = answered.at - _TURN_S * 1_000_000
    params: Params = {"tenant": tenant, "turn": answered.turn, "since": since, "until": answered.at}
    rows = yield Ask(_MODEL, params)
    return rows[0][0] if rows else ""


def keep(item: Opinion) -> Script[None]:
    """Keep an opinion, over an earlier one of the same person on the same line."""
    yield Ask(_KEEP, {name: getattr(item, name) for name in _NAMES})


def drop(tenant: str, id_: str, person: str) -> Script[None]:
    """Take an opinion back."""
    yield Ask(_DROP, {"tenant": tenant, "message": id_, "person": person})


def listed(tenant: str, score: int, before: int, limit: int) -> Script[list[Opinion]]:
    """Opinions, latest first; a score of 0 is either."""
    params: Params = {"tenant": tenant, "score": score, "before": before, "limit": limit}
    rows = yield Ask(_LISTED, params)
    return [
        Opinion(**dict(zip(_NAMES, row, strict=False)), text=row[9] or "", turn=row[10] or "")
        for row in rows
    ]


def _answered(rows: list[tuple[object, ...]]) -> Answered | None:
    if not rows:
        return None
    id_, conv, agent, turn, at = rows[0]
    return Answered(id=str(id_), conv=str(conv), agent=str(agent), turn=str(turn), at=int(str(at)))
