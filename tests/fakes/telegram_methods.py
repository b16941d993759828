"""What each method of the Bot API does in the world of `telegram_world`.

A method that Telegram has and this file has not is answered True and named among the mistakes:
what it would have done was not shown by anybody.
"""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram_spec import Body, Refusal, Upload, bad, parse, units
from tests.fakes.telegram_world import BOT, Chat, World

MAX_TEXT, MAX_CAPTION, MAX_ALERT, MAX_DATA = 4096, 1024, 200, 64
MAX_DOWN, MAX_UP = 20 * 2**20, 50 * 2**20
ACTIONS = (
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document "
    "choose_sticker find_location record_video_note upload_video_note"
).split()
_ONE_OF = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "copy_text",
    "pay",
)
_FILES = {
    "sendDocument": "document",
    "sendPhoto": "photo",
    "sendVoice": "voice",
    "sendAudio": "audio",
    "sendVideo": "video",
}
SENDS = frozenset({"sendMessage", "sendMessageDraft", "editMessageText", "editMessageCaption", "editMessageReplyMarkup", *_FILES})  # fmt: skip
"""What counts against the rates."""


class Methods:
    """The bot's side."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.commands: dict[str, list[Body]] = {}
        """By the scope's type."""
        self.drafts: dict[int, list[str]] = {}
        """Chat → each text that a draft showed, in order."""
        self.actions: list[tuple[int, str]] = []
        """Chat and what the bot was shown doing."""
        self.answer_within_s = 15.0
        """How long a callback query lives."""
        self._table: dict[str, Callable[[Body], Any]] = {
            "getMe": lambda given: {
                **BOT,
                "can_join_groups": True,
                "can_read_all_group_messages": not world.privacy,
                "supports_inline_queries": False,
            },
            "sendMessage": self._send_message,
            "editMessageText": self._edit_text,
            "editMessageReplyMarkup": self._edit_markup,
            "deleteMessage": self._delete,
            "sendMessageDraft": self._draft,
            "sendChatAction": self._action,
            "answerCallbackQuery": self._answer,
            "getFile": self._get_file,
            "setMyCommands": self._set_commands,
            "getMyCommands": lambda given: self.commands.get(_scope(given), []),
            "deleteMyCommands": lambda given: bool(self.commands.pop(_scope(given), True)),
            "getChat": self._get_chat,
            "setMessageReaction": self._react,
            **dict.fromkeys(_FILES, self._send_file),
        }

    def knows(self, method: str) -> bool:
        """Whether this file plays it."""
        return method in self._table

    def perform(self, method: str, given: Body) -> Any:
        """The result. Raises Refusal."""
        return self._table[method]({**given, "": method})

    # --- messages ---------------------------------------------------------------------------

    def _send_message(self, given: Body) -> Body:
        chat = self._chat(given)
        text, entities = _words(given, "text", "entities", MAX_TEXT)
        if not text.strip():
            raise bad("message text is empty")
        what = {"text": text, **({"entities": entities} if entities else {})}
        return self._put(chat, given, what)

    def _send_file(self, given: Body) -> Body:
        chat, kind = self._chat(given), _FILES[given[""]]
        upload = given[kind]
        if isinstance(upload, str):
            if upload not in self.world.files:
                raise bad("wrong file identifier/HTTP URL specified")
            name, data = self.world.files[upload]
            upload = Upload(name, "application/octet-stream", data)
        if not upload.data:
            raise bad("file must be non-empty")
        if len(upload.data) > MAX_UP:
            raise Refusal(413, "Request Entity Too Large")
        part = self.world.keep(kind, upload.name, upload.media_type, upload.data)
        caption, entities = _words(given, "caption", "caption_entities", MAX_CAPTION)
        said = {"caption": caption} if caption else {}
        return self._put(
            chat,
            given,
            {kind: part, **said, **({"caption_entities": entities} if entities else {})},
        )

    def _put(self, chat: Chat, given: Body, what: Body) -> Body:
        shape = {**self.world._base(chat, BOT), **what}
        if thread := given.get("message_thread_id"):
            if chat.forum and thread not in chat.topics:
                raise bad("message thread not found")
            shape["message_thread_id"] = thread
        reply = given.get("reply_parameters") or {}
        if number := reply.get("message_id"):
            found = chat.messages.get(number)
            if found is None and not reply.get("allow_sending_without_reply"):
                raise bad("message to be replied not found")
            if found is not None:
                shape["reply_to_message"] = {
                    k: v for k, v in found.items() if k != "reply_to_message"
                }
        markup = given.get("reply_markup") or {}
        if "inline_keyboard" in markup:
            shape["reply_markup"] = _keyboard(markup)
        if markup.get("force_reply"):
            shape["forced"] = True
        chat.messages[shape["message_id"]] = shape
        self.drafts.pop(chat.id, None) if chat.kind == "private" else None
        return {k: v for k, v in shape.items() if k != "forced"}

    def _edit_text(self, given: Body) -> Body:
        chat, old = self._own(given, "edit")
        if "text" not in old:
            raise bad("there is no text in the message to edit")
        text, entities = _words(given, "text", "entities", MAX_TEXT)
        if not text.strip():
            raise bad("message text is empty")
        new = {k: v for k, v in old.items() if k not in ("entities", "reply_markup", "edit_date")}
        new |= {"text": text, **({"entities": entities} if entities else {})}
        if "inline_keyboard" in (markup := given.get("reply_markup") or {}):
            new["reply_markup"] = _keyboard(markup)
        return self._replace(chat, old, new)

    def _edit_markup(self, given: Body) -> Body:
        chat, old = self._own(given, "edit")
        new = {k: v for k, v in old.items() if k not in ("reply_markup", "edit_date")}
        if "inline_keyboard" in (markup := given.get("reply_markup") or {}):
            new["reply_markup"] = _keyboard(markup)
        return self._replace(chat, old, new)

    def _replace(self, chat: Chat, old: Body, new: Body) -> Body:
        if _bare(old) == _bare(new):
            raise bad(
                "message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message"
            )
        new["edit_date"] = int(time.time())
        chat.messages[new["message_id"]] = new
        return {k: v for k, v in new.items() if k != "forced"}

    def _own(self, given: Body, verb: str) -> tuple[Chat, Body]:
        chat = self._chat(given)
        found = chat.messages.get(given.get("message_id", 0))
        if found is None:
            raise bad(f"message to {verb} not found")
        if found["from"]["id"] != BOT["id"]:
            raise bad(
                f"message can't be {verb}ed" if verb == "edit" else "message can't be deleted"
            )
        return chat, found

    def _delete(self, given: Body) -> bool:
        chat, old = self._own(given, "delete")
        if time.time() - old["date"] > 48 * 3600:
            raise bad("message can't be deleted for everyone")
        del chat.messages[old["message_id"]]
        return True

    def _draft(self, given: Body) -> bool:
        chat = self._chat(given)
        if chat.kind != "private":
            raise bad("the method can be used in private chats only")
        if given["draft_id"] == 0:
            raise bad("draft_id must be non-zero")
        text, _ = _words(given, "text", "entities", MAX_TEXT)
        self.drafts.setdefault(chat.id, []).append(text)
        return True

    # --- the rest ---------------------------------------------------------------------------

    def _action(self, given: Body) -> bool:
        chat = self._chat(given)
        if given["action"] not in ACTIONS:
            raise bad("wrong parameter action in request")
        self.actions.append((chat.id, given["action"]))
        return True

    def _answer(self, given: Body) -> bool:
        query = given["callback_query_id"]
        since = self.world.queries.get(query)
        if since is None or time.monotonic() - since > self.answer_within_s:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        if len(given.get("text") or "") > MAX_ALERT:
            raise bad("MESSAGE_TOO_LONG")
        if query in self.world.answers:
            return True
        self.world.answers[query] = {
            "text": given.get("text") or "",
            "alert": bool(given.get("show_alert")),
        }
        return True

    def _get_file(self, given: Body) -> Body:
        number = given["file_id"]
        if number not in self.world.files:
            raise bad("invalid file_id")
        _, data = self.world.files[number]
        if len(data) > MAX_DOWN:
            raise bad("file is too big")
        shape = {"file_id": number, "file_unique_id": f"u{number}", "file_size": len(data)}
        return {**shape, "file_path": f"documents/{number}"}

    def _set_commands(self, given: Body) -> bool:
        for each in given["commands"]:
            name = each["command"]
            if not (
                1 <= len(name) <= 32 and name.replace("_", "a").isalnum() and name == name.lower()
            ):
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= len(each["description"]) <= 256:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        if len(given["commands"]) > 100:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        self.commands[_scope(given)] = given["commands"]
        return True

    def _get_chat(self, given: Body) -> Body:
        chat = self.world.place(given["chat_id"])
        return {**chat.shape(), "accent_color_id": 0, "max_reaction_count": 11,
                "accepted_gift_types": dict.fromkeys(
                    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription",
                     "gifts_from_channels"), False)}  # fmt: skip

    def _react(self, given: Body) -> bool:
        chat = self._chat(given)
        if given["message_id"] not in chat.messages:
            raise bad("message to react not found")
        key = (chat.id, given["message_id"], int(str(BOT["id"])))
        self.world.reactions[key] = given.get("reaction") or []
        return True

    def _chat(self, given: Body) -> Chat:
        chat = self.world.place(given.get("chat_id"))
        if chat.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if not chat.started:
            raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
        return chat


