"""No token and no secret in logs, audit, answers or errors, whatever happens to a connection."""

import json
import logging
from io import StringIO

import pytest

from bot.core.errors import BotError
from bot.core.secret import Secret
from bot.logs import setup
from bot.oauth.flow import Returned
from bot.store import audit
from tests.fakes.oauth_house import PEM, OAuthHouse
from tests.fakes.oauth_server import SECRET


async def test_nothing_that_anybody_reads_holds_a_canary(
    house: OAuthHouse, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []
    caplog.set_level(logging.DEBUG)
    item = await house.connect()
    house.clock.advance(hours=25)
    client = await house.connections.accounts.client(item.tenant, item.provider)
    for fault, value in (
        ("token_status", 503),
        ("declined", "invalid_grant"),
        ("revoke_status", 500),
    ):
        setattr(house.server.faults, fault, value)
        for work in (
            house.connections.renewal.fresh(item.tenant, item.id),
            house.connections.check(house.owner, item.id),
            client.call("GET", "https://evil.example/"),
            house.connections.renewal.tend(),
        ):
            try:
                heard.append(repr(await work))
            except BotError as error:
                heard += [str(error), repr(error), repr(error.__cause__), str(error.ids)]
        house.clock.advance(hours=2)
    heard.append(json.dumps(list(await house.connections.listed(house.owner))))
    heard.append(json.dumps(list(await house.connections.services(house.owner))))
    heard.append(await house.connections.end(house.owner, item.id))
    visit = house.visit()
    house.server.faults.declined = "invalid_grant"
    back = house.server.agree(await house.start(visit))
    with pytest.raises(BotError) as refused:
        await house.connections.finish(visit, item.provider, Returned(**back))
    heard.append(str(refused.value))
    entries = await house.db.read(audit.entries(house.tenant.id, 0, 1000))
    heard += [repr(entry) for entry, *_ in entries]
    said = "\n".join([*heard, caplog.text])
    assert len(entries) > 3 and len(said) > 2_000
    for canary in ("canary", SECRET, PEM[40:80], *house.masked):
        assert canary not in said, said[max(0, said.find(canary) - 200) :][:400]


@pytest.mark.parametrize("vendor", ["x"], indirect=True)
async def test_a_token_in_a_log_line_is_masked(house: OAuthHouse) -> None:
    await house.connect()
    out = StringIO()
    logs = setup("info", out)
    try:
        for text in house.masked:
            logs.redact.add(Secret(text))
        logging.getLogger("x").error("It said %s", " ".join(house.masked))
    finally:
        logs.close()
    assert "It said" in out.getvalue() and "canary" not in out.getvalue()
