"""The blog's site connected: the key is tried before it is kept, sealed, and each tenant's own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.config.values import own_addresses
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.secret import Secret
from bot.fetch.client import WebFetcher
from bot.infra.clock import SystemClock
from bot.keyring import ring_of
from bot.services.sites import Around, Sites
from bot.strongroom import StoredKeys, Strongroom
from bot.vault import Vault
from tests.bot.services.test_paying import owner
from tests.fakes.database import Disk, InlineDatabase
from tests.fakes.ghost_server import KEY, KEY_SECRET, GhostServer
from tests.fakes.switchboard import AWAY, HOME, image
from tests.fakes.wordpress_server import PASSWORD, USER, WordPressServer
from tools.social._blog_settings import BlogSettings, Site, address_of_site
from tools.social._ghost import token


class House:
    """What stands around sites, on one database."""

    def __init__(self, wordpress: WordPressServer, ghost: GhostServer) -> None:
        self.db = InlineDatabase(Disk(image()))
        self.wordpress, self.ghost = wordpress, ghost
        self.masked: list[str] = []

    async def sites(self) -> Sites:
        """A process that is begun on it."""
        vault = Vault(ring_of(Secret("ab" * 32)), StoredKeys(self.db), SystemClock())
        await vault.start()
        played = (self.wordpress.base, self.ghost.base)
        return Sites(
            Around(
                db=self.db,
                clock=SystemClock(),
                strongroom=Strongroom(
                    self.db, SystemClock(), vault, lambda s: self.masked.append(s.reveal())
                ),
                fetcher=WebFetcher(),
                own_fetcher=WebFetcher(allow=own_addresses(*played)),
                own=played,
                home=HOME,
            )
        )

    @property
    def told_wordpress(self) -> dict[str, str]:
        """What an owner types for WordPress."""
        return {"url": f"{self.wordpress.base}/wp-admin/", "user": USER, "key": PASSWORD}

    @property
    def told_ghost(self) -> dict[str, str]:
        """The same for Ghost."""
        return {"url": f"{self.ghost.base}/ghost/#/settings".split("#")[0], "key": KEY}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with WordPressServer() as wordpress, GhostServer() as ghost:
        made = House(wordpress, ghost)
        yield made
        assert wordpress.mistakes == ghost.mistakes == []


@pytest.mark.parametrize("kind", ["wordpress", "ghost"])
async def test_a_key_is_tried_sealed_and_found_by_another_process(house: House, kind: str) -> None:
    sites = await house.sites()
    told = house.told_wordpress if kind == "wordpress" else house.told_ghost
    await sites.put(owner(), kind, told)
    found = await (await house.sites()).site(HOME)
    base = house.wordpress.base if kind == "wordpress" else house.ghost.base
    assert found and (found.kind, found.url, found.title) == (kind, base, "Ann bakes")
    assert found.key.reveal() == told["key"] and told["key"] in house.masked
    assert await sites.site(AWAY) is None, "a site is the tenant's own"
    listed = {str(each["name"]): each for each in await sites.listed(owner())}
    assert listed[kind]["up"] is True and listed[kind]["detail"] == f"Ann bakes ({base})"
    other = "ghost" if kind == "wordpress" else "wordpress"
    assert (listed[other]["up"], listed[other]["detail"]) == (False, "not connected")
    assert told["key"] not in str(listed)
    assert not any(each["up"] for each in await sites.listed(owner(AWAY)))


async def test_there_is_one_site_at_a_time_and_it_can_be_let_go_of(house: House) -> None:
    sites = await house.sites()
    await sites.put(owner(), "wordpress", house.told_wordpress)
    with pytest.raises(Conflict, match="bot connect wordpress --remove"):
        await sites.put(owner(), "ghost", house.told_ghost)
    await sites.put(owner(), "wordpress", house.told_wordpress)  # anew, with a new key, say
    await sites.remove(owner(), "wordpress")
    assert await sites.site(HOME) is None
    with pytest.raises(NotFound, match="not connected"):
        await sites.remove(owner(), "wordpress")
    await sites.put(owner(), "ghost", house.told_ghost)


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("wordpress", {"key": "wrong"}, "does not take this key. Nothing was kept"),
        ("wordpress", {"key": ""}, "Still needed: key"),
        ("wordpress", {"webhook": "a"}, "not webhook"),
        ("wordpress", {"url": "http://blog.example"}, "over https only"),
        ("wordpress", {"url": "https://a@blog.example"}, "no address of a site"),
        ("ghost", {"key": "wrong"}, "two parts"),
        ("ghost", {"key": f"0{KEY_SECRET[:4]}:{KEY_SECRET}"}, "does not take this key"),
        ("ghost", {"key": f"{KEY}\nX"}, "plain letters"),
        ("ghost", {"user": "ann"}, "not user"),
    ],
)
async def test_what_does_not_work_is_not_kept(
    house: House, kind: str, change: dict[str, str], said: str
) -> None:
    told: dict[str, Any] = house.told_wordpress if kind == "wordpress" else house.told_ghost
    sites = await house.sites()
    with pytest.raises(Invalid, match=said):
        await sites.put(owner(), kind, {**told, **change})
    assert await sites.site(HOME) is None


async def test_a_user_who_may_only_write_drafts_is_refused(house: House) -> None:
    house.wordpress.may_publish = False
    with pytest.raises(Invalid, match="role of an author"):
        await (await house.sites()).put(owner(), "wordpress", house.told_wordpress)


async def test_a_site_that_does_not_answer_or_is_another_program_is_said_so(house: House) -> None:
    sites = await house.sites()
    wrong = {**house.told_ghost, "url": house.wordpress.base}
    with pytest.raises(Invalid, match="could not be tried: Something that is not Ghost's API"):
        await sites.put(owner(), "ghost", wrong)
    wrong = {**house.told_wordpress, "url": house.ghost.base}
    with pytest.raises(Invalid, match="could not be tried: Something that is not WordPress's API"):
        await sites.put(owner(), "wordpress", wrong)
    house.wordpress.fail("GET /users/me", "error")
    with pytest.raises(Invalid, match="could not be tried: WordPress answered 503"):
        await sites.put(owner(), "wordpress", house.told_wordpress)


async def test_an_address_inside_the_network_that_the_operator_did_not_name_is_not_asked() -> None:
    async with WordPressServer() as wordpress, GhostServer() as ghost:
        house = House(wordpress, ghost)
        sites = await house.sites()
        for url in ("https://127.0.0.1:1", "https://10.0.0.7", "https://localhost"):
            with pytest.raises(Invalid):
                await sites.put(owner(), "wordpress", {**house.told_wordpress, "url": url})


def test_what_people_type_as_an_address_is_understood() -> None:
    for typed in ("blog.example", "https://blog.example/", "https://blog.example/wp-admin/x.php"):
        assert address_of_site(typed) == "https://blog.example"
    assert address_of_site("https://example.org/blog/ghost/") == "https://example.org/blog"


def test_the_settings_of_the_tools_keep_what_they_had_and_no_log_shows_a_key() -> None:
    made = Sites.lent(object.__new__(Sites), BlogSettings(webhook_url="https://a.example"), None)
    assert made.webhook_url == "https://a.example" and made.site is not None
    site = Site(kind="ghost", url="https://a.example", key=Secret("canary-key"))
    assert "canary" not in repr(site) and "canary" not in site.label
    assert "canary" not in token(Secret(f"{KEY_SECRET}:{KEY_SECRET}"), 1)
