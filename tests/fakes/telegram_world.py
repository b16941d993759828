"""People, chats and messages as Telegram knows them, and what people do there.

Each deed of a person makes the update that a bot would get, or none where Telegram tells bots
nothing (a deleted message; what privacy mode hides in a group).
"""

import itertools
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram_spec import Body, bad, units

BOT = {"id": 700_001, "is_bot": True, "first_name": "Switchboard", "username": "switchboard_bot"}
_NOT_BY_ITSELF = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Updates that come only to those who asked for them by name."""
_ENTITY = re.compile(
    r"(?P<bot_command>(?<!\S)/[a-zA-Z0-9_]{1,32}(?:@\w+)?)|(?P<mention>(?<!\w)@\w{4,32})"
    r"|(?P<url>https?://\S+)"
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    id: int
    name: str
    username: str = ""
    is_bot: bool = False

    def shape(self) -> Body:
        """As `User`."""
        user = {"id": self.id, "is_bot": self.is_bot, "first_name": self.name}
        return {**user, "username": self.username} if self.username else user


@dataclass(slots=True)
class Chat:
    """A private chat, a group or a supergroup."""

    id: int
    kind: str
    title: str = ""
    person: Person | None = None
    forum: bool = False
    topics: dict[int, str] = field(default_factory=dict)
    messages: dict[int, Body] = field(default_factory=dict)
    moved_to: int = 0
    started: bool = True
    """A bot may write first to nobody: only after the person wrote or pressed Start."""
    blocked: bool = False

    def shape(self) -> Body:
        """As `Chat`."""
        base: Body = {"id": self.id, "type": self.kind}
        if self.person:
            return {**base, "first_name": self.person.name, **_username(self.person)}
        return {**base, "title": self.title, **({"is_forum": True} if self.forum else {})}


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as people see it."""

    id: int
    sender: str
    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    """Label, and data or address."""
    file: str = ""
    thread: int = 0
    reply_to: int = 0
    edited: bool = False
    entities: tuple[tuple[str, str], ...] = ()
    """Kind and the words it is on."""
    forced_reply: bool = False


