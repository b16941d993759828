"""The tool that acts by an account at Pressroom: one job per paper, under the effect's key."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.effect import EffectState, Outcome, Policy
from bot.core.errors import VendorRefused, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from bot.reach import reach_of

NEEDS = ("print",)
DAY_S = 86_400
MAX_JOB = 100


class Job(BaseModel):
    """What is printed."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=5000)]


async def press_print(ctx: ToolContext, args: Job) -> Outcome:
    """Have a paper printed at Pressroom.

    Use it when somebody asks for a paper on paper. Do not use it to deliver one as a file.
    - text: the whole paper, such as "We are open on Sunday".
    """
    client = await reach_of(ctx).acting(ctx, "pressroom", NEEDS)
    page = await client.call(
        "POST", "/jobs", body={"text": args.text}, headers={"Idempotency-Key": ctx.key}
    )
    if page.status == 201:
        job = page.body[:MAX_JOB].decode(errors="replace")
        return Outcome(state=EffectState.SENT, vendor_ref=job, data="It is printed.")
    if page.status in (400, 402, 403, 404, 422, 429):
        raise VendorRefused(f"Pressroom does not print this ({page.status}).")
    raise VendorUnknown(f"Pressroom answered {page.status}.")


def preview(args: Job) -> Card:
    """What a person sees before it is printed."""
    return Card(title="Have a paper printed", body=args.text)


TOOLS = (
    Tool(
        name="press_print",
        arguments=Job,
        perform=press_print,
        risk=Risk.WRITE,
        policy=Policy.KEYED,
        window_s=DAY_S,
        preview=preview,
        provider="pressroom",
        needs=NEEDS,
    ),
)
