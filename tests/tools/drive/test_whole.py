"""The whole program: a kept file goes to the drive and is shared, each by a yes, once through a kill.

So is a share taken back.
"""

import json
import re
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.fakes.google_drive import GoogleDriveServer
from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.obedient import Obedient, please
from tests.tools.drive.conftest import SCOPES
from tests.tools.drive.test_unshare import seen, shared
from tests.tools.mailbox.conftest import fault
from tests.tools.story import HEARD_SENT, Story, told_of

MINUTES = {"name": "minutes.txt", "text": "We open on Sundays."}
APP = {"GOOGLE_CLIENT_ID": CLIENT, "GOOGLE_CLIENT_SECRET": SECRET}


def told_by(
    folder: Path, google: GoogleDriveServer
) -> AbstractAsyncContextManager[Story[GoogleDriveServer]]:
    """The program with our app at Google, and a model that does what it is told."""
    return told_of(folder, google, Obedient(), **APP)


def slow(google: GoogleDriveServer, verb: str) -> None:
    """The next such call is done at once, and answered three seconds later."""
    google.trouble.append(fault(verb, slow_s=3.0, after=True))


async def test_a_file_is_put_there_and_shared_once_through_a_kill(tmp_path: Path) -> None:
    async with told_by(tmp_path, google := GoogleDriveServer()) as told:
        await told.connect(None, *SCOPES)
        await told.say(please("file_save", MINUTES))
        kept = re.search(r"Kept as (fil_\w+)", await told.told("Kept as fil_"))
        assert kept
        question = await told.ask(please("drive_upload", {"file": kept[1]}))
        shown = json.dumps(question)
        assert "minutes.txt" in shown and "ann@example.com" in shown and "My Drive" in shown
        slow(google, "PUT")
        await told.decide(question)
        await told.killed(lambda: google.shelf.files)
        await told.told("Heard: [outcome]")
        (file,) = google.shelf.files.values()
        assert file.held == MINUTES["text"].encode()
        bob = {"file": file.id, "who": "bob@example.org"}
        question = await told.ask(please("drive_share", bob))
        assert "bob@example.org, who may read it" in json.dumps(question)
        slow(google, "POST permissions")
        await told.decide(question)
        await told.killed(lambda: google.mails)
        await told.told("Heard: [outcome]")
        await told.say(please("drive_read", {"file": file.id}))
        assert "<outside" in await told.told("We open on Sundays.")
        assert len(google.shelf.files) == 1 and len(google.mails) == 1


@pytest.mark.long
async def test_a_file_is_taken_back_once_through_a_kill(tmp_path: Path) -> None:
    async with told_by(tmp_path, google := GoogleDriveServer()) as told:
        file = shared(google.shelf, "eve@example.org")
        await told.connect(None, *SCOPES)
        bob = {"file": file.id, "who": "bob@example.org"}
        question = await told.ask(please("drive_unshare", bob))
        shown = json.dumps(question)
        assert "bob@example.org (writer)" in shown and "eve@example.org (reader)" in shown
        assert len(file.grants) == 3
        slow(google, "DELETE permissions")
        await told.decide(question)
        await told.killed(lambda: len(file.grants) < 3)
        await told.told(HEARD_SENT)
        assert seen(file) == ["ann@example.com", "eve@example.org"] and google.mails == []
        assert len([each for each in google.asked if each.startswith("DELETE")]) == 1
