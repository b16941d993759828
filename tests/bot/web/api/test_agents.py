"""Agents over the API: read as text, rewritten for one tenant, reset to the file."""

from pathlib import Path

import pytest
from aiohttp import ClientSession

from agents.runtime.loader import Team
from agents.runtime.own import OwnAgents
from bot.core.ids import TenantId
from tests.bot.web.api.reading import get, items
from tests.fakes.web_house import WebHouse

FILE = "---\ntitle: Helps\n---\nHelp."
OWN = "---\ntitle: Helps more\n---\nHelp more."
PATH = "/v1/agents/bri"


@pytest.fixture
def folder(house: WebHouse) -> Path:
    """Where the files are."""
    made = house.folder / "agents"
    made.mkdir()
    (made / "bri.md").write_text(FILE)
    return made


async def test_an_own_version_shadows_the_file_until_it_is_reset(
    house: WebHouse, owner: ClientSession, folder: Path
) -> None:
    team = Team(folder, house.own_agents.of)
    before = await get(owner, PATH)
    assert (before["text"], before["own"]) == (FILE, False)
    async with owner.put(PATH, json={"text": OWN, "version": before["version"]}) as response:
        assert response.status == 200
        saved = await response.json()
    assert (saved["text"], saved["file"], saved["own"]) == (OWN, FILE, True)
    found = team.get(house.tenant.id, "bri")
    assert found
    assert found.prompt == "Help more."
    elsewhere = team.get(TenantId("ten_other"), "bri")
    assert elsewhere
    assert elsewhere.prompt == "Help."
    again = OwnAgents(house.db, house.clock, folder)
    await again.load()
    assert [agent.prompt for agent in again.of(house.tenant.id)] == ["Help more."]
    async with owner.delete(PATH) as response:
        assert response.status == 200
    found = team.get(house.tenant.id, "bri")
    assert found
    assert found.prompt == "Help."
    async with owner.delete(PATH) as response:
        assert response.status == 404
    told = [entry["action"] for entry in await items(owner, "/v1/audit")]
    assert told[-2:] == ["agent.saved", "agent.reset"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Help.", "line 1: begin with a line `---`"),
        (
            "---\ntitle: Helps\ntols: [x]\n---\nHelp.",
            "line 3: tols: unknown key, did you mean tools?",
        ),
        ("---\nname: kelly\ntitle: Helps\n---\nHelp.", "the file is called bri"),
        ("---\ntitle: Helps\n---\n", "the prompt is missing"),
    ],
)
async def test_a_broken_text_is_refused_by_its_line_and_nothing_is_kept(
    owner: ClientSession, folder: Path, text: str, said: str
) -> None:
    async with owner.put(PATH, json={"text": text}) as response:
        assert response.status == 422
        error = (await response.json())["error"]
    assert error["field"] == "text"
    assert said in error["message"]
    assert (await get(owner, PATH))["own"] is False


async def test_who_edited_an_older_version_is_told(owner: ClientSession, folder: Path) -> None:
    version = (await get(owner, PATH))["version"]
    async with owner.put(PATH, json={"text": OWN, "version": version}) as response:
        assert response.status == 200
    async with owner.put(PATH, json={"text": FILE, "version": version}) as response:
        assert response.status == 409
    assert (await get(owner, PATH))["text"] == OWN


@pytest.mark.parametrize("name", ["nobody", "..%2F..%2Fetc%2Fpasswd", "%2e%2e"])
async def test_there_is_no_text_of_nobody(owner: ClientSession, folder: Path, name: str) -> None:
    async with owner.get(f"/v1/agents/{name}") as response:
        assert response.status in (404, 405)


async def test_the_text_is_for_owners(house: WebHouse, folder: Path) -> None:
    member = await house.bearer(await house.member())
    await get(member, PATH, 403)
    await get(member, "/v1/agents")
