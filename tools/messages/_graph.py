"""Posts in a channel of Teams as a person: whoever connected Microsoft 365 and is a member there.
https://learn.microsoft.com/graph/api/channel-post-messages (read 2026-11-22)

Graph has neither a key for a message nor, with this permission alone, a way to look for one.
"""

from urllib.parse import quote

from bot.core.channel import Dialect
from bot.core.effect import EffectState, Outcome
from bot.core.errors import Conflict, Invalid, OperatorError, VendorUnknown
from bot.core.ports import Page
from bot.core.tool import ToolContext
from bot.oauth.accounts import Client
from bot.oauth.answers import Vendor
from bot.reach import Reach
from bot.render.markdown import to

NEEDS = ("ChannelMessage.Send",)
MAX_BYTES = 28_000
"""Of a message as HTML: https://learn.microsoft.com/microsoftteams/limits-specifications-teams"""


class Channels(Vendor):
    """The channels of teams that one person is in."""

    def __init__(self, client: Client) -> None:
        super().__init__(client, "Teams", NEEDS)

    def error(self, page: Page) -> Exception:
        """What an answer that is no success means."""
        if page.status != 403:
            return super().error(page)
        words = (
            f"Teams does not let {self.client.name} post there (403). Grant the delegated "
            "permission ChannelMessage.Send, to which an administrator may have to consent; and "
            "this person has to be a member of that team who may post in that channel."
        )
        return OperatorError(self.client.again(words, NEEDS).message)


async def person(ctx: ToolContext, reach: Reach) -> Client:
    """Whoever posts. Raises NotConnected, ScopeMissing, Reconnect."""
    return await reach.client(ctx, "microsoft", NEEDS)


def html_of(text: str) -> str:
    """The words as Teams takes them of a person. Raises Invalid where they are too many."""
    html = to(text, Dialect.MAIL)
    if (size := len(html.encode())) > MAX_BYTES:
        raise Invalid(f"A post by a person takes {MAX_BYTES:,} bytes; this one has {size:,}.")
    return html


async def post(client: Client, where: tuple[str, str, str], text: str) -> Outcome:
    """Begin a thread; `where`: the account that was shown, team and channel.

    Raises Conflict, NotFound, OperatorError, VendorRefused, VendorUnknown.
    """
    account, team, channel = where
    if client.account != account:
        raise Conflict("Another Microsoft account is connected now. Ask for it again.")
    told = await Channels(client).ask(
        "POST",
        f"/v1.0/teams/{quote(team, safe='')}/channels/{quote(channel, safe='')}/messages",
        body={"body": {"contentType": "html", "content": html_of(text)}},
    )
    made, url = told.get("id"), told.get("webUrl")
    if not isinstance(made, str) or not made:
        raise VendorUnknown("Teams did not say which message it made.")
    return Outcome(
        state=EffectState.SENT,
        vendor_ref=made,
        url=url if isinstance(url, str) and url.startswith("https://") else "",
        data="It stands in the channel.",
    )
