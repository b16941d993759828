"""The blog on WordPress and on Ghost: what is sent, what each answer means, never twice."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState, Outcome
from bot.core.errors import (
    Conflict,
    ConnectionBroken,
    Invalid,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.core.tool import Tool, ToolContext
from bot.infra.clock import SystemClock
from tests.fakes.ghost_server import KEY, GhostServer
from tests.fakes.wordpress_server import PASSWORD, USER, WordPressServer
from tests.fakes.x_server import PNG
from tests.tools.kit import context, effect, house, lines
from tests.tools.social.desk import Web, page
from tools.social._blog_settings import BlogSettings, Site
from tools.social.blog import TOOLS, preview

PUBLISH, LIST, READ, DELETE = TOOLS
POST: dict[str, Json] = {
    "title": "Open on Sunday & Monday",
    "text": "We are **open**.\n\n- 10 to 4 <b>",
    "tags": ["News", "opening hours"],
}
SHOWN = "https://ann.example"
WITH_PICTURE: dict[str, Json] = {
    **POST,
    "picture": {"url": "https://example.org/bread.png", "alt": "A loaf"},
}


@dataclass
class SiteDesk:
    """One tenant's blog on one played site."""

    server: Any
    site: Site | None
    create: str
    look: str
    kept: dict[str, Json] = field(default_factory=dict)
    web: Web = field(default_factory=Web)
    key: str = "eff_1"

    def context(self) -> ToolContext:
        async def save(progress: Any) -> None:
            self.kept = dict(progress)

        async def site(tenant: TenantId) -> Site | None:
            return self.site

        return context(
            replace(house(), fetcher=self.web),
            clock=SystemClock(),
            settings=BlogSettings(site=site),
            progress=self.kept,
            save=save,
            key=self.key,
        )

    async def complete(
        self, given: dict[str, Json] = POST, tool: Tool = PUBLISH
    ) -> dict[str, Json]:
        assert tool.complete
        full = await tool.complete(self.context(), tool.arguments.model_validate(given))
        return full.model_dump(mode="json", exclude_none=True)

    async def perform(self, given: dict[str, Json], tool: Tool = PUBLISH) -> Outcome:
        return await tool.perform(self.context(), tool.arguments.model_validate(given))

    async def find(self, given: dict[str, Json], tool: Tool = PUBLISH) -> Outcome | None:
        assert tool.find
        return await tool.find(self.context(), effect(tool, given, progress=self.kept))

    def texts(self) -> list[str]:
        """What stands on the site, as it came."""
        return [getattr(p, "content", "") or getattr(p, "html", "") for p in self.standing()]

    def standing(self) -> list[Any]:
        """What readers can see."""
        return [p for p in self.server.posts if p.status in ("publish", "published")]


def desk_at(server: Any) -> SiteDesk:
    """A desk at the site that a server plays at `SHOWN`."""
    if isinstance(server, WordPressServer):
        site = Site(kind="wordpress", url=SHOWN, user=USER, key=Secret(PASSWORD), title="Ann")
        made = SiteDesk(server, site, "POST /posts", "GET /posts")
    else:
        site = Site(kind="ghost", url=SHOWN, key=Secret(KEY), title="Ann")
        made = SiteDesk(server, site, "POST /posts/", "GET /posts/slug/{slug}/")
    made.web.played[SHOWN] = server.base
    made.web.pages["https://example.org/bread.png"] = page(PNG)
    return made


@pytest.fixture(params=[WordPressServer, GhostServer])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[SiteDesk]:
    async with request.param() as server:
        yield desk_at(server)
        assert server.mistakes == []


async def test_a_post_stands_on_the_site_as_html_and_its_address_is_told(desk: SiteDesk) -> None:
    full = await desk.complete()
    done = await desk.perform(full)
    (post,) = desk.standing()
    assert post.title == "Open on Sunday & Monday"
    (text,) = desk.texts()
    assert "<strong>open</strong>" in text and "&lt;b&gt;" in text and "<b>" not in text
    assert done.state is EffectState.SENT and done.vendor_ref == str(post.id)
    assert done.url.endswith(f"/{post.slug}/") and post.slug.startswith("open-on-sunday-monday-")
    named = [desk.server.tags[id_] for id_ in post.tags] if post.tags[0] != "News" else post.tags
    assert named == ["News", "opening hours"]


async def test_where_it_will_stand_is_on_the_card(desk: SiteDesk) -> None:
    full = await desk.complete({**POST, "site": "somewhere nice"})
    assert desk.site and full["site"] == desk.site.label
    card = preview(PUBLISH.arguments.model_validate(full))  # type: ignore[arg-type]
    assert lines(card)["Where"] == f"{desk.site.label}"
    assert card.audience == "everyone (public)"


