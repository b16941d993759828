"""Boards and pins of the account on Pinterest: listed, read back with their numbers, deleted.

https://developers.pinterest.com/docs/api/v5/pins-get (openapi 5.23.0, read 2026-11-21).
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.effect import EffectState, Outcome
from bot.core.tool import Tool, ToolContext
from tools.social._account import Account, Gone
from tools.social._picked import pick
from tools.social._pinterest_api import READING, WRITING, address, boards_of, pinterest_of
from tools.social._pinterest_pins import newest, one, seen
from tools.social._post import Title, unfit
from tools.social._taking_down import Shelf, Taken, taking_down

_PIN = re.compile(r"(?:https://(?:[a-z]{2,3}\.)?pinterest\.[a-z.]{2,6}/pin/)?(\d{1,20})/?")
_NUMBERS = {"impression": "seen", "save": "saved", "pin_click": "opened", "clickthrough": "visits"}


def _pin(value: str) -> str:
    found = _PIN.fullmatch(value.strip().replace("//www.", "//"))
    if found is None:
        raise unfit("it is no pin; give its number or its address on pinterest.com")
    return found[1]


Pin = Annotated[str, Field(max_length=200), AfterValidator(_pin)]


class PinterestBoards(BaseModel):
    """Nothing to say."""

    model_config = ConfigDict(extra="forbid")


class PinterestList(BaseModel):
    """Where, and how many."""

    model_config = ConfigDict(extra="forbid")

    board: Title | None = None
    count: int = Field(default=5, ge=1, le=50)


class PinterestRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    pin: Pin


class PinterestDelete(Taken):
    """Which, and what it says."""

    post: Pin


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

    Use it to see what was pinned, or to find the number of a pin. It shows nobody else's pins.
    - board: the name or id of one board; leave it out for all.
    - count: how many, 1 to 50.
    Example: {"board": "Bread", "count": 5}
    """
    account = await pinterest_of(ctx, READING)
    board = ""
    if args.board:
        board = pick(args.board, await boards_of(account), "board", "Pinterest").id
    told = [
        f"{each['id']} ({each.get('created_at', 'no date')}): {' / '.join(seen(each).splitlines())}"
        for each in await newest(account, board, args.count)
    ]
    return Outcome(state=EffectState.SENT, data="\n".join(told) or "There is no pin yet.")


async def pinterest_read(ctx: ToolContext, args: PinterestRead) -> Outcome:
    """Read one pin of the connected account on Pinterest back: is it there, and how is it received?

    Use it when the person asks about one pin or its numbers. Do not use it to read others' pins.
    - pin: its number, or its address on pinterest.com.
    Example: {"pin": "813744226420795884"}
    """
    account = await pinterest_of(ctx, READING)
    try:
        pin = await one(account, args.pin, numbers=True)
    except Gone:
        return Outcome(state=EffectState.SENT, data=SHELF.gone)
    told = f"{address(args.pin)} ({pin.get('created_at', 'no date')}): {seen(pin)}"
    numbers = _numbers(pin)
    return Outcome(state=EffectState.SENT, data=f"{told}\n{numbers}" if numbers else told)


def _numbers(pin: Mapping[str, Any]) -> str:
    """What Pinterest counted since the pin is there, in words; empty where it says nothing."""
    told = pin.get("pin_metrics")
    counted = told.get("lifetime_metrics") if isinstance(told, dict) else None
    if not isinstance(counted, dict):
        return ""
    return ", ".join(f"{_NUMBERS[n]}: {counted[n]}" for n in _NUMBERS if n in counted)


async def _words(account: Account, pin: str) -> str:
    return seen(await one(account, pin)) or "A pin without words."


async def _away(account: Account, pin: str) -> None:
    await account.ask("DELETE", f"/v5/pins/{pin}")


async def _open(ctx: ToolContext) -> Account:
    return await pinterest_of(ctx, WRITING)


SHELF = Shelf(
    provider="pinterest",
    title="Pinterest",
    what="pin",
    needs=WRITING,
    open=_open,
    words=_words,
    away=_away,
    audience="everyone, unless the board is secret",
)
DELETING = """Delete one pin of the connected account on Pinterest, for good.

Use it when the person wants a pin of theirs taken down. Do not use it to correct a pin unless they
said so: deleting loses its saves.
- post: the number of the pin, or its address on pinterest.com; pinterest_list has the numbers.
- text: leave it out; it is filled in with what the pin says.
Example: {"post": "813744226420795884"}
"""


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
    taking_down(SHELF, PinterestDelete, DELETING),
)
