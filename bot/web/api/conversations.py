"""Conversations: a person's own, what was said in them, and a way to stop what runs."""

from aiohttp import web

from bot.core.event import Kind
from bot.core.people import Role
from bot.web.answers import (
    LATEST,
    MAYBE,
    NUMBER,
    TEXT,
    TIME,
    answer,
    flag,
    limit_of,
    list_of,
    listed,
    number,
    optional,
    schema,
)
from bot.web.parts import VISIT, Doc, Parts, Route
from bot.web.said import Said, accept, channel_of, check_own, event_of

CONVERSATION = schema(
    id=TEXT,
    title=TEXT,
    agent=MAYBE,
    channel=TEXT,
    updated_at=TIME,
    state={"enum": ["idle", "ready", "running"]},
    pending=NUMBER,
)
_FILE = schema(id=MAYBE, name=TEXT, media_type=TEXT, size=NUMBER)
LINE = optional(
    schema(
        id=TEXT,
        role={"enum": ["user", "assistant", "system"]},
        agent=MAYBE,
        text=TEXT,
        at=TIME,
        turn=TEXT,
        n=NUMBER,
    ),
    approval=MAYBE,
    footer=TEXT,
    cause=TEXT,
    action=schema(label=TEXT, href=TEXT),
    outside={
        "enum": [True],
        "description": "Text from outside is in this conversation and may have steered the agent.",
    },
    feedback={"enum": ["up", "down"]},
    attachments={"type": "array", "items": _FILE},
)


class Conversations:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """A person's conversations, latest first; an owner gets everybody's with `all=1`."""
        person = request[VISIT].person
        everyone = flag(request, "all") and person.role is Role.OWNER
        before = number(request, "after", LATEST)
        items, after = await self._parts.transcript.conversations(
            person, everyone, before, limit_of(request)
        )
        return listed(items, after)

    async def lines(self, request: web.Request) -> web.Response:
        """What was said, oldest first."""
        person = request[VISIT].person
        transcript = self._parts.transcript
        conv = await transcript.conversation(person, request.match_info["id"])
        limit, before = limit_of(request), number(request, "before", 0)
        if before:
            return listed(*await transcript.earlier(person, conv.id, before, limit))
        items, last, more = await transcript.lines(
            person, conv.id, number(request, "after", 0), limit
        )
        return listed(items, last if more else None)

    async def stop(self, request: web.Request) -> web.Response:
        """Stop what runs; approvals stay as they are."""
        parts, visit = self._parts, request[VISIT]
        conv = await parts.transcript.conversation(visit.person, request.match_info["id"])
        check_own(visit, conv)
        said = Said(text="/stop", conv=conv, kind=Kind.COMMAND)
        event = event_of(parts, visit, channel_of(request, visit), said, "")
        accepted = await accept(parts, event, "")
        return answer(
            {"event": accepted.event, "conversation": accepted.conv, "reply": accepted.reply}, 202
        )


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    conversations = Conversations(parts)
    return [
        Route(
            method="GET",
            path="/v1/conversations",
            handler=conversations.list,
            doc=Doc(
                summary="Your conversations, latest first.",
                answer=list_of(CONVERSATION),
                query={
                    "limit": "1 to 1,000",
                    "after": "`next` of the page before",
                    "all": "1 for everybody's (owners)",
                },
            ),
        ),
        Route(
            method="GET",
            path="/v1/conversations/{id}/messages",
            handler=conversations.lines,
            doc=Doc(
                summary="What was said, oldest first.",
                answer=list_of(LINE),
                query={
                    "limit": "1 to 1,000",
                    "after": "begin after this position `n`",
                    "before": "the last ones before this position; `next` is then the `before` "
                    "of the page that stands before this one",
                },
            ),
        ),
        Route(
            method="POST",
            path="/v1/conversations/{id}/stop",
            handler=conversations.stop,
            doc=Doc(
                summary="Stop what runs in a conversation.",
                answer=schema(event=TEXT, conversation=TEXT, reply=TEXT),
                status=202,
            ),
        ),
    ]
