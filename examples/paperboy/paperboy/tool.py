"""The tool: puts a paper into a folder, after a person's yes."""

import asyncio
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import VendorRefused
from bot.core.tool import Risk, Tool, ToolContext
from paperboy.files import put


class Settings(BaseModel):
    """`[extensions.options.paperboy]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path


class Paper(BaseModel):
    """What is delivered."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=5000)]


def _path(settings: object, effect: str) -> Path:
    if not isinstance(settings, Settings):
        raise VendorRefused("Paperboy has no folder.")
    return settings.folder / "papers" / f"{effect}.txt"


async def paperboy_deliver(ctx: ToolContext, args: Paper) -> Outcome:
    """Deliver a paper to everybody.

    Use it when somebody asks to deliver a paper. Do not use it for an answer to one person.
    - text: the whole paper, such as "We are open on Sunday".
    """
    path = _path(ctx.settings, str(ctx.effect))
    try:
        await asyncio.to_thread(put, path, args.text)
    except OSError as error:
        raise VendorRefused(f"The folder cannot be written: {error.strerror}.") from error
    return Outcome(state=EffectState.SENT, vendor_ref=path.name, data="It is delivered.")


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Whether a paper is there."""
    path = _path(ctx.settings, effect.id)
    is_there = await asyncio.to_thread(path.exists)
    return Outcome(state=EffectState.SENT, vendor_ref=path.name) if is_there else None


def preview(args: Paper) -> Card:
    """What a person sees before it is delivered."""
    return Card(title="Deliver a paper", body=args.text)


TOOLS = (
    Tool(
        name="paperboy_deliver",
        arguments=Paper,
        perform=paperboy_deliver,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        find=find,
        preview=preview,
    ),
)
