"""Rules of a tenant: which tools run by themselves, which ask, which are refused."""

from sqlalchemy import bindparam, delete, select

from bot.core.ids import PersonId
from bot.frozen import frozen
from bot.store.rows import dumps, loads
from bot.store.script import Ask, Params, Row, Script, Statement
from bot.store.tables import policy
from bot.store.upsert import insert_over

_NAMES = ("id", "agent", "tool", "decision", "above_minor", "approvers", "needs", "hours")
_LIST = Statement(
    lambda: (
        select(*(policy.c[name] for name in _NAMES))
        .where(policy.c.tenant == bindparam("tenant"))
        .order_by(policy.c.created_at)
    )
)
_ADD = Statement(lambda: insert_over(policy, *_NAMES, "tenant", "created_at"))
_CLEAR = Statement(
    lambda: delete(policy).where(
        policy.c.tenant == bindparam("tenant"),
        policy.c.agent == bindparam("agent"),
        policy.c.tool == bindparam("tool"),
        policy.c.above_minor == bindparam("above_minor"),
    )
)
_REMOVE = Statement(
    lambda: (
        delete(policy)
        .where(policy.c.tenant == bindparam("tenant"), policy.c.id == bindparam("id"))
        .returning(*(policy.c[name] for name in _NAMES))
    )
)


@frozen
class Rule:
    """One rule; an empty name fits every agent or tool."""

    id: str
    agent: str = ""
    tool: str = ""
    decision: str = "ask"
    """auto, ask or deny."""
    above_minor: int = 0
    """Only for amounts of at least so many cents."""
    approvers: tuple[PersonId, ...] = ()
    needs: int = 1
    hours: int = 0
    """How long an approval waits; 0 is the usual seven days."""

    def describe(self) -> str:
        """The rule in words."""
        who = f"{self.agent or 'every agent'} with {self.tool or 'every tool'}"
        if self.above_minor:
            who += f", from {self.above_minor / 100:.2f} on"
        if self.decision != "ask":
            return f"{who}: {'runs unasked' if self.decision == 'auto' else 'is refused'}"
        people = f" of {len(self.approvers)} named" if self.approvers else ""
        need = f"{self.needs}{people}" if self.needs > 1 or people else "one"
        hours = f", within {self.hours} hours" if self.hours else ""
        return f"{who}: {need} must say yes{hours}"


def rules(tenant: str) -> Script[list[Rule]]:
    """A tenant's rules, oldest first."""
    rows = yield Ask(_LIST, {"tenant": tenant})
    return [_rule(row) for row in rows]


def put(tenant: str, rule: Rule, at: int) -> Script[None]:
    """Write a rule, over one that fits the same."""
    fits: Params = {"agent": rule.agent, "tool": rule.tool, "above_minor": rule.above_minor}
    yield Ask(_CLEAR, {"tenant": tenant, **fits})
    yield Ask(
        _ADD,
        {
            "id": rule.id,
            "tenant": tenant,
            **fits,
            "decision": rule.decision,
            "approvers": dumps(rule.approvers),
            "needs": rule.needs,
            "hours": rule.hours,
            "created_at": at,
        },
    )


def remove(tenant: str, id_: str) -> Script[Rule | None]:
    """Remove a rule and return it; None when there is none such."""
    rows = yield Ask(_REMOVE, {"tenant": tenant, "id": id_})
    return _rule(rows[0]) if rows else None


def _rule(row: Row) -> Rule:
    return Rule(
        id=row[0],
        agent=row[1],
        tool=row[2],
        decision=row[3],
        above_minor=row[4],
        approvers=tuple(PersonId(p) for p in loads(row[5])),
        needs=row[6],
        hours=row[7],
    )
