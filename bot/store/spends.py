"""What models cost, per call, and sums of it."""

from sqlalchemy import bindparam, func, select

from bot.core.conversation import Claim, Spend
from bot.core.model import Usage
from bot.frozen import frozen
from bot.store.script import Ask, Script, Statement
from bot.store.tables import allowance, spend
from bot.store.upsert import insert_once

_SETTLE = Statement(
    lambda: insert_once(
        spend,
        "id",
        "tenant",
        "person",
        "agent",
        "conv",
        "turn",
        "model",
        "tokens_in",
        "tokens_out",
        "micros",
        "at",
    )
)
_SUMS = (
    func.count(),
    func.coalesce(func.sum(spend.c.tokens_in), 0),
    func.coalesce(func.sum(spend.c.tokens_out), 0),
    func.coalesce(func.sum(spend.c.micros), 0),
)
_TOTAL = Statement(
    lambda: select(*_SUMS).where(
        spend.c.tenant == bindparam("tenant"),
        spend.c.at >= bindparam("since"),
        (spend.c.person == bindparam("person")) | (bindparam("person") == "*"),
    )
)
_BY = Statement(
    lambda: (
        select(spend.c.agent, spend.c.model, *_SUMS)
        .where(spend.c.tenant == bindparam("tenant"), spend.c.at >= bindparam("since"))
        .group_by(spend.c.agent, spend.c.model)
        .order_by(func.sum(spend.c.micros).desc())
    )
)
_OF_TURN = Statement(
    lambda: (
        select(spend.c.model, spend.c.tokens_in, spend.c.tokens_out, spend.c.micros)
        .where(spend.c.tenant == bindparam("tenant"), spend.c.turn == bindparam("turn"))
        .order_by(spend.c.id)
    )
)


@frozen
class Total:
    """A sum of model calls."""

    agent: str = ""
    model: str = ""
    calls: int
    tokens_in: int
    tokens_out: int
    micros: int
    """Millionths of a US dollar."""


def settle(claim: Claim, item: Spend, n: int, agent: str, at: int) -> Script[None]:
    """Write what one model call of a turn cost, once per attempt."""
    yield Ask(
        _SETTLE,
        {
            "id": f"{claim.event.id}:{claim.replay}.{claim.attempt}:{n:03d}",
            "tenant": claim.event.tenant,
            "person": claim.event.sender.person,
            "agent": agent,
            "conv": claim.conv.id,
            "turn": claim.event.id,
            "model": item.model,
            "tokens_in": item.usage.tokens_in,
            "tokens_out": item.usage.tokens_out,
            "micros": item.usage.micros or 0,
            "at": at,
        },
    )


@frozen
class Cost:
    """What a call outside of any turn cost: a summary, an embedding."""

    id: str
    """The same again is the same call."""
    agent: str
    person: str | None
    conv: str
    model: str
    usage: Usage


def charge(tenant: str, cost: Cost, at: int) -> Script[None]:
    """Write what a call outside of any turn cost, once."""
    yield Ask(
        _SETTLE,
        {
            "id": cost.id,
            "tenant": tenant,
            "person": cost.person,
            "agent": cost.agent,
            "conv": cost.conv,
            "turn": "",
            "model": cost.model,
            "tokens_in": cost.usage.tokens_in,
            "tokens_out": cost.usage.tokens_out,
            "micros": cost.usage.micros or 0,
            "at": at,
        },
    )


def total(tenant: str, person: str, since: int) -> Script[Total]:
    """The sum of a tenant's calls (or of one person's; `*` is everyone) since a time."""
    rows = yield Ask(_TOTAL, {"tenant": tenant, "person": person, "since": since})
    calls, tokens_in, tokens_out, micros = rows[0]
    return Total(
        calls=calls, tokens_in=int(tokens_in), tokens_out=int(tokens_out), micros=int(micros)
    )


def by_agent(tenant: str, since: int) -> Script[list[Total]]:
    """Sums per agent and model, dearest first."""
    rows = yield Ask(_BY, {"tenant": tenant, "since": since})
    return [
        Total(
            agent=row[0],
            model=row[1],
            calls=row[2],
            tokens_in=int(row[3]),
            tokens_out=int(row[4]),
            micros=int(row[5]),
        )
        for row in rows
    ]


def of_turn(tenant: str, turn: str) -> Script[list[Total]]:
    """The calls of one turn."""
    rows = yield Ask(_OF_TURN, {"tenant": tenant, "turn": turn})
    return [
        Total(model=row[0], calls=1, tokens_in=row[1], tokens_out=row[2], micros=row[3])
        for row in rows
    ]


_ALLOW = Statement(lambda: insert_once(allowance, "tenant", "approval", "micros", "at"))
_ALLOWED = Statement(
    lambda: select(func.coalesce(func.sum(allowance.c.micros), 0)).where(
        allowance.c.tenant == bindparam("tenant"), allowance.c.at >= bindparam("since")
    )
)


def allow(tenant: str, approval: str, micros: int, at: int) -> Script[None]:
    """Allow more for the day, once per approval."""
    yield Ask(_ALLOW, {"tenant": tenant, "approval": approval, "micros": micros, "at": at})


def allowed(tenant: str, since: int) -> Script[int]:
    """What was allowed besides the budget since a time."""
    rows = yield Ask(_ALLOWED, {"tenant": tenant, "since": since})
    return int(rows[0][0])
