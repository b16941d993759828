"""What is answered in a place, and the binding beside it that says who answers.

Both are written in one commit, so that a place is never half changed. Deciding by them is the
router's.
"""

from sqlalchemy import bindparam, delete, select

from bot.core.ids import AgentName
from bot.core.route import Binding
from bot.frozen import frozen
from bot.store import audit, bindings
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables_platforms import place_rule
from bot.store.upsert import insert_over

_KEYS = ("channel", "workspace", "place")
_SAID = ("name", "mentions", "everything")
_LIST = Statement(
    lambda: (
        select(*(place_rule.c[name] for name in (*_KEYS, *_SAID)))
        .where(place_rule.c.tenant == bindparam("tenant"))
        .order_by(place_rule.c.channel, place_rule.c.workspace, place_rule.c.place)
    )
)
_PUT = Statement(
    lambda: insert_over(place_rule, "tenant", *_KEYS, *_SAID, "changed_by", "changed_at")
)
_REMOVE = Statement(
    lambda: (
        delete(place_rule)
        .where(
            place_rule.c.tenant == bindparam("tenant"),
            *(place_rule.c[name] == bindparam(name) for name in _KEYS),
        )
        .returning(place_rule.c.name)
    )
)


@frozen
class PlaceRule:
    """What is answered in a place; in the whole workspace where `place` is empty."""

    channel: str
    workspace: str = ""
    place: str = ""
    name: str = ""
    """What people call the place."""
    agent: AgentName | None = None
    """Who answers there; None: whom the other rules name."""
    mentions: bool = True
    """Whether it answers who speaks to it."""
    everything: bool = False
    """Whether it answers what is said to nobody in particular as well."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What there is one rule of."""
        return self.channel, self.workspace, self.place


def listed(tenant: str) -> Script[list[PlaceRule]]:
    """A tenant's rules, each with the agent that a binding names for exactly that place."""
    rows = yield Ask(_LIST, {"tenant": tenant})
    agents = {_where(rule): rule.agent for rule in (yield from bindings.listed(tenant))}
    return [
        PlaceRule(
            channel=channel,
            workspace=workspace,
            place=place,
            name=name,
            agent=agents.get((channel, workspace, place)),
            mentions=bool(mentions),
            everything=bool(everything),
        )
        for channel, workspace, place, name, mentions, everything in rows
    ]


@restartable
def put(tenant: str, rule: PlaceRule, id_: str, at: int, actor: str) -> Script[None]:
    """Write a rule over the one before, and its binding, which `id_` names when it is new."""
    yield from _bind(tenant, rule, id_, at)
    said: dict[str, str | int] = {
        "name": rule.name,
        "mentions": int(rule.mentions),
        "everything": int(rule.everything),
    }
    keys: dict[str, str] = dict(zip(_KEYS, rule.key, strict=True))
    by: dict[str, str | int] = {"changed_by": actor, "changed_at": at}
    yield Ask(_PUT, {"tenant": tenant, **keys, **said, **by})
    details = {**keys, **said, "agent": rule.agent or ""}
    yield from audit.note(tenant, at, actor, "place.changed", "/".join(rule.key), details)


@restartable
def remove(tenant: str, key: tuple[str, str, str], at: int, actor: str) -> Script[bool]:
    """Delete a rule and its binding; False when there is none."""
    keys = dict(zip(_KEYS, key, strict=True))
    rows = yield Ask(_REMOVE, {"tenant": tenant, **keys})
    if not rows:
        return False
    channel, workspace, place = key
    yield from _bind(tenant, PlaceRule(channel=channel, workspace=workspace, place=place), "", at)
    yield from audit.note(tenant, at, actor, "place.removed", "/".join(key), {**keys})
    return True


def _bind(tenant: str, rule: PlaceRule, id_: str, at: int) -> Script[None]:
    """Let one binding, or none, name the agent of exactly this place."""
    for known in (yield from bindings.listed(tenant)):
        if _where(known) == rule.key:
            if known.agent == rule.agent:
                return
            yield from bindings.remove(tenant, known.id)
    if rule.agent:
        made = Binding(
            id=id_,
            agent=rule.agent,
            channel=rule.channel,
            workspace=rule.workspace,
            place=rule.place,
        )
        yield from bindings.add(tenant, made, at)


def _where(rule: Binding) -> tuple[str, str, str] | None:
    """The place that a binding names and nothing besides; None where it names more."""
    if rule.thread or rule.person or rule.address:
        return None
    return rule.channel, rule.workspace, rule.place
