"""Mail out by Microsoft Graph: a draft that carries our key, then its sending, so it can be found.

The draft is written as MIME, since only so In-Reply-To and References can be set. Where the app may
only send (`ms_drafts = false`) it goes by sendMail, and nothing can be looked up.
https://learn.microsoft.com/graph/api/user-post-messages,
https://learn.microsoft.com/graph/api/message-send and
https://learn.microsoft.com/graph/api/user-sendmail (read 2026-11-21)
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from bot.core.errors import VendorRefused, VendorUnknown
from bot.platforms.lent import Lent
from channels.email.calls import Answer
from channels.email.graph_calls import Graph, words_of
from channels.email.letter import Letter, written
from channels.email.settings import Settings

KEY: Final = "X-Switchboard-Key"
_SET: Final = "String {00020386-0000-0000-C000-000000000046} Name"
"""The internet headers of a mail, as properties that a filter knows.
https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxprops (read 2026-11-21)"""
MIME: Final = {"Content-Type": "text/plain"}
LOOKS, LOOK_S = 6, 3.0
"""How often, and how long between: the copy of what was sent comes a moment later."""


class GraphMail:
    """The carrier."""

    name = "graph"
    hears = False
    keyed = False

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._graph, self._clock = Graph(lent, settings), lent.clock
        self._boxes = tuple(dict.fromkeys((settings.home, *settings.boxes.values())))
        self._home, self._reads = settings.home, settings.ms_drafts or settings.ms_read
        self.finds = settings.ms_drafts

    async def send(self, letter: Letter) -> str:
        """Send it. Raises VendorRefused, ConnectionBroken: surely not sent; VendorUnknown."""
        marked = replace(letter, headers=(*letter.headers, (KEY, letter.key)))
        try:
            data = base64.b64encode(written(marked, self._clock))
        except ValueError as error:
            raise VendorRefused("This mail cannot be written.") from error
        box = f"/users/{quote(letter.sender.address)}"
        if not self.finds:
            answer = await self._graph.ask("POST", f"{box}/sendMail", content=data, headers=MIME)
            if answer.status != 202:
                raise _refused(answer)
            return letter.message_id
        return await self._by_draft(box, data)

    async def _by_draft(self, box: str, data: bytes) -> str:
        try:
            draft = await self._graph.ask("POST", f"{box}/messages", content=data, headers=MIME)
        except VendorUnknown as error:  # a draft more does no harm: it is not sent
            raise VendorRefused("Microsoft made no draft.", retry_after_s=2.0) from error
        id_ = draft.said.get("id")
        if draft.status != 201:
            raise _refused(draft)
        if not isinstance(id_, str):
            raise VendorRefused("Microsoft did not say which draft it made.", retry_after_s=2.0)
        sent = await self._graph.ask("POST", f"{box}/messages/{quote(id_)}/send")
        if sent.status != 202:
            raise _refused(sent)
        return id_

    async def try_out(self) -> Sequence[str]:
        """Ask for the mailbox; for a token alone where the app may only send. Raises as `send`."""
        await self._graph.token()
        if self._reads:
            answer = await self._graph.ask("GET", f"/users/{quote(self._home)}/mailFolders/inbox")
            if answer.status != 200:
                raise _refused(answer)
        return ()

    async def find(self, key: str, since_s: float) -> str:
        """The id of a mail of this key that was sent; empty: surely none was, nor will be.

        A draft that stands after all the looks is taken away, so that nothing sends it any more.
        """
        for n in range(LOOKS):
            drafts = []
            for box in self._boxes:
                for item in await self._of(box, key):
                    id_ = str(item.get("id", ""))
                    if item.get("isDraft") is False:
                        return id_
                    drafts.append(f"/users/{quote(box)}/messages/{quote(id_)}")
            if n < LOOKS - 1:
                await asyncio.sleep(LOOK_S)
        for draft in drafts:
            answer = await self._graph.ask("DELETE", draft)
            if answer.status != 204:
                raise VendorUnknown("It is not known whether a draft was sent.")
        return ""

    async def _of(self, box: str, key: str) -> list[Mapping[str, Any]]:
        """Mails of a mailbox that carry this key. Raises VendorError."""
        word = f"{_SET} {KEY}"
        wanted = (
            f"singleValueExtendedProperties/any(ep: ep/id eq '{word}' "
            f"and ep/value eq '{key.replace(chr(39), chr(39) * 2)}')"
        )
        path = f"/users/{quote(box)}/messages?$select=id,isDraft&$filter={quote(wanted)}"
        answer = await self._graph.ask("GET", path)
        if answer.status == 404:
            return []  # an address that has no mailbox there
        found = answer.said.get("value")
        if answer.status != 200 or not isinstance(found, list):
            raise VendorUnknown("Microsoft did not say which mails there are.")
        return [item for item in found if isinstance(item, Mapping)]


def _refused(answer: Answer) -> VendorRefused:
    code, words = words_of(answer)
    if answer.status == 403:
        return VendorRefused(
            "Microsoft does not let the app do this. Grant it the application permissions "
            "Mail.Send and Mail.ReadWrite (or set ms_drafts = false for Mail.Send alone) and give "
            "admin consent at entra.microsoft.com."
        )
    if answer.status == 404:
        return VendorRefused("Microsoft has no mailbox of this address.")
    return VendorRefused(f"Microsoft refused it: {words or code or answer.status}")
