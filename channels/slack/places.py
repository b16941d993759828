"""The channels that the app is in, by name.

https://docs.slack.dev/reference/methods/users.conversations (read 2026-11-21)
"""

from collections.abc import Sequence
from typing import Final

from bot.platforms.lent import Spot
from channels.slack.calls import Calls
from channels.slack.events import body_of, list_of, text_of

PAGE, PAGES = 200, 25
KINDS: Final = "public_channel,private_channel"


async def joined(calls: Calls) -> Sequence[Spot]:
    """Each of them, at most PAGE times PAGES. Raises as `Calls.ask` does."""
    found: list[Spot] = []
    cursor = ""
    for _ in range(PAGES):
        answer = await calls.ask(
            "users.conversations",
            types=KINDS,
            exclude_archived=True,
            limit=PAGE,
            cursor=cursor,
        )
        for each in list_of(answer, "channels"):
            id_, name = text_of(each, "id"), text_of(each, "name")
            if id_ and name:
                is_private = isinstance(each, dict) and each.get("is_private") is True
                about = "the members of this private channel" if is_private else "the whole team"
                found.append(Spot(id=id_, name=f"#{name}", about=about))
        cursor = text_of(body_of(answer, "response_metadata"), "next_cursor", 1000)
        if not cursor:
            break
    return found
