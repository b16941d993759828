"""Reading a page of the web, through the house's one fetcher, which refuses inner addresses.

What comes back is other people's words (`outside`) and taints the conversation. The address itself
can carry words out (`egress`), so in a tainted conversation even reading asks, and the card shows
the whole address. Reading twice harms nobody: repeated after a crash without a question.
"""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import EffectState, Outcome, Policy
from bot.core.ports import Page
from bot.core.tool import Risk, Tool, ToolContext

MAX_TEXT = 7500
"""Characters that a model gets of one page; about 8 kB with what stands around them."""
_LONG_QUERY = 60


def _address(value: str) -> str:
    """Take `example.org/page` as well as a full address."""
    text = value.strip()
    return text if "://" in text else f"https://{text}"


class WebAddress(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=2048), AfterValidator(_address)]


def preview(args: WebAddress) -> Card:
    """Show where the question goes."""
    parts = urlsplit(args.url)
    warnings = []
    if len(parts.query) > _LONG_QUERY or len(parts.path) > 2 * _LONG_QUERY:
        warnings.append("The address is long: it may carry words of this conversation out.")
    return Card(
        title="Read a web page",
        recipients=(parts.hostname or args.url,),
        fields=(Line(name="Address", value=args.url, long=True, editable="url"),),
        warnings=tuple(warnings),
    )


async def web_read(ctx: ToolContext, args: WebAddress) -> Outcome:
    """Read one page of the public web and get its text.

    Use it when the person gives an address or asks about a page. Do not use it to send anything,
    for addresses inside a private network, or to guess at addresses. There is no search.
    - url: the address, such as "https://example.org/news".
    Example: {"url": "https://example.org/news"}
    """
    page = await ctx.house.fetcher.fetch(args.url)
    if not 200 <= page.status < 300:
        error = f"{page.url} answered with status {page.status}; there is nothing to read."
        return Outcome(state=EffectState.FAILED, error=error)
    return Outcome(state=EffectState.SENT, url=page.url, data=shown(page))


def shown(page: Page) -> str:
    """A page as a model reads it."""
    text = page.text.strip()
    if not text:
        size = f"{len(page.body)} bytes of {page.media_type or 'unknown type'}"
        return f"{page.url} has no text to read ({size})."
    cut = "" if len(text) <= MAX_TEXT else f"\n[cut: {len(text)} characters in all]"
    head = f"{page.title.strip()[:200]}\n" if page.title.strip() else ""
    return f"{head}{page.url[:300]}\n\n{text[:MAX_TEXT]}{cut}"


TOOLS = (
    Tool(
        name="web_read",
        arguments=WebAddress,
        perform=web_read,
        preview=preview,
        risk=Risk.READ,
        policy=Policy.KEYED,
        window_s=86_400,
        egress=True,
        outside=True,
        saying="reading a page",
    ),
)
