"""What people see and do in a Slack workspace: the other side of `slack_server`.

`World` keeps conversations, messages, views and people; what a person does becomes the payload that
Slack would send, in the shapes of `slack-samples.json`, and is handed to `deliver`.
"""

import itertools
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack_apps import MAIN, TEAM, App, Apps

Body = dict[str, Any]

TRIGGER_S, RESPONSE_S, RESPONSES = 3.0, 1800.0, 5


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the workspace."""

    id: str
    name: str = ""
    email: str = ""
    marks: tuple[tuple[str, object], ...] = ()
    """What else their profile says, such as `("is_restricted", True)`."""


@dataclass(slots=True)
class Shown:
    """One message, as people see it now."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Body] = field(default_factory=list)
    thread_ts: str = ""
    edited: int = 0
    only_for: str = ""
    """Who sees it; empty: everybody."""
    files: list[Body] = field(default_factory=list)
    metadata: Body | None = None
    is_streaming: bool = False
    is_markdown: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)
    bot: bool = False

    @property
    def buttons(self) -> list[str]:
        """The labels of its buttons."""
        return [item["text"]["text"] for item in self.elements() if item["type"] == "button"]

    @property
    def words(self) -> str:
        """Every word that is shown, blocks and all."""
        return "\n".join([self.text, *_words(self.blocks)])

    def elements(self) -> list[Body]:
        """What can be pressed, with `block_id`."""
        return [
            {**item, "block_id": block.get("block_id") or f"b{n}"}
            for n, block in enumerate(self.blocks)
            for item in (*block.get("elements", ()), block.get("accessory") or {})
            if block["type"] in ("actions", "section", "context_actions") and item.get("type")
        ]


@dataclass(slots=True)
class Interaction:
    """A press, a form or a command, and what became of it."""

    payload: Body
    kind: str
    acked: bool = False
    response: Body = field(default_factory=dict)
    """What came with the acknowledgement, such as errors of a form."""


