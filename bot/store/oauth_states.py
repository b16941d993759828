"""States that go out with a browser to another site, and come back with it once or not at all.

The same for installing a platform's app and for connecting an account. Only a hash of a state is
kept, with whose browser it is, and with what was meant by it.
"""

from sqlalchemy import bindparam, delete, insert

from bot.core.ids import TenantId
from bot.frozen import frozen
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables_platforms import install_state

_WHO = ("state_hash", "channel", "person", "door")
_MEANT = ("agent", "back", "scopes")
_BEGIN = Statement(
    lambda: insert(install_state).values(
        {name: bindparam(name) for name in ("tenant", *_WHO, *_MEANT, "expires_at")}
    )
)
_SPEND = Statement(
    lambda: (
        delete(install_state)
        .where(
            install_state.c.tenant == bindparam("tenant"),
            *(install_state.c[name] == bindparam(name) for name in _WHO),
            install_state.c.expires_at > bindparam("now"),
        )
        .returning(*(install_state.c[name] for name in _MEANT))
    )
)
_FORGET = Statement(
    lambda: delete(install_state).where(
        install_state.c.tenant == bindparam("tenant"),
        install_state.c.expires_at <= bindparam("now"),
    )
)


@frozen
class Bearer:
    """Whose browser a state goes out with: it comes back with the same one or not at all."""

    tenant: TenantId
    person: str
    door: str
    """The hash of the session."""


@frozen
class Meant:
    """What was asked for when the browser was sent away."""

    agent: str = ""
    back: str = ""
    """Where the browser goes in the end: a path of this house."""
    scopes: str = ""


@restartable
def begin(
    bearer: Bearer, site: str, hashed: str, meant: Meant, times: tuple[int, int]
) -> Script[None]:
    """Keep a state, and forget those whose time is over. `times`: now, and until when it is
    good."""
    now, until = times
    yield Ask(_FORGET, {"tenant": bearer.tenant, "now": now})
    texts = {"agent": meant.agent, "back": meant.back, "scopes": meant.scopes}
    yield Ask(_BEGIN, {**_of(bearer, site, hashed), **texts, "expires_at": until})


@restartable
def spend(bearer: Bearer, site: str, hashed: str, now: int) -> Script[Meant | None]:
    """What was meant, if this state went out with this browser and was not spent; it is now."""
    rows = yield Ask(_SPEND, {**_of(bearer, site, hashed), "now": now})
    return Meant(**dict(zip(_MEANT, rows[0], strict=True))) if rows else None


def _of(bearer: Bearer, site: str, hashed: str) -> dict[str, str]:
    return {
        "tenant": bearer.tenant,
        "person": bearer.person,
        "door": bearer.door,
        "channel": site,
        "state_hash": hashed,
    }
