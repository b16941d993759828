"""What people see and do in the Teams that only plays: chats, channels, messages, presses.

Every deed becomes an activity with the vendor's fields and goes to `deliver`. A bot hears a channel
or a group chat only when it is mentioned, unless `hears_all`.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages
"""

import html
import itertools
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes.teams_rules import ADAPTIVE, Body, words

TENANT = "00000000-0000-0000-0000-00000000beef"
APP = "00000000-0000-0000-0000-00000000b07a"
BOT = f"28:{APP}"
BOT_NAME = "Switchboard"
IMAGES = ("image/png", "image/jpeg", "image/gif")


@dataclass(slots=True, frozen=True)
class Person:
    """Somebody in the tenant."""

    name: str
    email: str = ""

    @property
    def id(self) -> str:
        """As the bot knows them; the same in every conversation."""
        return f"29:1{uuid.uuid5(uuid.NAMESPACE_DNS, self.name).hex}"

    @property
    def aad(self) -> str:
        """The object id in Entra."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.name))


@dataclass(slots=True)
class Place:
    """One conversation; a channel's threads are `id;messageid=ROOT`."""

    id: str
    kind: str
    """personal, groupChat or channel."""
    name: str = ""
    team: str = ""
    people: list[Person] = field(default_factory=list)


@dataclass(slots=True)
class Shown:
    """One message as people see it now."""

    id: str
    place: str
    thread: str
    """Id of the root in a channel; the root's own for the root; empty in chats."""
    sender: str
    text: str
    bot: bool = False
    via: str = ""
    """graph or workflow when it did not come from the connector or a person's hand."""
    attachments: list[Body] = field(default_factory=list)
    edited: int = 0
    only_for: str = ""
    """Id of the one person who sees a targeted message."""
    reply_to: str = ""
    entities: list[Body] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)

    @property
    def words(self) -> str:
        """The text without its markup."""
        return words(self.text)

    @property
    def card(self) -> Body | None:
        """The first Adaptive Card."""
        found = (a["content"] for a in self.attachments if a.get("contentType") == ADAPTIVE)
        return next(found, None)

    @property
    def buttons(self) -> list[str]:
        """Titles of all actions, those of a form in the card too."""
        return [str(action["title"]) for action, _ in self.actions()]

    def actions(self, card: Body | None = None) -> Iterator[tuple[Body, Body]]:
        """Every action with the card it stands in."""
        card = self.card if card is None else card
        stack = [card or {}]
        while stack:
            node = stack.pop(0)
            for action in node.get("actions") or []:
                yield action, card or {}
                if action.get("type") == "Action.ShowCard":
                    yield from self.actions(action["card"])
            stack += [e for e in node.get("body") or node.get("items") or [] if isinstance(e, dict)]

    @property
    def inputs(self) -> dict[str, str]:
        """Every input of the card and of the forms in it, with the text that stands there."""
        return inputs(self.card or {})

    @property
    def card_words(self) -> str:
        """All text of the card, a line for each block."""
        return "\n".join(_texts(self.card or {}))


@dataclass(slots=True)
class Delivery:
    """What the bot's endpoint answered; status 0: nothing in time."""

    status: int
    body: Any = None
    took_s: float = 0.0
    activity: Body = field(default_factory=dict)

    @property
    def taken(self) -> bool:
        """The bot took it."""
        return 200 <= self.status < 300

    @property
    def dialog(self) -> Body | None:
        """The card of a dialog that the answer opens."""
        task = (self.body or {}).get("task") if isinstance(self.body, dict) else None
        if not task or task.get("type") != "continue":
            return None
        found: Body = task["value"]["card"]["content"]
        return found

    @property
    def private(self) -> str:
        """The text that only the presser reads."""
        if not isinstance(self.body, dict):
            return ""
        if (task := self.body.get("task")) and task.get("type") == "message":
            return str(task["value"])
        value = self.body.get("value")
        return str(value.get("message", "") if isinstance(value, dict) else value or "")


