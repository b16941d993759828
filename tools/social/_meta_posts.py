"""What stands on one of Meta's networks already: an account's own posts, and whether one is meant.

Facebook, Instagram and Threads tell posts alike and name their parts differently (`Names`).
https://developers.facebook.com/docs/graph-api/reference/page/feed,
https://developers.facebook.com/docs/instagram-platform/reference/instagram-media and
https://developers.facebook.com/docs/threads/retrieve-and-discover-posts (read 2026-11-21).
"""

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.core.errors import VendorRefused
from bot.frozen import frozen
from tools.social._account import Account
from tools.social._meta_api import items_of, listed
from tools.social._own import Standing

SLACK = timedelta(seconds=60)
"""How far Meta's clock and ours may be apart."""


@frozen
class Names:
    """What a network calls the parts of a post."""

    title: str
    """The network, as people say it."""
    root: str
    """The version, such as `/v23.0`."""
    text: str
    at: str
    url: str
    numbers: Mapping[str, str]
    """Fields with numbers, each with what we call it: a number, or a list with its summary."""

    @property
    def fields(self) -> str:
        """What is asked for of each post in a list."""
        return f"id,{self.text},{self.at},{self.url}"


class MetaPosts:
    """The posts of an account, or of a Page."""

    def __init__(self, account: Account, edge: str, names: Names) -> None:
        """`edge`: where its posts are listed, such as `/178414000/media`."""
        self.account = account
        self._edge = edge
        self._names = names

    @property
    def title(self) -> str:
        """The network, as people say it."""
        return self._names.title

    async def newest(self, count: int) -> list[Standing]:
        """The newest first."""
        query = {"fields": self._names.fields, "limit": str(count)}
        answer = await self.account.call("GET", f"{self._names.root}{self._edge}", query=query)
        return [self._shown(each) for each in items_of(answer)][:count]

    async def one(self, id_: str) -> Standing:
        """One, with its numbers."""
        fields = ",".join((self._names.fields, *self._names.numbers))
        answer = await self.account.call(
            "GET", f"{self._names.root}/{id_}", query={"fields": fields}
        )
        return self._shown(answer)

    async def delete(self, id_: str) -> None:
        """Take one down."""
        answer = await self.account.call("DELETE", f"{self._names.root}/{id_}")
        if answer.get("success") is not True:
            raise VendorRefused("The post was not deleted.")

    async def find(self, text: str, since: datetime) -> Standing | None:
        """The post with this text since then; None when there surely is none.

        Raises VendorError when it cannot be said.
        """
        meant, begin = plain(text), int((since - SLACK).timestamp())
        query = {"fields": self._names.fields, "since": str(begin), "limit": "100"}
        async for each in listed(self.account, f"{self._names.root}{self._edge}", query):
            shown = self._shown(each)
            if plain(shown.text) == meant and (shown.at or since) >= since - SLACK:
                return shown
        return None

    def _shown(self, post: Mapping[str, Any]) -> Standing:
        names = self._names
        counts = {called: _count(post.get(_bare(field))) for field, called in names.numbers.items()}
        return Standing(
            id=str(post.get("id", "")),
            text=str(post.get(names.text) or ""),
            at=_moment(post.get(names.at)),
            url=str(post.get(names.url) or ""),
            numbers={called: count for called, count in counts.items() if count is not None},
        )


def plain(text: str) -> str:
    """A text for comparing: composed signs, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _moment(told: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _bare(field: str) -> str:
    """`likes` of `likes.limit(0).summary(true)`."""
    return field.partition(".")[0]


def _count(value: object) -> int | None:
    """A number as it stands, in the summary of a list, or inside an object with a count."""
    if isinstance(value, int):
        return value
    if isinstance(value, dict):
        summary = value.get("summary")
        told = summary.get("total_count") if isinstance(summary, dict) else value.get("count")
        return told if isinstance(told, int) else None
    return None
