"""A shelf of files in memory, as channels are lent one."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bot.core.errors import VendorRefused
from bot.core.event import Attachment


@dataclass
class FakeShelf:
    """Files by their id; it counts how often each was opened."""

    address: str = "https://bots.example"
    kept: dict[str, bytes] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def put(self, name: str, content: bytes, media_type: str = "text/plain") -> Attachment:
        """Keep a file; gives it as a message carries it."""
        id_ = f"fil_{len(self.kept) + 1:026d}"
        self.kept[id_] = content
        return Attachment(
            name=name,
            media_type=media_type,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            source=id_,
        )

    async def has(self, item: Attachment) -> bool:
        found = self.kept.get(item.source)
        return found is not None and hashlib.sha256(found).hexdigest() == item.sha256

    async def open(self, item: Attachment) -> AsyncIterator[bytes]:
        if not await self.has(item):
            raise VendorRefused(f"The file {item.name} is not kept here any more.")
        self.opened.append(item.name)
        found = self.kept[item.source]
        for at in range(0, len(found), 1000):
            yield found[at : at + 1000]

    def link(self, item: Attachment) -> str:
        return f"{self.address}/files/{item.source}" if self.address else ""
