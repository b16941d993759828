"""What a vendor's OAuth is: one record of addresses, scopes and ways, and nothing that acts.

A file of `providers/` declares `PROVIDER`. Where a vendor is odd, a field names the oddity; the few
that no field could name are hooks. `flow.py`, `wire.py`, `renewal.py` and `ending.py` read records
and know no vendor by name. RFC 6749 (the code grant), 7636 (PKCE), 9207 (`iss`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from urllib.parse import urlsplit

from bot.config.endpoints import PARTS
from bot.core.canonical import Json
from bot.core.errors import NotFound
from bot.core.secret import Secret
from bot.frozen import field, frozen
from bot.oauth import providers


class Proof(StrEnum):
    """How the token address learns that it is our app who asks."""

    BODY = "body"
    """`client_id` and `client_secret` in the form."""
    BASIC = "basic"
    """HTTP Basic."""
    BEARER = "bearer"
    """The secret alone, as a bearer token."""


@frozen
class App:
    """Our app at a vendor, as its owner registered it there."""

    id: str
    secret: Secret
    more: Mapping[str, str] = field(default_factory=dict)
    """What a vendor wants besides, by `Provider.wants`."""


@frozen
class Longer:
    """A token that is exchanged for a longer one, and that one again, instead of a refresh
    token."""

    exchange_url: str
    exchange: str
    """The grant that makes the first, short token a long one."""
    renew_url: str
    renew: str
    field: str = "access_token"
    """What the token is sent as."""
    with_secret: tuple[str, ...] = ()
    """Which of the two grants want the app's secret."""
    with_id: bool = False
    """Whether those want its id as well."""
    method: str = "GET"
    lasts: timedelta = timedelta(days=60)
    """Where the answer does not say."""
    young: timedelta = timedelta(0)
    """So old a token has to be before it is renewed."""


@frozen
class Revoke:
    """How a vendor is told that a connection is over."""

    url: str
    """May hold `{account}`."""
    method: str = "POST"
    as_bearer: bool = False
    """The token stands in the header and not in the form."""
    form: Mapping[str, str] = field(default_factory=dict)
    """More for the form; `{account}` and `{kind}` are filled in."""
    proof: bool = True
    """Whether our app proves itself as at the token address."""


@frozen
class Who:
    """The vendor's answer to "who am I", which is also the proof that a token works."""

    url: str = ""
    """Empty: the vendor has none, and the id token is the answer."""
    id: str = "id"
    """Where the account's lasting id stands; dots lead inward."""
    name: str = "name"
    sign: str = ""
    """What stands before a name there, such as `@`."""
    claims: str = ""
    """How the lasting id is made of the id token's claims, such as `{sub}`; empty: it is not."""
    tells: str = ""
    """Where the answer says that all is well although its status always does."""


@frozen
class Feature:
    """Something that a connection may be used for, and the scopes that it takes."""

    title: str
    scopes: tuple[str, ...]
    asked: bool = True
    """Whether it is asked for unless somebody chooses otherwise."""
    params: Mapping[str, str] = field(default_factory=dict)
    """More for the consent page when it is asked for."""


Client = Callable[[App, int], str]
Dress = Callable[[App, Secret], Mapping[str, str]]


