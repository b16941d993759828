"""Drafts, at both that play: they stand there as the card shows them, once, and nothing leaves."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import Conflict, OperatorError, VendorRefused, VendorUnknown
from bot.core.tool import Risk, ToolContext
from tests.tools.kit import lines
from tests.tools.mailbox.conftest import MAKES, SCOPES, Side, fault, find, full
from tools.mailbox.draft import TOOLS, Draft, mailbox_draft, preview

(TOOL,) = TOOLS
MAIL: dict[str, Any] = {"to": ["bob@example.org"], "subject": "Tea", "text": "At four?"}


def stand(side: Side) -> list[tuple[str, str]]:
    """Subject and words of each draft."""
    if side.name == "gmail":
        mails = [side.server.box.mails[id_] for id_ in side.server.box.drafts.values()]
        return [(mail.header("Subject"), mail.text.strip()) for mail in mails]
    items = side.server.graph.folder("ann@example.com", "")
    return [(item.subject, item.text.strip()) for item in items if item.is_draft]


async def test_a_draft_stands_there_as_the_card_shows_it(side: Side, ctx: ToolContext) -> None:
    args = await full(ctx, TOOL, **MAIL)
    assert isinstance(args, Draft)
    card = preview(args)
    assert lines(card)["To"] == "bob@example.org" and "not sent" in card.audience
    outcome = await mailbox_draft(ctx, args)
    assert outcome.state is EffectState.SENT and outcome.vendor_ref
    assert stand(side) == [("Tea", "At four?")] and side.delivered == []


async def test_twice_the_same_deed_is_one_draft(side: Side, ctx: ToolContext) -> None:
    args = await full(ctx, TOOL, **MAIL)
    await mailbox_draft(ctx, args)
    await mailbox_draft(ctx, args)
    assert len(stand(side)) == 1
    await mailbox_draft(replace(ctx, key="eff_2"), args)
    assert len(stand(side)) == 2


@pytest.mark.parametrize(
    ("more", "done"),
    [
        ({"status": 503}, 0),
        ({"status": 500, "after": True}, 1),
        ({"cut": True}, 0),
        ({"cut": True, "after": True}, 1),
        ({"half": True, "after": True}, 1),
        ({"slow_s": 1.0, "after": True}, 1),
        ({"status": 302, "headers": {"Location": "https://evil.example/"}}, 0),
    ],
)
async def test_a_draft_whose_answer_is_lost_is_made_once(side: Side, more: Any, done: int) -> None:
    ctx = side.hasty()
    args = await full(side.of(), TOOL, **MAIL)
    assert await find(ctx, TOOL, args) is None
    side.server.trouble.append(fault(MAKES[side.name], **more))
    with pytest.raises(VendorUnknown):
        await mailbox_draft(ctx, args)
    assert len(stand(side)) == done
    looked = await find(side.of(), TOOL, args)
    assert (looked is not None) is bool(done)
    await mailbox_draft(side.of(), args)
    assert len(stand(side)) == 1 and side.delivered == []


async def test_a_draft_that_its_person_sent_since_is_not_made_again(
    side: Side, ctx: ToolContext
) -> None:
    from tools.mailbox._box import SEND, opened

    args = await full(ctx, TOOL, **MAIL)
    made = await mailbox_draft(ctx, args)
    box = await opened(ctx, SEND)
    await box.send(made.vendor_ref)
    again = await mailbox_draft(ctx, args)
    assert "was sent from there since" in str(again.data) and stand(side) == []
    assert len(side.delivered) == 1


async def test_refusals_and_other_accounts(side: Side, ctx: ToolContext) -> None:
    args = await full(ctx, TOOL, **MAIL)
    side.server.trouble.append(fault(MAKES[side.name], status=429, headers={"Retry-After": "9"}))
    with pytest.raises(VendorRefused, match="pause") as error:
        await mailbox_draft(ctx, args)
    assert error.value.retry_after_s == 9.0
    side.server.trouble.append(fault(MAKES[side.name], status=403))
    with pytest.raises(OperatorError, match=r"/admin/connections\S*#"):
        await mailbox_draft(ctx, args)
    with pytest.raises(Conflict, match="Another mailbox"):
        await mailbox_draft(ctx, args.model_copy(update={"account": "x"}))  # type: ignore[attr-defined]
    assert stand(side) == []


async def test_what_was_not_granted_is_named(bare: Side) -> None:
    reading = {"gmail": SCOPES["gmail"][1:], "outlook": ["Mail.Read"]}[bare.name]
    await bare.house.connect(scopes=tuple(reading), features=())
    with pytest.raises(OperatorError, match=r"was not allowed to: .*admin/connections\S*#"):
        await full(bare.of(), TOOL, **MAIL)


def test_it_asks_is_looked_up_and_is_described() -> None:
    assert (TOOL.risk, TOOL.policy, TOOL.egress) == (Risk.WRITE, Policy.READBACK, True)
    told = TOOL.arguments.model_json_schema()["properties"]
    assert all(name in TOOL.description for name in told)


async def test_a_draft_gets_its_unseen_copy_also_when_that_broke_off(
    side: Side, ctx: ToolContext
) -> None:
    args = await full(
        ctx, TOOL, to=["bob@example.org"], subject="x", text="y", bcc=["z@example.org"]
    )
    if side.name == "outlook":
        side.server.trouble.append(fault("PATCH me/messages", status=503))
        with pytest.raises(VendorUnknown):
            await mailbox_draft(ctx, args)
        assert await find(ctx, TOOL, args) is None, "it is not whole yet"
    await mailbox_draft(ctx, args)
    assert side.drafts == 1
    if side.name == "outlook":
        (draft,) = side.server.graph.folder("ann@example.com", "drafts")
        assert draft.bcc == ["z@example.org"]
