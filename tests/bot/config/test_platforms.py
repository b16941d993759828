"""What platforms are told is held to what they know, at its place in the file."""

from importlib import import_module
from pathlib import Path

import pytest

from bot.cli.platforms import platforms
from bot.config.mistakes import Mistaken
from bot.settings import load
from bot.wiring.setup import channel_names

TABLE = "[channels.slack]\nbot_token = 'xoxb-1'\nbot_tokn = 'xoxb-2'\n"


def _said(tmp_path: Path, text: str, **environ: str) -> str:
    file = tmp_path / "told.toml"
    file.write_text(text)
    with pytest.raises(Mistaken) as refused:
        load(str(file), environ, platforms())
    return str(refused.value).replace(str(file), "told.toml")


def test_every_platform_of_the_tree_says_which_keys_it_knows() -> None:
    found = platforms()
    assert sorted(found) == sorted(channel_names()) and "slack" in found
    for name, keys in found.items():
        assert set(keys() or ()) == set(
            import_module(f"channels.{name}.settings").Settings.model_fields
        )
        assert keys()


def test_a_platform_of_one_file_is_left_to_check_what_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "told.toml"
    file.write_text("[channels.pigeon]\nloft = 'A3'\n")
    there = {**platforms(), "pigeon": lambda: None}
    assert load(str(file), {}, there).channels["pigeon"] == {"loft": "A3"}


def test_a_misspelt_key_of_a_platform_is_named_with_its_place_and_the_right_one(
    tmp_path: Path,
) -> None:
    assert _said(tmp_path, TABLE) == (
        "told.toml:3:1: channels.slack.bot_tokn: There is no such setting. "
        "Did you mean channels.slack.bot_token? Rename it, or take it out."
    )


def test_a_key_that_is_near_to_none_is_named_with_the_page_that_lists_them(tmp_path: Path) -> None:
    said = _said(tmp_path, "[channels.email]\nfrobnicate = 1\n")
    assert said == (
        "told.toml:2:1: channels.email.frobnicate: There is no such setting. "
        "Take it out; docs/channels/email.md says what it wants."
    )


def test_a_misspelt_platform_is_named_beside_every_other_mistake(tmp_path: Path) -> None:
    said = _said(tmp_path, "prot = 1\n[channels.slak]\nbot_token = 'x'\n[channels.pigeon]\n")
    assert "told.toml:1:1: prot: There is no such setting. Did you mean port?" in said
    assert "channels.slak: There is no such platform. Did you mean channels.slack?" in said
    assert "channels.pigeon: There is no such platform. There are: discord, email, " in said


def test_a_variable_that_holds_several_is_told_with_the_key_inside_it(tmp_path: Path) -> None:
    said = _said(tmp_path, "", BOT_CHANNELS="{telegram = {tokn = '1'}}")
    assert said.startswith("BOT_CHANNELS: channels.telegram.tokn: There is no such setting. ")


def test_a_platform_that_a_package_may_bring_is_left_to_it(tmp_path: Path) -> None:
    brought = "[extensions]\nallow = ['paperboy']\n[channels.paperboy]\nfolder = '/srv'\n"
    file = tmp_path / "told.toml"
    file.write_text(brought)
    assert load(str(file), {}, platforms()).channels["paperboy"] == {"folder": "/srv"}
    assert "channels.slack.bot_tokn" in _said(tmp_path, brought + TABLE)
