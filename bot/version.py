"""Which version of the house this is: from the checkout it runs in, else from the installation."""

import tomllib
from pathlib import Path


def version() -> str:
    """The version as the project's file or the installed package states it."""
    project = Path(__file__).parent.parent / "pyproject.toml"
    if project.is_file():
        stated: object = tomllib.loads(project.read_text("utf-8"))["project"]["version"]
        return str(stated)
    # 25 ms, and only outside a checkout
    from importlib import metadata

    try:
        return metadata.version("switchboard")
    except metadata.PackageNotFoundError:
        return "unknown"
