"""A disk that fails under a running house: said plainly, nothing accepted that is not kept."""

import errno

import pytest
from aiohttp import FormData

from agents.runtime.loader import Team
from bot.core.ids import TenantId
from bot.files import spool
from tests.fakes.web_house import WebHouse

TENANT = TenantId("ten_1")


@pytest.fixture
async def house(tmp_path):
    async with WebHouse(tmp_path) as made:
        yield made


async def _say(client):
    async with client.post("/v1/messages", json={"text": "hello"}) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("replaced", [False, True])
async def test_nothing_is_accepted_into_a_database_file_that_is_gone(house, replaced):
    client = await house.bearer()
    assert (await _say(client))[0] == 202
    path, kept = house.db.path, house.db.path.with_suffix(".kept")
    path.rename(kept)
    if replaced:
        path.write_bytes(kept.read_bytes())
    status, told = await _say(client)
    assert status == 503
    assert "removed or replaced" in told["error"]["message"]
    assert house.db.broken
    kept.replace(path)
    assert (await _say(client))[0] == 202
    assert not house.db.broken


async def _upload(client):
    form = FormData()
    form.add_field("file", b"text", filename="a.txt", content_type="text/plain")
    async with client.post("/v1/files", data=form) as response:
        return response.status, await response.json()


async def test_a_file_that_finds_no_room_is_refused_with_the_reason_and_leaves_nothing(
    house, monkeypatch
):
    client = await house.bearer()

    def full(descriptor, piece):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(spool, "_write_all", full)
        status, told = await _upload(client)
    assert status == 503
    assert "No space left on device" in told["error"]["message"]
    assert not [path for path in (house.folder / "files").rglob("*") if path.is_file()]
    assert (await _upload(client))[0] == 201


def test_a_team_whose_folder_goes_away_stays_and_the_folder_is_named(tmp_path):
    folder, away = tmp_path / "agents", tmp_path / "away"
    assert "cannot be read" in str(Team(folder).problems[0])
    folder.mkdir()
    (folder / "ann.md").write_text("---\ntitle: Helps\n---\nYou help.\n")
    team = Team(folder)
    assert [agent.name for agent in team.all(TENANT)] == ["ann"]
    assert not team.problems
    folder.rename(away)
    assert team.refresh()
    assert [agent.name for agent in team.all(TENANT)] == ["ann"]
    assert str(folder) in str(team.problems[0])
    away.rename(folder)
    assert team.refresh()
    assert not team.problems
