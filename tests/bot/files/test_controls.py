"""The tests of files, shown what they must complain of: each takes one guard away."""

import hmac
from types import SimpleNamespace
from typing import Any

import pytest

from bot.files import drawing
from bot.files.files import Files
from bot.files.links import PURPOSE, Links
from bot.store import files as rows
from tests.bot.files import test_drawing, test_files
from tests.bot.files.test_files import Shelf, shelf  # noqa: F401 (a fixture)

RED = (AssertionError, pytest.fail.Exception)


def in_child(patch: pytest.MonkeyPatch, code: str) -> None:
    """Let the child that draws text out do this before anything else."""
    before, main = "from bot.files.draw.child import main", drawing._CODE
    assert before in main
    patch.setattr(drawing, "_CODE", main.replace(before, f"{code}; {before}"))


def test_a_signature_without_the_tenant_is_one_for_every_tenant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def signature(self: Links, tenant: str, file: str, ends: int) -> str:
        return self._sign(PURPOSE, f"{file} {ends}")

    monkeypatch.setattr(Links, "_signature", signature)
    with pytest.raises(RED):
        test_files.test_a_link_that_was_changed_in_any_part_is_none()


def test_a_signature_that_nobody_looks_at_is_anybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = SimpleNamespace(compare_digest=lambda one, other: True, digest=hmac.digest)
    monkeypatch.setattr("bot.files.links.hmac", blind)
    with pytest.raises(RED):
        test_files.test_a_link_that_was_changed_in_any_part_is_none()


async def test_without_a_look_at_whose_it_is_a_file_is_everybodys(
    shelf: Shelf,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def get(self: Files, person: Any, id_: str) -> Any:
        for tenant in (person.tenant, "ten_home", "ten_other"):
            if found := await self._db.read(rows.get(tenant, id_)):
                return found

    monkeypatch.setattr(Files, "get", get)
    with pytest.raises(RED):
        await test_files.test_who_sees_what(shelf)


@pytest.mark.parametrize("limit", ["MAX_UNPACKED", "MAX_RATIO"])
async def test_one_of_the_two_measures_of_a_bomb_is_enough(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_child(monkeypatch, f"import bot.files.draw.limits as found; found.{limit} = 1 << 60")
    await test_drawing.test_a_part_that_unpacks_to_too_much_is_not_opened()


async def test_without_both_a_bomb_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    without = "found.MAX_UNPACKED = found.MAX_RATIO = 1 << 60"
    in_child(monkeypatch, f"import bot.files.draw.limits as found; {without}")
    with pytest.raises(RED):
        await test_drawing.test_a_part_that_unpacks_to_too_much_is_not_opened()


async def test_without_a_measure_of_depth_deep_xml_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(monkeypatch, "import bot.files.draw.limits as found; found.MAX_DEPTH = 1 << 60")
    with pytest.raises(RED):
        await test_drawing.test_deep_xml_and_entities_are_refused()


async def test_a_file_that_is_believed_what_it_is_called_is_read_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    believes = "import bot.files.draw.kind as k; k.kind_of = lambda data: k.Kind.TEXT"
    in_child(monkeypatch, believes)
    with pytest.raises(RED):
        await test_drawing.test_what_holds_no_text_is_told_in_a_sentence()
