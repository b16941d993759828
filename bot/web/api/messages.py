"""Messages: said by a person, acknowledged when they are on the disk; and opinions of answers."""

from aiohttp import web

from bot.core.canonical import Json
from bot.core.event import Attachment, Kind
from bot.credentials import Visit
from bot.feedback import MAX_DETAIL
from bot.web.answers import TEXT, answer, optional, schema
from bot.web.body import MAX_TEXT, Fields, read_json
from bot.web.parts import VISIT, Doc, Parts, Route
from bot.web.said import (
    Said,
    accept,
    agent_of,
    channel_of,
    check_own,
    event_of,
    hash_of,
    key_of,
)

MAX_FILES = 20
_BODY = optional(
    schema(text=TEXT),
    agent=TEXT,
    conversation=TEXT,
    attachments={"type": "array", "items": TEXT},
    stream={"type": "boolean"},
)
_VALUE: dict[str, Json] = {"enum": ["up", "down"]}
_RATING = optional(schema(value=_VALUE), detail=TEXT)


class Messages:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def say(self, request: web.Request) -> web.Response:
        """Accept one message; 202 once nothing can lose it."""
        parts, visit = self._parts, request[VISIT]
        known = ("text", "agent", "conversation", "attachments", "stream")
        fields = Fields(await read_json(request), known)
        text = fields.text("text", most=MAX_TEXT, lines=True)
        name = fields.text("agent", "")
        id_ = fields.text("conversation", "")
        files = fields.texts("attachments", MAX_FILES)
        streams = fields.truth("stream", default=False)
        agent = agent_of(parts.agents, visit.tenant, name) if name else None
        conv = None
        if id_:
            conv = await parts.transcript.conversation(visit.person, id_)
            check_own(visit, conv)
        said = Said(
            text=text,
            agent=agent,
            conv=conv,
            attachments=await self._attachments(visit, files) if files else (),
            payload={"stream": True} if streams else {},
        )
        key = key_of(request)
        event = event_of(parts, visit, channel_of(request, visit), said, key)
        accepted = await accept(parts, event, hash_of(key, text, name, id_, files))
        told = {"event": accepted.event, "conversation": accepted.conv}
        return answer({**told, "reply": accepted.reply} if accepted.reply else told, 202)

    async def rate(self, request: web.Request) -> web.Response:
        """Keep a person's opinion of an answer; a later one replaces it."""
        parts, visit = self._parts, request[VISIT]
        fields = Fields(await read_json(request), ("value", "detail"))
        value = fields.choice("value", ("up", "down"))
        payload: dict[str, Json] = {"value": value, "message": request.match_info["id"]}
        if detail := fields.text("detail", "", most=MAX_DETAIL, lines=True):
            payload["detail"] = detail
        said = Said(text="", kind=Kind.FEEDBACK, payload=payload)
        event = event_of(parts, visit, channel_of(request, visit), said, "")
        await parts.inbox.accept(event)
        return answer({"message": request.match_info["id"], "value": value})

    async def _attachments(self, visit: Visit, ids: list[str]) -> tuple[Attachment, ...]:
        items = [await self._parts.files.get(visit.person, id_) for id_ in ids]
        return tuple(
            Attachment(
                name=item.name,
                media_type=item.media_type,
                size=item.size,
                sha256=item.sha256,
                source=item.id,
            )
            for item in items
        )


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    messages = Messages(parts)
    return [
        Route(
            method="POST",
            path="/v1/messages",
            handler=messages.say,
            doc=Doc(
                summary="Say something to an agent. `Idempotency-Key` makes a repeat harmless; "
                "with `stream` the conversation's stream has the words as they are written.",
                body=_BODY,
                answer=optional(schema(event=TEXT, conversation=TEXT), reply=TEXT),
                status=202,
            ),
        ),
        Route(
            method="POST",
            path="/v1/messages/{id}/feedback",
            handler=messages.rate,
            doc=Doc(
                summary="Say whether an answer was good; a later word replaces an earlier one.",
                body=_RATING,
                answer=schema(message=TEXT, value=_VALUE),
            ),
        ),
    ]
