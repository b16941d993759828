"""Stripe connected: whose key it is, tried before it is kept, and lent to the tools of payments.

A tenant's key and the secret of its webhook are sealed; those in the settings are the first
tenant's and cannot be changed from here. Which tenants have a key is kept in memory, for the tools
ask on every call whether the sandbox performs; another process's change is read by `load`.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence

from bot.core.canonical import Json
from bot.core.errors import BotError, Conflict, ConnectionBroken, Invalid, NotFound, OperatorError
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.core.ports import Clock, Fetcher
from bot.core.secret import Secret
from bot.core.times import to_us
from bot.frozen import frozen
from bot.settings import Settings
from bot.store import audit, paid, people
from bot.store.script import Database
from bot.strongroom import Strongroom
from tools.payments._api import Api
from tools.payments._settings import BASE, Ceilings, Held, Past, Till, mode_of

log = logging.getLogger(__name__)

NAME = "stripe"
FIELD = "payments"
"""Under which the key and the webhook's secret are sealed, as JSON."""
MODES = {"test": "test mode: no money moves", "live": "live: money moves"}
WANTS: Sequence[Mapping[str, Json]] = (
    {
        "name": "key",
        "about": "A restricted or secret key: rk_test_…, sk_test_…, rk_live_…, sk_live_…",
        "secret": True,
        "needed": True,
    },
    {
        "name": "webhook_secret",
        "about": "The signing secret of the webhook endpoint: whsec_…",
        "secret": True,
        "needed": False,
    },
)
NO_SECRET = Secret("")


@frozen
class Account:
    """What is kept of one connection."""

    key: Secret
    webhook_secret: Secret
    id: str = ""
    """`acct_…`; empty where the key does not say whose it is."""


@frozen
class Around:
    """What stands around it."""

    db: Database
    clock: Clock
    strongroom: Strongroom
    fetcher: Fetcher
    settings: Settings
    home: TenantId
    """Whose the settings are."""
    changed: Callable[[], None]
    """Told when another may be paid from now on."""


