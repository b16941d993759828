"""Messages on Telegram, to the chats that people saved for themselves with /savechat:
https://core.telegram.org/bots/api#sendmessage (read 2026-11-21).

Telegram has neither a key for a message nor a way to look one up: after a call without an answer a
person is asked, and nothing is sent again by itself.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.core.effect import Outcome, Policy
from bot.core.errors import Conflict, Invalid, NotFound, OperatorError
from bot.core.tool import Risk, Tool, ToolContext
from bot.platforms.lent import Spot
from bot.store import saved_chats
from bot.store.saved_chats import SavedChat
from tools.messages._message import (
    Hidden,
    MessageArguments,
    PlaceName,
    Platform,
    named,
    previewing,
    send,
)
from tools.messages._settings import TelegramSettings

CHANNEL = "telegram"
TELEGRAM = Platform(
    name=CHANNEL,
    title="Telegram",
    max_chars=4096,
    note="Telegram cannot say whether a message arrived; if an answer is missing you are asked.",
)
SAVE_FIRST = (
    "You have saved no chat on Telegram. Write /savechat to the bot there, in a chat of the two of "
    "you alone."
)


class OwnMessage(MessageArguments):
    """A message to whoever asks."""

    place: Hidden = ""


class OtherMessage(MessageArguments):
    """A message to somebody else of the workspace."""

    place: PlaceName


Find = Callable[[ToolContext, MessageArguments], Awaitable[SavedChat]]


async def _own(ctx: ToolContext, args: MessageArguments) -> SavedChat:
    """The person's own chat. Raises NotFound."""
    if ctx.person is None:
        raise NotFound("Nobody asked, so there is nobody to notify.")
    found = await _told(ctx).db.read(saved_chats.get(ctx.tenant, ctx.person, CHANNEL))
    if found is None:
        raise NotFound(SAVE_FIRST)
    return found


async def _other(ctx: ToolContext, args: MessageArguments) -> SavedChat:
    """The chat of the person who is named. Raises NotFound, Conflict."""
    name = args.place
    found = await _told(ctx).db.read(saved_chats.of_name(ctx.tenant, CHANNEL, name))
    if args.place_id:
        found = [chat for chat in found if chat.place == args.place_id] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise Conflict(f"Several people are called {name}. An owner can give them distinct names.")
    raise NotFound(
        f"Nobody called {name} has saved a chat on Telegram. They write /savechat to the bot there."
    )


def _completing(
    find: Find,
) -> Callable[[ToolContext, MessageArguments], Awaitable[MessageArguments]]:
    """Says which chat is meant, before anybody is asked."""

    async def complete(ctx: ToolContext, args: MessageArguments) -> MessageArguments:
        chat = await find(ctx, args)
        name = args.place if isinstance(args, OtherMessage) else chat.name or chat.place
        lent = replace(ctx, settings=_told(ctx).outgoing)
        about = "the chat of the bot and this person alone"
        return await named(lent, args, place=name, place_id=chat.place, about=about)

    return complete


async def _sent(ctx: ToolContext, args: MessageArguments, find: Find) -> Outcome:
    """Send it, if the chat is still the one that was shown."""
    chat = await find(ctx, args)
    if args.place_id and chat.place != args.place_id:
        raise Conflict("The saved chat is another than was shown. Ask for it anew.")
    if not args.place_id:
        raise Invalid("It is not said which chat is meant. Ask for it anew.")
    spot = Spot(id=chat.place, name=args.place, account=chat.account)
    lent = replace(ctx, settings=_told(ctx).outgoing)
    return await send(TELEGRAM, lent, args, spot=spot)


async def send_telegram_message(ctx: ToolContext, args: OwnMessage) -> Outcome:
    """Notify the person on Telegram, in the chat that they saved for it.

    Use it when the person says "notify me", "ping me", "alert me", "let me know on Telegram", also
    in a schedule. Do not use it to answer here, or to write to anybody else. When no chat is saved,
    say that they write /savechat to the bot on Telegram.
    - text: the message, in Markdown.
    - files: kept files that go with it, each {"id": "fil_…"} from file_list; may be left out.
    Example: {"text": "The report is ready."}
    """
    return await _sent(ctx, args, _own)


async def send_telegram_message_to(ctx: ToolContext, args: OtherMessage) -> Outcome:
    """Send a message on Telegram to somebody else of the workspace, who saved a chat for it.

    Use it when the person names somebody to be told on Telegram. Do not use it for the person
    themselves: that is send_telegram_message.
    - place: the name of whoever is told, as the workspace knows them, such as "Ben".
    - text: the message, in Markdown.
    - files: kept files that go with it, each {"id": "fil_…"} from file_list; may be left out.
    Example: {"place": "Ben", "text": "The van is at the gate."}
    """
    return await _sent(ctx, args, _other)


def _told(ctx: ToolContext) -> TelegramSettings:
    """What the house lends. Raises OperatorError where it lends nothing."""
    if not isinstance(ctx.settings, TelegramSettings):
        raise OperatorError("This house sends no messages to platforms.")
    return ctx.settings


TOOLS = (
    Tool(
        name="send_telegram_message",
        arguments=OwnMessage,
        perform=send_telegram_message,
        complete=_completing(_own),
        preview=previewing(TELEGRAM),
        risk=Risk.WRITE,
        policy=Policy.NONE,
        egress=True,
        saying="writing to you on Telegram",
    ),
    Tool(
        name="send_telegram_message_to",
        arguments=OtherMessage,
        perform=send_telegram_message_to,
        complete=_completing(_other),
        preview=previewing(TELEGRAM),
        risk=Risk.WRITE,
        policy=Policy.NONE,
        egress=True,
        saying="writing on Telegram",
    ),
)
