"""The agents as models of OpenAI's chat API, for every program that speaks it.

An agent's name is a model's name. The last message of the user is what is said; what came before
it in a fresh conversation goes along as data from outside, never as our own record, and with
`X-Conversation-Id` not at all, because the house remembers. Whoever hangs up stops nothing: the
answer is in the conversation. Source: platform.openai.com/docs/api-reference/chat (2026-11-21).
"""

from collections.abc import Mapping
from typing import cast

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import BotError, NotFound, OperatorError
from bot.live import Note, Watch
from bot.store import spends
from bot.store.rows import dumps
from bot.transcript import shown_line
from bot.web.answers import NUMBER, OBJECT, TEXT, answer, optional, schema
from bot.web.body import read_json
from bot.web.openai_shapes import Asked, Reply, missing, read, thread_of
from bot.web.parts import VISIT, Doc, Parts, Route
from bot.web.said import Said, accept, agent_of, channel_of, event_of, hash_of, key_of
from bot.web.sse import Gone, Stream

SWEEP_S = 2.0
"""How often the database is asked for an end that nobody told us of."""
BEATS = 7
"""Sweeps between two comments of a stream."""
_DONE = frozenset({"done", "dead"})
_DOC_BODY = optional(
    schema(model=TEXT, messages={"type": "array", "items": OBJECT}), stream={"type": "boolean"}
)
_CHOICE = schema(
    index=NUMBER,
    message=schema(role={"const": "assistant"}, content=TEXT),
    finish_reason=TEXT,
)
_USAGE = schema(prompt_tokens=NUMBER, completion_tokens=NUMBER, total_tokens=NUMBER)
_MODEL = schema(id=TEXT, object={"const": "model"}, created=NUMBER, owned_by=TEXT)


class Stopping(OperatorError):
    """The house is stopping. Your message is safe; its answer comes in the conversation."""


