"""Text messages as a tool: one text to one number, from the number of the agent that writes.

Asks by default. The channel `sms` sends it; there is no key at Twilio, so an unclear outcome is
looked up. Whoever has opted out is not texted, whatever was approved.
https://www.twilio.com/docs/messaging/api/message-resource (read 2026-11-21)
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.channel import Outbound
from bot.core.effect import Effect, EffectKind, EffectState, Outcome, Policy
from bot.core.errors import DeveloperError, VendorRefused
from bot.core.event import Attachment
from bot.core.tool import Risk, Tool, ToolContext
from bot.platforms.texting import Phone
from bot.render.segments import UCS2, measure, plain_letters
from tools._arguments import unfit
from tools.messages._message import text_of

MAX_CHARS = 1600
MAX_MEDIA = 10
DEAR = 3
"""From so many segments on the card says that each is paid for."""
_E164 = re.compile(r"\+[1-9]\d{6,14}")


def _number(value: str) -> str:
    text = re.sub(r"[\s().-]", "", value)
    if not _E164.fullmatch(text):
        raise unfit("it is no phone number; write it with + and the country, like +15550001234")
    return text


def _text(value: str) -> str:
    text = plain_letters(text_of(value))
    if len(text) > MAX_CHARS:
        raise unfit(f"it has {len(text)} characters; a text message takes {MAX_CHARS}")
    return text


def _picture(value: str) -> str:
    if not re.fullmatch(r"https://[^\s/?#@]+\.[^\s@]+", value):
        raise unfit("a picture is an https address that anybody can open")
    return value


class TextArguments(BaseModel):
    """One text message."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(max_length=40), AfterValidator(_number)]
    text: Annotated[str, Field(max_length=20_000), AfterValidator(_text)] = ""
    media: list[Annotated[str, Field(max_length=2048), AfterValidator(_picture)]] | None = Field(
        default=None, max_length=MAX_MEDIA
    )

    @model_validator(mode="after")
    def _says_something(self) -> "TextArguments":
        if not self.text and not self.media:
            raise unfit("there is nothing to send; give a text")
        return self


def preview(args: TextArguments) -> Card:
    """Show whom it reaches, the words as they will appear, and what they cost."""
    length = measure(args.text)
    lines = [Line(name="Text", value=args.text, long=True, editable="text")] if args.text else []
    lines += [Line(name=f"Picture {n}", value=url) for n, url in enumerate(args.media or (), 1)]
    shown = "1 picture message (MMS)" if args.media else str(length)
    warnings = []
    if not args.media and length.segments >= DEAR:
        warnings.append(f"It is sent, and paid for, as {length.segments} texts.")
    if not args.media and length.encoding == UCS2:
        warnings.append("A letter in it is none of the old alphabet, so fewer fit into a segment.")
    return Card(
        title="Send a text message",
        recipients=(args.to,),
        fields=(*lines, Line(name="Length", value=shown)),
        body=args.text,
        warnings=tuple(warnings),
        audience="whoever has this phone",
    )


async def send_sms(ctx: ToolContext, args: TextArguments) -> Outcome:
    """Send one text message (SMS, or MMS with pictures) to a phone number.

    Use it when the person wants somebody texted. Do not use it to answer the person you are talking
    to, for lists of people, or for a number that nobody gave you. Whoever wrote STOP gets nothing.
    - to: the number with + and country, such as "+15550001234".
    - text: the words, at most 1,600 characters; 160 fit into one text, and each is paid for.
    - media: https addresses of up to 10 pictures; leave it out for none.
    Example: {"to": "+15550001234", "text": "Your table is ready."}
    """
    phone = _phone(ctx)
    channel = phone.channel(ctx.tenant)
    number = str(ctx.progress.get("thread") or "")
    if not number:
        number = await phone.book_of(ctx.tenant).number_of(ctx.agent)
        kept: dict[str, Json] = {"place": args.to, "thread": number}
        if ctx.save is not None:
            await ctx.save(kept)
    if why := await phone.book_of(ctx.tenant).blocked(number, args.to):
        raise VendorRefused(
            f"{args.to} has opted out of texts ({why.how}), so nothing was sent. Only they can "
            "change that, by writing START to our number."
        )
    if ctx.effect is None:
        raise DeveloperError("A text was to be sent that is no deed on record.")
    receipt = await channel.send(
        Outbound(
            tenant=ctx.tenant,
            conv=ctx.conv,
            account="",
            place=args.to,
            thread=number,
            effect=ctx.effect,
            kind=EffectKind.TOOL,
            text=args.text,
            attachments=tuple(
                Attachment(name="picture", media_type="", size=0, source=url)
                for url in args.media or ()
            ),
        )
    )
    said = f"Texted to {args.to} from {number}: {measure(args.text)}."
    return Outcome(state=EffectState.SENT, vendor_ref=receipt.vendor_ref, data=said)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look up whether a text left."""
    phone = _phone(ctx)
    look = getattr(phone.channel(ctx.tenant), "find", None)
    if look is None:
        raise DeveloperError("The channel for texts cannot be looked into.")
    found: Outcome | None = await look(effect)
    return found


def _phone(ctx: ToolContext) -> Phone:
    if not isinstance(ctx.settings, Phone):
        raise DeveloperError("The tool that texts was given no phone.")
    return ctx.settings


TOOLS = (
    Tool(
        name="send_sms",
        arguments=TextArguments,
        perform=send_sms,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        saying="sending a text message",
    ),
)