class Paying:
    """Who gets paid by Stripe."""

    def __init__(self, around: Around) -> None:
        self._a = around
        self._names: dict[TenantId, str] = {}
        self._base = around.settings.endpoint.get(NAME, BASE)

    async def load(self) -> None:
        """Read who is connected."""
        names: dict[TenantId, str] = {}
        for tenant in [found.id for found in await self._a.db.read(people.tenants())]:
            try:
                account = await self.account(tenant)
            except OperatorError as error:  # the house starts; whoever is paid connects anew
                log.warning("Stripe is off: %s", error.message, extra={"tenant": tenant})
                continue
            if account and mode_of(account.key):
                names[tenant] = self._held(account).name
        self._names = names

    def connected(self, tenant: TenantId, provider: str) -> str:
        """The name of a tenant's connection; empty where there is none."""
        return self._names.get(tenant, "") if provider == NAME else ""

    def _held(self, account: Account) -> Held:
        """A connection with its name, which a yes is for.

        A key that was rolled keeps its account and so its yes. A restricted one need not be allowed
        to ask whose it is, and those of the settings are not tried: there a yes is for the key.
        """
        key = account.key
        mark = self._a.strongroom.vault.lookup(NAME, key.reveal())[:16]
        return Held(key=key, name=f"{NAME}:{mode_of(key)}:{account.id or mark}", mark=mark)

    async def held(self, tenant: TenantId) -> Held | None:
        """A tenant's; None where there is none. Raises SecretUnreadable."""
        account = await self.account(tenant)
        return self._held(account) if account and account.key else None

    async def account(self, tenant: TenantId) -> Account | None:
        """What a tenant is paid with. Raises SecretUnreadable."""
        section = self._a.settings.payments
        if tenant == self._a.home and section.stripe_key:
            return Account(key=section.stripe_key, webhook_secret=section.stripe_webhook_secret)
        kept = await self._a.strongroom.get(tenant, NAME, FIELD)
        if not kept:
            return None
        told = json.loads(kept.reveal())
        return Account(
            key=Secret(told["key"]),
            webhook_secret=Secret(told.get("webhook_secret", "")),
            id=told.get("account", ""),
        )

    async def key(self, tenant: TenantId) -> Secret | None:
        """A tenant's key."""
        account = await self.account(tenant)
        return account.key if account else None

    async def api(self, tenant: TenantId) -> Api:
        """Stripe with a tenant's key. Raises ConnectionBroken where there is none."""
        key = await self.key(tenant)
        if not key:
            raise ConnectionBroken("Stripe is not connected. Connect it with `bot connect stripe`.")
        return Api(fetcher=self._a.fetcher, base=self._base, key=key)

    def till(self) -> Till:
        """What the tools are lent."""
        section = self._a.settings.payments

        async def past(tenant: TenantId, person: str, since: int) -> Sequence[Past]:
            rows = await self._a.db.read(paid.since(tenant, person, since))
            return [Past(effect=effect, arguments=arguments) for effect, arguments in rows]

        ceilings = Ceilings(
            at_once=section.at_once,
            per_day=section.per_day,
            times_per_day=section.times_per_day,
        )
        return Till(
            held=self.held,
            past=past,
            fetcher=self._a.fetcher,
            base=self._base,
            ceilings=ceilings,
        )

    def listed(self, actor: Person) -> Mapping[str, Json]:
        """`{name, up, detail, wants, ways, manifest}`, as platforms are listed."""
        mode = self._names.get(actor.tenant, "::").split(":")[1]
        return {
            "name": NAME,
            "up": bool(mode),
            "detail": MODES.get(mode, "not connected"),
            "wants": list(WANTS),
            "ways": [],
            "manifest": False,
        }

    async def put(self, actor: Person, options: Mapping[str, object]) -> None:
        """Try a key, and keep it. Raises Invalid with a sentence, Conflict."""
        if actor.tenant == self._a.home and self._a.settings.payments.stripe_key:
            raise Conflict("[payments] stripe_key stands in the settings. Change it there.")
        if unknown := set(options) - {"key", "webhook_secret"}:
            raise Invalid(f"Stripe is told a key and a webhook_secret, not {sorted(unknown)[0]}.")
        key = Secret(str(options.get("key", "")).strip())
        hook = str(options.get("webhook_secret", "")).strip()
        account = await self._try(key)
        if hook and not hook.startswith("whsec_"):
            raise Invalid("A webhook's signing secret begins with whsec_.")
        told = {"key": key.reveal(), "webhook_secret": hook, "account": account}
        await self._a.strongroom.put(actor.tenant, NAME, FIELD, Secret(json.dumps(told)))
        made = Account(key=key, webhook_secret=Secret(hook), id=account)
        self._names[actor.tenant] = self._held(made).name
        await self._tell(actor, "payments.connected")

    async def remove(self, actor: Person) -> None:
        """Forget the key. Raises NotFound."""
        if await self._a.strongroom.get(actor.tenant, NAME, FIELD) in (None, NO_SECRET):
            raise NotFound("Stripe is not connected here.")
        await self._a.strongroom.put(actor.tenant, NAME, FIELD, NO_SECRET)
        self._names.pop(actor.tenant, None)
        await self._tell(actor, "payments.disconnected")

    async def _try(self, key: Secret) -> str:
        """Ask Stripe something harmless; whose the key is, where it may ask that as well."""
        text = key.reveal()
        if not mode_of(key) or not text.isascii() or not text.isprintable():
            raise Invalid(
                "This is no secret key of Stripe's: it begins with rk_test_, sk_test_, rk_live_ or "
                "sk_live_. A key that begins with pk_ is for pages and cannot be used here."
            )
        api = Api(fetcher=self._a.fetcher, base=self._base, key=key)
        try:
            await api.get("/v1/balance")
        except ConnectionBroken:
            raise Invalid("Stripe does not know this key. Nothing was kept.") from None
        except BotError as error:
            raise Invalid(
                f"The key was not kept, for it could not be tried: {error.message} It needs the "
                "right to read the balance."
            ) from error
        try:
            found = str((await api.get("/v1/account")).get("id"))
        except BotError:
            return ""
        return found if re.fullmatch(r"acct_\w{1,64}", found, re.ASCII) else ""

    async def _tell(self, actor: Person, what: str) -> None:
        at = to_us(self._a.clock.now())
        note = audit.note(actor.tenant, at, f"person:{actor.id}", what, NAME, {})
        await self._a.db.write(note)
        self._a.changed()