class World:
    """All chats, and the updates that wait for the bot."""

    def __init__(self) -> None:
        self.chats: dict[int, Chat] = {}
        self.updates: list[Body] = []
        """Not yet confirmed, oldest first."""
        self.files: dict[str, tuple[str, bytes]] = {}
        self.answers: dict[str, Body] = {}
        """Callback query → what its presser alone was told; absent while the client still spins."""
        self.queries: dict[str, float] = {}
        self.reactions: dict[tuple[int, int, int], list[Body]] = {}
        """Chat, message and person → what stands there."""
        self.allowed: list[str] | None = None
        self.privacy = True
        self.is_admin = False
        """Of every group; only then reactions there are told."""
        self.on_update: Callable[[], None] = lambda: None
        self._ids = itertools.count(1)
        self._update_ids = itertools.count(810_000_001)
        self.message_ids = itertools.count(101)

    # --- places -----------------------------------------------------------------------------

    def private(self, person: Person, *, started: bool = True) -> Chat:
        """The chat of one person with the bot."""
        chat = self.chats.get(person.id)
        if chat is None:
            chat = self.chats[person.id] = Chat(
                person.id, "private", person=person, started=started
            )
        return chat

    def group(self, number: int, title: str = "Team", *, forum: bool = False) -> Chat:
        """A group; a forum, which has topics, is a supergroup."""
        kind, number = ("supergroup", -1_000_000_000_000 - number) if forum else ("group", -number)
        chat = self.chats[number] = Chat(number, kind, title=title, forum=forum)
        return chat

    def topic(self, chat: Chat, name: str) -> int:
        """A topic of a forum; its number is its thread."""
        number = next(self.message_ids)
        chat.topics[number] = name
        return number

    def upgrade(self, chat: Chat) -> Chat:
        """The group becomes a supergroup, with another id."""
        new = Chat(-1_000_000_000_000 + chat.id, "supergroup", title=chat.title)
        self.chats[new.id] = new
        chat.moved_to = new.id
        self._tell("message", {**self._base(chat, BOT), "migrate_to_chat_id": new.id})
        self._tell("message", {**self._base(new, BOT), "migrate_from_chat_id": chat.id})
        return new

    # --- what people do ---------------------------------------------------------------------

    def say(
        self,
        who: Person,
        text: str,
        chat: Chat | None = None,
        *,
        thread: int = 0,
        reply_to: int = 0,
    ) -> int:
        """Write a message; returns its number."""
        return self._post(
            who, chat, {"text": text, **_entities(text, "entities")}, thread, reply_to
        )

    def send_file(
        self,
        who: Person,
        data: bytes,
        chat: Chat | None = None,
        *,
        name: str = "notes.txt",
        kind: str = "document",
        media_type: str = "text/plain",
        caption: str = "",
        thread: int = 0,
        reply_to: int = 0,
        size: int | None = None,
    ) -> int:
        """Send a document, photo, voice, audio or video; returns the message's number."""
        part = self.keep(kind, name, media_type, data, size)
        said = {"caption": caption, **_entities(caption, "caption_entities")} if caption else {}
        return self._post(who, chat, {kind: part, **said}, thread, reply_to)

    def send_album(self, who: Person, pictures: Sequence[bytes], caption: str = "") -> list[int]:
        """Send pictures as one album: a message each, with the same `media_group_id`."""
        group, said = f"{next(self._ids):017d}", {"caption": caption} if caption else {}
        numbers = []
        for n, data in enumerate(pictures):
            part = {"photo": self.keep("photo", f"{n}.jpg", "image/jpeg", data)}
            whole = {**part, "media_group_id": group, **(said if n == 0 else {})}
            numbers.append(self._post(who, None, whole, 0, 0))
        return numbers

    def edit(self, who: Person, message: int, text: str, chat: Chat | None = None) -> None:
        """Change an own message."""
        chat = chat or self.private(who)
        old = chat.messages[message]
        assert old["from"]["id"] == who.id, "one edits one's own messages only"
        new = {k: v for k, v in old.items() if k != "entities"}
        new |= {"text": text, "edit_date": int(time.time()), **_entities(text, "entities")}
        chat.messages[message] = new
        if self._hears(chat, new):
            self._tell("edited_message", new)

    def delete(self, message: int, chat: Chat) -> None:
        """Take a message away; Telegram tells bots nothing of it."""
        del chat.messages[message]

    def press(self, who: Person, message: int, data: str, chat: Chat | None = None) -> str:
        """Press a button, or send any data as a client can; returns the query's id."""
        chat = chat or self.private(who)
        query = f"44{next(self._ids):015d}"
        self.queries[query] = time.monotonic()
        shape: Body = {
            "id": query,
            "from": who.shape(),
            "chat_instance": str(chat.id),
            "data": data,
        }
        found = chat.messages.get(message)
        gone = {"chat": chat.shape(), "message_id": message, "date": 0}
        self._tell("callback_query", {**shape, "message": found or gone})
        return query

    def press_label(self, who: Person, message: int, label: str, chat: Chat | None = None) -> str:
        """Press the button that reads so. KeyError when there is none."""
        chat = chat or self.private(who)
        data = dict(_buttons(chat.messages[message]))[label]
        return self.press(who, message, data, chat)

    def react(self, who: Person, message: int, emoji: str, chat: Chat | None = None) -> None:
        """React with an emoji, or take it back with an empty one."""
        chat = chat or self.private(who)
        old = self.reactions.get((chat.id, message, who.id), [])
        new = [{"type": "emoji", "emoji": emoji}] if emoji else []
        self.reactions[chat.id, message, who.id] = new
        if chat.kind == "private" or self.is_admin:
            shape = {"chat": chat.shape(), "message_id": message, "user": who.shape()}
            told = {**shape, "date": int(time.time()), "old_reaction": old, "new_reaction": new}
            self._tell("message_reaction", told)

    def block(self, who: Person) -> None:
        """Block the bot."""
        self.private(who).blocked = True

    # --- what people see --------------------------------------------------------------------

    def shown(self, chat: Chat, thread: int | None = None) -> list[Shown]:
        """Messages in order, as they are now."""
        found = [_seen(each) for each in chat.messages.values()]
        return [each for each in found if thread is None or each.thread == thread]

    def said(self, chat: Chat) -> list[str]:
        """The texts of the bot alone."""
        return [each.text for each in self.shown(chat) if each.sender == BOT["first_name"]]

    # --- inside -----------------------------------------------------------------------------

    def keep(
        self, kind: str, name: str, media_type: str, data: bytes, size: int | None = None
    ) -> Any:
        """Keep the bytes; returns `Document`, `Voice` and their like, or the sizes of a photo."""
        number = f"file{next(self._ids):08d}"
        self.files[number] = (name, data)
        part: Body = {"file_id": number, "file_unique_id": f"u{number}"}
        part["file_size"] = len(data) if size is None else size
        if kind == "photo":
            return [{**part, "width": 90, "height": 60}, {**part, "width": 900, "height": 600}]
        if kind in ("voice", "audio", "video"):
            part["duration"] = 3
        if kind == "video":
            part |= {"width": 900, "height": 600}
        named = {} if kind == "voice" else {"file_name": name}
        return {**part, **named, "mime_type": media_type}

    def _post(self, who: Person, chat: Chat | None, what: Body, thread: int, reply_to: int) -> int:
        chat = chat or self.private(who)
        chat.started = True
        message = {**self._base(chat, who.shape()), **what}
        if thread:
            assert thread in chat.topics, "there is no such topic"
            message |= {"message_thread_id": thread, "is_topic_message": True}
        if reply_to:
            found = chat.messages[reply_to]
            message["reply_to_message"] = {
                k: v for k, v in found.items() if k != "reply_to_message"
            }
        chat.messages[message["message_id"]] = message
        if self._hears(chat, message):
            self._tell("message", message)
        return int(message["message_id"])

    def _base(self, chat: Chat, sender: Body) -> Body:
        number, now = next(self.message_ids), int(time.time())
        return {"message_id": number, "date": now, "chat": chat.shape(), "from": sender}

    def _hears(self, chat: Chat, message: Body) -> bool:
        """Whether the bot is told: privacy mode hides most of a group."""
        if message["from"]["is_bot"]:
            return False
        if chat.kind == "private" or not self.privacy or self.is_admin:
            return True
        if message.get("reply_to_message", {}).get("from", {}).get("id") == BOT["id"]:
            return True
        words = dict(_marked(message))
        mention = f"@{BOT['username']}"
        command = words.get("bot_command", "")
        return mention in (w for k, w in _marked(message) if k == "mention") or bool(
            command and ("@" not in command or command.endswith(mention))
        )

    def _tell(self, kind: str, shape: Body) -> None:
        is_wanted = kind in self.allowed if self.allowed else kind not in _NOT_BY_ITSELF
        if is_wanted:
            self.updates.append({"update_id": next(self._update_ids), kind: shape})
            self.on_update()

    def place(self, number: Any) -> Chat:
        """A chat that the bot may write to. Raises Refusal."""
        chat = self.chats.get(number) if isinstance(number, int) else None
        if chat is None:
            raise bad("chat not found")
        if chat.moved_to:
            words = "group chat was upgraded to a supergroup chat"
            raise bad(words, migrate_to_chat_id=chat.moved_to)
        return chat