def _words(given: Body, key: str, marks: str, most: int) -> tuple[str, list[Body]]:
    """Text and entities as they are shown. Raises Refusal."""
    text = given.get(key) or ""
    mode = (given.get("parse_mode") or "").lower()
    if mode == "html":
        text, entities = parse(text)
    elif mode:
        raise bad(f"this server reads no {given['parse_mode']}")
    else:
        entities = given.get(marks) or []
    if units(text) > most:
        raise bad("message is too long" if key == "text" else "message caption is too long")
    for each in entities:
        if each["offset"] + each["length"] > units(text):
            raise bad("ENTITY_BOUNDS_INVALID")
    return text, entities


def _keyboard(markup: Body) -> Body:
    for row in markup["inline_keyboard"]:
        for button in row:
            _button(button)
    if sum(map(len, markup["inline_keyboard"])) > 100:
        raise bad("REPLY_MARKUP_TOO_LONG")
    return {"inline_keyboard": [row for row in markup["inline_keyboard"] if row]}


def _button(button: Body) -> None:
    if not button.get("text"):
        raise bad("inline keyboard button text is empty")
    if sum(key in button for key in _ONE_OF) != 1:
        raise bad("can't parse inline keyboard button: exactly one action is needed")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= MAX_DATA:
        raise bad("BUTTON_DATA_INVALID")
    if button.get("style", "danger") not in ("danger", "success", "primary"):
        raise bad("BUTTON_STYLE_INVALID")
    if "url" in button:
        parts = urlsplit(button["url"])
        if parts.scheme not in ("http", "https", "tg") or "." not in parts.netloc:
            raise bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")


def _scope(given: Body) -> str:
    return str((given.get("scope") or {}).get("type", "default"))


def _bare(message: Body) -> Body:
    """What a person sees of it."""
    markup = message.get("reply_markup") or {"inline_keyboard": []}
    return {
        "text": message.get("text"),
        "entities": message.get("entities") or [],
        "markup": [row for row in markup["inline_keyboard"] if row],
    }
