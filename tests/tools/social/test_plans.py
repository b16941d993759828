"""Planning a post: what counts as a time, what the card shows, and the tools that stop it."""

import asyncio
import json
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agents.runtime.gate import Action, judge
from bot.core.effect import EffectState
from bot.core.errors import NotFound, SettingsError
from bot.plans import Plans
from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.fakes.switchboard import agent
from tests.tools.kit import context, effect
from tests.tools.social.on_x import on_x
from tools.social.plans import TOOLS as PLANS
from tools.social.plans import OnePost, Which, planned_cancel, planned_list
from tools.social.posts import Posts, spread_posts
from tools.social.x import TOOLS, XPost, preview

CANCEL = PLANS[1]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        ("", None),
        ("now", None),
        ("2026-11-22T09:00+01:00", "2026-11-22T09:00+01:00"),
        ("2026-11-22 09:00:31Z", "2026-11-22T09:00+00:00"),
    ],
)
def test_a_time_is_kept_with_its_zone(given: str | None, kept: str | None) -> None:
    assert XPost.model_validate({"text": "Hi", "when": given}).when == kept


@pytest.mark.parametrize("given", ["tomorrow", "2026-11-22T09:00", "2026-13-01T00:00Z", "9"])
def test_a_time_that_is_not_clear_is_refused_with_the_mend(given: str) -> None:
    with pytest.raises(ValidationError, match=r"2026-11-22T09:00\+01:00"):
        XPost.model_validate({"text": "Hi", "when": given})


def test_the_card_says_when_and_it_can_be_changed_there() -> None:
    args = XPost.model_validate({"text": "Hi", "when": "2026-11-22T09:00+01:00"})
    (line,) = [field for field in preview(args).fields if field.name == "When"]
    assert (line.value, line.editable) == ("Sunday 2026-11-22 09:00 UTC+01:00", "when")
    assert args.planned_at == datetime(2026, 11, 22, 8, tzinfo=UTC)


def test_several_posts_share_a_time_and_one_may_go_at_once() -> None:
    on = [{"network": "x"}, {"network": "blog", "title": "T", "when": ""}]
    given = {"text": "Hi", "when": "2026-11-22T09:00Z", "on": on}
    x, blog = (json.loads(c.arguments) for c in spread_posts(Posts.model_validate(given)))
    assert x["when"] == "2026-11-22T09:00+00:00" and "when" not in blog


class Waiting(Plans):
    """One post that waits."""

    def __init__(self) -> None:
        args = {"text": "Good morning", "when": "2026-11-22T09:00+00:00"}
        self.items = [(datetime(2026, 11, 22, 9, tzinfo=UTC), effect(TOOLS[0], args))]

    async def waiting(self, ctx: Any, *, everywhere: bool = False) -> Any:
        return self.items

    async def one(self, ctx: Any, id_: str) -> Any:
        if not self.items or id_ != "eff_1":
            raise NotFound("Nothing of that id waits.")
        return self.items[0]

    async def take_back(self, ctx: Any, id_: str) -> Any:
        _, item = await self.one(ctx, id_)
        self.items.clear()
        return item

    async def is_taken_back(self, ctx: Any, id_: str) -> bool:
        return not self.items


async def test_what_waits_is_listed_and_taken_back() -> None:
    ctx = context(settings=Waiting())
    told = str((await planned_list(ctx, Which())).data)
    assert told == "eff_1: x_publish at Sunday 2026-11-22 09:00 UTC: Good morning"
    assert "Taken back" in str((await planned_cancel(ctx, OnePost(id="eff_1"))).data)
    assert (await planned_list(ctx, Which())).data == "Nothing waits for its time."
    with pytest.raises(NotFound):
        await planned_cancel(ctx, OnePost(id="eff_1"))
    with pytest.raises(SettingsError):
        await planned_list(context(), Which())


@pytest.mark.parametrize(("tainted", "action"), [(False, Action.AUTO), (True, Action.ASK)])
def test_words_from_outside_take_nothing_back_unasked(tainted: bool, action: Action) -> None:
    assert judge(agent("kelly"), CANCEL, (), tainted=tainted).action is action


async def test_the_card_of_taking_back_shows_the_post_and_what_is_not_there_is_not_asked() -> None:
    ctx = context(settings=Waiting())
    assert CANCEL.complete and CANCEL.preview and CANCEL.find
    full = await CANCEL.complete(ctx, OnePost(id="eff_1", what="made up"))
    card = CANCEL.preview(full)
    assert card.body == "x_publish at Sunday 2026-11-22 09:00 UTC: Good morning"
    with pytest.raises(NotFound):
        await CANCEL.complete(ctx, OnePost(id="eff_2"))
    deed = effect(CANCEL, {"id": "eff_1"})
    assert await CANCEL.find(ctx, deed) is None
    await planned_cancel(ctx, OnePost(id="eff_1"))
    found = await CANCEL.find(ctx, deed)
    assert found and found.state is EffectState.SENT


class Model(OpenAIServer):
    """It plans a post, names what waits, and takes it back."""

    def __init__(self) -> None:
        super().__init__(otherwise=self._reply)

    def _reply(self, body: Body) -> Reply:
        said = body["messages"][-1]
        words = str(said["content"])
        if said["role"] == "user" and "plan it" in words:
            post = {"text": "Good morning", "when": "2099-11-22T09:00+01:00"}
            return Reply(calls=[("x_publish", json.dumps(post))])
        if said["role"] == "user" and "take it back" in words:
            return Reply(calls=[("planned_list", "{}")])
        if said["role"] == "tool" and words.startswith("eff_"):
            return Reply(calls=[("planned_cancel", json.dumps({"id": words.split(":")[0]}))])
        return Reply(text=f"Told: {words}")


async def test_a_planned_post_is_approved_outlives_a_restart_and_is_taken_back(
    tmp_path: Path,
) -> None:
    async with on_x(tmp_path, Model()) as told:
        question = await told.ask("@kelly plan it")
        fields = {f["name"]: f["value"] for f in question["shown"]["fields"]}
        assert fields["When"] == "Sunday 2099-11-22 09:00 UTC+01:00"
        await told.decide(question)
        await asyncio.to_thread(told.running.stop, signal.SIGKILL)
        await told.start()
        assert told.server.posts == []
        await asyncio.to_thread(told.running.say, "@kelly take it back", told.conv)
        await told.told("Taken back: x_publish. It will not go out.")
        await told.told('\\"state\\":\\"abandoned\\"')
        assert told.server.calls_of("POST /2/tweets") == 0
