"""The whole program with an app that is one agent's own, connected by the command, killed between.

The tenant's app is not there at all: the command alone makes Slack listen.
"""

import asyncio
import json
import re
import signal
from pathlib import Path

from tests.channels.running import Model, Program, found, standing
from tests.channels.slack_side import ANA, until
from tests.channels.test_slack_installed_whole import Browser
from tests.fakes.slack_apps import App
from tests.fakes.slack_installs import CLIENT_ID, CLIENT_SECRET, Workspace
from tests.fakes.slack_server import SlackServer

ONE = ("connect", "slack", "--agent", "bri")


async def bot(house: Program, *words: str, told: object = None) -> tuple[int, str]:
    """Run a verb beside the program; gives its exit code and what it said."""
    text = json.dumps(told) if told else ""
    done = await asyncio.to_thread(house.run, *words, told=text)
    return done.returncode, done.stdout + done.stderr


async def test_an_agent_s_own_app_is_connected_talked_to_killed_and_let_go_of(
    tmp_path: Path,
) -> None:
    async with SlackServer(again_s=(0.5, 1.0, 2.0, 4.0, 8.0, 16.0)) as slack, Model() as model:
        house = Program(tmp_path, model, BOT_ENDPOINT_SLACK=slack.base)
        own: App = slack.world.apps.add("bri")
        async with standing(house, own.app_token):
            done = await asyncio.to_thread(house.run, *ONE, "--manifest")
            assert json.loads(done.stdout)["display_information"]["name"] == "Bri"
            assert done.returncode == 0 and "This is version " in done.stderr
            wrong = {"bot_token": "xoxb-none", "app_token": own.app_token}
            code, said = await bot(house, *ONE, told=wrong)
            assert code != 0 and "does not know this token" in said
            told = {"bot_token": own.bot_token, "app_token": own.app_token}
            code, said = await bot(house, *ONE, told=told)
            assert code == 0 and f"bri listens in Shop with an app of its own ({own.id})" in said
            world = slack.world
            direct = world.direct(ANA, own)
            await world.say(ANA, direct, "hello")
            (text, *_) = await found(lambda: [t for t in world.said(direct) if "code" in t])
            paired = re.search(r"\b[A-Z0-9]{4}-?[A-Z0-9]{4}\b", text)
            assert paired, text
            link = re.search(r"http://\S+/in/\S+", house.said)
            assert link
            owner = Browser(house.url)
            try:
                await owner.sign_in(link[0])
                await owner.call("POST", "/v1/pair", {"code": paired[0], "name": "Ana"})
                house.stop(signal.SIGKILL)
                await world.say(ANA, direct, "are you back?")
                await house.start()
                await until(lambda: any("You said" in t for t in world.said(direct)), 60)
                shown = [item for item in world.shown(direct) if "You said" in item.text]
                assert [item.user for item in shown] == [own.user], "once, as itself"
                await world.say(ANA, direct, "/agent kelly")
                await until(lambda: any("bri's own app" in t for t in world.said(direct)), 30)
                (item,) = (await owner.call("GET", "/v1/channels/slack/installs"))["items"]
                assert (item["agent"], item["status"]) == ("bri", "active")
            finally:
                await owner.session.close()
            code, said = await bot(house, *ONE, "--remove")
            assert code == 0 and "was not told" not in said
            assert own.bot_token in world.apps.revoked, "Slack was told first"
            await until(lambda: slack.connections == 0, 30)
        assert slack.mistakes == [] and own.bot_token not in house.said


async def test_an_agent_s_own_app_is_installed_in_the_browser_and_answers_as_itself(
    tmp_path: Path,
) -> None:
    async with SlackServer(again_s=(0.5, 1.0, 2.0, 4.0)) as slack, Model() as model:
        house = Program(tmp_path, model, BOT_ENDPOINT_SLACK=slack.base)
        house.environ["BOT_PUBLIC_URL"] = slack.webhook_via = house.url
        own: App = slack.world.apps.add("bri")
        given = {"app_id": own.id, "bot_user_id": own.user, "access_token": own.bot_token}
        slack.installs.answer = given
        async with standing(house, CLIENT_SECRET, own.signing_secret, own.bot_token):
            link = re.search(r"http://\S+/in/\S+", house.said)
            assert link
            owner = Browser(house.url)
            try:
                await owner.sign_in(link[0])
                path = "/v1/channels/slack/agents/bri"
                told = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
                async with owner.session.put(path, json={"options": told}) as refused:
                    assert refused.status == 422 and "signing_secret" in await refused.text()
                told["signing_secret"] = own.signing_secret
                made = await owner.call("PUT", path, {"options": told})
                address = "/v1/channels/slack/manifest?agent=bri"
                manifest = (await owner.call("GET", address))["manifest"]
                back = f"{house.url}/oauth/slack/installed"
                assert manifest["oauth_config"]["redirect_urls"] == [back]
                item = await owner.install(slack, Workspace(), made["href"])
                assert (item["agent"], item["app"], item["status"]) == ("bri", own.id, "active")
                world = slack.world
                direct = world.direct(ANA, own)
                await world.say(ANA, direct, "hello")
                (text, *_) = await found(lambda: [t for t in world.said(direct) if "code" in t])
                paired = re.search(r"\b[A-Z0-9]{4}-?[A-Z0-9]{4}\b", text)
                assert paired, text
                await owner.call("POST", "/v1/pair", {"code": paired[0], "name": "Ana"})
                await world.say(ANA, direct, "hello again")
                await until(lambda: any("You said" in t for t in world.said(direct)), 60)
                shown = [item for item in world.shown(direct) if "You said" in item.text]
                assert [item.user for item in shown] == [own.user], "as itself"
            finally:
                await owner.close()
        assert slack.mistakes == [] and slack.installs.mistakes == []
