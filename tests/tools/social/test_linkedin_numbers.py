"""How a company page on LinkedIn does: its own numbers, by an account that may see them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.errors import Invalid, VendorError, VendorRefused
from bot.core.tool import Risk
from bot.oauth.accounts import ScopeMissing
from tests.fakes.linkedin_server import UPLOADS, LinkedInServer
from tests.tools.kit import refusal
from tests.tools.social.desk import Desk, desk_at
from tools.social._linkedin_numbers import TOOL, LinkedInNumbers

COUNTS, SIZE = "GET /rest/organizationalEntityShareStatistics", "GET /rest/networkSizes/{urn}"
PUBLISHING = "openid profile email w_member_social w_organization_social r_organization_social"
RYE = "urn:li:organization:7"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    server = LinkedInServer()
    server.organisations["7"] = ("Rye", "ADMINISTRATOR")
    server.organisations["8"] = ("Oats", "CONTENT_ADMINISTRATOR")
    server.followers["7"] = 219_145
    granted = f"{PUBLISHING} rw_organization_admin"
    async with desk_at(tmp_path, server, TOOL, UPLOADS, granted=granted) as made:
        yield made


async def test_a_page_is_told_with_its_followers_and_what_its_posts_met_with(desk: Desk) -> None:
    for n, text in enumerate(("One", "Two"), 1):
        desk.server.post(text, RYE).met = {"impressionCount": 100 * n, "likeCount": n}
    told = str((await desk.perform({"page": "rye"})).data)
    assert told.startswith("Rye: 219145 followers. Its posts of the last twelve months: ")
    assert "300 impressions" in told and "3 reactions" in told and "0 comments" in told
    assert (TOOL.risk, TOOL.outside, TOOL.egress) == (Risk.READ, True, False)


async def test_one_post_is_told_by_itself(desk: Desk) -> None:
    desk.server.post("One", RYE).met = {"impressionCount": 7}
    post = desk.server.post("Two", RYE)
    post.met = {"impressionCount": 41, "clickCount": 5, "shareCount": 2}
    where = f"https://www.linkedin.com/feed/update/{post.urn}"
    told = str((await desk.perform({"page": "Rye", "post": where})).data)
    assert told.startswith(f"{post.urn}: 41 impressions") and "5 clicks, " in told
    assert "219145" not in told and desk.server.calls_of(SIZE) == 0


async def test_a_film_s_or_an_album_s_post_is_counted_by_its_own_kind_of_name(desk: Desk) -> None:
    post = desk.server.post("Film", RYE)
    post.urn, post.met = "urn:li:ugcPost:7300000000000000099", {"impressionCount": 3}
    told = str((await desk.perform({"page": "Rye", "post": post.urn})).data)
    assert told.startswith(f"{post.urn}: 3 impressions")


async def test_a_post_without_numbers_is_not_said_to_have_none(desk: Desk) -> None:
    told = str((await desk.perform({"page": "Rye", "post": "urn:li:share:1"})).data)
    assert told == "LinkedIn has no numbers of urn:li:share:1 on the page Rye."


async def test_an_account_that_did_not_grant_it_is_told_to_connect_anew(desk: Desk) -> None:
    await desk.connect(PUBLISHING)
    with pytest.raises(ScopeMissing):
        await desk.perform({"page": "Rye"})
    assert desk.server.calls_of(COUNTS) == 0


async def test_a_page_that_the_account_does_not_administer_is_refused(desk: Desk) -> None:
    with pytest.raises(VendorRefused, match="the account must manage it"):
        await desk.perform({"page": "Oats"})
    with pytest.raises(Invalid, match="no page 'Wheat'"):
        await desk.perform({"page": "Wheat"})
    assert "no post" in refusal(LinkedInNumbers, page="Rye", post="urn:li:person:1")
    assert "urn:li:activity" in refusal(LinkedInNumbers, page="Rye", post="urn:li:activity:1")


@pytest.mark.parametrize("how", ["limited", "error", "truncated", "cut", "redirect", "missing"])
@pytest.mark.parametrize("operation", [COUNTS, SIZE])
async def test_what_goes_wrong_is_said_and_no_number_is_made_up(
    desk: Desk, operation: str, how: str
) -> None:
    desk.server.post("One", RYE).met = {"impressionCount": 7}
    desk.server.fail(operation, how, times=2)
    with pytest.raises(VendorError):
        await desk.perform({"page": "Rye"})
