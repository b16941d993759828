"""`bot.example.toml` against the models, line by line: nothing missing, nothing made up."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.core.secret import Secret
from bot.settings import Settings, load

EXAMPLE = Path(__file__).parents[2] / "bot.example.toml"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the machine is found by chance."""
    monkeypatch.chdir(tmp_path)


def test_the_example_holds_every_setting_with_its_default_and_its_explanation() -> None:
    assert EXAMPLE.read_text("utf-8").splitlines() == _example().splitlines()


def test_the_example_is_taken_as_it_stands_and_with_every_line_switched_on(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8")
    (tmp_path / "bot.toml").write_text(text)
    assert load("bot.toml", {}) == load(None, {"BOT_CONFIG": "bot.toml"})
    lines = [line[2:] if _is_setting(line) else line for line in text.splitlines()]
    (tmp_path / "bot.toml").write_text("\n".join(lines))
    assert load("bot.toml", {}).models.price["openai/gpt-4o-mini"].output == 0.6


def _is_setting(line: str) -> bool:
    return line.startswith(("# [", "# ")) and (" = " in line or line.startswith("# ["))


def _example() -> str:
    """The file as the models say it must be."""
    head, _ = EXAMPLE.read_text("utf-8").split("\n\n", 1)
    assert all(line.startswith("# ") for line in head.splitlines())
    return head + "\n\n" + "\n".join(_lines(Settings, ())) + "\n"


def _lines(section: type[BaseModel], above: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    later: list[str] = []
    for name, info in section.model_fields.items():
        keys = (*above, name)
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            later += ["", f"# {kind.__doc__}", f"[{name}]", *_lines(kind, keys)]
        elif isinstance(info.default, dict):
            later += ["", f"# {info.description}", *_table(keys, (info.examples or [])[0])]
        else:
            variable = "BOT_" + "_".join(keys).upper()
            lines += ["", f"# {info.description} ({variable})", f"# {name} = {_value(name, info)}"]
    return lines[1:] + later


def _value(name: str, info: FieldInfo) -> str:
    default = (info.examples or [])[0] if info.default is None else info.default
    if name == "home":
        default = "~/.switchboard"
    if isinstance(default, Secret | Path):
        default = ""
    return json.dumps(default)


def _table(keys: tuple[str, ...], entries: dict[str, dict[str, float]]) -> list[str]:
    if all(isinstance(value, str) for value in entries.values()):
        return [f"[{keys[0]}]", *(f"# {k} = {json.dumps(v)}" for k, v in entries.items())]
    return [
        line
        for entry, values in entries.items()
        for line in (
            f'# [{".".join(keys)}."{entry}"]',
            *(f"# {key} = {json.dumps(value)}" for key, value in values.items()),
        )
    ]
