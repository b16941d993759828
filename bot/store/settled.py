"""Waiting until nobody is in the middle of writing the audit, in each database's own way."""

from typing import Any

from sqlalchemy import Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

AUDIT_LOCK = 5_172_002
"""The advisory lock that a trigger takes, shared, for every transaction that writes the audit."""


class settled(FunctionElement[int]):
    """Wait for everyone who writes the audit now; whoever comes later gets a higher number."""

    type = Integer()
    inherit_cache = True


@compiles(settled)
def _one_writer(element: settled, compiler: Any, **how: Any) -> str:
    return "1"


@compiles(settled, "postgresql")
def _many_writers(element: settled, compiler: Any, **how: Any) -> str:
    return f"pg_advisory_xact_lock({AUDIT_LOCK})"
