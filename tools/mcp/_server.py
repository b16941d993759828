"""One MCP server as the settings name it: a program or an address, and who may use its tools.

Whatever a server says is outside text. What it may do is said here, by the owner of the process.
"""

from collections.abc import Mapping

from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.frozen import field, frozen


@frozen
class Server:
    """Where it is, and what it is trusted with."""

    name: str
    """No underscore: what stands before a tool's first one names its server, beyond doubt."""
    command: str = ""
    """A program that speaks over its standard input and output; or else `url`."""
    args: tuple[str, ...] = ()
    env: Mapping[str, Secret] = field(default_factory=dict)
    """All that the program finds in its environment, but for PATH."""
    path: str = ""
    """Where programs are looked for."""
    url: str = ""
    headers: Mapping[str, Secret] = field(default_factory=dict)
    """Sent to this address only."""
    private: bool = False
    """Whether the address, as the owner wrote it, lies inside a private network."""
    tenants: frozenset[TenantId] = frozenset()
    agents: tuple[str, ...] = ()
    """Who has its tools; empty: the agents whose files name them."""
    read: frozenset[str] = frozenset()
    """Its tools that only read, by the server's names: the owner's word, not the server's."""
    timeout_s: float = 50.0
