"""Every statement that touches a tenant's rows names the tenant, or says here why it does not.

The statements are found by themselves: a new one that forgets its tenant fails this test.
"""

import re
from importlib import import_module
from pkgutil import iter_modules

import pytest
from sqlalchemy import bindparam, delete, insert, select, update

import bot.store
from bot.store.arrivals import _ONE
from bot.store.script import Statement
from bot.store.sqlite import DIALECT
from bot.store.tables import conv, inbox, metadata

SWEEP = "looks over all tenants at once; what it finds carries its tenant"
CLEANING = "forgets what is old, in all tenants alike"
ALLOWED = {
    "approvals._DUE": SWEEP,
    "approvals._WAITING": SWEEP,
    "audit._UNSEALED": SWEEP,
    "audit._LAST_SEALED": "the number of a row, of all tenants' rows",
    "calendars._DUE": SWEEP,
    "calendars._OF_CHANNEL": "a vendor names a channel and no tenant: the row tells whose it is",
    "connections._DUE": SWEEP,
    "connections._OF_ACCOUNT": "a vendor names an account and no tenant: the rows tell whose it is",
    "connections._OF_PROVIDER": "a vendor names a token and no tenant: the rows tell whose it is",
    "effects._READY": SWEEP,
    "effects._STUCK": SWEEP,
    "effects._NEXT_DUE": "a time, of all tenants' effects",
    "files._STUCK": SWEEP,
    "fleet._RUNNERS": "the names of processes, of all tenants' conversations",
    "fleet._VOID": "what a dead process held, in all tenants",
    "inbox._SWEEP_JOURNAL": CLEANING,
    "inbox._SWEEP": CLEANING,
    "installs._OWN": "listened with for all tenants at once; each row carries its tenant",
    "installs._OF": "an event names its workspace and not its tenant: the row tells it",
    "keys._ANY": "whether anything is wrapped at all, before the first master key is made",
    "keys._LIST": "the vault holds the wrapped keys of all tenants; each is bound to its own",
    "own_agents._ALL": "read at the start; each goes to the overlay of its own tenant",
    "logins._DROP_TOKEN": "a hash of 256 random bits, of which there is one in all tenants",
    "logins._END_SESSION": "whoever has the cookie does not know their tenant: the row tells it",
    "logins._SESSION": "whoever has the cookie does not know their tenant: the row tells it",
    "logins._SPEND_LOGIN": "whoever has the code does not know their tenant: the row tells it",
    "logins._SWEEP_LOGINS": CLEANING,
    "logins._SWEEP_SESSIONS": CLEANING,
    "logins._TOKEN": "whoever has the token does not know their tenant: the row tells it",
    "people._SWEEP_PAIRINGS": CLEANING,
    "schedules._DUE": SWEEP,
    "schedules._NEXT": "a time, of all tenants' schedules",
    "schedules._SWEEP": CLEANING,
    "schedules._SWEEP_OVER": CLEANING,
    "troubles._DEAD": SWEEP,
    "troubles._DOUBTS": SWEEP,
    "troubles._FAILED": SWEEP,
    "troubles._FALLEN": SWEEP,
    "troubles._STUCK": SWEEP,
    "troubles._TENANTS": SWEEP,
    "troubles._FORGET": CLEANING,
    "troubles._FORGET_ENDED": CLEANING,
    "turns._TENANTS": SWEEP,
    "upkeep._DUE": SWEEP,
    "upkeep._OLDEST": "a time, of all tenants' events",
    "turns._VOID": "at the start of the only process nobody holds anything, in no tenant",
    "turns._HELD": "what this process holds, in all tenants",
    "turns._LET_GO": "what this process holds, by an id and an epoch that it has just read",
}


LONE = "FROM (SELECT 1 AS n) AS one "
"""One row of nothing, to which what is found is joined: then the conditions stand with each table."""


def statements() -> dict[str, str]:
    """`module._NAME` → SQL."""
    found = {}
    for module in iter_modules(bot.store.__path__):
        if module.ispkg:
            continue
        for name, value in vars(import_module(f"bot.store.{module.name}")).items():
            if isinstance(value, Statement):
                found[f"{module.name}.{name}"] = value.text(DIALECT)
    return found


def walled() -> set[str]:
    """Tables whose rows belong to a tenant."""
    return {table.name for table in metadata.sorted_tables if "tenant" in table.c}


def names_its_tenant(sql: str) -> bool:
    """Whether a statement keeps to one tenant, as far as its text shows."""
    touched = set(re.findall(r"(?:FROM|UPDATE|INTO|JOIN)\s+(\w+)", sql)) & walled()
    if not touched:
        return True
    if sql.startswith("INSERT"):
        return "tenant" in sql.split(")")[0]
    if LONE in sql:
        joined = sql.partition(LONE)[2]
        return all(re.search(rf"JOIN {table} ON {table}\.tenant = :", joined) for table in touched)
    _, _, conditions = sql.partition("WHERE")
    return re.search(r"\btenant = (?![a-z_]+\.)", conditions) is not None


STATEMENTS = statements()


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_the_statement_names_its_tenant(name: str) -> None:
    if name in ALLOWED:
        return
    assert names_its_tenant(STATEMENTS[name]), STATEMENTS[name]


def test_every_exception_is_still_one() -> None:
    assert [name for name in ALLOWED if names_its_tenant(STATEMENTS.get(name, ""))] == []


@pytest.mark.parametrize(
    "element",
    [
        select(conv.c.id).where(conv.c.id == bindparam("id")),
        select(conv.c.tenant),
        update(conv).where(conv.c.id == bindparam("id")).values(tenant=bindparam("t")),
        delete(conv).where(conv.c.key == bindparam("key")),
        insert(conv).values(id=bindparam("id")),
        select(conv.c.id).select_from(_ONE.outerjoin(conv, conv.c.key == bindparam("key"))),
        select(conv.c.id).select_from(
            _ONE.outerjoin(inbox, inbox.c.tenant == bindparam("tenant")).outerjoin(
                conv, conv.c.key == bindparam("key")
            )
        ),
    ],
    ids=[
        *("a select by id", "the tenant as a column", "an update", "a delete", "an insert"),
        *("a join", "a join beside one that does"),
    ],
)
def test_a_statement_without_its_tenant_is_found(element: object) -> None:
    assert not names_its_tenant(Statement(element).text(DIALECT))  # type: ignore[arg-type]


def test_there_are_statements_and_walls_to_look_at() -> None:
    assert len(STATEMENTS) > 100
    assert {"conv", "inbox", "effect", "approval", "message", "memo", "schedule"} <= walled()
