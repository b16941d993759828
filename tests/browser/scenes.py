"""What an agent of the demo does: one scene for each first word that a person may write."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.browser.house import House, Talk

LONG = """Here is the plan for Sunday.

## What changes

1. Doors open at **10:00**, an hour later than on weekdays.
2. The workshop stays closed:
   - lathes are being serviced
   - the kiln is cooling
3. Coffee is free until noon.

| Day | Opens | Closes | Visitors |
|:--|:-:|:-:|--:|
| Saturday | 9:00 | 18:00 | 1,204 |
| Sunday | 10:00 | 16:00 | 861 |

> Last year 861 people came on the first open Sunday.

```python
def is_open(day: str) -> bool:
    return day in {"saturday", "sunday"}
```

The details are on [our page](https://example.org/sunday) and at https://example.com/map.
Write to [the desk](mailto:desk@example.org) with `Sunday` in the subject, or ~~call~~ *ask here*.
"""


async def stream_text(house: House, talk: Talk, turn: str, text: str, **more: Any) -> None:
    for offset in range(0, len(text), 24):
        delta = text[offset : offset + 24]
        talk.tell("draft", {"turn": turn, "agent": talk.agent, "delta": delta}, turn, offset + 1)
        await asyncio.sleep(house.pace_s)
    house.say(talk, "assistant", text, turn, **more)


async def other(house: House, talk: Talk, turn: str, text: str) -> None:
    await stream_text(house, talk, turn, f"You said: {text}")


async def long(house: House, talk: Talk, turn: str, text: str) -> None:
    talk.tell("activity", {"turn": turn, "text": "reading a page"}, turn)
    await asyncio.sleep(house.pace_s * 5)
    talk.tell("activity", {"turn": turn, "text": ""}, turn)
    await stream_text(house, talk, turn, LONG)


async def wait(house: House, talk: Talk, turn: str, text: str) -> None:
    talk.tell("activity", {"turn": turn, "text": "reading example.org"}, turn)
    talk.tell("draft", {"turn": turn, "agent": talk.agent, "delta": "One moment, I am "}, turn)
    while talk.state == "running":
        await asyncio.sleep(0.02)


async def publish(house: House, talk: Talk, turn: str, text: str) -> None:
    talk.tell("activity", {"turn": turn, "text": "writing a post for the blog"}, turn)
    await asyncio.sleep(house.pace_s)
    made = house.approval(talk)
    house.say(
        talk, "assistant", f"Waiting for approval {made['code']}, not done yet.", turn,
        approval=made["id"],
    )  # fmt: skip


async def drop(house: House, talk: Talk, turn: str, text: str) -> None:
    words = "one two three four five six seven eight nine ten"
    await asyncio.sleep(0.3)
    for offset, word in enumerate(words.split()):
        delta = {"turn": turn, "agent": talk.agent, "delta": f"{word} "}
        talk.tell("draft", delta, turn, offset + 1)
        await asyncio.sleep(house.pace_s)
        if offset == 4:
            house.epoch += 1
    await asyncio.sleep(1.2)
    house.say(talk, "assistant", words, turn)


async def reset(house: House, talk: Talk, turn: str, text: str) -> None:
    talk.tell("draft", {"turn": turn, "agent": talk.agent, "delta": "old words"}, turn)
    await asyncio.sleep(0.1)
    talk.tell("reset", {"turn": turn}, turn)
    talk.tell("draft", {"turn": turn, "agent": talk.agent, "delta": "new words"}, turn)
    await asyncio.sleep(0.4)
    house.say(talk, "assistant", "new words, finished", turn)


async def badkey(house: House, talk: Talk, turn: str, text: str) -> None:
    words = "OpenAI refused the key ending in 9Zq4 at https://api.openai.com (HTTP 401: incorrect API key)."
    action = {"label": "Paste a key", "href": "/chat#key"}
    talk.tell("error", {"message": f"{words} Paste another one.", "action": action}, turn)


async def hang(house: House, talk: Talk, turn: str, text: str) -> None:
    talk.tell(
        "error", {"message": "The model did not answer in 60 s. Nothing was done. Try again."}, turn
    )


Scene = Callable[[House, Talk, str, str], Awaitable[None]]
SCENES: Mapping[str, Scene] = {
    "long": long,
    "wait": wait,
    "publish": publish,
    "drop": drop,
    "reset": reset,
    "badkey": badkey,
    "hang": hang,
}


async def answer(house: House, talk: Talk, turn: str, text: str) -> None:
    """Play the scene that the text asks for."""
    talk.state, talk.begun = "running", len(talk.log)
    talk.tell("state", {"state": "running"}, turn)
    word = text.split()[0].lower() if text.split() else ""
    await SCENES.get(word, other)(house, talk, turn, text)
    talk.state = "idle"
    talk.tell("activity", {"turn": turn, "text": ""}, turn)
    talk.tell("state", {"state": "idle"}, turn)
