"""Gmail as somebody else's server plays it: what we write is taken, sent once, found and read.

emulate was not written from our client. It is laxer than ours (no scopes, no faults), and what it
does not find is asked about, as it would be over there.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import VendorUnknown
from bot.core.tool import ToolContext
from bot.files.library import Library
from bot.oauth.flow import Returned, Wanted
from bot.reach import Reach
from tests.bot.oauth import test_emulate as emulated
from tests.fakes.files import local_files
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.kit import context
from tests.tools.mailbox.conftest import SCOPES, Kept, full
from tools.mailbox import draft, read, search, send

google = emulated.house
ME = "ann@example.com"


@pytest.fixture
async def there(google: OAuthHouse, tmp_path: Path) -> ToolContext:
    """A call in a house whose account of that server is connected."""
    visit = google.visit()
    wanted = Wanted(features=(), scopes=tuple(SCOPES["gmail"]))
    back = await emulated.agree(await google.connections.start(visit, "google", wanted))
    await google.connections.finish(visit, "google", Returned(**back))
    library = Library(local_files(google.db, google.clock, tmp_path / "files"))
    settings = Reach(accounts=google.connections.accounts, library=library)
    return context(tenant=google.tenant.id, clock=google.clock, settings=settings)


@pytest.mark.parametrize("google", ["google"], indirect=True)
async def test_a_mail_is_sent_once_found_read_and_answered(there: ToolContext) -> None:
    (tool,) = send.TOOLS
    given: dict[str, Any] = {"to": [ME], "subject": "Grüße zum Tee", "text": "At four — sharp?"}
    args = await full(there, tool, **given)
    kept = Kept(there)
    first = await send.mailbox_send(kept.call(), args)
    assert first.state is EffectState.SENT and first.vendor_ref
    with pytest.raises(VendorUnknown, match="gone"):  # its search by Message-ID finds nothing, ever
        await send.mailbox_send(kept.call(), args)
    listed = str((await search.mailbox_search(there, search.Search(words="Tee"))).data)
    assert f"gmail:{first.vendor_ref}" in listed and "Grüße zum Tee" in listed
    mail = f"gmail:{first.vendor_ref}"
    told = str((await read.mailbox_read(there, read.Read(mail=mail))).data)
    assert "At four — sharp?" in told and f"From: {ME}" in told
    (tool,) = draft.TOOLS
    answer = await full(replace(there, key="eff_2"), tool, reply_to=mail, text="Yes.")
    assert answer.to == [ME] and answer.subject == "Re: Grüße zum Tee"  # type: ignore[attr-defined]
    made = await draft.mailbox_draft(replace(there, key="eff_2"), answer)
    assert made.vendor_ref and "among the drafts" in str(made.data)
    listed = str((await search.mailbox_search(there, search.Search(words="Tee"))).data)
    assert listed.count("mail id") == 2 and listed.count("a draft, not sent") == 1
