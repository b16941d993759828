"""Being notified on Telegram: in one's own saved chat, after a yes, and never twice by itself."""

import json
import signal
from pathlib import Path

import pytest

pytest.importorskip("telegram")

from tests.channels.running import found
from tests.channels.test_telegram_whole import ANA, BO, House, whole
from tests.fakes.openai_server import Body, Reply

pytestmark = pytest.mark.timeout(300)
NEWS = "The report is ready"


def answer(body: Body) -> Reply:
    """What the model does with the last thing that it was told."""
    last = body["messages"][-1]
    words = str(last["content"])
    if last["role"] == "tool":
        return Reply(text=f"Told: {words}")
    if "notify me" in words:
        return Reply(calls=(("send_telegram_message", json.dumps({"text": NEWS})),))
    if "tell Ben" in words:
        arguments = json.dumps({"place": "ben", "text": "The van is here"})
        return Reply(calls=(("send_telegram_message_to", arguments),))
    return Reply(text="All right.")


async def approved(house: House) -> None:
    """Ana says yes to the card in her chat."""
    world = house.telegram.world
    chat = world.private(ANA)
    await found(lambda: any(each.buttons for each in world.shown(chat)))
    card = next(each for each in world.shown(chat) if each.buttons)
    assert NEWS in card.text and f"({ANA.id})" in card.text, "exactly where and what"
    assert NEWS not in house.said(), "nothing leaves before the yes"
    for _ in range(2):
        world.press_label(ANA, card.id, "Approve")


async def test_notify_me_goes_to_the_saved_chat_once(tmp_path: Path) -> None:
    async with whole(tmp_path, answer) as house:
        world = house.telegram.world
        await house.pair()
        world.say(ANA, "notify me when it is done")
        await found(lambda: any("/savechat" in text for text in house.said()))
        world.say(ANA, "/savechat")
        await found(lambda: any(text.startswith("Saved.") for text in house.said()))
        world.say(ANA, "notify me when it is done")
        await approved(house)
        await found(lambda: NEWS in house.said())
        # Somebody else has saved no chat.
        world.say(ANA, "tell Ben")
        await found(lambda: any("Nobody called ben" in text for text in house.said()))
        assert world.said(world.private(BO)) == []


async def test_a_message_without_an_answer_is_asked_about_and_not_repeated(tmp_path: Path) -> None:
    async with whole(tmp_path, answer) as house:
        world = house.telegram.world
        await house.pair()
        world.say(ANA, "/savechat")
        await found(lambda: any(text.startswith("Saved.") for text in house.said()))
        world.say(ANA, "notify me when it is done")
        # It arrives, the answer does not, and then the program is killed.
        house.telegram.silent_after = NEWS
        await approved(house)
        await found(lambda: NEWS in house.said())
        house.program.stop(signal.SIGKILL)
        house.telegram.silent_after = ""
        await house.program.start()
        await found(lambda: any("may have" in t.lower() for t in house.said()))
        assert house.said().count(NEWS) == 1


@pytest.mark.long
async def test_what_somebody_else_is_told_through_a_kill_is_asked_about_and_there_once(
    tmp_path: Path,
) -> None:
    async with whole(tmp_path, answer) as house:
        world = house.telegram.world
        await house.pair()
        chat = world.private(BO)
        world.say(BO, "/start")
        await found(lambda: any("Give this code" in text for text in world.said(chat)))
        await house.program.admit(world.said(chat)[-1], "Ben")
        world.say(BO, "/savechat")
        await found(lambda: any(text.startswith("Saved.") for text in world.said(chat)))
        world.say(ANA, "tell Ben")
        await found(lambda: any(each.buttons for each in world.shown(world.private(ANA))))
        card = next(each for each in world.shown(world.private(ANA)) if each.buttons)
        house.telegram.silent_after = "The van is here"
        world.press_label(ANA, card.id, "Approve")
        await found(lambda: "The van is here" in world.said(chat))
        house.program.stop(signal.SIGKILL)
        house.telegram.silent_after = ""
        await house.program.start()
        await found(lambda: any("may have" in t.lower() for t in house.said()))
        assert world.said(chat).count("The van is here") == 1
