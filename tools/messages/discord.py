"""Messages on Discord, written by the bot:
https://docs.discord.com/developers/resources/message#create-message (read 2026-11-21).

Every part carries a nonce made of the effect, which Discord remembers for some minutes and gives
the first message back for; later than that a person is asked.
"""

from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.messages._message import KindMessage, Platform, completing, previewing, send

DISCORD = Platform(name="discord", title="Discord", max_chars=2000)
NONCE_KNOWN_S = 120
"""The careful reading of "the past few minutes"."""


class DiscordMessage(KindMessage):
    """A message on Discord."""


async def send_discord_message(ctx: ToolContext, args: DiscordMessage) -> Outcome:
    """Send one message to a channel on Discord.

    Use it when the person wants something said in another Discord channel. Do not use it to answer
    here: simply answer. To see where the bot is, use message_places.
    - kind: what it is, such as "alarms", if message_places names such a kind: it goes to the
      channel that an owner chose for those. Use it for what nobody asked for just now.
    - place: else the channel's name or id, such as "#announcements". Give one of the two.
    - text: the message, in Markdown. It calls nobody: @everyone and @here stay words.
    - files: kept files that go with it, each {"id": "fil_…"} from file_list; may be left out.
    Example: {"place": "#announcements", "text": "We meet at six."}
    """
    return await send(DISCORD, ctx, args)


TOOLS = (
    Tool(
        name="send_discord_message",
        arguments=DiscordMessage,
        perform=send_discord_message,
        complete=completing(DISCORD),
        preview=previewing(DISCORD),
        risk=Risk.WRITE,
        policy=Policy.KEYED,
        window_s=NONCE_KNOWN_S,
        egress=True,
        saying="writing on Discord",
    ),
)
