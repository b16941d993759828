"""A site on WordPress as the blog's tools speak to it, by a user's application password.

https://developer.wordpress.org/rest-api/reference/posts/ (read 2026-11-21). A post is found by its
slug, which is made of the deed's key; one that is taken down goes to the trash, from where a person
can bring it back. Tags go by their numbers and are made where they are not there.
"""

import html
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.canonical import Json
from bot.core.errors import BotError, ConnectionBroken, Invalid, VendorRefused, VendorUnknown
from bot.core.ports import Clock, Fetcher, Page
from tools.social._account import Account, Gone, Service, Told, object_of
from tools.social._blog_settings import Site
from tools.social._own import Standing
from tools.social._site import Draft, Picture, SiteClient, array_of, moment_of, words_of

API = "/wp-json/wp/v2"
_ANY = "publish,future,draft,pending,private"


class TermThere(VendorRefused):
    """The site has this tag already."""

    id: int = 0


def _meaning(page: Page, told: Told) -> BotError | None:
    if page.status == 401:
        return ConnectionBroken(
            "WordPress does not take the key any more. An owner connects the site anew with "
            "`bot connect wordpress`."
        )
    if told.get("code") == "term_exists":
        found = TermThere("The tag is there.")
        data = told.get("data")
        known = data.get("term_id") if isinstance(data, dict) else 0
        found.id = known if isinstance(known, int) else 0
        return found
    if page.status == 404 and not told.get("code"):  # perhaps not WordPress who says so
        return VendorUnknown("Something that is not WordPress's API answers at the site's address.")
    return Gone("WordPress has nothing there.") if page.status == 410 else None


SERVICE = Service(
    name="wordpress",
    title="WordPress",
    reason=lambda told: str(told.get("message") or ""),
    meaning=_meaning,
)


class WordPress:
    """One site."""

    title = "the blog"

    def __init__(self, fetcher: Fetcher, site: Site, clock: Clock) -> None:
        pair = f"{site.user}:{site.key.reveal()}".encode()
        header = {"Authorization": f"Basic {b64encode(pair).decode()}"}
        self._site = site
        self._account = Account(SERVICE, SiteClient(fetcher, site, lambda: header), clock)

    async def try_out(self) -> str:
        """The site's name, when this user may publish there."""
        me = await self._account.call("GET", f"{API}/users/me", query={"context": "edit"})
        may = me.get("capabilities")
        if not isinstance(may, dict) or may.get("publish_posts") is not True:
            raise Invalid("This user may not publish there. It needs the role of an author.")
        return str((await self._account.call("GET", "/wp-json/")).get("name") or "")

    async def found(self, slug: str) -> Standing | None:
        """The post of that slug, in whatever state; None when there surely is none."""
        posts = await self._posts({"slug": slug, "status": _ANY})
        return _standing(posts[0]) if posts else None

    async def picture(self, picture: Picture) -> str:
        """Keep a picture in the site's library; its number."""
        headers = {
            "Content-Type": picture.kind,
            "Content-Disposition": f'attachment; filename="{picture.name}"',
        }
        answer = await self._account.call(
            "POST", f"{API}/media", body=picture.data, headers=headers
        )
        id_ = _number(answer)
        if picture.alt:
            await self._account.call("POST", f"{API}/media/{id_}", body={"alt_text": picture.alt})
        return str(id_)

    async def publish(self, draft: Draft) -> Standing:
        """Publish it."""
        body: dict[str, Json] = {
            "title": draft.title,
            "content": draft.html,
            "slug": draft.slug,
            "status": "publish",
        }
        if draft.tags:
            body["tags"] = [await self._tag(name) for name in draft.tags]
        if draft.picture:
            body["featured_media"] = int(draft.picture)
        return _standing(await self._account.call("POST", f"{API}/posts", body=body))

    async def _tag(self, name: str) -> int:
        """A tag's number; the tag is made where it is not there."""
        query = {"search": name, "per_page": "100"}
        for tag in array_of(await self._account.ask("GET", f"{API}/tags", query=query)):
            if html.unescape(str(tag.get("name"))).casefold() == name.casefold():
                return _number(tag)
        try:
            return _number(await self._account.call("POST", f"{API}/tags", body={"name": name}))
        except TermThere as error:
            if error.id:
                return error.id
            raise

    async def newest(self, count: int) -> Sequence[Standing]:
        """What is published, newest first."""
        return [_standing(post) for post in await self._posts({"per_page": str(count)})]

    async def one(self, post: str) -> Standing:
        """One post; what lies in the trash is gone for readers."""
        query = {"context": "edit"}
        found = await self._account.call("GET", f"{API}/posts/{post}", query=query)
        if found.get("status") == "trash":
            raise Gone
        return _standing(found)

    async def delete(self, post: str) -> None:
        """Move it to the trash."""
        page = await self._account.ask("DELETE", f"{API}/posts/{post}")
        if (object_of(page) or {}).get("status") != "trash":
            raise VendorUnknown("WordPress did not say that the post is in the trash.")

    async def _posts(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        asked = {"context": "edit", **query}
        return array_of(await self._account.ask("GET", f"{API}/posts", query=asked))


def _number(told: Mapping[str, Any]) -> int:
    found = told.get("id")
    if not isinstance(found, int) or isinstance(found, bool):
        raise VendorUnknown("WordPress did not say how it numbers this.")
    return found


def _standing(post: Mapping[str, Any]) -> Standing:
    title, content = (
        (field.get("raw") or field.get("rendered")) if isinstance(field, dict) else ""
        for field in (post.get("title"), post.get("content"))
    )
    at = post.get("date_gmt")
    return Standing(
        id=str(_number(post)),
        text=words_of(title, content),
        at=moment_of(at),
        url=str(post.get("link") or ""),
    )


BLOG = WordPress
