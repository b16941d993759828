"""The tests of downloads, shown what they must complain of: each takes one guard away."""

import hmac
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.bot.web.api import test_files
from tests.fakes.web_house import WebHouse

RED = (AssertionError, pytest.fail.Exception)


async def test_a_page_that_is_shown_as_what_it_is_called_runs(
    house: WebHouse, owner: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.api.files.SHOWN_INLINE", {"text/html"})
    with pytest.raises(RED):
        await test_files.test_only_pictures_without_scripts_are_shown(
            house, owner, "text/html", "attachment"
        )


async def test_a_link_whose_signature_nobody_looks_at_gives_any_file(
    house: WebHouse, owner: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = SimpleNamespace(compare_digest=lambda one, other: True, digest=hmac.digest)
    monkeypatch.setattr("bot.files.links.hmac", blind)
    with pytest.raises(RED):
        await test_files.test_a_forged_link_and_one_to_another_tenants_file_are_nothing(
            house, owner
        )


async def test_a_link_that_never_ends_is_followed_for_ever(
    house: WebHouse, owner: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Never(int):
        def __le__(self, other: Any) -> bool:
            return False

    monkeypatch.setattr("bot.files.links.int", lambda text: Never(text), raising=False)
    with pytest.raises(RED):
        await test_files.test_a_link_gives_the_file_to_whoever_holds_it_until_its_end(house, owner)
