"""The same event brought again: at once, and to the next process on the same disk (A4)."""

import asyncio

from tests.fakes.model import ScriptedModel, call, say
from tests.fakes.switchboard import Switchboard
from tests.sim.loop import virtual


def acting(request):
    """A model that does one deed for each message."""
    if request.messages[-1].role == "tool":
        return say("done")
    return call(("none_auto", {"text": "words"}))


@virtual
async def test_an_event_brought_fifty_times_and_after_a_restart_has_one_effect():
    async with Switchboard(ScriptedModel(acting)) as house:
        event = house.event("do it")
        got = await asyncio.gather(*(house.engine.inbox.accept(event) for _ in range(50)))
        assert sum(not each.duplicate for each in got) == 1
        await house.live.line_of(event.id)
        await house.engine.stop(seconds=5)
        assert len(house.vendor.book) == 1
        async with Switchboard(
            ScriptedModel(acting), vendor=house.vendor, disk=house.disk
        ) as later:
            again = await asyncio.gather(*(later.engine.inbox.accept(event) for _ in range(50)))
            assert all(each.duplicate for each in again)
            await asyncio.sleep(60)
            assert len(later.vendor.book) == 1
            # The control: another event is another deed.
            await later.ask("do it")
            assert len(later.vendor.book) == 2
