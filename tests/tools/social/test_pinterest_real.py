"""Pinning for real: on the board that was named, the picture that was shown, once."""

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import Conflict, Invalid, VendorError, VendorRefused, VendorUnknown
from bot.core.tool import Risk
from tests.fakes.pinterest_server import UPLOADS, PinterestServer
from tests.tools.kit import refusal
from tests.tools.social.desk import FILM, JPEG, PNG, Desk, desk_at
from tools.social import _pinterest_api, _waiting
from tools.social._pinterest_own import PinterestRead
from tools.social.pinterest import TOOLS, PinterestPin, preview

TOOL, BOARDS, LIST, READ, DELETE = TOOLS
CREATE, FILMS = "POST /pins", "POST /media"


def medium(name: str, alt: str = "") -> dict[str, str]:
    return {"url": f"https://example.org/{name}", "alt": alt}


PIN: dict[str, Any] = {
    "text": "Baked at night.",
    "title": "Rye loaf",
    "board": "Bread",
    "link": "https://example.org/rye",
    "media": [medium("a.png", "A rye loaf")],
}
MOVED = {**PIN, "media": [medium("a.mp4", "Dough")]}


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(_waiting, "PAUSES_S", (0.0, 0.0))  # a real wait would be for nothing here
    server = PinterestServer()
    server.board("Bread")
    server.board("Plans", "SECRET")
    there = {"a_png": PNG, "b_jpg": JPEG, "a_mp4": FILM}
    async with desk_at(tmp_path, server, TOOL, UPLOADS, **there) as made:
        yield made


async def test_a_pin_has_its_words_its_board_and_the_very_picture(desk: Desk) -> None:
    done = await desk.perform(await desk.complete({**PIN, "board": "bread"}))
    (pin,) = desk.server.pins
    told = {"title": "Rye loaf", "description": "Baked at night."}
    told |= {"link": "https://example.org/rye", "alt_text": "A rye loaf"}
    assert (pin.board, pin.told, pin.media) == (desk.server.boards[0].id, told, [PNG])
    assert done.url == f"https://www.pinterest.com/pin/{pin.id}/"
    sent = desk.server.asked[-1][1]["media_source"]
    assert sent["data"] == b64encode(PNG).decode() and sent["content_type"] == "image/png"


async def test_several_pictures_are_one_pin_in_order(desk: Desk) -> None:
    both = {**PIN, "media": [medium("a.png", "A loaf"), medium("b.jpg")]}
    full = await desk.complete(both)
    await desk.perform(full)
    (pin,) = desk.server.pins
    assert (pin.kind, pin.media) == ("multiple_images", [PNG, JPEG])
    assert await desk.find(full)


async def test_a_secret_board_is_called_secret_on_the_card(desk: Desk) -> None:
    card = preview(PinterestPin.model_validate(await desk.complete({**PIN, "board": "plans"})))
    assert card.warnings[0] == "The board is secret: only the account sees it."
    open_ = preview(PinterestPin.model_validate(await desk.complete(PIN)))
    assert "secret" not in " ".join(open_.warnings)


async def test_the_board_is_named_before_anybody_is_asked(desk: Desk) -> None:
    with pytest.raises(Invalid, match=r"no board 'Cake' .* There are: Bread, Plans"):
        await desk.complete({**PIN, "board": "Cake"})
    second = desk.server.board("Bread")
    with pytest.raises(Invalid, match=f"several boards called 'Bread'; give its id: .*{second.id}"):
        await desk.complete(PIN)
    full = await desk.complete({**PIN, "board": second.id})
    assert full["board"] == f"Bread ({second.id})", "two of one name look alike"
    await desk.perform({**full, "picked": None})  # what the card says is enough
    assert desk.server.pins[0].board == second.id


async def test_a_board_that_is_edited_on_the_card_is_the_one_that_is_pinned_on(desk: Desk) -> None:
    full = await desk.complete(PIN)
    await desk.perform({**full, "board": "Plans"})
    assert desk.server.pins[0].board == desk.server.boards[1].id
    found = await desk.find({**full, "board": "Plans"})
    assert found and found.vendor_ref == desk.server.pins[0].id


