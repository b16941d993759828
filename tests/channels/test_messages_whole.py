"""The whole program: a file that was sent in is asked for and comes back; a message leaves by a yes."""

import asyncio
import json
import re
import signal
from pathlib import Path

from tests.channels import test_slack_whole as story
from tests.channels.running import Model, found
from tests.channels.slack_side import ANA
from tests.fakes.openai_server import Body, Reply
from tests.fakes.slack_server import SlackServer

FILE = re.compile(r"fil_[0-9A-Za-z]{20,40}")


class Sender(Model):
    """It attaches the file that it was shown, or sends a message with it, and says `Done.` then."""

    def _reply(self, body: Body) -> Reply:
        texts = [json.dumps(m["content"]) for m in body["messages"] if m["role"] == "user"]
        last, said = texts[-1] if texts else "", body["messages"][-1]
        if said["role"] == "tool" and (files := FILE.findall(json.dumps(said))):
            if "back" in last:
                return Reply(calls=[("file_attach", json.dumps({"file": files[0]}))])
            told = {"place": "#general", "text": "Look <!channel>", "files": [{"id": files[0]}]}
            return Reply(calls=[("send_slack_message", json.dumps(told))])
        if said["role"] != "tool" and ("back" in last or "tell" in last) and "outcome" not in last:
            return Reply(calls=[("file_list", "{}")])
        return Reply(text="Kept." if "keep" in last else "Done.")


slack = story.slack


async def test_a_file_comes_back_and_a_message_leaves_by_a_yes(
    tmp_path: Path, slack: SlackServer
) -> None:
    async with story.whole(tmp_path, slack, model=Sender) as house:
        world, place = slack.world, slack.world.direct(ANA)
        general = world.channel("general", ANA)
        await world.say(ANA, place, "keep it", files=[("notes.txt", "text/plain", b"milk")])
        await story.said(slack, place, 2)
        await world.say(ANA, place, "give it back")
        below = await found(lambda: [m for m in slack.shown(place) if m.files and m.bot])
        (file,) = below[0].files
        assert file["name"] == "notes.txt" and world.bytes[_id_of(slack)] == b"milk"
        # A message to a channel: the card says where and what, and nothing is there before the yes.
        await world.say(ANA, place, "tell the others")
        card = (await found(lambda: [m for m in slack.shown(place) if m.buttons]))[0]
        assert f"#general ({general})" in card.words and "notes.txt" in card.words
        assert slack.shown(general) == []
        # Killed after the yes, whatever of it has left by then: it is there once.
        await world.press(ANA, place, card.ts, "Approve")
        house.stop(signal.SIGKILL)
        await house.start()
        await found(lambda: [m for m in slack.shown(general) if m.files])
        await found(lambda: "Done." in world.said(place)[-1], 60)
        words = [m.text for m in slack.shown(general) if not m.files]
        assert len(words) == 1 and "<!channel>" not in words[0]
        assert [[f["name"] for f in m.files] for m in slack.shown(general) if m.files] == [
            ["notes.txt"]
        ]
        await slack.settled()
        await asyncio.sleep(0)
        assert slack.lost == []


def _id_of(slack: SlackServer) -> str:
    """The newest file at Slack, by the address under which its bytes lie."""
    return max(slack.world.bytes, key=lambda id_: list(slack.world.bytes).index(id_))
