"""The Pages that a person lets us write on, each with the token that acts as it.

https://developers.facebook.com/docs/pages-api/manage-pages (read 2026-11-21). The person's token
lists the Pages and brings a token of each; that one is used for the call and never kept.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.core.errors import Invalid, VendorUnknown
from bot.core.secret import Secret
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools.social._account import Account, account_of
from tools.social._meta_api import GRAPH, listed, service
from tools.social._meta_posts import MetaPosts, Names
from tools.social._picked import told_apart

SERVICE = service("facebook", "Facebook")
READING = ("pages_show_list", "pages_read_engagement")
WRITING = (*READING, "pages_manage_posts")
_TASK = "CREATE_CONTENT"
"""What a person must be let do on a Page to post there."""
_LONGEST = 400
_SETTINGS = ("category", "is_published", "followers_count", "link")
_FIELDS = {"fields": f"id,name,access_token,tasks,{','.join(_SETTINGS)}", "limit": "100"}
NAMES = Names(
    title="Facebook",
    root=GRAPH,
    text="message",
    at="created_time",
    url="permalink_url",
    numbers={
        "reactions.limit(0).summary(true)": "reactions",
        "comments.limit(0).summary(true)": "comments",
        "shares": "shares",
    },
)


@frozen
class Page:
    """One Page."""

    id: str
    name: str
    may_post: bool
    settings: str
    """How it is set up, as Facebook tells it, such as `category: Bakery`."""
    account: Account
    """Acts as the Page."""

    def __str__(self) -> str:
        may = "may publish" if self.may_post else "may not publish"
        return "; ".join(filter(None, (f"{self.id}: {self.name} ({may})", self.settings)))

    @property
    def posts(self) -> MetaPosts:
        """What stands there already."""
        return MetaPosts(self.account, f"/{self.id}/published_posts", NAMES)


async def pages_of(ctx: ToolContext, needs: Sequence[str]) -> list[Page]:
    """All Pages of the connected account. Raises OperatorError, Invalid, Conflict, VendorError."""
    account = await account_of(ctx, SERVICE, needs)
    found = []
    async for told in listed(account, f"{GRAPH}/me/accounts", _FIELDS):
        id_, token, tasks = str(told.get("id", "")), told.get("access_token"), told.get("tasks")
        if not id_.isdecimal():
            raise VendorUnknown("Facebook's list of Pages cannot be read.")
        if isinstance(token, str) and token:
            may_post = not isinstance(tasks, list) or _TASK in tasks
            page = Page(
                id=id_,
                name=str(told.get("name", "")),
                may_post=may_post,
                settings="; ".join(f"{n}: {told[n]}" for n in _SETTINGS if n in told)[:_LONGEST],
                account=account.by(Secret(token)),
            )
            found.append(page)
    return found


async def page_of(ctx: ToolContext, needs: Sequence[str], named: str, id_: str = "") -> Page:
    """The Page of that name or id, or the only one; `id_` settles it between equal names.

    It is named as it is shown, with its id where names clash. Raises Invalid, which names the
    Pages, where it is none or not one.
    """
    pages, wanted = await pages_of(ctx, needs), named.strip().casefold()
    names = [page.name for page in pages]
    shown = [replace(page, name=told_apart(page.name, page.id, names)) for page in pages]
    fits = [
        page
        for page, plain in zip(shown, names, strict=True)
        if not wanted or wanted in (page.id, page.name.casefold(), plain.casefold())
    ]
    if len(fits) > 1:
        fits = [page for page in fits if page.id == id_] or fits
    if len(fits) == 1:
        return fits[0]
    told = ", ".join(f"{page.name} ({page.id})" for page in pages) or "none"
    if not fits:
        what = f"There is no Page {named}" if named else "There is no Page"
        raise Invalid(f"{what} that this account may write on. Its Pages: {told}.")
    raise Invalid(f"Say on which Page, by its name or id. This account's Pages: {told}.")
