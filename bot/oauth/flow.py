"""Connecting an account, as an owner does it in a browser.

    start    the browser goes to the vendor's consent page with a state that is good for it alone
    back     it comes back, from the vendor, without our cookie; our own page asks it on
    finish   the state is spent, `iss` looked at, the code exchanged, the id token held against the
             nonce, the vendor asked whose token it is; then account and tokens are one commit

PKCE verifier and nonce are kept nowhere: both are keyed hashes of the state. A death before the
commit leaves nothing here, and a consent at the vendor that the next try uses.
https://www.rfc-editor.org/rfc/rfc9207 (read 2026-11-21) for `iss`.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

import jwt

from bot.core.canonical import Json
from bot.core.errors import BotError, Conflict, Forbidden, Invalid
from bot.core.ports import new_id
from bot.core.secret import Secret
from bot.credentials import Visit
from bot.frozen import frozen
from bot.lazy import at_hand
from bot.oauth.around import Around, Tokens
from bot.oauth.ending import leave
from bot.oauth.meanings import plainly
from bot.oauth.provider import App, Provider, inside
from bot.oauth.renewal import due
from bot.oauth.states import States
from bot.oauth.wire import Declined, Grant, Wire
from bot.store import connections as rows
from bot.store.connections import Connection
from bot.store.oauth_states import Bearer, Meant

SKEW_S = 300
MAX_NAME = 200
BACK = "/admin/connections"
_SITE = "account:"
"""Stands before a provider's name where states are kept: the app of a platform is another site."""
_PATH = re.compile(r"/(?:admin|chat)(?:/[A-Za-z0-9_-]+)*")
_AGENT = re.compile(r"[a-z0-9_-]{0,60}")
_KEPT = ("guild", "team", "tid", "stripe_user_id", "page", "is_enterprise_install")
"""What of a vendor's answer stays readable beside the tokens."""


@frozen
class Wanted:
    """What somebody wants to connect."""

    features: tuple[str, ...] | None = None
    """By name; None: those that are asked for usually."""
    scopes: tuple[str, ...] = ()
    """Single ones besides, such as a tool lacked."""
    agent: str = ""
    back: str = ""


@frozen
class Returned:
    """What a browser brought back."""

    state: str
    code: str
    iss: str = ""


