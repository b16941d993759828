"""Models whose answers are written by a test: the port `Model` without a language in it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

from bot.core.canonical import Json
from bot.core.model import ModelMessage, ModelReply, ModelRequest, ToolCall, Usage
from bot.core.ports import OnText

Call = tuple[str, Json] | tuple[str, str]
"""A tool's name and its arguments; a text stands as it is, broken or not."""
_numbers = count(1)


def say(text: str, *, micros: int | None = 10, finish: str = "stop") -> ModelReply:
    """An answer in words."""
    return ModelReply(
        message=ModelMessage(role="assistant", content=text),
        finish=finish,
        model="scripted",
        usage=Usage(tokens_in=100, tokens_out=20, micros=micros),
    )


def call(*calls: Call, text: str = "", micros: int | None = 10) -> ModelReply:
    """An answer that asks for tools."""
    return ModelReply(
        message=ModelMessage(
            role="assistant",
            content=text,
            tool_calls=tuple(
                ToolCall(
                    id=f"call_{next(_numbers)}",
                    name=name,
                    arguments=given if isinstance(given, str) else json.dumps(given),
                )
                for name, given in calls
            ),
        ),
        finish="tool_calls",
        model="scripted",
        usage=Usage(tokens_in=100, tokens_out=20, micros=micros),
    )


Answer = ModelReply | BaseException
Script = Callable[[ModelRequest], Answer | Awaitable[Answer]]


class ScriptedModel:
    """Answers by a function, or one after another from a list; keeps what it was asked."""

    def __init__(self, script: Script | Sequence[Answer], most: Usage | None = None) -> None:
        self.asked: list[ModelRequest] = []
        self._most = most or Usage(tokens_in=200, tokens_out=40, micros=20)
        self._script = script

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelReply:
        self.asked.append(request)
        answer = await self._answer(request)
        if isinstance(answer, BaseException):
            raise answer
        if on_text and answer.message.content:
            half = len(answer.message.content) // 2
            on_text(answer.message.content[:half])
            await asyncio.sleep(0)
            on_text(answer.message.content[half:])
        return answer

    async def _answer(self, request: ModelRequest) -> Answer:
        if not callable(self._script):
            at = min(len(self.asked), len(self._script)) - 1
            return self._script[at]
        answer = self._script(request)
        if isinstance(answer, ModelReply | BaseException):
            return answer
        return await answer

    def reserve(self, request: ModelRequest) -> Usage:
        return self._most


def last_words(request: ModelRequest) -> str:
    """What the model was told last."""
    return request.messages[-1].content