@frozen
class Provider:
    """One vendor."""

    name: str
    """As its file is called."""
    title: str
    authorize_url: str
    token_url: str
    hosts: tuple[str, ...]
    """Where its tokens may go; the first is meant where a path alone is given."""
    who: Who
    base: tuple[str, ...] = ()
    """Scopes that are always asked for."""
    features: Mapping[str, Feature] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    """Scopes that are granted without being named in the answer."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """How the answer calls a scope → how it is asked for."""
    scopes_url: str = ""
    """Where the granted scopes are asked, as `{data: [{permission, status}]}`."""
    scopes_in: str = "scope"
    """Where the token's answer names them."""
    separator: str = " "
    params: Mapping[str, str] = field(default_factory=dict)
    """More for the consent page."""
    pkce: bool = False
    nonce: bool = False
    """Whether the id token repeats ours."""
    issuer: str = ""
    """What `iss` says, in the callback and the id token; may hold `{tenant}`."""
    proof: Proof = Proof.BODY
    client_id: str = "client_id"
    """What the vendor calls the client id."""
    secret_of: Client | None = None
    """Makes the client secret, where it is no fixed text."""
    form_post: bool = False
    """The answer comes as a form that the vendor's page posts."""
    code_tail: str = ""
    """What hangs at the end of a code and is none of it."""
    answer_in: str = ""
    """Where inside the token's answer the tokens stand, if they do not stand outside as well."""
    ok: str = ""
    """A field that says whether it went well, whatever the status."""
    dead: tuple[str, ...] = ()
    """Errors by which this vendor says that a grant is over, beside `invalid_grant`."""
    busy: tuple[str, ...] = ()
    """Errors by which it says that it is asked too often."""
    refresh: Mapping[str, str] | None = field(default_factory=dict)
    """More for the form of a refresh; None where there are no refresh tokens."""
    rotates: bool = True
    """Whether a refresh may end the old refresh token."""
    longer: Longer | None = None
    lasts: timedelta | None = None
    """How long a token lives where the answer does not say; None: no end."""
    refresh_lasts: timedelta | None = None
    """How long a refresh token lives where the answer does not say; None: no end."""
    refresh_fixed: bool = False
    """Whether its life counts from the first consent and is not extended by use."""
    revoke: Revoke | None = None
    by_hand: str = ""
    """Where a person takes our app off at the vendor, if we cannot or should the vendor fail."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """On every call; `{app}` and `{contact}` are filled in."""
    dress: Dress | None = None
    """More for the query of every call that carries a token."""
    wants: Mapping[str, str] = field(default_factory=dict)
    """What the app's owner is asked besides id and secret: name → what it is."""
    app_of: str = ""
    """The provider whose app serves, where this one was given none of its own."""
    verification: str = "pending"
    """What the vendor has said of our app so far: pending or active."""
    to_do: tuple[str, ...] = ()
    """What an admin must do at the vendor."""

    @property
    def is_renewed(self) -> bool:
        """Whether its tokens can live on without a person."""
        return self.refresh is not None or self.longer is not None

    def scopes(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """The scopes of some features, those of `base` first."""
        more = (scope for name in wanted for scope in self.features[name].scopes)
        return tuple(dict.fromkeys([*self.base, *more]))

    def known_scopes(self) -> frozenset[str]:
        """Every scope that may be asked for."""
        return frozenset(self.scopes(tuple(self.features)))

    def granted(self, told: Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
        """Scopes as the vendor named them, in our own words."""
        named = {self.aliases.get(scope, scope) for scope in told}
        hidden = {scope for scope in self.hidden if scope in asked}
        return tuple(sorted(named | hidden))

    def addresses(self) -> Sequence[str]:
        """Every address that this record names."""
        urls = [self.authorize_url, self.token_url, self.who.url, self.scopes_url]
        urls += [self.revoke.url] if self.revoke else []
        urls += [self.longer.exchange_url, self.longer.renew_url] if self.longer else []
        return [url for url in urls if url]

    def all_hosts(self) -> frozenset[str]:
        """Every host that this record names."""
        return frozenset({*self.hosts, *(urlsplit(url).hostname or "" for url in self.addresses())})


@cache
def names() -> Sequence[str]:
    """Every vendor that there is a file for."""
    return [item.name for item in iter_modules(providers.__path__)]


@cache
def load(name: str) -> Provider:
    """A vendor's record. Raises NotFound."""
    if name not in names():
        raise NotFound(f"There is no such service. There are: {', '.join(names())}.")
    found: Provider = import_module(f"bot.oauth.providers.{name}").PROVIDER
    return found


class Services:
    """The services of one house: those of the tree, and those that packages bring to it."""

    def __init__(
        self,
        guests: Sequence[Provider] = (),
        *,
        is_whole: bool = True,
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        """`is_whole`: whether no package was left out that might have brought another.

        `addresses`: what stands elsewhere than the records say, by `google_token` and the like.
        """
        self._guests = {record.name: record for record in guests}
        self.is_whole = is_whole
        self._addresses = addresses or {}

    def at(self, addresses: Mapping[str, str]) -> "Services":
        """The same services, some of whose addresses stand elsewhere."""
        guests = list(self._guests.values())
        return Services(guests, is_whole=self.is_whole, addresses=addresses)

    def names(self) -> Sequence[str]:
        """Every service whose accounts may be connected."""
        return [*names(), *self._guests]

    def find(self, name: str) -> Provider | None:
        """A service's record; None where there is none, or none any more."""
        found = self._guests.get(name) or (load(name) if name in names() else None)
        return _moved(found, self._addresses) if found and self._addresses else found

    def load(self, name: str) -> Provider:
        """A service's record. Raises NotFound."""
        if found := self.find(name):
            return found
        raise NotFound(f"There is no such service. There are: {', '.join(self.names())}.")


def _moved(record: Provider, addresses: Mapping[str, str]) -> Provider:
    """A record with the addresses that were named for it."""
    told = {part: addresses.get(f"{record.name}_{part}", "") for part in PARTS}
    way = record.revoke
    return replace(
        record,
        authorize_url=told["authorize"] or record.authorize_url,
        token_url=told["token"] or record.token_url,
        issuer=told["issuer"] or record.issuer,
        revoke=replace(way, url=told["revoke"]) if way and told["revoke"] else way,
    )


def inside(data: Json, path: str) -> Json:
    """What stands at a path of names and numbers with dots between them; None: nothing."""
    for name in path.split("."):
        if isinstance(data, Mapping):
            data = data.get(name)
        elif isinstance(data, list) and name.isdigit() and int(name) < len(data):
            data = data[int(name)]
        else:
            return None
    return data
