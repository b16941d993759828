"""Who is who: tenants, people, what they may do."""

from datetime import datetime
from enum import StrEnum

from bot.core.ids import PersonId, TenantId
from bot.frozen import frozen


class Role(StrEnum):
    """What a person may do in a tenant."""

    OWNER = "owner"
    """Everything, and decides what nobody else is named for."""
    MEMBER = "member"
    """Talks to agents and decides what they themselves asked for, where policy allows."""


@frozen
class Tenant:
    """A walled part of the house."""

    id: TenantId
    name: str
    created_at: datetime


@frozen
class Person:
    """One human being in one tenant, on however many channels."""

    id: PersonId
    tenant: TenantId
    name: str
    role: Role
    email: str = ""
    zone: str = "UTC"
    """IANA time zone."""
    created_at: datetime
