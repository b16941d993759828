"""The engine is measured on each database that it runs on: what it is made of may have changed."""

from pathlib import Path

import pytest

from bench import engine
from tests.postgres import own_database


async def test_the_engine_is_measured_on_a_file(tmp_path: Path) -> None:
    assert await engine.on_file(tmp_path, 2, 0.2) > 0


async def test_the_engine_is_measured_on_a_server() -> None:
    pytest.importorskip("asyncpg")
    async with own_database() as url:
        assert await engine.on_server(url, 2, 0.2) > 0
