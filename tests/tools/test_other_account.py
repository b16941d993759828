"""A yes that was given for one account is never done by another: every tool that writes outside.

Each is asked for where account A is connected and performed where it is B by then, through the
door that all approved deeds go by. Nothing may be asked of B, whatever a tool is.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from agents.runtime.toolset import Toolset
from bot.core.effect import Effect
from bot.core.errors import BotError, Conflict
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.core.tool import Risk, Tool
from bot.oauth.accounts import Accounts
from bot.reach import Reach
from tests.fakes.clock import StillClock
from tests.fakes.database import Disk, InlineDatabase
from tests.fakes.switchboard import HOME, OLGA, image
from tests.tools.kit import FakeFetcher, effect, house
from tools.payments._settings import Held, Till
from tools.social._blog_settings import BlogSettings, Site

NOT_OUTSIDE = {
    "alignable_publish": "a person does it by hand",
    "posts_publish": "it stands for the calls of others",
    "posts_everywhere": "it stands for the calls of others",
    "score_update": "the house's own table",
}


PLATFORMS = ("slack", "discord", "telegram", "email", "sms", "teams", "guild")
BEGUN = {"began": "2026-11-21T12:00:00+00:00", "since": "2026-11-21T12:00:00+00:00"}
BEGUN |= {"place": "C1", "thread": "+15550001234", "draft": "d1", "id": "f1", "invoice": "in_1"}
"""What a deed kept that was cut off in the middle."""


class Other(Accounts):
    """Only B is connected, to every service; it may everything, and must not be asked."""

    def __init__(self) -> None:
        pass

    async def client(self, *what: Any, **more: Any) -> Any:
        return B()


class B:
    """The account that is there now."""

    id, account, agent = "con_b", "b", ""
    title = name = shown = "B"
    config: Mapping[str, Any] = {}

    async def call(self, *what: Any, **more: Any) -> Any:
        pytest.fail(f"B was asked for {what}")


async def site(tenant: TenantId) -> Site:
    """B's blog, where A's was."""
    return Site(kind="wordpress", url="https://a.example", user="b", title="A", key=Secret("b"))


async def held(tenant: TenantId) -> Held:
    """B's key."""
    return Held(key=Secret("sk_test_b"), name="stripe:b", mark="b")


async def past(*what: Any) -> tuple[()]:
    """Nothing was paid."""
    return ()


def toolset(fetcher: FakeFetcher, there: str) -> Toolset:
    """The tools where an account is connected: `a` or `b`."""
    others, reach = Other(), Reach(accounts=Other())
    settings = {
        **dict.fromkeys(("social", "mailbox", "drive"), reach),
        "calendar": others,
        "blog": BlogSettings(site=site),
        "payments": Till(held=held, past=past, fetcher=fetcher),
    }

    def connected(tenant: TenantId, name: str) -> str:
        known = ("stripe", *(f":{each}" for each in PLATFORMS))
        return f"{name}:{there}" if name in known else ""

    return Toolset(house(), StillClock(), InlineDatabase(Disk(image())), connected, settings)


def shown(tool: Tool) -> Mapping[str, Any]:
    """Arguments as a card by A showed them: those of the docstring, and whose they are."""
    found = re.search(r"Example: (\{.*\})", " ".join(tool.description.split()))
    assert found, f"{tool.name} has no example"
    fields: Mapping[str, Any] = tool.arguments.model_fields  # type: ignore[attr-defined]
    whose: dict[str, Any] = {
        "account": "a",
        "site": "WordPress: A (https://a.example), by a",
        "mailbox": "gmail",
    }
    if tool.provider == "stripe":
        whose |= {"currency": "eur", "amount_minor": 500, "interval": "month"}
    known = {name: value for name, value in whose.items() if name in fields}
    return {**json.loads(found[1]), **known}


def writing() -> list[str]:
    """Every tool that may change something outside."""
    tools = toolset(FakeFetcher(), "a").tools.values()
    return sorted(tool.name for tool in tools if tool.risk is not Risk.READ)


def deed(tool: Tool) -> Effect:
    """What was approved while A was connected."""
    before = toolset(FakeFetcher(), "a")
    connection = "con_a" if tool.needs else before.connection(HOME, tool)
    more = {"tenant": HOME, "person": OLGA, "connection": connection, "progress": BEGUN}
    return effect(tool, before.understand(tool.name, shown(tool), HOME).plain, **more)


def test_what_is_not_outside_is_there() -> None:
    assert set(NOT_OUTSIDE) <= set(writing()) and len(writing()) > 45


@pytest.mark.parametrize("name", [each for each in writing() if each not in NOT_OUTSIDE])
async def test_a_yes_for_one_account_is_not_done_by_another(name: str) -> None:
    fetcher = FakeFetcher()
    now = toolset(fetcher, "b")
    asked = deed(now.tools[name])
    with pytest.raises(Conflict, match=r"connected (now|anew)|somewhere else"):
        await now.perform(asked)
    assert fetcher.asked == []


@pytest.mark.parametrize("name", [each for each in writing() if each not in NOT_OUTSIDE])
async def test_nor_is_it_looked_for_at_another(name: str) -> None:
    """What is not found there would be taken for not done, and done again."""
    fetcher = FakeFetcher()
    now = toolset(fetcher, "b")
    tool = now.tools[name]
    with suppress(BotError, ValueError, AttributeError):
        assert await now.find(deed(tool)) is None
    assert fetcher.asked == []