def inputs(card: Body, *, forms: bool = True) -> dict[str, str]:
    """Id to value of each input of a card, those in `forms` (Action.ShowCard) included."""
    into = ("body", "items", "columns", *(("actions", "card") if forms else ()))
    found: dict[str, str] = {}
    stack: list[Any] = [card]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            if str(node.get("type")).startswith("Input."):
                found[node["id"]] = str(node.get("value", ""))
            stack += [node[k] for k in into if k in node]
    return found


def _texts(node: Body) -> Iterator[str]:
    if node.get("type") == "TextBlock":
        yield str(node.get("text", ""))
    if node.get("type") == "RichTextBlock":
        yield "".join(run if isinstance(run, str) else run["text"] for run in node["inlines"])
    for fact in node.get("facts") or []:
        yield f"{fact.get('title')} {fact.get('value')}"
    for inner in [*(node.get("body") or []), *(node.get("items") or [])]:
        yield from _texts(inner)


class World:
    """The tenant. Ids never come twice."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.people: dict[str, Person] = {}
        self.messages: list[Shown] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        self.service_url = self.url = ""
        self.hears_all = False
        """The app holds ChannelMessage.Read.Group: it hears what does not mention it."""
        self.deliver: Callable[[Body], Awaitable[Delivery]]
        self._count = itertools.count(1)
        self._start = int(time.time() * 1000)

    # --- places and what stands in them ----------------------------------------------------------

    def personal(self, person: Person) -> str:
        """The chat of one person with the bot."""
        return self._place(f"a:1{person.aad}", "personal", "", [person])

    def group(self, name: str, *people: Person) -> str:
        """A group chat."""
        return self._place(f"19:{name}@thread.v2", "groupChat", name, list(people))

    def channel(self, name: str, *people: Person, team: str = "shop") -> str:
        """A channel of a team."""
        return self._place(f"19:{name}@thread.tacv2", "channel", name, list(people), team)

    def team_id(self, team: str = "shop") -> str:
        """A team's id in Graph."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, team))

    def _place(self, id: str, kind: str, name: str, people: list[Person], team: str = "") -> str:
        place = self.places.setdefault(id, Place(id, kind, name, team))
        place.people += [person for person in people if person not in place.people]
        self.people |= {person.id: person for person in people}
        return id

    def shown(self, place: str, thread: str = "", by: str = "") -> list[Shown]:
        """What stands there in order, edits applied; `place` may be `id;messageid=ROOT`.

        Targeted messages stand among them with `only_for`; `by` is the id of a person who looks.
        """
        place, _, root = place.partition(";messageid=")
        thread = thread or root
        return [
            m
            for m in self.messages
            if m.place == place
            and (not thread or m.thread == thread)
            and (not by or m.only_for in ("", by))
        ]

    def said(self, place: str, thread: str = "") -> list[str]:
        """The words of the bot there, without markup."""
        return [m.words for m in self.shown(place, thread) if m.bot]

    def find(self, id: str) -> Shown | None:
        """One message, unless it was deleted."""
        return next((m for m in self.messages if m.id == id), None)

    def put(self, place: str, sender: str, text: str, **more: Any) -> Shown:
        """Add a message; in a channel it is a root unless `thread` says otherwise."""
        id = str(self._start + next(self._count))
        place, _, root = place.partition(";messageid=")
        if self.places[place].kind == "channel":
            more["thread"] = more.get("thread") or root or id
        item = Shown(id=id, place=place, sender=sender, text=text, **{"thread": "", **more})
        self.messages.append(item)
        return item

    # --- what people do --------------------------------------------------------------------------

    async def say(
        self,
        person: Person,
        place: str,
        text: str,
        *,
        thread: str = "",
        files: Sequence[tuple[str, str, bytes]] = (),
    ) -> str:
        """Write; gives the message's id. `{bot}` in the text is a mention of the bot."""
        item = self.put(place, person.id, text.replace("{bot}", self._at()), thread=thread)
        item.attachments = [self._file(item.place, *each) for each in files]
        if "{bot}" in text:
            item.entities = [self._mention()]
        if self.hears(item):
            await self.deliver(self.activity_of(item))
        return item.id

    async def mention(self, person: Person, place: str, text: str, *, thread: str = "") -> str:
        """Write to the bot in a channel or a group chat."""
        return await self.say(person, place, f"{{bot}} {text}", thread=thread)

    async def edit(self, person: Person, id: str, text: str) -> Delivery | None:
        """Change what was written; None when the bot does not hear it."""
        item = self._mine(id)
        item.text, item.edited = text.replace("{bot}", self._at()), item.edited + 1
        item.entities = [self._mention()] if "{bot}" in text else item.entities
        if not self.hears(item):
            return None
        return await self.deliver(self._change(item, "messageUpdate", "editMessage"))

    async def delete(self, person: Person, id: str) -> Delivery | None:
        """Take back what was written; None when the bot does not hear it."""
        item = self._mine(id)
        self.messages.remove(item)
        if not self.hears(item):
            return None
        told = self._change(item, "messageDelete", "softDeleteMessage")
        told.pop("text", None)
        return await self.deliver(told)

    async def restore(self, person: Person, item: Shown) -> Delivery:
        """Undo a deletion."""
        self.messages.append(item)
        return await self.deliver(self._change(item, "messageUpdate", "undeleteMessage"))

    async def react(
        self, person: Person, id: str, kind: str = "like", *, take_back: bool = False
    ) -> Delivery | None:
        """Put a reaction (like, heart, laugh, surprised, sad, angry) to a message, or take it back.

        The bot hears reactions to its own messages alone.
        """
        item = self._mine(id)
        people = item.reactions.setdefault(kind, [])
        (people.remove if take_back else people.append)(person.id)
        if not item.bot:
            return None
        told = self._envelope(person, item)
        field_name = "reactionsRemoved" if take_back else "reactionsAdded"
        return await self.deliver(
            told | {"type": "messageReaction", "replyToId": item.id, field_name: [{"type": kind}]}
        )

    async def press(
        self,
        person: Person,
        id: str,
        button: str,
        values: Mapping[str, str] | None = None,
        *,
        data: Any = None,
    ) -> Delivery:
        """Press a button by its title; `values` fill the card's inputs, `data` is a forged one."""
        item = self._mine(id)
        action, card = next(pair for pair in item.actions() if pair[0].get("title") == button)
        sent: Any = action.get("data", {}) if data is None else data
        if isinstance(sent, dict) and action.get("associatedInputs") != "none":
            # A button sends the inputs of its own card and of the one around it.
            filled = {**inputs(item.card or {}, forms=False), **inputs(card, forms=False)}
            if unknown := set(values or {}) - set(filled):
                raise KeyError(f"the card has no input {sorted(unknown)}")
            sent = {**filled, **(values or {}), **sent}
        told = self._envelope(person, item) | {"replyToId": item.id}
        if action["type"] == "Action.Execute":
            named = {k: action[k] for k in ("id", "verb") if k in action}
            value = {"action": {"type": "Action.Execute", **named, "data": sent}}
            return await self._invoke(told, "adaptiveCard/action", {**value, "trigger": "manual"})
        if action["type"] != "Action.Submit":
            raise ValueError(f"{action['type']} tells the bot nothing")
        special = sent.get("msteams") if isinstance(sent, dict) else None
        if isinstance(special, dict) and special.get("type") == "task/fetch":
            return await self._invoke(told, "task/fetch", {"data": sent, "context": _THEME})
        return await self.deliver(told | {"type": "message", "value": sent})

    async def submit(
        self, person: Person, id: str, opened: Delivery, values: Mapping[str, str] | None = None
    ) -> Delivery:
        """Send the dialog that a press opened, by its first Action.Submit."""
        card = opened.dialog
        assert card is not None, "no dialog is open"
        data = next(a["data"] for a in card["actions"] if a["type"] == "Action.Submit")
        sent = {"data": {**inputs(card), **(values or {}), **data}, "context": _THEME}
        told = self._envelope(person, self._mine(id)) | {"replyToId": id}
        return await self._invoke(told, "task/submit", sent)

    async def install(self, person: Person, place: str, *, remove: bool = False) -> Delivery:
        """Add the app to a conversation, or remove it."""
        told = self._envelope(person, self.put(place, person.id, ""))
        self.messages.pop()
        return await self.deliver(
            told | {"type": "installationUpdate", "action": "remove" if remove else "add"}
        )

    async def tell(self, person: Person, place: str, **fields: Any) -> Delivery:
        """Any other activity, such as `type="conversationUpdate"`."""
        told = self._envelope(person, self.put(place, person.id, ""))
        self.messages.pop()
        return await self.deliver(told | fields)

    # --- activities --------------------------------------------------------------------------------

    def hears(self, item: Shown) -> bool:
        """Whether the bot is told of a message."""
        if self.places[item.place].kind == "personal" or self.hears_all:
            return True
        return any(entity.get("type") == "mention" for entity in item.entities)

    def activity_of(self, item: Shown) -> Body:
        """A message as the bot is told of it."""
        person = self.people[item.sender]
        markup = {"contentType": "text/html", "content": f"<p>{html.escape(item.text)}</p>"}
        return self._envelope(person, item) | {
            "type": "message",
            "id": item.id,
            "text": item.text,
            "textFormat": "plain",
            "attachments": [*item.attachments, markup],
        }

    def conversation(self, item: Shown) -> Body:
        """The `conversation` of an activity about a message."""
        place = self.places[item.place]
        found: Body = {
            "id": place.id,
            "conversationType": place.kind,
            "tenantId": TENANT,
        }
        if place.kind == "channel":
            found["id"] = f"{place.id};messageid={item.thread}"
        if place.kind != "personal":
            found |= {"isGroup": True, "name": place.name}
        return found

    def _envelope(self, person: Person, item: Shown) -> Body:
        place = self.places[item.place]
        about: Body = {"tenant": {"id": TENANT}}
        if place.kind == "channel":
            about |= {
                "teamsChannelId": place.id,
                "teamsTeamId": f"19:{place.team}@thread.tacv2",
                "channel": {"id": place.id},
                "team": {
                    "id": f"19:{place.team}@thread.tacv2",
                    "name": place.team,
                    "aadGroupId": self.team_id(place.team),
                },
            }
        return {
            "id": f"f:{uuid.uuid4()}",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "from": {"id": person.id, "name": person.name, "aadObjectId": person.aad},
            "recipient": {"id": BOT, "name": BOT_NAME},
            "conversation": self.conversation(item),
            "channelData": about,
            "locale": "en-GB",
            "entities": [{"type": "clientInfo", "locale": "en-GB", "platform": "Web"}]
            + item.entities * (not item.bot),
        }

    def _change(self, item: Shown, kind: str, what: str) -> Body:
        told = self.activity_of(item)
        told["channelData"]["eventType"] = what
        return told | {"type": kind}

    async def _invoke(self, told: Body, name: str, value: Body) -> Delivery:
        return await self.deliver(told | {"type": "invoke", "name": name, "value": value})

    def _at(self) -> str:
        return f"<at>{BOT_NAME}</at>"

    def _mention(self) -> Body:
        return {"type": "mention", "mentioned": {"id": BOT, "name": BOT_NAME}, "text": self._at()}

    def _mine(self, id: str) -> Shown:
        item = self.find(id)
        assert item is not None, f"no message {id} stands there"
        return item

    def _file(self, place: str, name: str, media_type: str, content: bytes) -> Body:
        """An attachment: a picture that stands in the text, or a file of a personal chat."""
        key = f"file-{next(self._count)}"
        self.files[key] = (media_type, content)
        if media_type in IMAGES:
            where = f"{self.service_url}v3/attachments/{key}/views/original"
            return {"contentType": "image/*", "contentUrl": where}
        if self.places[place].kind != "personal":
            raise ValueError("Teams gives a bot files in personal chats only")
        return {
            "contentType": "application/vnd.microsoft.teams.file.download.info",
            "contentUrl": f"{self.url}/personal/Documents/{name}",
            "name": name,
            "content": {
                "downloadUrl": f"{self.url}/download/{key}/{name}?tempauth=once",
                "uniqueId": key,
                "fileType": name.rpartition(".")[2],
            },
        }


_THEME = {"theme": "default"}
