"""A secret of a running house, sealed anew when its key is worn, and by a start that finds it so."""

import sqlite3
from pathlib import Path

from tests.program import Program, wait_for

NOWHERE = {"BOT_ENDPOINT_TELEGRAM": "http://127.0.0.1:9", "BOT_ALLOW_PRIVATE_ENDPOINTS": "1"}
YEAR_US = 366 * 86_400 * 1_000_000
TOKEN = {"options": {"token": "123456:" + "a" * 35}}


def rows(folder: Path, sql: str) -> list[tuple[str, ...]]:
    """What an outsider reads, or does."""
    conn = sqlite3.connect(folder / "switchboard.db", isolation_level=None)
    try:
        return conn.execute(sql).fetchall()
    finally:
        conn.close()


def test_a_secret_is_sealed_by_a_new_key_once_its_own_is_worn(tmp_path: Path) -> None:
    house = Program(tmp_path, "home", "", **NOWHERE).started()
    try:
        assert house.ask("PUT", "/v1/channels/telegram", {**TOKEN, "unchecked": True})[0] < 300
        (before,) = rows(house.home, "select value from sealed")
        house.stop()
        rows(house.home, f"update dek set created_at = created_at - {YEAR_US}")
        house.launch()
        house.started()

        def is_resealed() -> bool:
            (now,) = rows(house.home, "select value from sealed")
            return now[0].split(".")[1] != before[0].split(".")[1]

        wait_for(is_resealed, 20)
        _, told = house.ask("GET", "/v1/channels")
        (item,) = [each for each in told["items"] if each["name"] == "telegram"]
        assert "cannot be opened" not in str(item), item
    finally:
        house.stop()
