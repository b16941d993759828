"""Files that appear whole or not at all."""

from pathlib import Path


def put(path: Path, text: str) -> None:
    """Write a file in one step; whoever looks sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half")
    half.write_text(text, "utf-8")
    half.replace(path)