async def test_twice_is_once_and_another_deed_is_another_post(desk: SiteDesk) -> None:
    full = await desk.complete()
    first = await desk.perform(full)
    assert await desk.perform(full) == first
    assert desk.server.calls_of(desk.create) == len(desk.standing()) == 1
    desk.key = "eff_2"
    assert (await desk.perform(full)).vendor_ref != first.vendor_ref
    assert len(desk.standing()) == 2


@pytest.mark.parametrize("how", ["error_after", "lost", "truncated"])
async def test_a_post_whose_answer_is_missing_is_found_and_not_made_twice(
    desk: SiteDesk, how: str
) -> None:
    full = await desk.complete()
    desk.server.fail(desk.create, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    found = await desk.find(full)
    assert found and found.vendor_ref == str(desk.standing()[0].id)
    assert (await desk.perform(full)).vendor_ref == found.vendor_ref
    assert desk.server.calls_of(desk.create) == len(desk.standing()) == 1


@pytest.mark.parametrize("how", ["error", "cut", "redirect"])
async def test_a_post_that_never_was_is_surely_not_there_and_made_once(
    desk: SiteDesk, how: str
) -> None:
    full = await desk.complete()
    desk.server.elsewhere = "https://elsewhere.example/"
    desk.server.fail(desk.create, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert len(desk.standing()) == 1


@pytest.mark.parametrize("how", ["error", "cut", "truncated", "redirect", "limited", "forbidden"])
async def test_a_look_up_that_fails_says_nothing(desk: SiteDesk, how: str) -> None:
    full = await desk.complete()
    desk.server.elsewhere = "https://elsewhere.example/"
    desk.server.fail(desk.look, how)
    with pytest.raises(VendorError):
        await desk.find(full)


@pytest.mark.parametrize(
    ("how", "said"),
    [("bad", "400"), ("forbidden", "403"), ("conflict", "409"), ("large", "413"),
     ("unfit", "422"), ("missing", "nothing there"), ("limited", "for the moment")],
)  # fmt: skip
async def test_a_refusal_is_told_and_nothing_was_done(desk: SiteDesk, how: str, said: str) -> None:
    full = await desk.complete()
    desk.server.fail(desk.create, how)
    with pytest.raises(VendorRefused, match=said) as caught:
        await desk.perform(full)
    assert caught.value.retry_after_s == (30 if how == "limited" else None)
    assert desk.standing() == []


async def test_a_key_that_is_refused_names_what_mends_it(desk: SiteDesk) -> None:
    full = await desk.complete()
    desk.server.fail(desk.create, "unauthorized")
    with pytest.raises(ConnectionBroken, match=r"bot connect (wordpress|ghost)"):
        await desk.perform(full)
    assert desk.standing() == []


async def test_a_picture_stands_at_the_head_and_is_uploaded_once(desk: SiteDesk) -> None:
    full = await desk.complete(WITH_PICTURE)
    card = preview(PUBLISH.arguments.model_validate(full))  # type: ignore[arg-type]
    assert lines(card)["Picture"] == "https://example.org/bread.png (A loaf; PNG, 0 kB)"
    desk.server.fail(desk.create, "error")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    await desk.perform(full)
    (post,) = desk.standing()
    assert len(desk.server.media) == 1
    kept = desk.server.media[post.picture]
    assert (kept if isinstance(kept, bytes) else kept["bytes"]) == PNG
    alt = post.picture_alt if isinstance(kept, bytes) else kept["alt"]
    assert alt == "A loaf"


async def test_other_bytes_than_those_shown_are_not_published(desk: SiteDesk) -> None:
    full = await desk.complete(WITH_PICTURE)
    desk.web.pages["https://example.org/bread.png"] = page(PNG + b"other")
    with pytest.raises(Conflict, match="something else"):
        await desk.perform(full)
    assert desk.server.media == {} and desk.standing() == []


async def test_a_yes_for_one_place_is_none_for_another(desk: SiteDesk) -> None:
    full = await desk.complete()
    asked, desk.site = desk.site, None
    with pytest.raises(Conflict, match="somewhere else"):
        await desk.perform(full)
    with pytest.raises(VendorUnknown, match="somewhere else"):
        await desk.find(full)
    with pytest.raises(Invalid, match="takes a picture"):
        await desk.complete(WITH_PICTURE)
    desk.site = asked
    with pytest.raises(Conflict, match="somewhere else"):
        await desk.perform(POST)
    assert desk.server.calls_of(desk.create) == 0


async def test_posts_are_listed_read_and_taken_down_once(desk: SiteDesk) -> None:
    kept = desk.server.post("Keep me", "<p>Please</p>")
    post = desk.server.post("Go away", "<p>Bye &amp; thanks</p>")
    told = str((await desk.perform({"count": 2}, LIST)).data).splitlines()
    assert told[0].startswith(f"{post.id} (") and "Go away" in told[0]
    one = str((await desk.perform({"post": str(post.id)}, READ)).data)
    assert one.endswith("Go away\nBye & thanks")
    full = await desk.complete({"post": str(post.id), "text": "made up"}, DELETE)
    assert full["text"] == "Go away\nBye & thanks"
    with pytest.raises(Conflict, match="something else"):
        await desk.perform({**full, "post": str(kept.id)}, DELETE)
    assert (await desk.perform(full, DELETE)).data == "Deleted."
    assert desk.standing() == [kept]
    again = await desk.perform(full, DELETE)
    assert "not on the blog any more" in str(again.data)
    assert DELETE.preview
    card = DELETE.preview(DELETE.arguments.model_validate(full))
    is_trash = desk.site and desk.site.kind == "wordpress"
    assert ("trash" if is_trash else "brought back") in card.warnings[0]


@pytest.mark.parametrize(("how", "gone"), [("lost", True), ("error", False)])
async def test_a_deletion_whose_answer_is_missing_is_looked_up(
    desk: SiteDesk, how: str, gone: bool
) -> None:
    full = await desk.complete({"post": str(desk.server.post("Hello").id)}, DELETE)
    where = "/posts/{id}" + ("/" if desk.create.endswith("/") else "")
    desk.server.fail(f"DELETE {where}", how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE)
    assert (await desk.find(full, DELETE) is not None) is gone
    desk.server.fail(f"GET {where}", "truncated")
    with pytest.raises(VendorUnknown):
        await desk.find(full, DELETE)


@pytest.mark.parametrize(
    ("how", "said"),
    [("bad", "400"), ("forbidden", "403"), ("conflict", "409"), ("large", "413"),
     ("unfit", "422"), ("limited", "for the moment"), ("unauthorized", "bot connect")],
)  # fmt: skip
async def test_a_deletion_that_is_refused_leaves_the_post_and_says_why(
    desk: SiteDesk, how: str, said: str
) -> None:
    full = await desk.complete({"post": str(desk.server.post("Hello").id)}, DELETE)
    where = "DELETE /posts/{id}" + ("/" if desk.create.endswith("/") else "")
    desk.server.fail(where, how)
    with pytest.raises((VendorRefused, ConnectionBroken), match=said) as caught:
        await desk.perform(full, DELETE)
    assert getattr(caught.value, "retry_after_s", None) == (30 if how == "limited" else None)
    assert len(desk.standing()) == desk.server.calls_of(where) == 1
    assert await desk.find(full, DELETE) is None


@pytest.mark.parametrize("how", ["error", "cut", "redirect", "error_after", "lost", "truncated"])
async def test_a_deletion_that_nobody_heard_of_takes_one_post_and_no_other(
    desk: SiteDesk, how: str
) -> None:
    desk.server.elsewhere = "https://elsewhere.example/"
    kept = desk.server.post("Keep me")
    full = await desk.complete({"post": str(desk.server.post("Hello").id)}, DELETE)
    where = "DELETE /posts/{id}" + ("/" if desk.create.endswith("/") else "")
    desk.server.fail(where, how)
    is_gone = how in ("error_after", "lost", "truncated")
    with suppress(VendorUnknown) if how == "truncated" else pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE)
    assert (await desk.find(full, DELETE) is not None) is is_gone
    if not is_gone:
        assert (await desk.perform(full, DELETE)).state is EffectState.SENT
    assert desk.standing() == [kept]


async def test_without_a_site_the_own_posts_are_said_to_be_files(desk: SiteDesk) -> None:
    desk.site = None
    for tool, given in ((LIST, {}), (READ, {"post": "1"}), (DELETE, {"post": "1"})):
        with pytest.raises(Invalid, match="bot connect wordpress"):
            await desk.perform(given, tool)  # type: ignore[arg-type]


async def test_a_tag_that_is_there_is_taken_and_one_that_comes_to_be_meanwhile_too() -> None:
    async with WordPressServer() as server:
        desk = desk_at(server)
        server.tags[7] = "news"
        full = await desk.complete()
        await desk.perform(full)
        assert server.posts[0].tags[0] == 7 and len(server.tags) == 2
        assert server.mistakes == []
