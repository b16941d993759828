"""The place of every key of a TOML file, whatever way it is written."""

from pathlib import Path

import pytest

from bot.config.file import ConfigFile, NotToml, read

TEXT = '''\
# a comment with [brackets] and = signs
port = 8080  # [not.a.section]
"quoted key" = """
[not.a.section]
port = "no"
"""
models.default = ["openai/a", # first
    'its',
  "x]"]
  [models.price."openai/gpt-4o"]
  input = 1
price2 = {"a" = {input = 1, output = 2}, b = [{c = 1}]}
[[things]]
name = 1979-05-27 07:32:00
[[things]]
name = "second"
'''


def _read(tmp_path: Path, text: str | bytes) -> ConfigFile:
    file = tmp_path / "bot.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(file)


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (("port",), (2, 1)),
        (("quoted key",), (3, 1)),
        (("models", "default"), (7, 1)),
        (("models", "default", "1"), (8, 5)),
        (("models", "price", "openai/gpt-4o"), (10, 3)),
        (("models", "price", "openai/gpt-4o", "input"), (11, 3)),
        (("models", "price", "openai/gpt-4o", "price2", "a", "output"), (12, 29)),
        (("models", "price", "openai/gpt-4o", "price2", "b", "0", "c"), (12, 48)),
        (("things",), (13, 1)),
        (("things", "name"), (14, 1)),
    ],
)
def test_every_key_has_its_line_and_column(
    tmp_path: Path, keys: tuple[str, ...], place: tuple[int, int]
) -> None:
    assert _read(tmp_path, TEXT).places[keys] == place


def test_a_key_that_is_not_written_has_the_place_of_what_is_around_it(tmp_path: Path) -> None:
    file = _read(tmp_path, "\n[models]\n")
    assert file.where(("models", "default")) == f"{tmp_path / 'bot.toml'}:2:1"
    assert file.where(("nowhere",)).endswith("bot.toml:1:1")


def test_line_ends_of_windows_do_not_shift_places(tmp_path: Path) -> None:
    assert _read(tmp_path, "a = 1\r\nb = 2\r\n").places[("b",)] == (2, 1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = \n", (1, 5)),
        ("a = 1\nb ! 2\n", (2, 3)),
        ('a = """never closed', (1, 20)),
        ("a = 1\na = 2\n", (2, 6)),
        (b"a = 1\nb = '\xff'\n", (2, 6)),
    ],
    ids=["no value", "no equals sign", "open string", "twice", "not UTF-8"],
)
def test_what_is_not_toml_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, place: tuple[int, int]
) -> None:
    with pytest.raises(NotToml) as refused:
        _read(tmp_path, text)
    assert (refused.value.line, refused.value.column) == place
