"""A post for Alignable, https://www.alignable.com, handed to a person (no API found, 2026-11-21).

A program cannot post there, and driving the site would break its terms. So the card is the
hand-over: it has the text to paste and where to paste it, and waits until a person says, by the
button, that it is up. What is kept then is that person's word, and nothing ever claims that the
house published it. Without that nothing counts as done. Nothing here leaves the house, so after a
crash it is simply noted again.
"""

from typing import ClassVar, Self

from pydantic import model_validator

from bot.core.card import Card, Field
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social._account import keep
from tools.social._network import Network, Post
from tools.social._post import PostArguments, card_of

SITE = "https://www.alignable.com"
NETWORK = Network(
    name="alignable",
    title="Alignable",
    max_chars=5000,
    max_media=1,
    audience="your connections and neighbours on Alignable",
    source="no documentation found (2026-11-21); the limits are ours",
)
BY_HAND = (
    "This is not published yet, and I cannot do it: Alignable takes posts from people only. Copy "
    f"the text, put it up at {SITE} yourself, and only then approve: that says that it is up."
)
NOTED = (
    "It counts as put up by hand, on the word of whoever approved it. The house did not publish it "
    "and cannot look there."
)


class AlignablePost(PostArguments):
    """A post on Alignable."""

    network: ClassVar[Network] = NETWORK

    def to_post(self) -> Post:
        """The link is part of the text that a person will paste."""
        return Post(text=self.with_link(), media=self.pictures())

    @model_validator(mode="after")
    def at_once(self) -> Self:
        """Refuse a time: whoever pastes it chooses theirs."""
        if self.when:
            raise unfit("a person puts this up, at their own time; leave when out")
        return self


def preview(args: AlignablePost) -> Card:
    """Hand it over: what to paste, and where."""
    card = card_of(args, lines=[Field(name="Where", value=SITE)], warnings=[BY_HAND])
    return Card(
        title="Put this up on Alignable by hand",
        fields=card.fields,
        body=card.body,
        warnings=card.warnings,
        audience=card.audience,
    )


async def alignable_publish(ctx: ToolContext, args: AlignablePost) -> Outcome:
    """Hand one post for Alignable to a person, who puts it up by hand and then says so.

    Use it when the person wants something on Alignable. Do not use it to say that something was put
    up there: the card that it makes waits until a person has pasted the text and approved. Say that
    they must paste it themselves; it is never published by you.
    - text: the post.
    - link: an address that is put below the text; leave it out when the text has it.
    - media: one picture, {"url": address, "alt": what is to be seen}.
    - when: leave it out.
    Example: {"text": "New opening hours: Sunday, 10 to 4."}
    """
    await keep(ctx, found=NOTED)
    return Outcome(state=EffectState.SENT, vendor_ref="by hand", url=SITE, data=NOTED)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Nothing left the house, so it may be noted again."""
    return None


TOOLS = (
    Tool(
        name="alignable_publish",
        arguments=AlignablePost,
        perform=alignable_publish,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        by_hand=True,
        saying="handing over a post for Alignable",
    ),
)
