"""Packages from outside: only those that are named, and a broken one harms nobody."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import extensions
from bot.core.errors import NotFound
from bot.oauth.provider import Services
from bot.reach import Reach
from tests.fakes.switchboard import Switchboard

TOOL = """
from pydantic import BaseModel, ConfigDict
from bot.core.effect import EffectState, Outcome
from bot.core.tool import Tool

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = 1

class Args(BaseModel):
    model_config = ConfigDict(extra="forbid")

async def run(ctx, args):
    "Say how large it is, when somebody asks."
    return Outcome(state=EffectState.SENT, data=str(ctx.settings.size))

TOOLS = (Tool(name="NAME", arguments=Args, perform=run),)
"""


class Shelf:
    """A folder of packages as an installer leaves them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, text: str, group: str = "switchboard.tools", entry: str = "") -> str:
        module = f"sbx_{name}"
        (self.folder / f"{module}.py").write_text(text)
        info = self.folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{entry or name} = {module}\n")
        return name


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Shelf(tmp_path)
    for name in [name for name in sys.modules if name.startswith("sbx_")]:
        del sys.modules[name]


def test_what_is_not_named_is_not_imported(shelf: Shelf) -> None:
    shelf.put("quiet", "raise SystemExit('imported')")
    assert "quiet" in extensions.installed()
    assert extensions.load((), {}) == ()
    assert "sbx_quiet" not in sys.modules


@pytest.mark.parametrize(
    ("text", "entry", "why"),
    [
        ("raise RuntimeError('no luck')", "wrong", "RuntimeError: no luck"),
        ("import no_such_module", "wrong", "No module named 'no_such_module'"),
        ("TOOLS = ()", "wrong", "has no TOOLS"),
        ("TOOLS = [1]", "wrong", "has no TOOLS"),
        (TOOL.replace("NAME", "another"), "wrong", "must begin with wrong"),
        (TOOL.replace("NAME", "social_x"), "social", "is taken already"),
        (TOOL.replace("NAME", "x"), "Wrong", "is no name"),
        (TOOL.replace("async def", "def").replace("NAME", "wrong"), "wrong", "async function"),
    ],
    ids=["raises", "needs", "no tools", "a list", "other name", "our group", "bad name", "sync"],
)
def test_a_broken_one_is_named_and_the_others_go_on(
    shelf: Shelf, text: str, entry: str, why: str
) -> None:
    shelf.put("wrong", text, entry=entry)
    shelf.put("good", TOOL.replace("NAME", "good_size"))
    broken, whole = extensions.load(("wrong", "Good"), {"good": {"size": 3}})
    assert why in broken.problem
    assert (broken.tools, whole.problem, whole.brings) == ({}, "", "tool good_size")
    assert getattr(whole.settings["sbx_good"], "size", 0) == 3


def test_options_that_do_not_fit_are_named_without_their_value(shelf: Shelf) -> None:
    shelf.put("good", TOOL.replace("NAME", "good_size"))
    (made,) = extensions.load(("good",), {"good": {"size": "secret words"}})
    assert "size:" in made.problem and "secret words" not in made.problem


def test_a_channel_without_make_is_named(shelf: Shelf) -> None:
    shelf.put("pigeon", "x = 1", "switchboard.channels")
    shelf.put("web2", "make = print", "switchboard.channels", entry="web")
    found = extensions.load(("pigeon", "web2"), {})
    assert "make(lent)" in found[0].problem
    assert "taken already" in found[1].problem


def test_two_of_one_name_do_not_meet(shelf: Shelf) -> None:
    shelf.put("one", TOOL.replace("NAME", "size"), entry="size")
    shelf.put("two", TOOL.replace("NAME", "size"), entry="size")
    first, second = extensions.load(("one", "two"), {})
    assert (first.problem, "taken already" in second.problem) == ("", True)


def test_what_is_missing_is_told_with_the_command(shelf: Shelf) -> None:
    (made,) = extensions.load(("nowhere",), {})
    assert "pip install nowhere" in made.problem
    assert list(extensions.examine(("nowhere",))) == ["nowhere"]


def test_options_that_are_secrets_by_name_are_masked() -> None:
    told = {"one": {"api_token": "abc", "folder": "/x", "password": "", "signing_key": "def"}}
    assert [secret.reveal() for secret in extensions.secrets_of(told)] == ["abc", "def"]


SERVICE = """
from bot.oauth.provider import Feature, Provider, Revoke, Who

PROVIDER = Provider(
    name="NAME",
    title="Press",
    authorize_url="https://press.example/authorize",
    token_url="https://press.example/token",
    hosts=("api.press.example",),
    who=Who(url="https://api.press.example/me"),
    features={"print": Feature(title="Print", scopes=("print",))},
    revoke=Revoke(url="https://press.example/revoke"),
)
"""
PROVIDERS = "switchboard.providers"