class Flow:
    """The dance, at every vendor."""

    def __init__(self, around: Around) -> None:
        self._g = around
        self._states = States(around.db, around.clock)

    async def start(self, visit: Visit, name: str, wanted: Wanted) -> str:
        """Where the browser goes. Raises NotFound, Invalid, OperatorError."""
        provider = self._g.services.load(name)
        app = await self._g.apps.of(visit.tenant, provider)
        scopes, params = await self._asked(visit, provider, wanted)
        back = wanted.back or BACK
        if not _PATH.fullmatch(back) or not _AGENT.fullmatch(wanted.agent):
            raise Invalid("That is no page of this house.", field="back")
        meant = Meant(agent=wanted.agent, back=back, scopes=" ".join(scopes))
        state = await self._states.begin(_bearer(visit), _SITE + name, meant)
        asked = {
            "response_type": "code",
            provider.client_id: app.id,
            "redirect_uri": self.redirect(name),
            "scope": provider.separator.join(scopes),
            "state": state,
            **params,
        }
        if provider.pkce:
            asked["code_challenge"] = challenge(self._verifier(state))
            asked["code_challenge_method"] = "S256"
        if provider.nonce:
            asked["nonce"] = self._nonce(state)
        return self._g.wire(provider, app).consent(asked)

    async def finish(self, visit: Visit, name: str, returned: Returned) -> tuple[Connection, str]:
        """The connection, and where its browser goes on. Raises UserError, OperatorError,
        VendorError."""
        provider = self._g.services.load(name)
        meant = await self._states.spend(_bearer(visit), _SITE + name, returned.state)
        app = await self._g.apps.of(visit.tenant, provider)
        _check_issuer(provider, returned.iss)
        code = returned.code.removesuffix(provider.code_tail)
        if not code:
            raise Invalid("The service gave no code. Begin again on the page of connections.")
        wire = self._g.wire(provider, app)
        verifier = self._verifier(returned.state)
        try:
            grant = await wire.exchange(code, verifier, self.redirect(name))
            self._g.strongroom.hide(grant.access, grant.refresh, grant.id_token)
            item = await self._made(visit, wire, grant, (meant, self._nonce(returned.state)))
        except Declined as error:
            said = plainly(provider.title, error.word, self.redirect(name))
            raise Declined(said, error.word) from error
        await self._keep(item, grant)
        return item, meant.back

    def redirect(self, name: str) -> str:
        """The address that the vendor sends people back to; never made of a request."""
        return f"{self._g.address()}/oauth/{name}/callback"

    async def _asked(
        self, visit: Visit, provider: Provider, wanted: Wanted
    ) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """Scopes to ask for, with those that were granted before; and what goes with them."""
        features = provider.features
        chosen: Sequence[str] = wanted.features or ()
        if wanted.features is None:
            chosen = [name for name, feature in features.items() if feature.asked]
        if unknown := [name for name in chosen if name not in features]:
            raise Invalid(f"{provider.title} has no {', '.join(unknown)}.", field="features")
        known = provider.known_scopes()
        if not known.issuperset(wanted.scopes):
            raise Invalid(f"{provider.title} is not asked for such a scope.", field="scopes")
        old = await self._g.db.read(rows.exactly(visit.tenant, provider.name, wanted.agent))
        had = [scope for scope in (old.scopes if old else ()) if scope in known]
        scopes = tuple(dict.fromkeys([*provider.scopes(chosen), *wanted.scopes, *had]))
        params = dict(provider.params)
        for name in chosen:
            params |= features[name].params
        return scopes, params

    async def _made(
        self, visit: Visit, wire: Wire, grant: Grant, asked: tuple[Meant, str]
    ) -> Connection:
        """The connection that a grant is."""
        provider, app, (meant, nonce) = wire.provider, wire.app, asked
        await at_hand("jwt")
        claims = self._claims(wire, grant.id_token, nonce)
        told = await wire.who(grant.access) if provider.who.url else claims
        account = _account(provider, claims, told)
        if not account:
            raise Invalid(f"{provider.title} does not say whose account it is. Begin again.")
        wanted = tuple(meant.scopes.split())
        granted = provider.granted(await _told_scopes(wire, grant, wanted), wanted)
        now = self._g.clock.now()
        config = {key: grant.told[key] for key in _KEPT if key in grant.told}
        config |= {key: claims[key] for key in _KEPT if key in claims}
        lives_on = bool(grant.refresh) or provider.longer is not None
        return Connection(
            tenant=visit.tenant,
            id=new_id(self._g.clock, "con"),
            provider=provider.name,
            agent=meant.agent,
            account=account,
            name=_name(provider, told, claims) or account,
            asked=meant.scopes,
            granted=" ".join(granted),
            client=app.id,
            config=json.dumps(config)[:5_000],
            renewed=int(lives_on),
            expires_at=grant.expires_at,
            refresh_until=grant.refresh_until if lives_on else None,
            token_at=now,
            due_at=due(grant.expires_at, lives_on, now),
            connected_by=f"person:{visit.person.id}",
            connected_at=now,
            checked_at=now,
        )

    async def _keep(self, item: Connection, grant: Grant) -> None:
        """One commit: the account, its tokens, the audit's line."""
        sealed = await self._g.seal(item, Tokens(access=grant.access, refresh=grant.refresh))
        old = await self._g.db.read(rows.exactly(item.tenant, item.provider, item.agent))
        before = await self._old_tokens(old, item)
        if not await self._g.db.write(rows.put(item, sealed, old.id if old else "")):
            raise Conflict("Somebody else connected it at the same time. Look at the page.")
        if old and old.told:
            await self._g.told(item, "works")
        if before:
            provider = self._g.services.load(item.provider)
            wire = self._g.wire(provider, await self._g.apps.of(item.tenant, provider))
            await leave(wire, item.account if not old else old.account, before)

    async def _old_tokens(self, old: Connection | None, new: Connection) -> Tokens | None:
        """What another account left behind; the same account's belong to the same consent."""
        if old is None or old.account == new.account:
            return None
        if not self._g.services.load(old.provider).revoke:
            return None
        try:
            return await self._g.open(old)
        except BotError:
            return None

    def _claims(self, wire: Wire, id_token: Secret, nonce: str) -> Mapping[str, Json]:
        """The id token's claims. It came from the vendor's own token address over TLS, which
        stands for its signature (OpenID Connect Core 3.1.3.7). Raises Forbidden."""
        provider, app = wire.provider, wire.app
        if not id_token:
            if provider.who.claims:
                raise Forbidden(f"{provider.title} gave no id token. Begin again.")
            return {}
        try:
            claims = jwt.decode(id_token.reveal(), options={"verify_signature": False})
        except jwt.PyJWTError:
            raise Forbidden(f"{provider.title} gave an id token that is none.") from None
        said = cast("Mapping[str, Json]", claims)
        if not provider.issuer:
            return said
        now = self._g.clock.now().timestamp()
        until = said.get("exp")
        is_fine = (
            _bare(said.get("iss")) == _bare(issuer(provider, str(said.get("tid", ""))))
            and app.id in _listed(said.get("aud"))
            and isinstance(until, int | float)
            and until > now - SKEW_S
            and (not provider.nonce or Secret(nonce).matches(str(said.get("nonce", ""))))
        )
        if not is_fine or not _is_let_in(app, str(said.get("tid", ""))):
            raise Forbidden(
                f"The id token of {provider.title} was not meant for this connection. Begin again."
            )
        return said

    def _verifier(self, state: str) -> str:
        return self._g.mask("oauth.pkce", state)

    def _nonce(self, state: str) -> str:
        return self._g.mask("oauth.nonce", state)


