"""The platforms that a benchmark plays on: what they forget is what nobody answers any more."""

import asyncio
from typing import Any

from bench.stages import Opened
from tests.fakes.teams_world import BOT, Delivery

PLACES, TURNS = 300, 12


async def test_a_thread_of_teams_stands_as_long_as_it_is_answered() -> None:
    told: list[Any] = []

    async def deliver(activity: Any) -> Delivery:
        told.append(activity)
        return Delivery(200)

    async with Opened("teams", PLACES) as stage:
        played: Any = stage
        played._world.deliver = deliver
        for _ in range(TURNS):
            told.clear()
            await asyncio.gather(*(stage.say(n, "hello") for n in range(PLACES)))
            for each in told:
                body = {"type": "message", "text": "Hi.", "from": {"id": BOT}}
                place = each["conversation"]["id"]
                sent = played._server.connector.send(place, body, each["id"])
                played._server.connector.update(place, sent["id"], body)
            assert sorted(stage.news()) == list(range(PLACES))
        assert len(played._world.messages) < 10 * PLACES, "and no longer"
