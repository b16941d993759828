"""The book of installs, in memory, for Slack's channel on its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.platforms.installs import Found, account_of
from bot.platforms.lent import Options
from bot.store.installs import Install
from tests.channels.slack_side import Desk
from tests.fakes.shelf import FakeShelf


@dataclass
class Shelf:
    """The book of installs, in memory."""

    desks: dict[str, Desk] = field(default_factory=dict)
    shelves: dict[str, FakeShelf] = field(default_factory=dict)
    kept: dict[str, Install] = field(default_factory=dict)
    tokens: dict[str, Secret] = field(default_factory=dict)
    lost: list[tuple[str, str, bool]] = field(default_factory=list)
    proved: dict[str, Options] = field(default_factory=dict)
    ailing: list[TenantId] = field(default_factory=list)

    def keep(self, tenant: TenantId, found: Found, **more: Any) -> Install:
        account = account_of(found.app, found.team)
        self.tokens[account] = found.token
        made = Install(
            tenant=tenant,
            channel="slack",
            account=account,
            app=found.app,
            team=found.team,
            team_name=found.team_name,
            bot_user=found.bot_user,
            installed_by="person:per_1",
            manifest=1,
            installed_at=datetime.now(UTC),
        )
        self.kept[account] = replace(made, **more)
        return self.kept[account]

    async def of(self, account: str) -> Install | None:
        return self.kept.get(account)

    async def token(self, install: Install) -> Secret:
        return self.tokens[install.account]

    async def own(self) -> Sequence[Install]:
        return [item for item in self.kept.values() if item.agent]

    async def proofs(self, install: Install) -> Options:
        return self.proved.get(install.account, {})

    def desk(self, tenant: TenantId, agent: str = "") -> Desk:
        return self.desks.setdefault(tenant, Desk())

    def shelf(self, tenant: TenantId) -> FakeShelf:
        return self.shelves.setdefault(tenant, FakeShelf())

    async def gone(self, install: Install, why: str, *, wipe: bool) -> None:
        self.lost.append((install.team, why, wipe))

    async def ails(self, tenant: TenantId) -> None:
        self.ailing.append(tenant)
