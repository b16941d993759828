"""The chat on Telegram in which a person is notified: their own with the bot, saved and read."""

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import Conflict, Forbidden
from bot.core.people import Person
from bot.core.times import from_us, to_us
from bot.store import people, saved_chats
from bot.store.saved_chats import SavedChat
from bot.web.answers import OBJECT, answer, schema
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Doc, Parts, Route

CHANNEL = "telegram"
UNKNOWN = (
    "The bot does not know you on Telegram yet. Write to it there, and give the code that it "
    "answers to whoever runs this."
)
NOT_YOURS = (
    "Only your own chat with the bot can be saved. Write /savechat to it there, or leave chat_id "
    "out."
)


class Telegram:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def save(self, request: web.Request) -> web.Response:
        """Save the visitor's own chat."""
        fields = Fields(await read_json(request), ("chat_id",))
        visitor = request[VISIT].person
        chat = await self._own(visitor, str(fields.json("chat_id") or ""))
        await self._parts.db.write(saved_chats.put(visitor.tenant, CHANNEL, chat))
        return answer({"chat": _told(chat)})

    async def default(self, request: web.Request) -> web.Response:
        """The visitor's saved chat; null where there is none."""
        visitor = request[VISIT].person
        found = await self._parts.db.read(saved_chats.get(visitor.tenant, visitor.id, CHANNEL))
        return answer({"chat": _told(found) if found else None})

    async def _own(self, visitor: Person, wanted: str) -> SavedChat:
        """The visitor's chat with the bot. Raises Conflict, Forbidden."""
        own = [
            who
            for person, who in await self._parts.db.read(people.identities(visitor.tenant))
            if person == visitor.id and who.channel == CHANNEL
        ]
        if not own:
            raise Conflict(UNKNOWN)
        found = [who for who in own if wanted in ("", who.ext_id)]
        if not found:
            raise Forbidden(NOT_YOURS)
        who = found[-1]
        return SavedChat(
            person=visitor.id,
            account=who.account,
            place=who.ext_id,
            name=who.name,
            at=to_us(self._parts.clock.now()),
        )


def _told(chat: SavedChat) -> Json:
    return {"chat_id": chat.place, "name": chat.name, "saved_at": from_us(chat.at).isoformat()}


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    telegram = Telegram(parts)
    return [
        Route(
            method="POST",
            path="/v1/telegram/save-chat",
            handler=telegram.save,
            doc=Doc(
                summary="Be notified in your own chat with the bot; `chat_id` may be left out.",
                body={"type": "object", "properties": {"chat_id": {"type": ["string", "integer"]}}},
                answer=schema(chat=OBJECT),
            ),
        ),
        Route(
            method="GET",
            path="/v1/telegram/default-chat",
            handler=telegram.default,
            doc=Doc(
                summary="Where you are notified on Telegram: `{chat_id, name, saved_at}` or null.",
                answer=schema(chat={"type": ["object", "null"]}),
            ),
        ),
    ]
