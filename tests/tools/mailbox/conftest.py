"""A house with a connected mailbox, once at the Gmail that plays and once at the Outlook that does.

A `Side` says the same of both: what comes in, who got mail, which call goes wrong.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.connections import Connections
from bot.core.effect import Effect, Outcome
from bot.core.tool import Arguments, Tool, ToolContext
from bot.files.files import Files, NewFile
from bot.files.library import Library
from bot.reach import Reach
from tests.fakes.files import local_files
from tests.fakes.google_mail import GoogleMailServer
from tests.fakes.google_server import Fault
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.outlook_mail import OutlookMail
from tests.tools.kit import context, effect

_G = "https://www.googleapis.com/auth/"
SCOPES = {
    "gmail": [f"{_G}gmail.compose", f"{_G}gmail.readonly", f"{_G}gmail.modify"],
    "outlook": ["Mail.Send", "Mail.ReadWrite", "Mail.Read"],
}
MAKES = {"gmail": "POST drafts", "outlook": "POST me/messages"}
SENDS = {"gmail": "POST drafts/send", "outlook": "POST /send"}


@dataclass
class Side:
    """One provider and its house."""

    name: str
    server: Any
    house: OAuthHouse
    files: Files

    def arrive(self, subject: str, text: str, **more: Any) -> str:
        """Mail of somebody else comes in; its id as a model sees it."""
        found = self.server.arrive(subject, text, **more)
        return f"{self.name}:{found.immutable if self.name == 'outlook' else found.id}"

    @property
    def delivered(self) -> list[str]:
        """Who got mail of this account, in order."""
        told: list[Any] = self.server.delivered
        return [each[0] if isinstance(each, tuple) else each for each in told]

    @property
    def drafts(self) -> int:
        """How many drafts there are."""
        if self.name == "gmail":
            return len(self.server.box.drafts)
        return sum(item.is_draft for item in self.server.graph.folder("ann@example.com", ""))

    def message(self) -> Any:
        """What left last, taken apart."""
        from tests.fakes.mails import open_letter

        raw = self.server.sent[-1].raw if self.name == "gmail" else self.server.graph.sent[-1][0]
        return open_letter(raw, "x")

    def of(self, **more: Any) -> ToolContext:
        """A call in this house."""
        accounts = self.house.connections.accounts
        given = {
            "tenant": self.house.tenant.id,
            "clock": self.house.clock,
            "settings": Reach(accounts=accounts, library=Library(self.files)),
            "person": self.house.owner.id,
        }
        return context(**{**given, **more})

    def hasty(self) -> ToolContext:
        """A call of one who does not wait long."""
        around = replace(self.house.around, fetcher=_Hasty(self.house.around.fetcher))
        accounts = Connections(around).accounts
        return self.of(settings=Reach(accounts=accounts, library=Library(self.files)))

    async def keep(self, name: str, data: bytes, kind: str = "text/plain") -> str:
        """A kept file of the person."""
        new = NewFile(
            tenant=self.house.tenant.id, person=self.house.owner.id, name=name, media_type=kind
        )
        return (await self.files.keep(new, _pieces(data))).id


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


class _Hasty:
    """The house's fetcher, which waits a moment only."""

    def __init__(self, real: Any) -> None:
        self._real = real

    async def fetch(self, *words: Any, **more: Any) -> Any:
        return await self._real.fetch(*words, **{**more, "timeout_s": 0.3})


@asynccontextmanager
async def side_of(name: str, folder: Path) -> AsyncIterator[Side]:
    """One provider, and nothing connected yet."""
    made: Any = GoogleMailServer() if name == "gmail" else OutlookMail()
    async with made as server:
        async with OAuthHouse(folder, server) as house:
            files = local_files(house.db, house.clock, folder / "files")
            yield Side(name, server, house, files)
    assert made.mistakes == []


@pytest.fixture(params=["gmail", "outlook"])
async def bare(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Side]:
    async with side_of(request.param, tmp_path) as side:
        yield side


@pytest.fixture
async def side(bare: Side) -> Side:
    await bare.house.connect(scopes=tuple(SCOPES[bare.name]))
    return bare


@pytest.fixture
def ctx(side: Side) -> ToolContext:
    return side.of()


async def full(ctx: ToolContext, tool: Tool, **given: Any) -> Arguments:
    """The arguments as they are when a person is asked: completed, stored, understood again."""
    args = tool.arguments.model_validate(given)
    if tool.complete:
        args = await tool.complete(ctx, args)
    kept = args.model_dump(mode="json", exclude_none=True)
    again = tool.arguments.model_validate(kept)
    assert again == args, "what is stored is understood again"
    assert tool.preview is None or tool.preview(again).title
    return again


async def find(ctx: ToolContext, tool: Tool, args: Arguments) -> Outcome | None:
    """Look a deed up, as after a crash, with what was kept until then."""
    assert tool.find
    return await tool.find(ctx, as_effect(tool, args, progress=ctx.progress))


def as_effect(tool: Tool, args: Arguments, **more: Any) -> Effect:
    """The deed as it is stored."""
    return effect(tool, args.model_dump(mode="json", exclude_none=True), **more)


class Kept:
    """What a deed leaves for its next attempt, as the store keeps it."""

    def __init__(self, ctx: ToolContext) -> None:
        self.told: Any = {}
        self._ctx = ctx

    def call(self, **more: Any) -> ToolContext:
        """The next attempt."""

        async def save(progress: Any) -> None:
            self.told = dict(progress)

        return replace(self._ctx, progress=self.told, save=save, **more)


def fault(verb: str, **more: Any) -> Fault:
    """What goes wrong with one kind of call."""
    return Fault(verb=verb, **more)
