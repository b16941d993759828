"""How a person comes in: sign-in links, sessions of browsers, API tokens.

A link is spent once, by a POST. A session and a token are random words of 256 bits of which only a
keyed hash is kept. `Visit` is all that the rest of the house learns: who, and in which tenant;
neither is ever read from anything else in a request. What was found is remembered for a few
seconds; every change here forgets it at once, another process's change is seen after `FRESH_S`.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.core.errors import Forbidden, NotFound
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.core.ports import Clock, new_id
from bot.core.secret import Secret
from bot.core.times import iso, to_us
from bot.frozen import frozen
from bot.people import hash_of
from bot.store import audit, logins
from bot.store import people as rows
from bot.store.script import Database, Script, restartable

LINK_LASTS = timedelta(minutes=10)
FIRST_LINK_LASTS = timedelta(hours=1)
SESSION_LASTS = timedelta(days=30)
FRESH_S = 5.0
TOKEN_PREFIX = "sbt_"  # noqa: S105  (what every token begins with)
ENV_TOKEN = "tok_env"  # noqa: S105  (an id)
"""The id of the token that the settings give to the first owner."""
_REMEMBERED = 10_000


@frozen
class Visit:
    """Somebody who is in: the person of a session or of a token."""

    person: Person
    csrf: str = ""
    """What a page must send back with every change; a token has none and needs none."""
    door: str = ""
    """The hash of what it came in with."""

    @property
    def tenant(self) -> TenantId:
        """The tenant that everything this visitor asks for is looked up in."""
        return self.person.tenant

    @property
    def is_browser(self) -> bool:
        """It came with a cookie, so anybody's page could have sent it."""
        return bool(self.csrf)


@frozen
class SignedIn:
    """A new session."""

    cookie: Secret
    visit: Visit


class Credentials:
    """Opens and closes them."""

    def __init__(self, db: Database, clock: Clock, key: bytes) -> None:
        """`key` is the vault's key for hashes of secrets."""
        self._db = db
        self._clock = clock
        self._key = key
        self._seen: dict[str, tuple[float, Visit]] = {}
        self._looking: dict[str, asyncio.Task[Visit | None]] = {}
        self._lent: dict[str, Person] = {}
        self._age = 0

    def forget(self) -> None:
        """Look everybody up again: what somebody may do has changed."""
        self._age += 1
        self._seen.clear()
        self._looking.clear()

    async def link(self, person: Person, actor: str, lasts: timedelta = LINK_LASTS) -> str:
        """Make a one-time sign-in code for `/in/<code>`: 160 bits."""
        code = base64.b32encode(self._clock.chance(20)).decode()
        now = self._clock.now()
        at = to_us(now)
        expires = to_us(now + lasts)
        await self._db.write(_link(self._hash("login", code), person, at, expires, actor))
        return code

    async def sign_in(self, code: str) -> SignedIn:
        """Spend a sign-in code and open a session. Raises Forbidden when it does not hold."""
        cookie, csrf = self._word(), self._word()
        now = self._clock.now()
        hashes = (self._hash("login", code), self._hash("session", cookie))
        expires = to_us(now + SESSION_LASTS)
        person = await self._db.write(_sign_in(hashes, csrf, to_us(now), expires))
        if person is None:
            raise Forbidden(
                "This link was used before, or its time is over. `bot login` prints a new one."
            )
        visit = Visit(person=person, csrf=csrf, door=hashes[1])
        return SignedIn(cookie=Secret(cookie), visit=visit)

    async def by_cookie(self, cookie: str) -> Visit | None:
        """Who has this session; None when it is not open."""
        return await self._visit(self._hash("session", cookie), self._session)

    async def by_token(self, token: str) -> Visit | None:
        """Whose token this is; None when it opens nothing."""
        return await self._visit(self._hash("token", token), self._bearer)

    async def is_open(self, visit: Visit) -> bool:
        """Whether a visitor of a while ago might still come in."""
        find = self._session if visit.is_browser else self._bearer
        return await self._visit(visit.door, find) is not None

    async def sign_out(self, cookie: str) -> None:
        """End a session. Idempotent."""
        now = to_us(self._clock.now())
        await self._db.write(_sign_out(self._hash("session", cookie), now))
        self.forget()

    async def add_token(self, person: Person, name: str, actor: str) -> tuple[logins.Token, Secret]:
        """Make an API token; its text is shown once, here."""
        secret = Secret(TOKEN_PREFIX + self._word())
        now = self._clock.now()
        token = _token(new_id(self._clock, "tok"), person, name, secret, now)
        hashed = self._hash("token", secret.reveal())
        at = to_us(now)
        await self._db.write(_add_token(hashed, token, person.tenant, at, actor))
        return token, secret

    async def tokens(self, tenant: TenantId, person: str) -> list[logins.Token]:
        """A person's tokens; `*` is everyone's."""
        return await self._db.read(logins.tokens(tenant, person))

    async def revoke(self, tenant: TenantId, id_: str, person: str, actor: str) -> None:
        """End a token of a person (`*`: of anybody). Raises NotFound."""
        at = to_us(self._clock.now())
        await self._db.write(_revoke(tenant, id_, person, at, actor))
        self.forget()

    async def keep_env_token(self, owner: Person, secret: Secret) -> None:
        """Let the token of the settings open for the first owner, and no earlier one."""
        now = self._clock.now()
        token = _token(ENV_TOKEN, owner, "BOT_API_TOKEN", secret, now)
        hashed = self._hash("token", secret.reveal()) if secret else ""
        at = to_us(now)
        await self._db.write(_keep_env(hashed, token, owner.tenant, at))
        self.forget()

    def lend(self, person: Person, secret: Secret) -> None:
        """Let a token open for a person until this process ends; it is kept nowhere."""
        self._lent[self._hash("token", secret.reveal())] = person

    async def _visit(
        self, hashed: str, find: Callable[[str], Awaitable[Visit | None]]
    ) -> Visit | None:
        now = self._clock.monotonic()
        seen = self._seen.get(hashed)
        if seen and seen[0] > now:
            return seen[1]
        looking = self._looking.get(hashed)
        if looking is None:  # a crowd with one token asks the database once
            looking = self._looking[hashed] = asyncio.create_task(self._look(hashed, find))
            looking.add_done_callback(lambda done: self._seen_to(hashed, done))
        return await asyncio.shield(looking)

    async def _look(
        self, hashed: str, find: Callable[[str], Awaitable[Visit | None]]
    ) -> Visit | None:
        now, age = self._clock.monotonic(), self._age
        visit = await find(hashed)
        if visit and age == self._age:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[hashed] = (now + FRESH_S, visit)
        return visit

    def _seen_to(self, hashed: str, done: "asyncio.Task[Visit | None]") -> None:
        if self._looking.get(hashed) is done:
            del self._looking[hashed]

    async def _session(self, hashed: str) -> Visit | None:
        now = to_us(self._clock.now())
        found = await self._db.read(logins.session_of(hashed, now))
        return Visit(person=found.person, csrf=found.csrf, door=hashed) if found else None

    async def _bearer(self, hashed: str) -> Visit | None:
        lent = self._lent.get(hashed)
        find = rows.get(lent.tenant, lent.id) if lent else logins.bearer(hashed)
        person = await self._db.read(find)
        return Visit(person=person, door=hashed) if person else None

    def _word(self) -> str:
        return base64.urlsafe_b64encode(self._clock.chance(32)).decode().rstrip("=")

    def _hash(self, purpose: str, secret: str) -> str:
        return hash_of(self._key, purpose, secret)