def test_a_service_stands_beside_ours_and_is_known_by_its_name(shelf: Shelf) -> None:
    shelf.put("press", SERVICE.replace("NAME", "press"), PROVIDERS)
    (made,) = extensions.load(("press",), {})
    assert (made.problem, made.brings) == ("", "service press")
    services = extensions.services((made,))
    assert services.load("press").title == "Press"
    assert services.load("google").title == "Google"
    assert {"press", "google"} <= set(services.names())
    with pytest.raises(NotFound, match="press"):
        services.load("nobody")


@pytest.mark.parametrize(
    ("change", "entry", "why"),
    [
        (("PROVIDER =", "OTHER ="), "press", "has no PROVIDER"),
        (("NAME", "other"), "press", "must be named press"),
        (("NAME", "google"), "google", "is taken already"),
        (("NAME", "web"), "web", "is taken already"),
        (("NAME", "telegram"), "telegram", "is taken already"),
        (("https://press.example/token", "http://press.example/token"), "press", "https"),
        (("https://api.press.example/me", "https:///me"), "press", "https"),
        (("https://press.example/revoke", "/revoke"), "press", "https"),
        (('"api.press.example",', '"https://api.press.example/x",'), "press", "https://api.press"),
        (('Feature(title="Print", scopes=("print",))', '("print",)'), "press", "not whole"),
        (('title="Press"', "title=None"), "press", "not whole"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_service_that_is_not_right_is_named_and_left_out(
    shelf: Shelf, change: tuple[str, str], entry: str, why: str
) -> None:
    shelf.put("wrong", SERVICE.replace(*change).replace("NAME", "press"), PROVIDERS, entry=entry)
    (made,) = extensions.load(("wrong",), {})
    assert why in made.problem and made.services == {}
    services = extensions.services((made,))
    assert services.names() == Services().names() and not services.is_whole


def test_two_packages_do_not_bring_one_service(shelf: Shelf) -> None:
    shelf.put("one", SERVICE.replace("NAME", "press"), PROVIDERS, entry="press")
    shelf.put("two", SERVICE.replace("NAME", "press"), PROVIDERS, entry="press")
    first, second = extensions.load(("one", "two"), {})
    assert (first.problem, "taken already" in second.problem) == ("", True)


def test_a_channel_and_a_service_of_one_package_do_not_share_a_name(shelf: Shelf) -> None:
    shelf.put("press", SERVICE.replace("NAME", "press") + "make = print\n", PROVIDERS)
    with (shelf.folder / "sbx_press-1.0.dist-info" / "entry_points.txt").open("a") as file:
        file.write("[switchboard.channels]\npress = sbx_press\n")
    (made,) = extensions.load(("press",), {})
    assert "press is the name of a channel and a service" in made.problem
    assert made.makes == {} and made.services == {}


@pytest.mark.parametrize("name", ["slack", "sms", "stripe", "ghost", "google"])
def test_a_channel_takes_no_name_of_the_house_s(shelf: Shelf, name: str) -> None:
    shelf.put("mine", "make = print", "switchboard.channels", entry=name)
    (made,) = extensions.load(("mine",), {})
    assert "is taken already" in made.problem


def test_one_that_ends_the_program_is_named_and_the_program_goes_on(shelf: Shelf) -> None:
    shelf.put("wrong", "raise SystemExit('no licence')")
    (made,) = extensions.load(("wrong",), {})
    assert "no licence" in made.problem


def test_tools_that_act_by_accounts_are_lent_them_with_their_options(shelf: Shelf) -> None:
    acting = TOOL.replace('Tool(name="NAME"', 'Tool(name="NAME", provider="press"')
    shelf.put("acts", acting.replace("NAME", "acts_size"))
    shelf.put("plain", TOOL.replace("NAME", "plain_size"))
    found = extensions.load(("acts", "plain"), {"acts": {"size": 3}, "plain": {"size": 4}})
    reach = Reach(accounts=None)  # type: ignore[arg-type]
    told = extensions.settings_of(found, reach)
    lent = told["sbx_acts"]
    assert isinstance(lent, Reach) and getattr(lent.options, "size", 0) == 3
    assert getattr(told["sbx_plain"], "size", 0) == 4
    assert reach.options is None


async def test_its_tools_stand_beside_ours_and_never_over_them(shelf: Shelf) -> None:
    shelf.put("blog", TOOL.replace("NAME", "blog_publish"))
    shelf.put("good", TOOL.replace("NAME", "good_size"))
    found = extensions.load(("blog", "good"), {})
    board = Switchboard()
    plain = type(board.engine.toolset).__mro__[1]
    toolset = plain(None, board.clock, board.db, lambda t, p: "", {})
    toolset.extra = {group: tools for item in found for group, tools in item.tools.items()}
    assert toolset.tools["blog_publish"].perform.__module__ == "tools.social.blog"
    assert toolset.left_out == ("blog_publish",)
    assert {"good_size", "good.*", "social.*"} <= toolset.known