def challenge(verifier: str) -> str:
    """What the vendor is shown of a verifier beforehand (RFC 7636, S256)."""
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


def issuer(provider: Provider, tenant: str) -> str:
    """Who a vendor says that it is."""
    return provider.issuer.replace("{tenant}", tenant)


def _check_issuer(provider: Provider, iss: str) -> None:
    """Raises Forbidden for the answer of another vendor (RFC 9207)."""
    if not iss or not provider.issuer:
        return
    before, _, behind = provider.issuer.partition("{tenant}")
    fits = iss == before if not behind else iss.startswith(before) and iss.endswith(behind)
    if not fits:
        raise Forbidden(
            f"This answer came from another service than {provider.title}. Nothing was connected."
        )


def _bare(issuer: Json) -> str:
    """Google names itself with the scheme or without it."""
    return str(issuer).removeprefix("https://")


def _is_let_in(app: App, tenant: str) -> bool:
    """Whether an organisation is one of those that the app is for; any, where none is named."""
    named = [each.strip() for each in app.more.get("tenant", "").split(",") if each.strip()]
    named = [each for each in named if each not in ("common", "organizations")]
    return not named or tenant in named


def _account(provider: Provider, claims: Mapping[str, Json], told: Mapping[str, Json]) -> str:
    """The lasting id of an account; never an address or a name where there is better."""
    if not provider.who.claims:
        found = inside(dict(told), provider.who.id)
        return str(found) if isinstance(found, str | int) else ""
    parts = re.findall(r"\{(\w+)\}", provider.who.claims)
    values = {part: claims.get(part) for part in parts}
    if not all(isinstance(value, str) and value for value in values.values()):
        return ""
    return provider.who.claims.format_map(values)


def _name(provider: Provider, told: Mapping[str, Json], claims: Mapping[str, Json]) -> str:
    """What people call it."""
    found = inside(dict(told), provider.who.name) or claims.get("email") or ""
    return "".join(c for c in str(found) if c.isprintable())[:MAX_NAME]


async def _told_scopes(wire: Wire, grant: Grant, asked: Sequence[str]) -> Sequence[str]:
    """What was granted, as the vendor names it; what was asked where it says nothing (RFC 6749,
    5.1)."""
    if wire.provider.scopes_url:
        answer = await wire.get(wire.provider.scopes_url, grant.access)
        rows_ = answer.get("data")
        return [
            str(row.get("permission"))
            for row in (rows_ if isinstance(rows_, list) else [])
            if isinstance(row, Mapping) and row.get("status") == "granted"
        ]
    return grant.scopes if grant.scopes is not None else asked


def _listed(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list) else [value]


def _bearer(visit: Visit) -> Bearer:
    return Bearer(tenant=visit.tenant, person=visit.person.id, door=visit.door)