async def test_a_model_cannot_slip_another_board_under_the_name(desk: Desk) -> None:
    forged = {"id": desk.server.boards[1].id, "name": "Bread"}
    await desk.perform(await desk.complete({**PIN, "picked": forged}))
    assert desk.server.pins[0].board == desk.server.boards[0].id


async def test_boards_are_looked_through_page_by_page(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.server.page = 1
    desk.server.board("Cake")
    assert (await desk.complete({**PIN, "board": "cake"}))["board"] == "Cake"
    monkeypatch.setattr(_pinterest_api, "MOST_PAGES", 2)
    with pytest.raises(VendorUnknown, match="more there"):
        await desk.complete({**PIN, "board": "cake"})


async def test_what_was_pinned_earlier_or_otherwise_is_not_our_pin(desk: Desk) -> None:
    bread = desk.server.boards[0]
    told = {"title": "Rye loaf", "description": "Baked at night.", "alt_text": "A rye loaf"}
    desk.server.pin(bread, link="https://example.org/rye", **told)
    desk.accounts.clock.advance(hours=1)
    desk.kept = {"since": desk.accounts.clock.now().isoformat()}
    desk.server.pin(bread, link="https://example.org/oats", **told)
    desk.server.pin(desk.server.boards[1], link="https://example.org/rye", **told)
    assert await desk.find(PIN) is None
    new = desk.server.pin(bread, link="https://example.org/rye", **told)
    desk.server.page = 1
    found = await desk.find(PIN)
    assert found and found.vendor_ref == new.id


async def test_an_attempt_long_ago_is_still_looked_for(desk: Desk) -> None:
    full = await desk.complete(PIN)
    desk.server.fail(CREATE, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    desk.accounts.clock.advance(hours=1)
    desk.started = desk.accounts.clock.now()
    assert await desk.find(full), "the effect began anew, its first attempt counts"


async def test_a_film_is_handed_over_without_the_token_and_pinned_when_ready(desk: Desk) -> None:
    desk.server.slow = 2
    await desk.perform(await desk.complete(MOVED))
    (pin,), (film,) = desk.server.pins, desk.server.films.values()
    assert (pin.kind, film["bytes"]) == ("video", FILM)
    assert all("authorization" not in " ".join(told).lower() for _, told in desk.web.asked)


async def test_a_film_is_handed_over_once_however_often_the_pin_is_tried(desk: Desk) -> None:
    full = await desk.complete(MOVED)
    desk.server.fail(CREATE, "error")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert desk.server.calls_of(FILMS) == len(desk.server.pins) == 1


async def test_a_film_that_is_not_ready_or_fails_is_not_pinned(desk: Desk) -> None:
    full = await desk.complete(MOVED)
    desk.server.slow = 99
    with pytest.raises(VendorRefused, match="still working") as caught:
        await desk.perform(full)
    assert caught.value.retry_after_s == 60
    desk.server.slow, desk.server.breaks = 0, True
    with pytest.raises(VendorRefused, match="could not use the film"):
        await desk.perform(full)
    assert desk.server.pins == [] and desk.server.calls_of(FILMS) == 1


@pytest.mark.parametrize("how", ["error", "lost", "limited", "truncated", "bad"])
async def test_a_film_that_does_not_arrive_makes_no_pin(desk: Desk, how: str) -> None:
    full = await desk.complete(MOVED)
    desk.server.fail("POST /film-upload" if how in ("error", "lost") else FILMS, how)
    with pytest.raises(VendorError):
        await desk.perform(full)
    assert desk.server.pins == []


@pytest.mark.parametrize(
    "where", ["http://a.amazonaws.com/film-upload", "https://evil.example/", "https://10.0.0.1/"]
)
async def test_a_film_goes_to_no_other_place_than_amazon_s(desk: Desk, where: str) -> None:
    full = await desk.complete(MOVED)
    desk.server.uploads = where
    with pytest.raises(VendorUnknown, match="where it wants the film"):
        await desk.perform(full)
    assert where not in " ".join(url for url, _ in desk.web.asked[1:])


async def test_another_picture_than_was_shown_does_not_leave(desk: Desk) -> None:
    full = await desk.complete(PIN)
    desk.web.put(a_png=JPEG)
    with pytest.raises(Conflict, match="something else than was shown"):
        await desk.perform(full)
    assert desk.server.pins == []


@pytest.mark.parametrize(
    ("data", "said"), [(b"GIF89a" + b"0" * 9, "is GIF"), (b"<html>", "takes JPEG, PNG, MP4")]
)
async def test_what_pinterest_does_not_take_is_refused_before_anybody_is_asked(
    desk: Desk, data: bytes, said: str
) -> None:
    desk.web.put(a_png=data)
    with pytest.raises(Invalid, match=said):
        await desk.complete(PIN)
    with pytest.raises(Invalid, match="stands alone"):
        await desk.complete({**PIN, "media": [medium("a.mp4"), medium("b.jpg")]})


# --- what is there --------------------------------------------------------------------------------


async def test_boards_and_pins_are_listed_and_read_with_their_numbers(desk: Desk) -> None:
    bread, plans = desk.server.boards
    told = str((await desk.perform({}, BOARDS)).data)
    assert told == f"Bread ({bread.id})\nPlans ({plans.id}, secret: only the account sees it)"
    assert (await desk.perform({"board": "Bread"}, LIST)).data == "There is no post yet."
    pin = desk.server.pin(bread, title="Rye", description="At night", link="https://example.org/")
    desk.server.pin(plans, title="Oats")
    listed = str((await desk.perform({"board": "bread"}, LIST)).data)
    assert listed.endswith("): Rye\nAt night\nhttps://example.org/") and "Oats" not in listed
    assert "): Oats\n" in str((await desk.perform({"count": 5}, LIST)).data)
    pin.numbers = {"impression": 120, "save": 3, "pin_click": 9}
    where = f"https://www.pinterest.com/pin/{pin.id}/"
    read = str((await desk.perform({"post": where}, READ)).data)
    assert read.startswith(where) and read.endswith("Rye\nAt night\nhttps://example.org/")
    assert "120 times seen, 3 times saved, 9 times opened)" in read
    assert "not on Pinterest any more" in str((await desk.perform({"post": "7"}, READ)).data)
    assert all(tool.outside and tool.risk is Risk.READ for tool in (BOARDS, LIST, READ))


@pytest.mark.parametrize("pin", ["", "rye", "1/../2", "https://evil.example/pin/1/"])
def test_what_is_no_pin_is_refused(pin: str) -> None:
    assert "no pin" in refusal(PinterestRead, post=pin)


async def test_another_s_pin_is_not_even_asked_about(desk: Desk) -> None:
    pin = desk.server.pin(desk.server.boards[0], title="Theirs")
    pin.mine = False
    with pytest.raises(Invalid, match="somebody else's"):
        await desk.complete({"post": pin.id}, DELETE)
    with pytest.raises(Invalid, match="somebody else's"):
        await desk.perform({"post": pin.id, "text": "Theirs"}, DELETE)
    assert desk.server.pins == [pin]


async def test_a_pin_is_deleted_once_when_it_says_what_was_shown(desk: Desk) -> None:
    kept = desk.server.pin(desk.server.boards[0], title="Keep")
    pin = desk.server.pin(desk.server.boards[0], title="Rye", description="Bye")
    full = await desk.complete({"post": pin.id, "text": "made up"}, DELETE)
    assert full["text"] == "Rye\nBye" and DELETE.preview
    assert DELETE.preview(DELETE.arguments.model_validate(full)).body == "Rye\nBye"
    with pytest.raises(Conflict, match="something else"):
        await desk.perform({**full, "post": kept.id}, DELETE)
    for how in ("cut", "lost"):
        desk.server.fail("DELETE /pins/{id}", how)
        with pytest.raises(VendorUnknown):
            await desk.perform(full, DELETE)
        found = await desk.find(full, DELETE)
        assert bool(found) == (how == "lost")
    again = await desk.perform(full, DELETE)
    assert again.state is EffectState.SENT and desk.server.pins == [kept]