class World:
    """One workspace."""

    def __init__(self) -> None:
        self.channels: dict[str, Body] = {}
        self.messages: dict[str, list[Shown]] = {}
        self.people: dict[str, Person] = {}
        self.views: dict[str, Body] = {}
        """View id → the view, with `user`."""
        self.homes: dict[str, Body] = {}
        """Person → the view of App Home."""
        self.statuses: list[tuple[str, str, str]] = []
        """Channel, thread, words of `assistant.threads.setStatus`, in order."""
        self.prompts: list[Body] = []
        self.titles: dict[str, str] = {}
        self.files: dict[str, Body] = {}
        self.bytes: dict[str, bytes] = {}
        self.triggers: dict[str, tuple[float, str]] = {}
        self.responses: dict[str, tuple[float, int, str, str, str]] = {}
        """Response address → until, uses left, channel, thread, person."""
        self.url = ""
        self.apps = Apps()
        self.team = TEAM
        """The workspace in which people act."""
        self.trigger_s = TRIGGER_S
        self.echoes = True
        """Whether the app hears its own messages, as subscribed apps do."""
        self._count = itertools.count(1)
        self.deliver: Callable[[str, Body], Awaitable[Interaction]]

    # --- places and looking -----------------------------------------------------------------

    def direct(self, person: Person, app: App = MAIN) -> str:
        """The conversation between a person and the app."""
        self.people[person.id] = person
        name = person.id[1:] if app is MAIN else person.id[1:] + app.name.upper()
        return self._channel(f"D{name}", is_im=True, user=person.id)

    def channel(self, name: str = "general", *people: Person) -> str:
        """A public channel that the app is a member of."""
        self.people.update({person.id: person for person in people})
        return self._channel(f"C{name.upper()}", is_channel=True, name=name, is_member=True)

    def shown(self, channel: str, thread: str = "", by: str = "") -> list[Shown]:
        """What stands there, in order; of one thread when it is named (its root too).

        Ephemeral messages stand among them with `only_for`; `by` is a person who looks.
        """
        return [
            item
            for item in self.messages.get(channel, ())
            if (not thread or thread in (item.ts, item.thread_ts))
            and (not by or item.only_for in ("", by))
        ]

    def said(self, channel: str) -> list[str]:
        """The texts of the app there."""
        return [item.text for item in self.messages.get(channel, ()) if item.bot]

    def message(self, channel: str, ts: str) -> Shown | None:
        """One message."""
        return next((item for item in self.messages.get(channel, ()) if item.ts == ts), None)

    # --- what people do ---------------------------------------------------------------------

    async def say(
        self,
        person: Person,
        channel: str,
        text: str,
        thread: str = "",
        files: Sequence[tuple[str, str, bytes]] = (),
    ) -> str:
        """Write; gives the ts. A mention in a channel is delivered as two events."""
        kept = [self._file(name, kind, body, person.id) for name, kind, body in files]
        item = self.put(channel, person.id, text, thread_ts=thread, files=kept)
        event = self.event_of(item)
        event["client_msg_id"] = f"cmi-{item.ts}"
        if kept:
            event["subtype"] = "file_share"
        await self._event(event)
        for app in self.apps.all:
            if f"<@{app.user}>" in text and not channel.startswith("D"):
                mention = {k: v for k, v in event.items() if k not in ("channel_type", "subtype")}
                await self._event({**mention, "type": "app_mention"}, app)
        return item.ts

    async def edit(self, person: Person, channel: str, ts: str, text: str) -> None:
        """Change what was written."""
        item = self._mine(channel, ts)
        before = self.event_of(item)
        item.text, item.edited = text, item.edited + 1
        await self.changed(item, before, person.id)

    async def delete(self, person: Person, channel: str, ts: str) -> None:
        """Take back what was written."""
        item = self._mine(channel, ts)
        self.messages[channel].remove(item)
        await self._event(
            {
                "type": "message",
                "subtype": "message_deleted",
                "channel": channel,
                "channel_type": "im" if channel.startswith("D") else "channel",
                "hidden": True,
                "deleted_ts": ts,
                "ts": self.ts(),
                "event_ts": self.ts(),
                "previous_message": self.event_of(item),
            }
        )

    async def react(
        self, person: Person, channel: str, ts: str, name: str, *, take_back: bool = False
    ) -> None:
        """Put an emoji to a message, or take it back."""
        item = self._mine(channel, ts)
        people = item.reactions.setdefault(name, [])
        if take_back:
            people.remove(person.id)
        else:
            people.append(person.id)
        await self._event(
            {
                "type": "reaction_removed" if take_back else "reaction_added",
                "user": person.id,
                "item": {"type": "message", "channel": channel, "ts": ts},
                "reaction": name,
                "item_user": item.user,
                "event_ts": self.ts(),
            }
        )

    async def press(
        self, person: Person, channel: str, ts: str, button: str, *, value: str | None = None
    ) -> Interaction:
        """Press a button by its label or `action_id`; `value` is a forged one."""
        item = self._mine(channel, ts)
        found = next(
            e
            for e in item.elements()
            if button in (e.get("action_id"), e.get("text", {}).get("text"))
            or e.get("type") == "feedback_buttons"
        )
        if found["type"] == "feedback_buttons":
            found = {**found, "value": found[f"{button}_button"]["value"]}
        action = {
            "type": found["type"],
            "action_id": found.get("action_id", ""),
            "block_id": found["block_id"],
            "text": found.get("text", {}),
            "value": found.get("value", "") if value is None else value,
            "action_ts": self.ts(),
        }
        return await self.deliver(
            "interactive",
            {
                "type": "block_actions",
                "container": {
                    "type": "message",
                    "message_ts": ts,
                    "channel_id": channel,
                    "is_ephemeral": bool(item.only_for),
                    **({"thread_ts": item.thread_ts} if item.thread_ts else {}),
                },
                "channel": {"id": channel, "name": "somewhere"},
                "message": self.event_of(item),
                "state": {"values": {}},
                "response_url": self.response_url(channel, item.thread_ts, person.id),
                "actions": [action],
                **self._by(person, self.apps.by_user(item.user).id),
            },
        )

    async def submit(
        self, person: Person, view: str, values: Mapping[str, str] | None = None
    ) -> Interaction:
        """Send a modal; `values` by `action_id`, `block_id` or label, others stay as they were.

        Of a select or radio buttons it is the value or the words of an option.
        """
        found = self.views[view]
        state: dict[str, Body] = {}
        for n, block in enumerate(found["blocks"]):
            if block["type"] != "input":
                continue
            element = block["element"]
            block_id = block.get("block_id") or f"b{n}"
            names = (element.get("action_id"), block_id, block["label"]["text"])
            text = next(
                (values[name] for name in names if values and name in values),
                element.get("initial_value") or element.get("initial_option", {}).get("value"),
            )
            state[block_id] = {element.get("action_id", "a"): _filled(element, text)}
        sent = {**found, "state": {"values": state}}
        sent.pop("user", None)
        done = await self.deliver(
            "interactive",
            {
                "type": "view_submission",
                "view": sent,
                **self._by(person, found.get("app_id", MAIN.id)),
            },
        )
        if done.acked and not done.response.get("errors"):
            self.views.pop(view, None)
        return done

    async def command(
        self, person: Person, channel: str, command: str, text: str = ""
    ) -> Interaction:
        """A slash command."""
        return await self.deliver(
            "slash_commands",
            {
                "command": command,
                "text": text,
                "channel_id": channel,
                "channel_name": "somewhere",
                "team_id": self.team,
                "team_domain": "shop",
                "user_id": person.id,
                "user_name": person.name,
                "api_app_id": self.apps.by_command(command).id,
                "token": "old",
                "is_enterprise_install": "false",
                "response_url": self.response_url(channel, "", person.id),
                "trigger_id": self.trigger(person.id),
            },
        )

    async def shortcut(
        self, person: Person, callback: str, channel: str = "", ts: str = ""
    ) -> Interaction:
        """A global shortcut, or one of a message when that is named."""
        about: Body = {"type": "shortcut", "callback_id": callback, "action_ts": self.ts()}
        if ts:
            about |= {
                "type": "message_action",
                "channel": {"id": channel, "name": "somewhere"},
                "message_ts": ts,
                "message": self.event_of(self._mine(channel, ts)),
                "response_url": self.response_url(channel, "", person.id),
            }
        return await self.deliver("interactive", {**about, **self._by(person)})

    async def open_home(self, person: Person) -> None:
        """Look at the app's home."""
        self.people[person.id] = person
        event = {"type": "app_home_opened", "user": person.id, "tab": "home"}
        await self._event({**event, "channel": self.direct(person), "event_ts": self.ts()})

    async def tell(self, event: Body) -> None:
        """Any other event, such as `{"type": "app_uninstalled"}`."""
        await self._event(event)

    # --- for the server ---------------------------------------------------------------------

    def put(self, channel: str, user: str, text: str, **more: Any) -> Shown:
        """Add a message."""
        item = Shown(channel=channel, ts=self.ts(), user=user, text=text, **more)
        self.messages.setdefault(channel, []).append(item)
        return item

    def ts(self) -> str:
        """A time that no other thing has."""
        return f"{int(time.time())}.{next(self._count):06d}"

    def trigger(self, user: str) -> str:
        """A trigger that opens a view for 3 s, once."""
        name = f"trg.{next(self._count)}"
        self.triggers[name] = (time.monotonic() + self.trigger_s, user)
        return name

    def response_url(self, channel: str, thread: str, user: str) -> str:
        """An address for five answers in half an hour."""
        name = f"r{next(self._count)}"
        self.responses[name] = (time.monotonic() + RESPONSE_S, RESPONSES, channel, thread, user)
        return f"{self.url}/response/{name}"

    def event_of(self, item: Shown) -> Body:
        """A message as events and history carry it."""
        found: Body = {
            "type": "message",
            "channel": item.channel,
            "channel_type": "im" if item.channel.startswith("D") else "channel",
            "user": item.user,
            "team": self.team,
            "text": item.text,
            "ts": item.ts,
            "event_ts": item.ts,
        }
        found |= {"thread_ts": item.thread_ts} if item.thread_ts else {}
        found |= {"blocks": item.blocks} if item.blocks else {}
        found |= {"files": item.files} if item.files else {}
        found |= {"metadata": item.metadata} if item.metadata else {}
        found |= {"edited": {"user": item.user, "ts": item.ts}} if item.edited else {}
        if item.bot:
            app = self.apps.by_user(item.user)
            profile = {"id": app.bot, "app_id": app.id}
            found |= {"bot_id": app.bot, "app_id": app.id, "bot_profile": profile}
        return found

    async def echo(self, item: Shown) -> None:
        """The app hears what it wrote."""
        if self.echoes:
            await self._event(self.event_of(item))

    async def changed(self, item: Shown, before: Body, user: str) -> None:
        """`message_changed`, as it follows each edit."""
        if item.bot and not self.echoes:
            return
        message = self.event_of(item)
        message.pop("channel"), message.pop("channel_type")
        await self._event(
            {
                "type": "message",
                "subtype": "message_changed",
                "channel": item.channel,
                "channel_type": "im" if item.channel.startswith("D") else "channel",
                "hidden": True,
                "ts": self.ts(),
                "event_ts": self.ts(),
                "message": {**message, "edited": {"user": user, "ts": self.ts()}},
                "previous_message": before,
            }
        )

    def file(self, name: str, media_type: str, body: bytes, user: str) -> Body:
        """Keep a file; gives it as Slack describes it."""
        return self._file(name, media_type, body, user)

    async def _event(self, event: Body, only: App | None = None) -> None:
        """Tell every app that is there: of a direct message the one that it is with."""
        place = str(event.get("channel") or event.get("item", {}).get("channel") or "")
        mine = [app for app in self.apps.all[1:] if place.endswith(app.name.upper())]
        there = (mine or [MAIN]) if place.startswith("D") else self.apps.all
        for app in [only] if only else there:
            await self._told(event, app)

    async def _told(self, event: Body, app: App) -> None:
        number = next(self._count)
        await self.deliver(
            "events_api",
            {
                "type": "event_callback",
                "team_id": self.team,
                "api_app_id": app.id,
                "token": "old",
                "event": event,
                "event_id": f"Ev{number:08d}",
                "event_time": int(time.time()),
                "authorizations": [{"team_id": self.team, "user_id": app.user, "is_bot": True}],
                "is_ext_shared_channel": False,
                "event_context": f"4-{number}",
            },
        )

    def _by(self, person: Person, app: str = MAIN.id) -> Body:
        return {
            "user": {"id": person.id, "username": person.name, "team_id": self.team},
            "team": {"id": self.team, "domain": "shop"},
            "api_app_id": app,
            "token": "old",
            "trigger_id": self.trigger(person.id),
            "is_enterprise_install": False,
        }

    def _channel(self, place: str, **more: Any) -> str:
        self.channels.setdefault(place, {"id": place, "is_archived": False, **more})
        self.messages.setdefault(place, [])
        return place

    def _mine(self, channel: str, ts: str) -> Shown:
        found = self.message(channel, ts)
        if found is None:
            raise LookupError(f"nothing stands at {channel} {ts}")
        return found

    def _file(self, name: str, media_type: str, body: bytes, user: str) -> Body:
        file_id = f"F{next(self._count):08d}"
        url = f"{self.url}/files-pri/{file_id}/{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}"
        kept = {
            "id": file_id,
            "name": name,
            "title": name,
            "mimetype": media_type,
            "filetype": name.rpartition(".")[2],
            "size": len(body),
            "user": user,
            "mode": "hosted",
            "url_private": url,
            "url_private_download": f"{url}?download=1",
        }
        self.files[file_id], self.bytes[file_id] = kept, body
        return kept


def _filled(element: Body, text: str | None) -> Body:
    """The state of an element in which somebody wrote or chose this."""
    if "options" not in element:
        return {"type": element["type"], "value": text or None}
    chosen = [o for o in element["options"] if text in (o["value"], o["text"]["text"])]
    return {"type": element["type"], "selected_option": chosen[0] if chosen else None}


def _words(found: Any) -> list[str]:
    if isinstance(found, list):
        return [word for item in found for word in _words(item)]
    if isinstance(found, dict):
        own = [found["text"]] if isinstance(found.get("text"), str) else []
        return own + [w for v in found.values() if isinstance(v, dict | list) for w in _words(v)]
    return []
