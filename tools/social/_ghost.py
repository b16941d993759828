"""A site on Ghost as the blog's tools speak to it, by the Admin API key of an integration.

https://docs.ghost.org/admin-api (read 2026-11-21). Each call carries a token that is signed with
the key and lives some minutes; the key itself is never sent. A post is found by its slug, which is
made of the deed's key. One that is deleted is gone for good.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.errors import BotError, ConnectionBroken, Invalid, VendorUnknown
from bot.core.ports import Clock, Fetcher, Page
from bot.core.secret import Secret
from tools.social._account import Account, Gone, Service, Told
from tools.social._blog_settings import Site
from tools.social._multipart import Part, multipart
from tools.social._own import Standing
from tools.social._site import Draft, Picture, SiteClient, moment_of, words_of

API = "/ghost/api/admin"
VERSION = "v5.0"
LIVES_S = 240
_HTML = {"formats": "html"}


def _reason(told: Told) -> str:
    errors = told.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    said = (first.get("message"), first.get("context")) if isinstance(first, dict) else ()
    return " ".join(str(each) for each in said if each)


def _meaning(page: Page, told: Told) -> BotError | None:
    if page.status == 401:
        return ConnectionBroken(
            "Ghost does not take the key any more. An owner connects the site anew with "
            "`bot connect ghost`."
        )
    if page.status == 404 and not _reason(told):  # perhaps not Ghost who says so
        return VendorUnknown("Something that is not Ghost's API answers at the site's address.")
    return None


SERVICE = Service(name="ghost", title="Ghost", reason=_reason, meaning=_meaning)


def token(key: Secret, at: int) -> str:
    """The token of one call, at so many seconds since 1970. Raises Invalid for what is no key."""
    id_, _, secret = key.reveal().partition(":")
    try:
        raw = bytes.fromhex(secret)
    except ValueError:
        raw = b""
    if not id_ or not raw:
        raise Invalid("An Admin API key of Ghost's is two parts with a colon between them.")
    head = _part({"alg": "HS256", "kid": id_, "typ": "JWT"})
    body = _part({"iat": at, "exp": at + LIVES_S, "aud": "/admin/"})
    mac = hmac.digest(raw, head + b"." + body, hashlib.sha256)
    return b".".join((head, body, urlsafe_b64encode(mac).rstrip(b"="))).decode()


def _part(told: Mapping[str, object]) -> bytes:
    return urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=")


class Ghost:
    """One site."""

    title = "the blog"

    def __init__(self, fetcher: Fetcher, site: Site, clock: Clock) -> None:
        def dress() -> Mapping[str, str]:
            made = token(site.key, int(clock.now().timestamp()))
            return {"Authorization": f"Ghost {made}", "Accept-Version": VERSION}

        self._account = Account(SERVICE, SiteClient(fetcher, site, dress), clock)

    async def try_out(self) -> str:
        """The site's name; that the key may read drafts shows that it may publish."""
        await self._account.call("GET", f"{API}/posts/", query={"limit": "1"})
        site = (await self._account.call("GET", f"{API}/site/")).get("site")
        return str(site.get("title") or "") if isinstance(site, dict) else ""

    async def found(self, slug: str) -> Standing | None:
        """The post of that slug, in whatever state; None when there surely is none."""
        try:
            answer = await self._account.call("GET", f"{API}/posts/slug/{slug}/", query=_HTML)
        except Gone:
            return None
        return _standing(_first(answer))

    async def picture(self, picture: Picture) -> str:
        """Keep a picture on the site; its address."""
        parts = (
            Part(field="file", data=picture.data, kind=picture.kind, name=picture.name),
            Part(field="purpose", data=b"image"),
        )
        kind, body = multipart(parts)
        answer = await self._account.call(
            "POST", f"{API}/images/upload/", body=body, headers={"Content-Type": kind}
        )
        images = answer.get("images")
        first = images[0] if isinstance(images, list) and images else None
        if not isinstance(first, dict) or not first.get("url"):
            raise VendorUnknown("Ghost did not say where the picture is.")
        return str(first["url"])

    async def publish(self, draft: Draft) -> Standing:
        """Publish it."""
        post: dict[str, Any] = {
            "title": draft.title,
            "html": f"<!--kg-card-begin: html-->\n{draft.html}\n<!--kg-card-end: html-->",
            "slug": draft.slug,
            "status": "published",
            "tags": list(draft.tags),
        }
        if draft.picture:
            post |= {"feature_image": draft.picture, "feature_image_alt": draft.alt[:125]}
        query = {"source": "html", **_HTML}
        answer = await self._account.call(
            "POST", f"{API}/posts/", query=query, body={"posts": [post]}
        )
        return _standing(_first(answer))

    async def newest(self, count: int) -> Sequence[Standing]:
        """What is published, newest first."""
        query = {"limit": str(count), "filter": "status:published", **_HTML}
        query["order"] = "published_at desc"
        answer = await self._account.call("GET", f"{API}/posts/", query=query)
        return [_standing(post) for post in _posts(answer)]

    async def one(self, post: str) -> Standing:
        """One post. Raises Gone."""
        return _standing(
            _first(await self._account.call("GET", f"{API}/posts/{post}/", query=_HTML))
        )

    async def delete(self, post: str) -> None:
        """Delete it for good. Raises Gone."""
        await self._account.ask("DELETE", f"{API}/posts/{post}/")


def _posts(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = answer.get("posts")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise VendorUnknown("Ghost's list of posts cannot be read.")
    return found


def _first(answer: Mapping[str, Any]) -> dict[str, Any]:
    found = _posts(answer)
    if not found:
        raise VendorUnknown("Ghost did not say which post this is.")
    return found[0]


def _standing(post: Mapping[str, Any]) -> Standing:
    id_ = str(post.get("id") or "")
    if not id_.isalnum():
        raise VendorUnknown("Ghost did not say which post this is.")
    return Standing(
        id=id_,
        text=words_of(post.get("title"), post.get("html")),
        at=moment_of(post.get("published_at") or post.get("created_at")),
        url=str(post.get("url") or ""),
    )


BLOG = Ghost
