"""Messages on Slack, written by the bot: https://docs.slack.dev/reference/methods/chat.postMessage
(read 2026-11-21).

Every part carries the effect's id as metadata, so a message whose answer is missing is looked up in
the channel itself and never sent twice.
"""

from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.messages._message import (
    KindMessage,
    Platform,
    completing,
    finding,
    previewing,
    send,
)

SLACK = Platform(name="slack", title="Slack", max_chars=3000)


class SlackMessage(KindMessage):
    """A message on Slack."""


async def send_slack_message(ctx: ToolContext, args: SlackMessage) -> Outcome:
    """Send one message to a channel on Slack.

    Use it when the person wants something said in another Slack channel. Do not use it to answer
    here: simply answer. To see where the bot is, use message_places.
    - kind: what it is, such as "alarms", if message_places names such a kind: it goes to the
      channel that an owner chose for those. Use it for what nobody asked for just now.
    - place: else the channel's name or id, such as "#general". Give one of the two.
    - text: the message, in Markdown. It calls nobody: @channel and @here stay words.
    - files: kept files that go with it, each {"id": "fil_…"} from file_list; may be left out.
    Example: {"place": "#general", "text": "The office is closed on Friday."}
    """
    return await send(SLACK, ctx, args)


TOOLS = (
    Tool(
        name="send_slack_message",
        arguments=SlackMessage,
        perform=send_slack_message,
        complete=completing(SLACK),
        find=finding(SLACK),
        preview=previewing(SLACK),
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        saying="writing on Slack",
    ),
)
