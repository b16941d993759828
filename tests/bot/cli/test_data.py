"""Backup and restore: everything, as it was at one moment, or nothing at all."""

import resource
import sqlite3
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from bot.cli import archive
from bot.store import schema
from tests.bot.cli.conftest import Bot
from tests.bot.store.test_spoilt import prepared, spoil
from tests.fakes.api_server import ApiServer


@pytest.fixture
def house(home: Path) -> sqlite3.Connection:
    """A folder with a database that is being written to, keys, files and leftovers."""
    home.mkdir()
    writer = sqlite3.connect(home / "switchboard.db", isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute(f"PRAGMA user_version={schema.VERSION}")
    writer.execute("CREATE TABLE kept (text TEXT)")
    writer.execute("INSERT INTO kept VALUES ('committed, and only in the log so far')")
    writer.execute("BEGIN")
    writer.execute("INSERT INTO kept VALUES ('never committed')")
    (home / "master.key").write_text("kek")
    for name in ("files/ten_1/abc", "blog/open.md", "logs/fault.txt", "chat_history", "lock"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    return writer


def _kept(home: Path) -> list[str]:
    with sqlite3.connect(home / "switchboard.db") as reader:
        return [text for (text,) in reader.execute("SELECT text FROM kept")]


def test_a_backup_holds_what_is_committed_and_nothing_that_is_left_over(
    bot: Bot, home: Path, house: sqlite3.Connection
) -> None:
    said = bot("backup", "all.tar.gz")
    assert said.code == 0, said.err
    assert "Saved 4 files" in said.out
    assert "It holds the master key" in said.out
    file = home.parent / "all.tar.gz"
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as tar:
        assert sorted(tar.getnames()) == [
            "blog/open.md",
            "files/ten_1/abc",
            "master.key",
            "switchboard.db",
        ]
    house.close()


def test_a_damaged_database_is_no_backup(bot: Bot, home: Path) -> None:
    home.mkdir()
    spoil(prepared(home / "switchboard.db"))
    said = bot("backup", "all.tar.gz")
    assert said.code == 1
    assert "is damaged" in said.err and "`bot restore FILE --replace`" in said.err
    assert [path.name for path in home.parent.iterdir() if "all" in path.name] == []
    assert not list(home.glob("backup-*"))


def test_what_was_saved_comes_back(bot: Bot, home: Path, house: sqlite3.Connection) -> None:
    assert bot("backup", "all.tar.gz").code == 0
    house.close()
    said = bot("restore", "all.tar.gz", BOT_HOME=str(home.parent / "new"))
    assert said.code == 0, said.err
    new = home.parent / "new"
    assert _kept(new) == ["committed, and only in the log so far"]
    assert (new / "files" / "ten_1" / "abc").read_text() == "files/ten_1/abc"
    assert (new / "master.key").stat().st_mode & 0o777 == 0o600


def test_a_backup_is_named_by_its_time_where_none_is_given(
    bot: Bot, home: Path, house: sqlite3.Connection
) -> None:
    house.close()
    told = bot("backup", "--json").json
    assert Path(told["file"]).parent == home / "backups"
    assert told["files"] == 4


def test_a_second_backup_holds_no_earlier_one(
    bot: Bot, home: Path, house: sqlite3.Connection
) -> None:
    house.close()
    bot("backup")
    assert bot("backup", "b.tar.gz", "--json").json["files"] == 4


def test_where_the_disk_is_full_that_is_said(
    bot: Bot, home: Path, house: sqlite3.Connection
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # no file grows beyond
    try:
        said = bot("backup", "all.tar.gz")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert said.code == 1
    assert "cannot be copied" in said.err
    assert not list(home.parent.glob("all.tar.gz*"))
    assert not list(home.parent.rglob("backup-*"))


def test_a_home_on_a_full_disk_can_be_saved_elsewhere(
    home: Path, house: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full is hard to come by: the copy must simply not be written there."""
    copies: list[Path] = []
    backup = schema.backup

    def noted(path: Path, target: Path) -> Path:
        copies.append(target)
        return backup(path, target)

    monkeypatch.setattr(schema, "backup", noted)
    assert archive.save(home, home.parent / "all.tar.gz", lambda said: None)
    assert copies
    assert not any(copy.is_relative_to(home) for copy in copies)


def test_a_file_that_is_there_is_not_written_over(
    bot: Bot, home: Path, house: sqlite3.Connection
) -> None:
    (home.parent / "all.tar.gz").write_text("precious")
    assert bot("backup", "all.tar.gz").code == 1
    assert (home.parent / "all.tar.gz").read_text() == "precious"
    house.close()


def test_a_house_that_is_there_is_not_replaced_unasked(
    bot: Bot, home: Path, house: sqlite3.Connection
) -> None:
    bot("backup", "all.tar.gz")
    house.execute("COMMIT")
    house.close()
    said = bot("restore", "all.tar.gz")
    assert said.code == 1
    assert "`--replace` sets it aside." in said.err
    assert _kept(home)[-1] == "never committed"


def test_a_replaced_house_is_set_aside_whole(
    bot: Bot, home: Path, house: sqlite3.Connection
) -> None:
    bot("backup", "all.tar.gz")
    house.execute("COMMIT")
    house.close()
    told = bot("restore", "all.tar.gz", "--replace", "--json").json
    assert _kept(home) == ["committed, and only in the log so far"]
    assert _kept(Path(told["aside"]))[-1] == "never committed"


def test_nothing_is_brought_back_under_a_house_that_runs(
    bot: Bot, home: Path, house: sqlite3.Connection
) -> None:
    import fcntl

    bot("backup", "all.tar.gz")
    house.close()
    with (home / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = bot("restore", "all.tar.gz", "--replace")
    assert said.code == 4
    assert "already running" in said.err and "Stop it with Ctrl-C where it runs" in said.err


def _archive(path: Path, **files: bytes) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../outside": b"x"}, "names a file outside the folder"),
        ({"/tmp/outside": b"x"}, "names a file outside the folder"),
        ({}, "it holds no file"),
        ({"switchboard.db": b"no database"}, "no backup of ours"),
        ({"switchboard.db": b""}, "no backup of ours: it has no schema."),
    ],
    ids=["above", "absolute", "empty", "broken database", "empty database"],
)
def test_a_backup_that_is_not_ours_changes_nothing(
    bot: Bot, home: Path, files: dict[str, bytes], said: str
) -> None:
    home.mkdir()
    (home / "keep.txt").write_text("as it was")
    _archive(home.parent / "bad.tar.gz", **files)
    done = bot("restore", "bad.tar.gz")
    assert done.code == 1
    assert said in done.err
    assert {entry.name for entry in home.iterdir()} <= {"keep.txt", "lock"}
    assert not (home.parent / "outside").exists()


def test_a_file_that_is_no_archive_is_refused(bot: Bot, home: Path) -> None:
    (home.parent / "bad").write_bytes(b"\x1f\x8bgarbage")
    assert "no backup of ours" in bot("restore", "bad").err
    assert bot("restore", "none").err == "There is no file none.\n"


def test_there_is_nothing_to_save_before_the_first_start(bot: Bot, home: Path) -> None:
    assert bot("backup").err == f"There is nothing to save: {home} does not exist.\n"


def test_a_backup_is_made_beside_a_house_that_runs(
    bot: Bot, home: Path, house: sqlite3.Connection, server: ApiServer
) -> None:
    assert bot("backup", "all.tar.gz").code == 0
    with tarfile.open(home.parent / "all.tar.gz") as tar:
        assert "server.json" not in tar.getnames()
    house.close()
