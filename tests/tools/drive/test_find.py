"""Finding files, on the drive that plays."""

from typing import Any

import pytest

from bot.core.errors import BotError, NotFound, OperatorError, VendorRefused, VendorUnknown
from bot.core.tool import Risk, ToolContext
from tests.fakes.google_shelf import FOLDER, Shelf
from tests.tools.drive.conftest import connect
from tests.tools.kit import refusal
from tests.tools.mailbox.conftest import Side, fault
from tools.drive.find import TOOLS, Find, drive_find

(TOOL,) = TOOLS


async def told(ctx: ToolContext, **given: Any) -> str:
    return str((await drive_find(ctx, Find(**given))).data)


async def test_files_are_listed_with_what_is_known_and_their_ids(
    ctx: ToolContext, shelf: Shelf
) -> None:
    budget = shelf.put("Budget 2027.txt", b"numbers and costs")
    folder = shelf.put("Plans", kind=FOLDER)
    inside = shelf.put("Bob's \\plan", b"x", owner="bob@example.org", parents=[folder.id])
    shelf.put("Old budget", is_trashed=True)
    found = await told(ctx)
    head, *lines = found.splitlines()
    assert head == "Drive of ann@example.com:" and len(lines) == 3
    assert "Budget 2027.txt (text/plain); 17 bytes; changed 2026-11-21; of ann@example.com" in found
    assert f"file id: {budget.id}" in found and "Plans (folder)" in found
    assert "of bob@example.org" in found and "Old budget" not in found
    for words, id_ in (("budget", budget.id), ("costs", budget.id), ("Bob's \\plan", inside.id)):
        only = await told(ctx, words=words)
        assert id_ in only and only.count("file id") == 1
    assert (await told(ctx, folder=folder.id)).count("file id") == 1
    assert "No file fits" in await told(ctx, words="' or name contains 'b")
    assert "There may be more" in await told(ctx, count=1)


@pytest.mark.parametrize(
    ("more", "kind", "words", "again"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, VendorRefused, "pause", 7.0),
        ({"status": 403, "reason": "userRateLimitExceeded"}, VendorRefused, "pause", 30.0),
        ({"status": 403, "reason": "insufficientPermissions"}, OperatorError, r"not allowed.*/admin/connections\S*#google", None),
        ({"status": 403, "reason": "accessNotConfigured"}, OperatorError, "Enable it", None),
        ({"status": 401, "times": 2}, OperatorError, r"any more.*/admin/connections\S*#google", None),
        ({"status": 404}, NotFound, "nothing of this id", None),
        ({"status": 500}, VendorUnknown, "status 500", None),
        ({"half": True}, VendorUnknown, "broke off", None),
        ({"cut": True}, VendorUnknown, "broke off", None),
        ({"slow_s": 1.0}, VendorUnknown, "did not answer", None),
        ({"status": 302, "headers": {"Location": "https://evil.example/"}}, VendorUnknown, "redirects", None),
    ],
)  # fmt: skip
async def test_what_goes_wrong_is_said(
    side: Side, shelf: Shelf, more: Any, kind: type[BotError], words: str, again: float | None
) -> None:
    shelf.put("Budget", b"x" * 400)
    side.server.trouble.append(fault("GET files", **more))
    with pytest.raises(kind, match=words) as error:
        await told(side.hasty())
    assert getattr(error.value, "retry_after_s", None) == again
    assert "canary" not in error.value.message


async def test_without_an_account_or_a_scope_it_says_what_mends_it(bare: Side) -> None:
    with pytest.raises(OperatorError, match=r"not connected.*admin/connections\S*#google"):
        await told(bare.of())
    await connect(bare, "drive.file")
    with pytest.raises(OperatorError, match=r"drive.readonly.*admin/connections\S*#google"):
        await told(bare.of())
    await connect(bare, "drive")
    assert "No file fits" in await told(bare.of()), "which holds reading"
    with pytest.raises(OperatorError, match="connects no accounts"):
        await told(bare.of(settings=None))


async def test_another_tenant_has_no_part_in_it(side: Side) -> None:
    with pytest.raises(OperatorError, match="not connected"):
        await told(side.of(tenant=side.house.olga.tenant))


def test_it_reads_does_not_ask_and_is_described() -> None:
    assert (TOOL.risk, TOOL.outside, TOOL.egress) == (Risk.READ, True, False)
    assert all(
        name in TOOL.description for name in TOOL.arguments.model_json_schema()["properties"]
    )
    assert refusal(Find, folder="a' in parents or 'b") and refusal(Find, count=51)
