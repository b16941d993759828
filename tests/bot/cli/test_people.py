"""`bot people`: a role given and somebody taken out, by whatever names them."""

import pytest

from tests.bot.cli.conftest import Bot
from tests.fakes.api_server import ApiServer, Json

ADA: Json = {"id": "per_1", "name": "Ada", "role": "owner", "email": "ada@example.org"}
BOS: list[Json] = [{"id": f"per_{n}", "name": "Bo", "role": "member", "email": ""} for n in (2, 3)]


@pytest.fixture
def house(server: ApiServer) -> ApiServer:
    server.answers["GET", "/v1/people"] = 200, {"items": [ADA, *BOS], "next": None}
    return server


@pytest.mark.parametrize("who", ["Ada", "ADA@example.org", "per_1"])
def test_a_role_is_given(bot: Bot, house: ApiServer, who: str) -> None:
    house.answers["POST", "/v1/people/per_1"] = 200, {**ADA, "role": "member"}
    said = bot("people", "role", who, "member")
    assert (said.code, said.out) == (0, "Ada is a member now.\n")
    assert [call.body for call in house.of("POST", "/v1/people/per_1")] == [{"role": "member"}]


def test_the_only_owner_stays_one_and_it_is_said(bot: Bot, house: ApiServer) -> None:
    told = {"error": {"code": "conflict", "message": "This is the only owner."}}
    house.answers["POST", "/v1/people/per_1"] = 409, told
    said = bot("people", "role", "Ada", "member")
    assert (said.code, said.err) == (1, "This is the only owner.\n")


def test_nobody_is_changed_where_a_name_stands_for_two(bot: Bot, house: ApiServer) -> None:
    for words in (("role", "Bo", "owner"), ("remove", "bo")):
        said = bot("people", *words)
        assert (said.code, said.err.split(".")[0]) == (1, f"2 people are called {words[1]}")
    assert {call.method for call in house.calls} == {"GET"}


def test_somebody_is_taken_out(bot: Bot, house: ApiServer) -> None:
    house.answers["DELETE", "/v1/people/per_3"] = 200, {"id": "per_3"}
    said = bot("people", "remove", "per_3")
    assert (said.code, said.out) == (0, "Bo is gone, with what they signed in by.\n")
