"""Posts to channels of Microsoft Teams, in the ways that Microsoft lets a program post:
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
https://learn.microsoft.com/graph/api/channel-post-messages
https://support.microsoft.com/office/create-incoming-webhooks-with-workflows-for-microsoft-teams-8ae491c7-0394-4861-ba59-055e33f75498
(read 2026-11-22).

The house's bot begins a thread in a channel of a team that it was added to. Where there is no bot,
or a person is to be seen as its author, whoever connected Microsoft 365 does. A flow of the
Workflows app posts to the one channel that it was made for. With credentials of an app alone Graph
lets nobody post. No way has a key or a look-up: what has no answer is asked.
"""

import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import EffectState, Outcome, Policy
from bot.core.errors import (
    Conflict,
    ConnectionBroken,
    Invalid,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.secret import Secret
from bot.core.tool import Risk, Tool, ToolContext
from bot.oauth.accounts import Client, NotConnected
from tools.messages._graph import html_of, person, post
from tools.messages._message import Hidden, Text
from tools.messages._settings import TeamsSettings

MAX_NAME = 100
MAX_FLOW = 6_000
"""Characters that go through a flow: a card of Teams may have 28 KB."""
PAUSE_S, MOST_PAUSE_S = 60.0, 3_600.0
"""How long a flow is left alone that does not say, and at most."""
BOT, FLOW, PERSON = "the bot", "the workflow", "a person"
NO_WAY = (
    "Teams is not connected. An owner connects the bot with `bot connect teams`, or Microsoft 365 "
    "with `bot connect microsoft`, and gives team_id and channel_id; or sets [workflow] teams_url "
    "to a flow's address for its one channel."
)
REFUSED = (
    "The workflow refused it with status {status}. In Teams, under Workflows, the flow must be "
    "switched on, its owner must still be in the team, and “Who can trigger the flow” must be "
    "Anyone; then set its address as [workflow] teams_url."
)


def _id(value: str) -> str:
    text = value.strip()
    if any(not "!" <= char <= "~" for char in text):
        raise ValueError("an id has no spaces")
    return text


Id = Annotated[str, Field(max_length=200), AfterValidator(_id)]


class TeamsPost(BaseModel):
    """A post in a channel."""

    model_config = ConfigDict(extra="forbid")

    team_id: Id = ""
    channel_id: Id = ""
    text: Text
    as_person: bool = False
    way: Hidden = ""
    account: Hidden = ""
    author: Hidden = ""
    channel_name: Hidden = ""
    team_name: Hidden = ""


async def complete(ctx: ToolContext, args: TeamsPost) -> TeamsPost:
    """Say by which way it goes. Raises OperatorError, Invalid."""
    told = _told(ctx)
    args = args.model_copy(update={"account": "", "author": ""})
    if not args.text:
        raise Invalid("There is nothing to post; give a text.")
    if args.as_person and not args.channel_id:
        raise Invalid("A person posts where team_id and channel_id say.")
    if args.channel_id:
        bot = told.bot(ctx.tenant)
        if args.as_person or bot is None:
            return await _by_person(ctx, told, args)
        channel, team = (shown[:MAX_NAME] for shown in bot.called(args.team_id, args.channel_id))
        return args.model_copy(update={"way": BOT, "channel_name": channel, "team_name": team})
    if told.flow(ctx.tenant) is None:
        raise OperatorError(NO_WAY)
    if len(args.text) > MAX_FLOW:
        raise Invalid(
            f"A workflow takes {MAX_FLOW:,} characters; this text has {len(args.text):,}."
        )
    more = {"way": FLOW, "team_id": "", "channel_name": "", "team_name": ""}
    return args.model_copy(update=more)


async def _by_person(ctx: ToolContext, told: TeamsSettings, args: TeamsPost) -> TeamsPost:
    """Say who posts it. Raises OperatorError, Invalid."""
    try:
        client = await _person(ctx, told)
    except NotConnected as error:
        raise OperatorError(error.message if args.as_person else NO_WAY) from None
    if not args.team_id:
        raise Invalid("A person posts where team_id and channel_id say; give both.")
    html_of(args.text)
    more = {"channel_name": "", "team_name": "", "account": client.account, "author": client.name}
    return args.model_copy(update={"way": PERSON, **more})


async def _person(ctx: ToolContext, told: TeamsSettings) -> Client:
    """Whoever connected Microsoft 365. Raises NotConnected, OperatorError."""
    if told.reach is None:
        raise OperatorError(NO_WAY)
    try:
        return await person(ctx, told.reach)
    except NotConnected:
        raise
    except ConnectionBroken as error:  # told to whoever asks: the tool has other ways
        raise OperatorError(error.message) from None


def preview(args: TeamsPost) -> Card:
    """Where it goes, by which way, in which words."""
    where = _named(args.channel_name, args.channel_id) or "the channel of the workflow"
    lines = [Line(name="Channel", value=where)]
    if args.team_id or args.team_name:
        lines.append(Line(name="Team", value=_named(args.team_name, args.team_id)))
    lines += [
        Line(name="Posted by", value=args.author or args.way or BOT),
        Line(name="Text", value=args.text, long=True, editable="text"),
    ]
    return Card(
        title="Post in Microsoft Teams",
        recipients=(where,),
        fields=tuple(lines),
        body=args.text,
        audience="everyone in the channel",
    )


def _named(name: str, id_: str) -> str:
    """A name with its id, which alone says where it goes: names are chosen by anybody."""
    return f"{name} ({id_})" if name and id_ else name or id_


async def teams_post_message(ctx: ToolContext, args: TeamsPost) -> Outcome:
    """Post a message in a channel of Microsoft Teams.

    Use it when the person wants something posted in a Teams channel. Do not use it to answer here:
    simply answer. Do not guess ids: they stand in the channel's link (Get link to channel).
    - team_id: the team's id (groupId of the link).
    - channel_id: the channel's id, such as "19:abc@thread.tacv2". Leave both out to post in the one
      channel of the workflow that an owner has set.
    - as_person: true only when the person wants it to stand there as written by whoever connected
      Microsoft 365, not by the bot. It needs both ids.
    - text: the message, in Markdown.
    Example: {"team_id": "fbe2bf47-16c8-47cf-b4a5-4b9b187c508b", "channel_id":
    "19:4a95f7d8db4c4e7fae857bcebe0623e6@thread.tacv2", "text": "We are open on Sunday."}
    """
    told = _told(ctx)
    if args.way == FLOW:
        address = told.flow(ctx.tenant)
        if address is None:
            raise OperatorError(NO_WAY)
        return await _by_flow(ctx, address, args.text)
    if not args.way or not args.channel_id:
        raise Conflict("It is not said where it goes. Ask for it anew.")
    if args.way == PERSON:
        client = await _person(ctx, told)
        return await post(client, (args.account, args.team_id, args.channel_id), args.text)
    bot = told.bot(ctx.tenant)
    if bot is None:
        raise OperatorError(NO_WAY)
    receipt = await bot.post(args.team_id, args.channel_id, args.text)
    return Outcome(
        state=EffectState.SENT, vendor_ref=receipt.vendor_ref, data="It stands in the channel."
    )


async def _by_flow(ctx: ToolContext, address: Secret, text: str) -> Outcome:
    """Post through a flow; the address is a secret and stands in no error."""
    try:
        page = await (_told(ctx).fetcher or ctx.house.fetcher).fetch(
            address.reveal(),
            method="POST",
            headers={"content-type": "application/json"},
            body=json.dumps(envelope(text)).encode(),
            max_bytes=65_536,
        )
    except Invalid:
        raise OperatorError(
            "[workflow] teams_url is no address that may be asked. Copy it from the flow once more."
        ) from None
    except VendorRefused:
        raise VendorRefused("The workflow cannot be reached.") from None
    except VendorUnknown:
        raise VendorUnknown("The workflow did not answer.") from None
    if 200 <= page.status < 300:
        data = "The workflow has taken it; it posts it in a moment."
        return Outcome(state=EffectState.SENT, vendor_ref=ctx.key, data=data)
    if page.status == 429:
        told = page.headers.get("retry-after", "")
        wait_s = min(float(told), MOST_PAUSE_S) if told.isdecimal() else PAUSE_S
        raise VendorRefused("The workflow asks for a pause.", retry_after_s=wait_s)
    if page.status == 413:
        raise VendorRefused("The text is too long for the workflow.")
    if 400 <= page.status < 500:
        raise VendorRefused(REFUSED.format(status=page.status))
    raise VendorUnknown(f"The workflow answered with status {page.status}.")


def envelope(text: str) -> Json:
    """A message of one Adaptive Card with these words, to the letter."""
    lines: list[Json] = [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line or " "}]}
        for line in text.split("\n")
    ]
    card: Json = {
        "type": "AdaptiveCard",
        "$schema": "https://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "body": lines,
        "msteams": {"width": "Full"},
    }
    attachment: Json = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _told(ctx: ToolContext) -> TeamsSettings:
    """What the house lends. Raises OperatorError where it lends nothing."""
    if not isinstance(ctx.settings, TeamsSettings):
        raise OperatorError(NO_WAY)
    return ctx.settings


TOOLS = (
    Tool(
        name="teams_post_message",
        arguments=TeamsPost,
        perform=teams_post_message,
        complete=complete,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.NONE,
        egress=True,
        saying="posting in Teams",
    ),
)