def _token(id_: str, person: Person, name: str, secret: Secret, at: datetime) -> logins.Token:
    return logins.Token(id=id_, person=person.id, name=name, last4=secret.last4, created_at=iso(at))


@restartable
def _link(hashed: str, person: Person, at: int, expires: int, actor: str) -> Script[None]:
    found = yield from rows.get(person.tenant, person.id)
    if found is None:
        raise NotFound("There is no such person here.")
    yield from logins.add_login(hashed, person, at, expires)
    yield from audit.note(person.tenant, at, actor, "login.link", person.id)


@restartable
def _sign_in(hashes: tuple[str, str], csrf: str, at: int, expires: int) -> Script[Person | None]:
    code, session = hashes
    spent = yield from logins.spend_login(code, at)
    if spent is None:
        return None
    person = yield from rows.get(*spent)
    if person is None:
        return None
    yield from logins.add_session(session, person, csrf, at, expires)
    yield from audit.note(person.tenant, at, f"person:{person.id}", "login.in", person.id)
    return person


@restartable
def _sign_out(hashed: str, at: int) -> Script[None]:
    ended = yield from logins.end_session(hashed)
    if ended:
        tenant, person = ended
        yield from audit.note(tenant, at, f"person:{person}", "login.out", person)


@restartable
def _add_token(hashed: str, token: logins.Token, tenant: str, at: int, actor: str) -> Script[None]:
    yield from logins.add_token(hashed, token, tenant, at)
    details = {"name": token.name, "last4": token.last4, "person": token.person}
    yield from audit.note(tenant, at, actor, "token.added", token.id, details)


@restartable
def _revoke(tenant: str, id_: str, person: str, at: int, actor: str) -> Script[None]:
    done = yield from logins.revoke(tenant, id_, person, at)
    if not done:
        raise NotFound("There is no such token here.")
    yield from audit.note(tenant, at, actor, "token.revoked", id_)


@restartable
def _keep_env(hashed: str, token: logins.Token, tenant: str, at: int) -> Script[None]:
    kept = yield from logins.kept_hash(tenant, token.id)
    if kept == hashed:
        return
    if kept:
        yield from _revoke(tenant, token.id, "*", at, "house")
    if hashed:
        yield from _add_token(hashed, token, tenant, at, "house")
