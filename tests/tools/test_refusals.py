"""The table of faults: every tool that writes to a connected Google or Microsoft account, each answer.

The call that does the deed is answered by each fault; what the tool says of it, what it did, and what
comes of it once the ledger has looked or begun again are the same for all: no fault makes two of one
deed, a refusal is worded and leaves nothing there, and a token that ran out is renewed once.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import BotError, Forbidden, OperatorError, VendorRefused, VendorUnknown
from bot.core.tool import Arguments, Tool
from tests.fakes.files import local_files
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_drive import GoogleDriveServer
from tests.fakes.google_server import OWNER, Fault
from tests.fakes.graph_calendar import GraphCalendar
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.calendar.conftest import hasty, of
from tests.tools.drive.conftest import SCOPES as DRIVE
from tests.tools.drive.test_unshare import shared
from tests.tools.mailbox.conftest import MAKES, SCOPES, SENDS, Kept, Side, find, full, side_of
from tests.tools.mailbox.test_sort import stands
from tools.calendar import cancellation, change, invitation, response
from tools.drive import _pieces, share, unshare, upload
from tools.mailbox import _sending, draft, forward, send, sort

ELSEWHERE = {"Location": "https://elsewhere.example/"}
NOT_DONE: Sequence[dict[str, Any]] = (
    {"status": 500},
    {"cut": True},
    {"status": 302, "headers": ELSEWHERE},
    {"status": 307, "headers": ELSEWHERE},
)


@dataclass
class Row:
    """One tool before an account that plays."""

    tool: Tool
    given: dict[str, Any]
    verb: str
    """The call that does it."""
    server: Any
    times: Callable[[], int]
    """How often it is done."""
    kept: Kept
    hurry: object
    """What a tool is lent that does not wait long."""

    def fault(self, **more: Any) -> None:
        """The next such call goes wrong."""
        self.server.trouble.append(Fault(verb=self.verb, **more))

    async def args(self) -> Arguments:
        """What a person said yes to."""
        return await full(self.kept.call(), self.tool, **self.given)

    async def perform(self, args: Arguments) -> EffectState:
        """One attempt, of one who does not wait long."""
        return (await self.tool.perform(self.kept.call(settings=self.hurry), args)).state

    async def end(self, args: Arguments) -> None:
        """As the ledger goes on: look it up where that can be, else begin again under its key."""
        if self.tool.policy is Policy.KEYED or not await find(self.kept.call(), self.tool, args):
            done = await self.tool.perform(self.kept.call(), args)
            assert done.state is EffectState.SENT


@asynccontextmanager
async def calendar(folder: Path, where: str, deed: str) -> AsyncIterator[Row]:
    """A verb of a calendar."""
    made: Any = GoogleCalendar() if where == "google" else GraphCalendar()
    async with made as server, OAuthHouse(folder, server) as house:
        await house.connect()
        if where == "google":
            server.put("budget1", attendees=[{"email": "bob@example.org"}])
            me = {"email": OWNER, "self": True, "responseStatus": "needsAction"}
            server.put("party1", organizer={"email": "bob@example.org"}, attendees=[me])
        else:
            server.put("budget1", attendees=("bob@example.org",))
            server.put("party1", organizer="bob@example.org", attendees=("eve@example.org",))
        new = {"title": "Budget", "start": "2026-11-23 14:00", "guests": ["bob@example.org"]}
        moved = {"event": "budget1", "start": "2026-11-24 09:30"}
        yes = {"event": "party1", "answer": "yes"}
        tool, given, verb = {
            "create": (invitation.TOOLS[0], new, "POST"),
            "update": (change.TOOLS[0], moved, "PATCH"),
            "cancel": (cancellation.TOOLS[0], {"event": "budget1"}, "DELETE"),
            "respond": (response.TOOLS[0], yes, "PATCH" if where == "google" else "POST"),
        }[deed]
        times = lambda: len(server.book)  # noqa: E731
        yield Row(tool, given, verb, server, times, Kept(of(house)), hasty(house).settings)
    assert made.mistakes == []


@asynccontextmanager
async def mailbox(folder: Path, where: str, deed: str) -> AsyncIterator[Row]:
    """A verb of a mailbox."""
    async with side_of(where, folder) as side:
        await side.house.connect(scopes=tuple(SCOPES[where]))
        mail = side.arrive("Bill 7", "Pay")
        letter = {"to": ["bob@example.org"], "subject": "Bread", "text": "We open."}
        puts = {"gmail": "POST modify", "outlook": "PATCH me/messages"}
        read = {"mail": mail, "read": True}
        given: tuple[Tool, dict[str, Any], str, Callable[[], int]]
        given = {
            "draft": (draft.TOOLS[0], letter, MAKES[where], lambda: side.drafts),
            "send": (send.TOOLS[0], letter, SENDS[where], lambda: len(side.delivered)),
            "forward": (
                forward.TOOLS[0],
                {"mail": mail, "to": ["bob@example.org"]},
                SENDS[where],
                lambda: len(side.delivered),
            ),
            "sort": (sort.TOOLS[0], read, puts[where], lambda: int(stands(side, mail)[1])),
        }[deed]
        tool, told, verb, times = given
        yield Row(tool, told, verb, side.server, times, Kept(side.of()), side.hasty().settings)


@asynccontextmanager
async def drive(folder: Path, where: str, deed: str) -> AsyncIterator[Row]:
    """A verb of the drive."""
    async with GoogleDriveServer() as server, OAuthHouse(folder, server) as house:
        side = Side("drive", server, house, local_files(house.db, house.clock, folder / "files"))
        await house.connect(scopes=DRIVE)
        file, shelf = shared(server.shelf), server.shelf
        new = {"file": await side.keep("plan.txt", b"Sundays")}
        eve, bob = ({"file": file.id, "who": f"{name}@example.org"} for name in ("eve", "bob"))
        given: tuple[Tool, dict[str, Any], str, Callable[[], int]]
        given = {
            "upload": (
                upload.TOOLS[0], new, "PUT", lambda: sum(bool(f.app) for f in shelf.files.values()),
            ),
            "share": (share.TOOLS[0], eve, "POST permissions", lambda: len(server.mails)),
            "unshare": (
                unshare.TOOLS[0], bob, "DELETE permissions", lambda: 2 - len(file.grants),
            ),
        }[deed]  # fmt: skip
        tool, told, verb, times = given
        yield Row(tool, told, verb, server, times, Kept(side.of()), side.hasty().settings)
    assert server.mistakes == []


ROWS = [
    *((calendar, at, did) for at in ("google", "outlook") for did in
      ("create", "update", "cancel", "respond")),
    *((mailbox, at, did) for at in ("gmail", "outlook") for did in ("draft", "send", "forward", "sort")),
    *((drive, "drive", did) for did in ("upload", "share", "unshare")),
]  # fmt: skip


@pytest.fixture(params=ROWS, ids=lambda row: f"{row[1]}-{row[2]}")
async def row(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Row]:
    monkeypatch.setattr(_pieces, "PAUSE_S", 0.0)
    monkeypatch.setattr(_sending, "LOOK_S", 0.0)
    make, where, deed = request.param
    async with make(tmp_path, where, deed) as made:
        yield made


REFUSALS: Sequence[tuple[int, str, type[BotError], str]] = (
    (400, "invalid", VendorRefused, "refused it"),
    (403, "SCOPE", BotError, "connections"),
    (403, "forbidden", Forbidden, "his account"),
    (413, "uploadTooLarge", VendorRefused, "refused it"),
    (422, "unprocessable", VendorRefused, "refused it"),
)
"""Status and reason, what it is for us, and words of it."""
SCOPE = {"google": "insufficientPermissions", "microsoft": "ErrorAccessDenied"}


async def test_a_refusal_is_worded_and_nothing_is_there(row: Row) -> None:
    args = await row.args()
    for status, reason, kind, words in REFUSALS:
        row.fault(status=status, reason=SCOPE[row.server.name] if reason == "SCOPE" else reason)
        with pytest.raises(kind, match=words) as caught:
            await row.perform(args)
        assert not isinstance(caught.value, VendorUnknown) and "canary" not in caught.value.message
        assert row.times() == 0 and getattr(caught.value, "retry_after_s", None) is None
    row.fault(status=429, headers={"Retry-After": "7"})
    with pytest.raises(VendorRefused, match="pause") as pause:
        await row.perform(args)
    assert pause.value.retry_after_s == 7 and row.times() == 0
    await row.end(args)
    assert row.times() == 1


@pytest.mark.parametrize("status", [404, 409])
async def test_what_is_gone_or_there_already_is_told_and_no_second_deed(
    row: Row, status: int
) -> None:
    """Where a deed has a name of its own over there, this may be its trace: nobody knows."""
    args = await row.args()
    row.fault(status=status)
    try:
        await row.perform(args)
    except BotError as error:
        assert error.message and "canary" not in error.message
        is_named = row.tool.name in (
            "calendar_create",
            "drive_upload",
            "mailbox_send",
            "mailbox_forward",
        )
        assert is_named or not isinstance(error, VendorUnknown)
    else:
        assert status == 404 and row.tool.name in ("calendar_cancel", "drive_unshare")
    assert row.times() == 0


async def test_a_token_that_ran_out_is_renewed_once_and_one_that_is_refused_is_said(
    row: Row,
) -> None:
    args = await row.args()
    row.fault(status=401, times=2)
    with pytest.raises(OperatorError, match="any more"):
        await row.perform(args)
    assert row.times() == 0
    row.server.expire()
    before = row.server.calls[row.server.rule.token]
    await row.end(args)
    assert row.times() == 1 and row.server.calls[row.server.rule.token] == before + 1


async def test_what_surely_was_not_is_done_once_afterwards(row: Row) -> None:
    args = await row.args()
    for more in NOT_DONE:
        if row.tool.name == "drive_upload" and "headers" not in more:
            continue  # it goes on from the piece that broke off, by itself
        row.fault(**more)
        with pytest.raises(VendorUnknown):
            await row.perform(args)
        assert row.times() == 0
    await row.end(args)
    assert row.times() == 1


@pytest.mark.parametrize(
    "more",
    [{"status": 503}, {"cut": True}, {"slow_s": 1.0}, {"half": True}],
    ids=["503", "cut", "late", "half"],
)
async def test_what_was_done_unheard_is_found_and_not_done_again(
    row: Row, more: dict[str, Any]
) -> None:
    args = await row.args()
    row.fault(after=True, **more)
    is_heard = "half" in more or row.tool.name == "drive_upload"
    try:
        await row.perform(args)
        assert is_heard, "some say nothing that could break off, and an upload asks how far it is"
    except VendorUnknown:
        assert row.times() == 1
        await row.end(args)
    assert row.times() == 1
