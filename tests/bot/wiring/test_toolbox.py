"""What tools are set up with: a tenant's own platforms, and settings of the first tenant alone."""

from pathlib import Path
from typing import Any, cast

from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.infra.clock import SystemClock
from bot.platforms.outgoing import Outgoing
from bot.settings import Settings
from bot.store.script import Database
from bot.wiring.toolbox import secrets, tool_settings
from tools.community._settings import GuildSettings
from tools.messages._settings import TeamsSettings
from tools.social._blog_settings import BlogSettings

HOME, AWAY = TenantId("ten_home"), TenantId("ten_away")
ADDRESS = "https://flow.example/x?sig=secret"


def made(folder: Path, **more: Any) -> Any:
    settings = Settings(home=folder, **more)
    db = cast(Database, object())
    outgoing = Outgoing(lambda tenant, name: None, None)
    return settings, tool_settings(settings, outgoing, db, SystemClock(), HOME)


def test_a_flow_is_the_first_tenants_alone_and_its_address_is_a_secret(tmp_path: Path) -> None:
    settings, told = made(tmp_path, workflow={"teams_url": ADDRESS})
    teams = told["teams"]
    assert isinstance(teams, TeamsSettings)
    assert teams.flow(HOME) == Secret(ADDRESS) and teams.flow(AWAY) is None
    assert ADDRESS in [secret.reveal() for secret in secrets(settings)]
    assert "sig=" not in repr(settings.workflow)
    _, without = made(tmp_path)
    assert without["teams"].flow(HOME) is None


def test_the_blog_of_the_settings_is_the_first_tenants_alone(tmp_path: Path) -> None:
    _, told = made(tmp_path)
    assert isinstance(told["blog"], BlogSettings)
    assert told["blog"].home == HOME


def test_without_a_platform_there_is_neither_server_nor_bot(tmp_path: Path) -> None:
    _, told = made(tmp_path)
    guild = told["guild"]
    assert isinstance(guild, GuildSettings)
    assert guild.guild(HOME) is None and told["teams"].bot(HOME) is None