class Completions:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Say something and wait for the answer."""
        parts, visit = self._parts, request[VISIT]
        asked = read(await read_json(request))
        agent = agent_of(parts.agents, visit.tenant, asked.model)
        named = request.headers.get("X-Conversation-Id", "")
        payload: dict[str, Json] = {"stream": True} if asked.stream else {}
        if asked.history and not named:
            payload["history"] = list(asked.history)
        said = Said(text=asked.text, agent=agent, thread=thread_of(named), payload=payload)
        key = key_of(request)
        event = event_of(parts, visit, channel_of(request, visit), said, key)
        live, created = parts.live, int(event.at.timestamp())
        with live.follow(visit.tenant, event.id, asked.stream) as watch:
            accepted = await accept(
                parts, event, hash_of(key, asked.model, asked.text, named, asked.history)
            )
            reply = Reply(turn=accepted.event, conv=accepted.conv, model=agent, created=created)
            if accepted.reply:  # decided at the door: no turn will tell
                watch.put(Note(what="end", data={"text": accepted.reply}))
            if not accepted.duplicate or accepted.reply:
                return await self._answer(request, watch, reply, asked)
            with live.follow(visit.tenant, accepted.event, asked.stream) as original:
                original.put(Note(what="look", data={}))  # it may have ended long ago
                return await self._answer(request, original, reply, asked)

    async def models(self, request: web.Request) -> web.Response:
        """The agents, as models."""
        items = [_model(agent.name) for agent in self._parts.agents.all(request[VISIT].tenant)]
        return answer({"object": "list", "data": items})

    async def model(self, request: web.Request) -> web.Response:
        """One agent, as a model."""
        agent = self._parts.agents.get(request[VISIT].tenant, request.match_info["model"])
        if agent is None:
            raise NotFound("There is no such agent. `/v1/models` lists them.")
        return answer(_model(agent.name))

    async def _answer(
        self, request: web.Request, watch: Watch, reply: Reply, asked: Asked
    ) -> web.StreamResponse:
        if asked.stream:
            return await self._stream(request, watch, reply, asked.with_usage)
        line: Mapping[str, Json] | None = None
        while line is None:
            line = await self._end(await watch.next(SWEEP_S), watch, reply)
        text = str(line.get("text") or "") + self._below(line, reply)
        message: Json = {"role": "assistant", "content": text}
        choice: Json = {"index": 0, "message": message, "finish_reason": "stop"}
        told = {
            **reply.head("chat.completion"),
            "choices": [choice],
            "usage": await self._usage(line, watch, reply),
        }
        made = answer(told)
        made.headers["X-Conversation"] = reply.conv
        return made

    async def _stream(
        self, request: web.Request, watch: Watch, reply: Reply, with_usage: bool
    ) -> web.StreamResponse:
        stream = Stream(request)
        stream.response.headers["X-Conversation"] = reply.conv
        try:
            await stream.open()
            await stream.raw(reply.chunk({"role": "assistant", "content": ""}))
            line = await self._pour(stream, watch, reply)
            await stream.raw(reply.chunk({}, "stop"))
            if with_usage:
                usage = await self._usage(line, watch, reply)
                last = {**reply.head("chat.completion.chunk"), "choices": [], "usage": usage}
                await stream.raw(dumps(last))
            await stream.raw("[DONE]")
        except Gone:
            return stream.response  # the turn goes on
        except BotError as error:
            await stream.last(dumps({"error": {"code": "failed", "message": error.message}}))
        return await stream.close()

    async def _pour(self, stream: Stream, watch: Watch, reply: Reply) -> Mapping[str, Json]:
        """Send the text as it grows, then what is missing of the stored answer.

        What was sent cannot be taken back: after a `reset` the rest comes at the end, whole.
        """
        sent, quiet, again = "", 0, False
        line: Mapping[str, Json] | None = None
        while line is None:
            note = await watch.next(SWEEP_S)
            if note and note.what == "draft":
                if not again:
                    sent += str(note.data["delta"])
                    await stream.raw(reply.chunk({"content": note.data["delta"]}))
                continue
            again = again or bool(sent and note and note.what in ("reset", "lost"))
            quiet += note is None
            if note is None and quiet % BEATS == 0:
                await stream.beat()
            line = await self._end(note, watch, reply)
        if rest := missing(sent, str(line.get("text") or "")) + self._below(line, reply):
            await stream.raw(reply.chunk({"content": rest}))
        return line

    async def _end(
        self, note: Note | None, watch: Watch, reply: Reply
    ) -> Mapping[str, Json] | None:
        """The line that answers, once the turn is over; empty when nothing was said."""
        if note is not None and note.what not in ("lost", "look"):
            return note.data if note.what == "end" else None
        stored, line = await self._parts.transcript.answer(watch.tenant, reply.turn)
        if stored is not None and stored.state in _DONE:
            return shown_line(line) if line else {"text": ""}
        if watch.is_closed:
            raise Stopping
        return None

    def _below(self, line: Mapping[str, Json], reply: Reply) -> str:
        """What stands below the text: where to decide, when something waits, and the footer."""
        where = f"\n\n{self._parts.address()}/chat/{reply.conv}" if line.get("approval") else ""
        return f"{where}\n\n_{line['footer']}_" if line.get("footer") else where

    async def _usage(
        self, line: Mapping[str, Json], watch: Watch, reply: Reply
    ) -> Mapping[str, Json]:
        """Tokens of the turn: told with its line, else as they were written down."""
        told = line.get("usage")
        if isinstance(told, Mapping):
            used = cast("Mapping[str, int]", told)  # the turn put numbers there
            tokens_in, tokens_out = used["tokens_in"], used["tokens_out"]
        else:
            calls = await self._parts.db.read(spends.of_turn(watch.tenant, reply.turn))
            tokens_in = sum(call.tokens_in for call in calls)
            tokens_out = sum(call.tokens_out for call in calls)
        return {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        }


def _model(name: str) -> dict[str, Json]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "switchboard"}


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    completions = Completions(parts)
    return [
        Route(
            method="POST",
            path="/v1/chat/completions",
            handler=completions.create,
            doc=Doc(
                summary="Ask an agent as OpenAI's clients ask a model. `X-Conversation-Id` (any "
                "text) goes on with a conversation.",
                body=_DOC_BODY,
                answer=schema(
                    id=TEXT,
                    object=TEXT,
                    created=NUMBER,
                    model=TEXT,
                    choices={"type": "array", "items": _CHOICE},
                    usage=_USAGE,
                ),
            ),
        ),
        Route(
            method="GET",
            path="/v1/models",
            handler=completions.models,
            doc=Doc(
                summary="The agents, as models.",
                answer=schema(object={"const": "list"}, data={"type": "array", "items": _MODEL}),
            ),
        ),
        Route(
            method="GET",
            path="/v1/models/{model}",
            handler=completions.model,
            doc=Doc(summary="One agent, as a model.", answer=_MODEL),
        ),
    ]