def _username(person: Person) -> Body:
    return {"username": person.username} if person.username else {}


def _entities(text: str, key: str) -> Body:
    """Commands, mentions and addresses, which Telegram marks by itself."""
    found = [
        {"type": m.lastgroup, "offset": units(text[: m.start()]), "length": units(m[0])}
        for m in _ENTITY.finditer(text)
    ]
    return {key: found} if found else {}


def _marked(message: Body) -> Sequence[tuple[str, str]]:
    """Kind and words of each entity."""
    text = message.get("text") or message.get("caption") or ""
    raw = text.encode("utf-16-le", "surrogatepass")
    marks = message.get("entities") or message.get("caption_entities") or ()
    return [
        (
            m["type"],
            raw[m["offset"] * 2 : (m["offset"] + m["length"]) * 2].decode("utf-16-le", "replace"),
        )
        for m in marks
    ]


def _buttons(message: Body) -> list[tuple[str, str]]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", ())
    return [(b["text"], b.get("callback_data") or b.get("url", "")) for row in rows for b in row]


def _seen(message: Body) -> Shown:
    files = [message[k] for k in ("document", "voice", "audio", "video") if k in message]
    name = files[0].get("file_name", "voice") if files else "photo" if "photo" in message else ""
    return Shown(
        id=message["message_id"],
        sender=message["from"]["first_name"],
        text=message.get("text") or message.get("caption") or "",
        buttons=tuple(_buttons(message)),
        file=name,
        thread=message.get("message_thread_id", 0),
        reply_to=message.get("reply_to_message", {}).get("message_id", 0),
        edited="edit_date" in message,
        entities=tuple(_marked(message)),
        forced_reply=bool(message.get("forced")),
    )
