"""Boards and pins of the account on Pinterest: listed, read back with their numbers, deleted.

https://developers.pinterest.com/docs/api/v5/pins-get (openapi 5.23.0, read 2026-11-21).
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social._own import (
    ListOwn,
    deletion_card,
    is_gone,
    listed,
    read_back,
    shown,
    taken_down,
)
from tools.social._picked import pick
from tools.social._pinterest_api import READING, WRITING, boards_of, pinterest_of
from tools.social._pinterest_pins import PinterestWall
from tools.social._post import Said, Title

_PIN = re.compile(r"(?:https://(?:[a-z]{2,3}\.)?pinterest\.[a-z.]{2,6}/pin/)?(\d{1,20})/?")


def _pin(value: str) -> str:
    found = _PIN.fullmatch(value.strip().replace("//www.", "//"))
    if found is None:
        raise unfit("it is no pin; give its number or its address on pinterest.com")
    return found[1]


Pin = Annotated[str, Field(max_length=200), AfterValidator(_pin)]


class PinterestBoards(BaseModel):
    """Nothing to say."""

    model_config = ConfigDict(extra="forbid")


class PinterestList(ListOwn):
    """Where, and how many."""

    board: Title | None = None


class PinterestRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    post: Pin


class PinterestDelete(PinterestRead):
    """Which, and what it says."""

    text: Said = ""


async def pinterest_boards(ctx: ToolContext, args: PinterestBoards) -> Outcome:
    """List the boards of the connected account on Pinterest.

    Use it to learn on which boards one may pin. Do not use it to see pins: use pinterest_list.
    Example: {}
    """
    boards = await boards_of(await pinterest_of(ctx, READING))
    told = [f"{each.name} ({each.id}{', ' if each.note else ''}{each.note})" for each in boards]
    return Outcome(state=EffectState.SENT, data="\n".join(told) or "There is no board yet.")


async def pinterest_list(ctx: ToolContext, args: PinterestList) -> Outcome:
    """List pins of the connected account on Pinterest.

    Use it to see what was pinned, or to find the number of a pin. Do not use it for what others
    pinned: it shows none of that.
    - board: the name or id of one board; leave it out for all.
    - count: how many, 1 to 50.
    Example: {"board": "Bread", "count": 5}
    """
    account = await pinterest_of(ctx, READING)
    board = ""
    if args.board:
        board = pick(args.board, await boards_of(account), "board", "Pinterest").id
    return await listed(PinterestWall(account, board), args.count)


async def pinterest_read(ctx: ToolContext, args: PinterestRead) -> Outcome:
    """Read one pin of the connected account on Pinterest back: is it there, and how is it received?

    Use it when the person asks about one pin or its numbers. Do not use it to read others' pins.
    - post: the pin's number, or its address on pinterest.com.
    Example: {"post": "813744226420795884"}
    """
    return await read_back(PinterestWall(await pinterest_of(ctx, READING)), args.post)


async def pinterest_delete(ctx: ToolContext, args: PinterestDelete) -> Outcome:
    """Delete one pin of the connected account on Pinterest, for good.

    Use it when the person wants a pin of theirs taken down. Do not use it to correct a pin unless
    they said so: deleting loses its saves.
    - post: the pin's number, or its address on pinterest.com; pinterest_list has the numbers.
    Example: {"post": "813744226420795884"}
    """
    return await taken_down(PinterestWall(await pinterest_of(ctx, WRITING)), args)


async def find_deleted(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether the pin is there still."""
    pin = PinterestDelete.model_validate(effect.arguments).post
    return await is_gone(PinterestWall(await pinterest_of(ctx, WRITING)), pin)


async def complete(ctx: ToolContext, args: PinterestDelete) -> PinterestDelete:
    """Fill in what the pin says. Raises what says why it cannot be deleted."""
    return await shown(PinterestWall(await pinterest_of(ctx, WRITING)), args, args.post)


def preview(args: PinterestDelete) -> Card:
    """Show what will be gone."""
    return deletion_card("Pinterest", args)


def _reading(perform: Any, arguments: type[BaseModel], saying: str) -> Tool:
    return Tool(
        name=perform.__name__,
        arguments=arguments,
        perform=perform,
        provider="pinterest",
        needs=READING,
        outside=True,
        saying=saying,
    )


TOOLS = (
    _reading(pinterest_boards, PinterestBoards, "reading the boards on Pinterest"),
    _reading(pinterest_list, PinterestList, "reading the pins on Pinterest"),
    _reading(pinterest_read, PinterestRead, "reading a pin on Pinterest"),
    Tool(
        name="pinterest_delete",
        arguments=PinterestDelete,
        perform=pinterest_delete,
        find=find_deleted,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider="pinterest",
        needs=WRITING,
        saying="deleting a pin on Pinterest",
    ),
)
