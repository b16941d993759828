"""Deeds that the end of the process cut off again and again: no person is asked what a key tells."""

import asyncio

import pytest

from bot.effects import ATTEMPTS, CUT_OFF
from tests.bot.test_effects import doing, fated, left_sending
from tests.fakes.database import Disk
from tests.fakes.switchboard import Switchboard, image
from tests.fakes.vendor import Fate, Vendor
from tests.sim.loop import virtual


async def gone_on(name: str, attempt: int, vendor: Vendor) -> tuple[str, int, Disk]:
    """The state of a deed that is taken up once more after so many calls, and the calls since."""
    disk = Disk(image())
    await left_sending(disk, vendor, (name,))
    disk.all("update effect set attempt = ?", attempt)
    before = vendor.calls
    async with Switchboard(doing(), vendor=vendor, disk=disk) as house:
        async with asyncio.timeout(600):
            while house.states()[0][1] == "sending":
                await asyncio.sleep(0.5)
        return house.states()[0][1], vendor.calls - before, disk


@virtual
@pytest.mark.parametrize("name", ["keyed_ask", "readback_ask"])
@pytest.mark.parametrize("attempt", [1, ATTEMPTS, CUT_OFF - 1])
async def test_what_a_key_or_a_look_up_tells_is_tried_after_each_death(name: str, attempt: int):
    vendor = Vendor()
    state, calls, _ = await gone_on(name, attempt, vendor)
    assert (state, calls, len(vendor.book)) == ("sent", 1, 1)


@virtual
@pytest.mark.parametrize("name", ["keyed_ask", "readback_ask"])
async def test_what_dies_every_time_is_asked_about_in_the_end(name: str):
    vendor = Vendor()
    assert (await gone_on(name, CUT_OFF, vendor))[:2] == ("in_doubt", 0)
    assert vendor.book == []


@virtual
async def test_after_many_deaths_a_silent_vendor_is_called_once_more_and_not_on_and_on():
    vendor = fated(*(Fate.SILENT,) * 9)
    state, calls, _ = await gone_on("keyed_ask", ATTEMPTS, vendor)
    assert (state, calls, len(vendor.book)) == ("in_doubt", 1, 1)


@virtual
async def test_where_there_is_neither_nothing_is_done_again_however_rarely_it_died():
    vendor = Vendor()
    assert (await gone_on("none_ask", 1, vendor))[:2] == ("in_doubt", 0)
