"""The tests of MCP servers, shown what they must complain of: each takes one guard away."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from bot.core.errors import VendorRefused, VendorUnknown
from tests.tools.mcp import test_link, test_story
from tools.mcp import _definition, _link, _peer
from tools.mcp._link import Link

RED = (AssertionError, pytest.fail.Exception)


async def test_a_hash_that_covers_no_description_lets_a_changed_tool_be_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_definition, "digest", lambda *_: "0" * 64)
    with pytest.raises(RED):
        await test_link.test_an_old_list_is_read_again_before_a_call(tmp_path)


async def test_a_call_that_is_repeated_without_an_answer_is_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Link.call

    async def stubborn(self: Link, *what: Any) -> Any:
        try:
            return await usual(self, *what)
        except VendorUnknown:
            await asyncio.sleep(1.2)
            return await usual(self, *what)

    monkeypatch.setattr(Link, "call", stubborn)
    story = test_story.test_a_server_that_dies_in_a_call_is_asked_about_and_not_called_again
    with pytest.raises(RED, match="die now"):
        await story(tmp_path)


async def test_what_nobody_can_know_is_in_no_doubt_where_it_is_taken_for_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_peer, "VendorUnknown", VendorRefused)
    monkeypatch.setattr(_link, "VendorUnknown", VendorRefused)
    story = test_story.test_a_server_that_dies_in_a_call_is_asked_about_and_not_called_again
    with pytest.raises(RED, match="failed"):
        await story(tmp_path)


async def test_a_program_that_is_given_the_houses_environment_finds_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = asyncio.create_subprocess_exec

    async def generous(*command: Any, env: dict[str, str], **how: Any) -> Any:
        return await usual(*command, env={**os.environ, **env}, **how)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", generous)
    with pytest.raises(RED, match="BOOK"):
        await test_link.test_a_program_finds_only_what_is_named_in_its_environment(tmp_path)
