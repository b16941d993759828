"""The whole program posts on several networks at once: one card, one yes, one report; and killed."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.program import wait_for
from tests.tools.social.on_x import on_x

POSTS = {
    "text": "We are open on Sunday",
    "on": [
        {"network": "blog", "title": "Open on Sunday"},
        {"network": "x", "text": "Open on Sunday. Coffee is on us."},
        {"network": "linkedin"},
    ],
}
DRAFTS = {
    "kelly": ("x_publish", {"text": "New hours: Tue to Sun, 8-18."}),
    "reynolds": ("blog_publish", {"title": "New hours", "text": "From Monday on: 8 to 18."}),
}


class Model(OpenAIServer):
    """Bri lays the posts out or hands the brief on; Kelly and Reynolds write; all repeat outcomes."""

    def __init__(self) -> None:
        super().__init__(otherwise=self._reply)

    def _reply(self, body: Body) -> Reply:
        said = body["messages"][-1]
        words = json.dumps(said["content"])
        if "asks you for one post" in words:
            me = body["messages"][0]["content"].split("You are ")[1].split(".")[0].lower()
            name, arguments = DRAFTS[me]
            return Reply(calls=[(name, json.dumps(arguments))])
        if said["role"] == "user" and "post it on all three" in words:
            return Reply(calls=[("posts_publish", json.dumps(POSTS))])
        if said["role"] == "user" and "everywhere" in words:
            brief = {"brief": "Opening hours from Monday: Tue to Sun 8 to 18."}
            return Reply(calls=[("posts_everywhere", json.dumps(brief))])
        return Reply(text=f"Told: {words}")


def articles(folder: Path) -> list[Path]:
    return sorted((folder / "blog").glob("*.md"))


def fields(question: dict[str, Any]) -> dict[str, str]:
    return {field["name"]: field["value"] for field in question["shown"]["fields"]}


async def test_one_card_one_yes_and_one_report_with_each_address(tmp_path: Path) -> None:
    async with on_x(tmp_path, Model()) as told:
        question = await told.ask("post it on all three")
        shown = fields(question)
        assert question["shown"]["title"] == "Publish on the blog, X and LinkedIn"
        assert list(shown) == [
            "1. Publish on the blog",
            "2. Publish on X",
            "3. Publish on LinkedIn",
        ]
        assert shown["2. Publish on X"] == (
            "As: @ann\nLength: 32 of 280\nVisible to: everyone (public)\n"
            "Open on Sunday. Coffee is on us."
        )
        assert "Sandbox: nothing of this leaves" in shown["3. Publish on LinkedIn"]
        assert "Sandbox" not in shown["2. Publish on X"] and not question["shown"]["sandbox"]
        assert told.server.posts == [] and articles(tmp_path) == []
        await told.decide(question)
        said = await told.told("https://x.com/ann/status/")
        assert "/blog/" in said and "/admin/sandbox#" in said
        assert [post.text for post in told.server.posts] == ["Open on Sunday. Coffee is on us."]
        assert len(articles(tmp_path)) == 1
        # A second yes changes nothing.
        path = f"/v1/approvals/{question['id']}/decide"
        body = {"decision": "approve", "version": question["version"]}
        status, _ = await asyncio.to_thread(told.running.ask, "POST", path, body)
        assert status == 409
        await asyncio.sleep(0.5)
        assert told.server.calls_of("POST /2/tweets") == len(articles(tmp_path)) == 1


async def test_one_text_is_changed_and_one_post_struck_out_on_the_card(tmp_path: Path) -> None:
    async with on_x(tmp_path, Model()) as told:
        question = await told.ask("post it on all three")
        blog, x, linkedin = question["effects"]
        assert [each["title"] for each in question["effects"]] == [
            "Publish on the blog",
            "Publish on X",
            "Publish on LinkedIn",
        ]
        arguments = {
            x["id"]: {"text": "x" * 281},
            blog["id"]: None,
            linkedin["id"]: linkedin["arguments"],
        }
        path = f"/v1/approvals/{question['id']}/decide"
        body = {"decision": "edit", "version": question["version"], "arguments": arguments}
        status, problem = await asyncio.to_thread(told.running.ask, "POST", path, body)
        assert status == 422 and "281 characters" in json.dumps(problem)
        arguments[x["id"]] = {"text": "Sunday, 10 to 4"}
        status, _ = await asyncio.to_thread(told.running.ask, "POST", path, body)
        assert status in (200, 202)
        await told.told("https://x.com/ann/status/")
        assert [post.text for post in told.server.posts] == ["Sunday, 10 to 4"]
        assert articles(tmp_path) == []


@pytest.mark.parametrize(
    ("how", "calls"), [("late", 1), pytest.param("hang", 2, marks=pytest.mark.long)]
)
async def test_killed_between_two_networks_each_post_is_there_once(
    tmp_path: Path, how: str, calls: int
) -> None:
    async with on_x(tmp_path, Model()) as told:
        told.server.fail("POST /2/tweets", how)
        await told.decide(await told.ask("post it on all three"))
        await asyncio.to_thread(wait_for, lambda: told.server.calls_of("POST /2/tweets"))
        assert len(articles(tmp_path)) == 1
        await asyncio.to_thread(told.running.stop, signal.SIGKILL)
        await told.start()
        said = await told.told("https://x.com/ann/status/")
        assert "/blog/" in said and "/admin/sandbox#" in said
        assert len(told.server.posts) == len(articles(tmp_path)) == 1
        assert told.server.calls_of("POST /2/tweets") == calls


async def test_a_doubt_about_one_is_asked_while_the_others_stand(tmp_path: Path) -> None:
    async with on_x(tmp_path, Model()) as told:
        told.server.fail("POST /2/tweets", "lost")
        told.server.fail("GET /2/users/{id}/tweets", "error")
        await told.decide(await told.ask("post it on all three"))
        question = await told.waiting()
        assert question["shown"]["title"] == "I may have done this: Publish on X"
        assert len(articles(tmp_path)) == 1
        await told.decide(question, "there")
        said = await told.told("/admin/sandbox#")
        assert "/blog/" in said
        assert told.server.calls_of("POST /2/tweets") == len(told.server.posts) == 1


async def test_opening_hours_everywhere_are_written_by_colleagues(tmp_path: Path) -> None:
    async with on_x(tmp_path, Model()) as told:
        question = await told.ask("@bri Post our opening hours everywhere")
        shown = fields(question)
        assert question["agent"] == "bri"
        assert {value.split("\n")[0] for value in shown.values()} == {"By: kelly", "By: reynolds"}
        assert question["shown"]["title"] == "Publish on the blog and X"
        (left,) = question["shown"]["warnings"]
        assert "threads_publish" in left and left.endswith("no account is connected")
        assert told.server.posts == []
        await told.decide(question)
        said = await told.told("https://x.com/ann/status/")
        assert "/blog/" in said
        assert [post.text for post in told.server.posts] == ["New hours: Tue to Sun, 8-18."]
        (article,) = articles(tmp_path)
        assert "From Monday on: 8 to 18." in article.read_text()
