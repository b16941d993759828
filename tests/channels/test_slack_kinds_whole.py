"""The whole program: an agent posts when nobody asks, where an owner said that such messages go."""

import json
import re
import signal
from pathlib import Path

import pytest

from tests.channels import test_slack_installed_whole as installed
from tests.channels import test_slack_whole as story
from tests.channels.running import Model, found
from tests.channels.slack_side import ANA, BEN
from tests.fakes.openai_server import Body, Reply
from tests.fakes.slack_server import SlackServer

ALARM = ("send_slack_message", json.dumps({"kind": "alarms", "text": "The shop is *down*"}))
PLAN = ("schedule_create", json.dumps({"when": "every minute", "task": "check the shop"}))


class Watcher(Model):
    """Raises an alarm when it is to check the shop, and plans that when it is to watch it."""

    def _reply(self, body: Body) -> Reply:
        texts = [json.dumps(m["content"]) for m in body["messages"] if m["role"] == "user"]
        last, told = texts[-1] if texts else "", body["messages"][-1]
        if told["role"] == "tool":
            return Reply(text=f"Told: {json.dumps(told['content'])[:300]}")
        if "[outcome]" in last or "outcome" in last:
            return Reply(text="Done.")
        if "watch" in last:
            return Reply(calls=[PLAN])
        return Reply(calls=[ALARM]) if "check the shop" in last else Reply(text="Yes?")


slack = story.slack


async def test_an_alarm_goes_where_alarms_go_and_after_a_kill_it_stands_there_once(
    tmp_path: Path, slack: SlackServer
) -> None:
    async with story.whole(tmp_path, slack, model=Watcher) as house:
        world, place = slack.world, slack.world.direct(ANA)
        ops = world.channel("ops", ANA, BEN)
        await world.say(ANA, place, "check the shop")
        await found(lambda: "No kinds of messages are set" in world.said(place)[-1])
        await house.verb("bulletins", "set", "alarms", "#nowhere", code=1)
        assert f"go to #ops ({ops})" in await house.verb("bulletins", "set", "alarms", "ops")
        assert "alarms" in await house.verb("bulletins")
        # The card says where, before anything is there.
        await world.say(ANA, place, "check the shop")
        card = (await found(lambda: [m for m in slack.shown(place) if m.buttons]))[0]
        assert f"#ops ({ops})" in card.words and "alarms" in card.words
        assert slack.shown(ops) == []
        await world.press(ANA, place, card.ts, "Approve")
        house.stop(signal.SIGKILL)
        await house.start()
        await found(lambda: slack.shown(ops))
        await found(lambda: "Done." in world.said(place)[-1])
        assert [m.text for m in slack.shown(ops)] == ["The shop is _down_"]
        assert "bulletin.changed" in await house.verb("audit")


async def test_a_workspace_that_installed_the_app_gets_its_own_alarms_by_its_own_token(
    tmp_path: Path, slack: SlackServer
) -> None:
    spoken = list[tuple[str, str]]()
    real = slack._authorise
    slack._authorise = lambda m, token, body: (spoken.append((m, token)), real(m, token, body))  # type: ignore[method-assign, func-returns-value]
    async with installed.whole(tmp_path, slack, Watcher) as house:
        base, world = slack.webhook_via, slack.world
        mine, theirs = installed.Browser(base), installed.Browser(base)
        try:
            link = re.search(r"http://\S+/in/\S+", house.said)
            assert link
            await mine.sign_in(link[0])
            told = await mine.call("POST", "/v1/tenants", {"name": "Bakery", "owner": "Olga"})
            await theirs.sign_in(told["link"])
            await mine.install(slack, installed.SHOP)
            await theirs.install(slack, installed.BAKERY)
            await theirs.call("POST", "/v1/routes", {"agent": "bri", "channel": "slack"})
            alarms = {"channel": "slack", "kind": "alarms", "place": "#ovens"}
            world.team = installed.BAKERY.id
            ovens, bread = world.channel("ovens", ANA, BEN), world.channel("bread", ANA)
            made = await theirs.call("PUT", "/v1/bulletins", alarms)
            assert (made["place"], made["name"]) == (ovens, "#ovens")
            assert (await mine.call("GET", "/v1/bulletins"))["items"] == []
            bot = f"<@{installed.BAKERY.bot_user}>"
            await world.say(ANA, bread, f"{bot} hello")
            await installed.admit(slack, theirs, bread, "Ana of the bakery")
            root = await world.say(ANA, bread, f"{bot} check the shop")
            card = (await found(lambda: [m for m in slack.shown(bread, root) if m.buttons]))[0]
            assert f"#ovens ({ovens})" in card.words
            before = len(spoken)
            await world.press(ANA, bread, card.ts, "Approve")
            house.stop(signal.SIGKILL)
            await house.start()
            await found(lambda: slack.shown(ovens))
            await found(lambda: "Done." in str(world.said(bread)))
            assert [m.text for m in slack.shown(ovens)] == ["The shop is _down_"]
            posts = {token for name, token in spoken[before:] if name == "chat.postMessage"}
            assert len(posts) == 1, "one token, that of the bakery"
            theirs_is = [token for name, token in spoken[:before] if name == "chat.postMessage"][-1]
            assert posts == {theirs_is}
        finally:
            await mine.close()
            await theirs.close()


@pytest.mark.long
async def test_what_the_clock_finds_is_posted_with_nobody_there(
    tmp_path: Path, slack: SlackServer
) -> None:
    async with story.whole(tmp_path, slack, model=Watcher) as house:
        world, place = slack.world, slack.world.direct(ANA)
        ops = world.channel("ops", ANA, BEN)
        await house.verb("bulletins", "set", "alarms", "#ops")
        await house.verb("policies", "set", "auto", "--tool", "send_slack_message")
        await world.say(ANA, place, "watch the shop")
        await found(lambda: "Told:" in world.said(place)[-1])
        await found(lambda: slack.shown(ops), 130)
        assert slack.shown(ops)[0].text == "The shop is _down_"
        assert not [m for m in slack.shown(place) if m.buttons]
