"""Every transaction of a story is begun, given up and begun anew, as a shared database does it.

There a commit that several share is taken apart when one of them fails; each script is then run
again from its start. A script that was made of another one, which only runs once, would break.
"""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from bot.core.errors import Conflict
from bot.store.script import Restartable
from tests.bot.test_approvals import asking
from tests.fakes.database import InlineDatabase
from tests.fakes.switchboard import OLGA, Switchboard
from tests.sim.loop import virtual


@pytest.fixture(autouse=True)
def stumbling(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    begun: list[int] = []
    whole = InlineDatabase.write

    async def write(self, script):
        if isinstance(script, Restartable):
            run = iter(script)
            with suppress(Exception):  # without answers it goes as far as it goes
                for _ in range(len(begun) % 4):
                    run.send([] if _ else None)
            begun.append(1)
        return await whole(self, script)

    monkeypatch.setattr(InlineDatabase, "write", write)
    yield begun


@virtual
async def test_a_deed_is_asked_decided_and_done(stumbling: list[int]):
    async with Switchboard(asking("none_ask", "keyed_ask")) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        await house.decide(question, "approve", OLGA)
        await house.settled(question)
        assert len(house.vendor.book) == 2
        with pytest.raises(Conflict):
            await house.decide(question, "approve", OLGA)
    assert len(stumbling) > 5
