"""A workflow through the whole program: drafted, checked, asked, published once, read back, told."""

import asyncio
import json
import re
from pathlib import Path

from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.program import TOKEN
from tests.tools.social.on_x import OnX, on_x

TEXT = "We are open on Sunday, 10 to 4."


class Model(OpenAIServer):
    """It looks the steps up and follows them; its first draft is too long for X."""

    def __init__(self) -> None:
        super().__init__(otherwise=self._reply)
        self.steps: list[str] = []

    def _reply(self, body: Body) -> Reply:
        said = body["messages"][-1]
        words = str(said["content"])
        if said["role"] == "tool" and words.startswith("WF-042"):
            self.steps.append("looked up")
            return Reply(calls=[("x_publish", json.dumps({"text": f"{TEXT} " * 12}))])
        if said["role"] == "tool" and "characters as X counts" in words:
            self.steps.append("mended")
            return Reply(calls=[("x_publish", json.dumps({"text": TEXT}))])
        if words.startswith("[outcome]") and (found := re.search(r"/status/(\d+)", words)):
            self.steps.append("read back")
            return Reply(calls=[("x_read", json.dumps({"post": found[1]}))])
        if said["role"] == "tool" and TEXT in words:
            return Reply(text=f"It stands there as approved: {TEXT}")
        if said["role"] == "user" and "run WF-042" in words:
            return Reply(calls=[("workflow_steps", json.dumps({"id": "WF-042"}))])
        return Reply(text=f"Told: {words}")


async def verb(story: OnX, *words: str) -> tuple[int, str]:
    """`bot …` beside the running program."""
    started = await asyncio.create_subprocess_exec(
        "python",
        "-m",
        "bot",
        *words,
        cwd=story.folder,
        env={**story.running.environ, "BOT_TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(started.communicate(), 60)
    return started.returncode or 0, out.decode()


async def test_wf_042_goes_all_its_steps_and_publishes_once(tmp_path: Path) -> None:
    model = Model()
    async with on_x(tmp_path, model) as told:
        code, listed = await verb(told, "workflows")
        assert code == 0 and "WF-108" in listed and "donna" in listed
        code, said = await verb(told, "workflows", "run", "wf-042", TEXT, "--json")
        assert code == 0, said
        told.conv = json.loads(said)["conversation"]
        question = await told.waiting()
        assert question["shown"]["body"] == TEXT and told.server.posts == []
        await told.decide(question)
        await told.told("It stands there as approved")
        assert model.steps == ["looked up", "mended", "read back"]
        assert [post.text for post in told.server.posts] == [TEXT]
        assert told.server.calls_of("POST /2/tweets") == 1
        code, said = await verb(told, "workflows", "run", "WF-999", "x")
        assert code == 1 and "There is no workflow WF-999" in said
