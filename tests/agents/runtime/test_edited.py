"""What a person edits on a card: what the card offers, and never what the house found out."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from bot.core.effect import Outcome
from bot.core.errors import Invalid
from bot.core.tool import Tool, ToolContext
from tests.bot.test_planned import asked, posting
from tests.fakes.switchboard import HOME, Switchboard, Team, agent
from tests.sim.loop import virtual
from tools.drive.share import TOOLS as SHARES
from tools.social.facebook import TOOLS as FACEBOOK

SHARED = {"file": "abc", "who": "ann@example.org", "message": "Here."}
POSTED = {"text": "Bread", "page": "Rye", "media": [{"url": "https://example.org/a.jpg"}]}
SEEN = [{"url": "https://example.org/a.jpg", "about": "JPEG, 2 kB", "sha256": "a" * 64}]


def completed(tool: Tool, **known: object) -> Tool:
    """The tool, which finds these things out and does nothing."""

    async def complete(ctx: ToolContext, args: Any) -> BaseModel:
        full: BaseModel = type(args).model_validate({**args.model_dump(), **known})
        return full

    async def perform(ctx: ToolContext, args: Any) -> Outcome:
        """Do nothing."""
        raise Invalid("not here")

    changed = {"complete": complete, "perform": perform, "provider": "", "needs": ()}
    return replace(tool, **changed)


@virtual
@pytest.mark.parametrize(
    ("tool", "given", "known", "edit"),
    [
        (SHARES[0], SHARED, {"file_name": "Menu"}, {"file_name": "Lunch"}),
        (SHARES[0], SHARED, {"file_name": "Menu"}, {"file": "xyz"}),
        (SHARES[0], SHARED, {"file_name": "Menu"}, {"who": "anyone", "message": None}),
        (FACEBOOK[0], POSTED, {"page_id": "1", "media": SEEN}, {"page_id": "2"}),
        (FACEBOOK[0], POSTED, {"media": SEEN}, {"media": [{**SEEN[0], "about": "PNG, 1 kB"}]}),
        (FACEBOOK[0], POSTED, {"media": SEEN}, {"media": [{"url": "https://evil.example/b"}]}),
    ],
)
async def test_what_the_house_found_out_is_not_edited(tool, given, known, edit):
    made = {tool.name: completed(tool, **known)}
    team = Team(members={"bri": agent("bri", tools=(tool.name,), policy={})})
    async with Switchboard(posting((tool.name, given)), tools=made, team=team) as place:
        question = await asked(place)
        _, (effect,) = await place.engine.approvals.get(HOME, question.id)
        old = dict(effect.arguments)
        with pytest.raises(Invalid, match="not offered for changing"):
            await place.decide(question, "edit", arguments={effect.id: {**old, **edit}})
        assert (await place.pending())[0].version == 1
        words = {"message": "Look."} if "message" in old else {"text": "Cake", "page": "Oat"}
        await place.decide(question, "edit", arguments={effect.id: {**old, **words}})
        _, (effect,) = await place.engine.approvals.get(HOME, question.id)
        assert effect.arguments == {**old, **words}
