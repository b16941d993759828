"""Which channel carries what a tenant hears and says on a platform.

Each tenant has channels of its own. The first tenant's channel of a platform also carries those
workspaces of others in which its app is installed, and nothing else of theirs.
"""

from collections.abc import Mapping, Sequence

from bot.core.channel import Channel
from bot.core.ids import TenantId
from bot.store.installs import PREFIX as INSTALLED

HOUSE = frozenset({"web", "api", "terminal", "clock"})
"""Channels of the house's own, which nothing carries: what is said there is a row."""


class Carriers:
    """The channels of a house."""

    def __init__(self, home: TenantId, channels: Mapping[str, Channel] | None = None) -> None:
        """`home` is the first tenant; `channels` are its own, by name."""
        self._home = home
        self._made = {(home, name): channel for name, channel in (channels or {}).items()}

    def put(self, tenant: TenantId, channel: Channel) -> None:
        """Another channel of a tenant's; it replaces one of the same name."""
        self._made[tenant, channel.name] = channel

    def drop(self, tenant: TenantId, name: str) -> None:
        """There is none of this name any more."""
        self._made.pop((tenant, name), None)

    def of(self, tenant: TenantId) -> Mapping[str, Channel]:
        """All of a tenant's own, by name."""
        return {name: channel for (whose, name), channel in self._made.items() if whose == tenant}

    def own(self, tenant: TenantId, name: str) -> Channel | None:
        """A tenant's own."""
        return self._made.get((tenant, name))

    def get(self, tenant: TenantId, name: str, account: str) -> Channel | None:
        """Whichever carries what is a tenant's in an account; None where nobody does."""
        shared = self.own(self._home, name)
        if account.startswith(INSTALLED) and is_shared(shared):
            return shared
        return self.own(tenant, name)

    def all(self) -> Sequence[tuple[TenantId, Channel]]:
        """Each with its owner."""
        return [(tenant, channel) for (tenant, _), channel in self._made.items()]

    def carries_others(self, tenant: TenantId, channel: Channel) -> bool:
        """Whether a tenant's channel may carry what is another's."""
        return tenant == self._home and is_shared(channel)


def is_shared(channel: Channel | None) -> bool:
    """Whether its app can be installed in workspaces of any tenant."""
    return hasattr(channel, "manifest_version")
