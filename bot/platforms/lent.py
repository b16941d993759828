"""What the house lends to a channel: whose it is, how it is set, and a desk to ask at.

A channel knows its platform and nothing of the house; for a form, a whole text or a person's own
list it asks at the desk, which answers for the person who pressed and for nobody else.
"""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from secrets import token_bytes
from typing import Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from bot.config.mistakes import briefly
from bot.core.channel import Channel
from bot.core.errors import NotFound, OperatorError, VendorRefused
from bot.core.event import Attachment
from bot.core.ids import TenantId
from bot.core.ports import Clock
from bot.core.secret import Secret
from bot.frozen import field, frozen
from bot.platforms.bookmarks import Bookmarks, NoBookmarks
from bot.platforms.pacing import Among
from bot.platforms.texting import Book as Texts
from bot.platforms.users import Users
from bot.store.installs import Install

Options = Mapping[str, str | bool | int | float]
T = TypeVar("T", bound=BaseModel)


@frozen
class Input:
    """One text of a form."""

    key: str
    """Goes back as it is, with the text that the person made of it."""
    label: str
    value: str
    long: bool = False


@frozen
class Form:
    """What a person fills in after Edit or Ask.

    It comes back as a `form` event of `{approval, version, choice, inputs: {key: text}}`.
    """

    approval: str
    version: int
    choice: str
    title: str
    inputs: tuple[Input, ...]


@frozen
class Waiting:
    """One approval that waits for a person."""

    approval: str
    code: str
    title: str
    agent: str


@frozen
class Known:
    """Somebody whom the house knows, as they may be told themselves."""

    name: str
    role: str
    channels: tuple[str, ...]
    accounts: tuple[tuple[str, str], ...] = ()
    """Where they are known, and which accounts they may see, each with how it is."""


@frozen
class Spot:
    """A place that a bot may write to. A channel that can list them has `places()`."""

    id: str
    name: str
    """As people know it, such as `#general`."""
    about: str = ""
    """Who reads there, in words."""
    account: str = ""


@frozen
class Site:
    """A place as the platform knows it; a whole workspace where `place` is empty."""

    workspace: str
    place: str = ""
    name: str = ""
    """What people call it."""


@frozen
class Manner:
    """What is answered in a place, and by whom."""

    site: Site
    agent: str = ""
    """Empty: whom the other rules name."""
    mentions: bool = True
    everything: bool = False


class Desk(Protocol):
    """Answers a channel's questions for one person, `who` as the channel knows them."""

    async def form(self, account: str, who: str, approval: str, choice: str) -> Form:
        """The form of Edit or Ask. Raises UserError with a sentence for the person."""
        ...

    async def whole(self, account: str, who: str, approval: str) -> str:
        """All of a card as text. Raises UserError with a sentence for the person."""
        ...

    async def known(self, account: str, who: str) -> Known | None:
        """Who they are here; None for a stranger."""
        ...

    async def match(self, account: str, who: str, name: str, email: str) -> bool:
        """Know them as the member with this address, for which the platform vouches."""
        ...

    async def waiting(self, account: str, who: str) -> Sequence[Waiting]:
        """What the person may decide now; nothing for strangers."""
        ...

    async def manners(self, account: str, who: str) -> Sequence[Manner]:
        """What was said of places of this platform. Raises UserError, as `manner` does."""
        ...

    async def manner(self, account: str, who: str, site: Site) -> Manner:
        """What is answered there. Raises UserError for who may not change it."""
        ...

    async def set_manner(self, account: str, who: str, manner: Manner) -> None:
        """Answer there in this manner from now on. Raises UserError, as `manner` does."""
        ...

    async def heard(self, account: str) -> Sequence[tuple[str, str]]:
        """Thread or place, and the `ext_id` of the newest message there; for a look back."""
        ...

    def agents(self) -> Sequence[tuple[str, str]]:
        """Name and title of each agent that can be spoken to here."""
        ...


@frozen
class News:
    """What became of one mail to one address."""

    id: str
    """Names the news: the same news has the same one, and no other has."""
    address: str
    state: str
    """sent, delivered, delayed, failed, bounced (for good) or complained."""
    key: str = ""
    """What the carrier or the mail calls the mail."""
    detail: str = ""


class Mailbook(Protocol):
    """What became of mail, and whom nothing more is sent to."""

    async def note(self, news: News) -> bool:
        """Write it down, once; False when it is there. Raises StoreError."""
        ...

    async def why_closed(self, address: str) -> str:
        """Why nothing is sent there, in words; empty when mail is."""
        ...

    async def told_of(self, key: str) -> str:
        """The news that shows that a mail of this key was sent; empty when there is none."""
        ...

    async def lives(self, address: str, before: int = 2**62) -> None:
        """Its owner wrote to us: a bounce before then (microseconds since 1970) is forgiven."""
        ...


class NoMailbook:
    """The book of a channel that stands alone: nothing is written in it."""

    async def note(self, news: News) -> bool:
        return True

    async def why_closed(self, address: str) -> str:
        return ""

    async def told_of(self, key: str) -> str:
        return ""

    async def lives(self, address: str, before: int = 2**62) -> None:
        return None


class Shelf(Protocol):
    """The kept files of the channel's own tenant."""

    async def has(self, item: Attachment) -> bool:
        """Whether it is still kept, as it was when it was attached."""
        ...

    def open(self, item: Attachment) -> AsyncIterator[bytes]:
        """The bytes. Raises VendorRefused when they cannot be had."""
        ...

    def link(self, item: Attachment) -> str:
        """An address that gives the file, for a while; empty when there is none."""
        ...


