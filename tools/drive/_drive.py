"""Google Drive as the tools ask it.

https://developers.google.com/workspace/drive/api/reference/rest/v3 (read 2026-11-21)

What an answer means stands in `bot/oauth/answers.py`. Names of files and people are other people's
words. An id holds nothing that leads to another place of an address.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from bot.core.errors import Conflict, ConnectionBroken, OperatorError, VendorUnknown
from bot.core.tool import ToolContext
from bot.oauth.accounts import USUAL_BYTES, Client
from bot.oauth.answers import Vendor
from bot.reach import reach_of
from bot.render.text import clean

_AUTH = "https://www.googleapis.com/auth/"
READ, UPLOAD, SHARE = (f"{_AUTH}drive.readonly",), (f"{_AUTH}drive.file",), (f"{_AUTH}drive",)
"""The last holds the others."""
FILES = "/drive/v3/files"
ALL = {"supportsAllDrives": "true"}
ANYONE = "anyone"
SHOWN = 20
FOLDER = "application/vnd.google-apps.folder"
FIELDS = "id,name,mimeType,size,modifiedTime,webViewLink,shared,trashed,sha256Checksum"
FIELDS += ",owners(emailAddress),capabilities(canShare)"
MAX_PAGES = 5
_ID = r"[A-Za-z0-9_-]{1,200}"
FileId = Annotated[str, Field(pattern=rf"^{_ID}$")]
Hidden = SkipJsonSchema[Annotated[str, Field(max_length=2_000)]]
"""Filled in by the house; a model is not told of it."""


M = TypeVar("M", bound=BaseModel)


class Theirs(BaseModel):
    """What Drive tells: what we do not know is let be."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, frozen=True)


class Who(Theirs):
    """Somebody."""

    email_address: str = ""


class Can(Theirs):
    """What the account may do with a file."""

    can_share: bool = False


class Item(Theirs):
    """A file, a folder, or a document of Google's own."""

    id: Annotated[str, Field(pattern=rf"^{_ID}$")]
    name: str = ""
    mime_type: str = ""
    size: int = 0
    modified_time: str = ""
    web_view_link: str = ""
    shared: bool = False
    trashed: bool = False
    sha256_checksum: str = ""
    owners: tuple[Who, ...] = ()
    capabilities: Can = Can()

    @property
    def title(self) -> str:
        """Its name in one line."""
        return " ".join(clean(self.name).split())[:300] or "(no name)"

    @property
    def kind(self) -> str:
        """What it is, in words."""
        own = self.mime_type.removeprefix("application/vnd.google-apps.")
        if own != self.mime_type:
            return {"document": "Google Doc", "spreadsheet": "Google Sheet"}.get(own, own)
        return self.mime_type or "unknown"

    @property
    def owner(self) -> str:
        """Whose it is; empty on a drive of an organisation."""
        return self.owners[0].email_address if self.owners else ""

    @property
    def link(self) -> str:
        """Where people open it."""
        link = self.web_view_link
        return link if link.startswith("https://") and len(link) < 2_000 else ""


class Grant(Theirs):
    """Who may do what with a file."""

    id: str = ""
    type: str = ""
    role: str = ""
    email_address: str = ""
    domain: str = ""
    deleted: bool = False

    @property
    def who(self) -> str:
        """Whom it is for, in words."""
        if self.type == "anyone":
            return "anybody with the link"
        return self.email_address or self.domain or "somebody"


class Drive:
    """One connected account."""

    def __init__(self, client: Client, needs: Sequence[str]) -> None:
        self.client = client
        self.vendor = Vendor(client, "Google Drive", needs)
        self.account, self.name = client.account, client.name

    async def find(self, query: Mapping[str, str]) -> Sequence[Item]:
        """Files of a search."""
        told = await self.vendor.ask("GET", FILES, query={**query, **ALL})
        return [read(Item, each) for each in listed(told, "files")]

    async def item(self, id_: str) -> Item:
        """What is known of a file. Raises NotFound."""
        where = f"{FILES}/{quote(id_, safe='')}"
        return read(Item, await self.vendor.ask("GET", where, query={"fields": FIELDS, **ALL}))

    async def bytes_of(self, id_: str, *, as_type: str = "", max_bytes: int = USUAL_BYTES) -> bytes:
        """What is in a file; `as_type`: a document of Google's own, written out as that."""
        where = f"{FILES}/{quote(id_, safe='')}"
        query = {"mimeType": as_type} if as_type else {"alt": "media", **ALL}
        where = f"{where}/export" if as_type else where
        return (await self.vendor.page("GET", where, query=query, max_bytes=max_bytes)).body

    async def grants(self, id_: str) -> Sequence[Grant]:
        """Everybody who may see a file. Raises VendorUnknown where it is not told in full."""
        fields = "nextPageToken,permissions(id,type,role,emailAddress,domain,deleted)"
        query = {"pageSize": "100", "fields": fields, **ALL}
        found: list[Grant] = []
        for _ in range(MAX_PAGES):
            where = f"{FILES}/{quote(id_, safe='')}/permissions"
            told = await self.vendor.ask("GET", where, query=query)
            found += [read(Grant, each) for each in listed(told, "permissions")]
            if not told.get("nextPageToken"):
                return [each for each in found if not each.deleted]
            query["pageToken"] = str(told["nextPageToken"])
        raise VendorUnknown("Google Drive does not say in full who may see this file.")


async def opened(ctx: ToolContext, needs: tuple[str, ...], account: str = "") -> Drive:
    """The drive that is connected; `account`: the one that was shown on the card.

    Raises OperatorError, with the link that connects one, and Conflict.
    """
    try:
        client = await reach_of(ctx).client(ctx, "google", needs, SHARE)
    except ConnectionBroken as error:  # told to the owners where it is told at all
        raise OperatorError(error.message) from None
    if account and client.account != account:
        raise Conflict("Another Google account is connected now. Ask for it again.")
    return Drive(client, needs)


def read(kind: type[M], told: object) -> M:
    """An answer as one of our shapes. Raises VendorUnknown."""
    try:
        return kind.model_validate(told)
    except ValidationError:
        raise VendorUnknown("Google Drive's answer could not be understood.") from None


def listed(told: Mapping[str, Any], name: str) -> Sequence[object]:
    """A list of an answer. Raises VendorUnknown."""
    found = told.get(name, [])
    if not isinstance(found, list):
        raise VendorUnknown("Google Drive's answer could not be understood.")
    return found


def seen_by(grants: Sequence[Grant]) -> list[str]:
    """Who may see a file, in words; the first of many."""
    seen = [f"{each.who} ({each.role})" for each in grants]
    return [*seen[:SHOWN], f"and {len(seen) - SHOWN} more"] if len(seen) > SHOWN else seen


def quoted(text: str) -> str:
    """Words as a search writes them."""
    return "'" + re.sub(r"([\\'])", r"\\\1", text) + "'"
