"""Why answers grow by edits on Slack: its own streams can be neither marked nor kept from previews.

docs/decisions/0009-answers-grow-by-edits-on-slack.md rests on this. Where the library has learned
one of these arguments, read the note again.
"""

import inspect

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.channels.slack_side import ANA, listening, out
from tests.fakes.slack_server import SlackServer

NEEDED = ("metadata", "unfurl_links", "unfurl_media")


@pytest.mark.parametrize("name", ["chat_startStream", "chat_appendStream"])
def test_what_begins_a_stream_takes_neither_a_mark_nor_a_word_on_previews(name: str) -> None:
    taken = inspect.signature(getattr(AsyncWebClient, name)).parameters
    assert [each for each in NEEDED if each in taken] == []


async def test_a_draft_by_edits_bears_its_mark_and_shows_no_preview_from_its_first_word() -> None:
    async with SlackServer() as server, listening(server) as side:
        place = server.world.direct(ANA)
        message = out(place, "See https://example.com/?secret=1", "rep_1")
        assert await side.channel.draft(message) is not None
        (first,) = server.asked("chat.postMessage")
        assert (first["unfurl_links"], first["unfurl_media"]) == (False, False)
        assert first["metadata"]["event_payload"]["effect"] == "rep_1"
        assert server.mistakes == []