class NoShelf:
    """The shelf of a channel that stands alone: empty."""

    async def has(self, item: Attachment) -> bool:
        return False

    def open(self, item: Attachment) -> AsyncIterator[bytes]:
        raise VendorRefused("No files are kept here.")

    def link(self, item: Attachment) -> str:
        return ""


class NoDesk:
    """The desk of a channel that stands alone, as in its tests."""

    async def form(self, account: str, who: str, approval: str, choice: str) -> Form:
        raise NotFound("There is no such approval here.")

    async def whole(self, account: str, who: str, approval: str) -> str:
        raise NotFound("There is no such approval here.")

    async def known(self, account: str, who: str) -> Known | None:
        return None

    async def match(self, account: str, who: str, name: str, email: str) -> bool:
        return False

    async def waiting(self, account: str, who: str) -> Sequence[Waiting]:
        return ()

    async def manners(self, account: str, who: str) -> Sequence[Manner]:
        raise NotFound("Nobody here may change this.")

    async def manner(self, account: str, who: str, site: Site) -> Manner:
        raise NotFound("Nobody here may change this.")

    async def set_manner(self, account: str, who: str, manner: Manner) -> None:
        raise NotFound("Nobody here may change this.")

    async def heard(self, account: str) -> Sequence[tuple[str, str]]:
        return ()

    def agents(self) -> Sequence[tuple[str, str]]:
        return ()


class Book(Protocol):
    """Where an app is installed: asked anew each time, for every process may change it."""

    async def of(self, account: str) -> Install | None:
        """Whose workspace it is, and how it is; None for one that nobody here has."""
        ...

    async def token(self, install: Install) -> Secret:
        """What it is called with. Raises ConnectionBroken when there is none any more."""
        ...

    async def own(self) -> Sequence[Install]:
        """The apps that are an agent's own."""
        ...

    async def proofs(self, install: Install) -> Options:
        """What proves the requests of an agent's own app, as its channel made it of the options."""
        ...

    def desk(self, tenant: TenantId, agent: str = "") -> Desk:
        """The desk of the people of this tenant; `agent`: for one agent's own app."""
        ...

    def shelf(self, tenant: TenantId) -> Shelf:
        """The kept files of this tenant."""
        ...

    async def gone(self, install: Install, why: str, *, wipe: bool) -> None:
        """The platform refuses it. `wipe`: its token will never work again."""
        ...

    async def ails(self, tenant: TenantId) -> None:
        """Tell a tenant's owners that the platform's app of the settings broke, others go on."""
        ...


class NoBook:
    """The book of a channel that stands alone: its app is installed nowhere."""

    async def of(self, account: str) -> Install | None:
        return None

    async def token(self, install: Install) -> Secret:
        raise NotFound("There is no such installation.")

    async def own(self) -> Sequence[Install]:
        return ()

    async def proofs(self, install: Install) -> Options:
        return {}

    def desk(self, tenant: TenantId, agent: str = "") -> Desk:
        return NoDesk()

    def shelf(self, tenant: TenantId) -> Shelf:
        return NoShelf()

    async def gone(self, install: Install, why: str, *, wipe: bool) -> None:
        return None

    async def ails(self, tenant: TenantId) -> None:
        return None


async def _alone() -> None:
    """There is no other process."""


_KEY = token_bytes(32)


def _by_chance(text: str) -> str:
    """The seal of a channel that stands alone: good as long as the process."""
    return hmac.digest(_KEY, text.encode(), "sha256").hex()


@frozen
class Lent:
    """What a channel is made with."""

    tenant: TenantId
    """Whose channel it is: every event is this tenant's."""
    options: Options
    """`[channels.NAME]`, or `[extensions.options."PACKAGE"]`, of the settings."""
    clock: Clock
    among: Among = lambda: 1
    desk: Desk = field(default_factory=NoDesk)
    mailbook: Mailbook = field(default_factory=NoMailbook)
    bookmarks: Bookmarks = field(default_factory=NoBookmarks)
    """How far it has read at its platform."""
    shelf: Shelf = field(default_factory=NoShelf)
    installs: Book = field(default_factory=NoBook)
    """Where the platform's app is installed besides."""
    endpoint: str = ""
    """Where the vendor is reached instead of its own address: `BOT_ENDPOINT_NAME`."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """The same for each vendor that a channel may choose, by the vendor's name."""
    texts: Texts | None = None
    """What the house keeps of text messages: for the channel that carries them."""
    users: Users | None = None
    """Where a channel keeps who is who on its platform."""
    seal: Callable[[str], str] = _by_chance
    """64 hex digits for a text, by a key of the house and this channel; alike in all processes."""
    public_url: str = ""
    """Where this channel's webhooks are reached from outside; empty when they are not."""
    is_guest: bool = False
    """Whether it is not the first tenant's: nothing in the house's network is reached for it."""
    folder: Path | None = None
    """Where the channel may keep files of its own on this machine; it makes the folder itself."""
    hold: Callable[[], Awaitable[None]] = _alone
    """Returns when no other process of the house listens: where a platform lets only one do so."""


Make = Callable[[Lent], Channel]


@frozen
class Offer:
    """A channel that can be made."""

    name: str
    make: Callable[[], Channel]
    """May raise whatever a stranger's code raises; an OperatorError has the sentence for people."""


def settings_of(kind: type[T], name: str, lent: Lent) -> T:
    """The options as a channel's own settings. Raises OperatorError, naming each mistake."""
    try:
        return kind.model_validate(dict(lent.options))
    except ValidationError as error:
        raise OperatorError(f"[channels.{name}] does not fit: {briefly(error)}.") from None
