"""The methods of Slack's Web API, over one `World`. Each gives the answer or raises `Refused`.

Shapes: `slack-samples.json`; streaming and uploads: slack-sdk 3.46; error words:
docs.slack.dev/reference/methods (read 2026-11-21).
"""

import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.fakes import slack_rules as rules
from tests.fakes.slack_apps import TEAM, App
from tests.fakes.slack_installs import Installs
from tests.fakes.slack_world import Shown, World

Body = dict[str, Any]


class Refused(Exception):
    """Slack's `ok: false` with a word; `mistake` says that the caller should have known."""

    def __init__(self, word: str, mistake: str = "", **more: Any) -> None:
        super().__init__(word)
        self.word, self.mistake, self.more = word, mistake, more


class Methods:
    """Every method that is served: name → coroutine function of the arguments."""

    def __init__(self, world: World, installs: Installs) -> None:
        self.world = world
        self._installs = installs
        self.token = ""
        """Whose call it is."""
        self._ids = itertools.count(1)
        self._uploads: dict[str, tuple[str, int]] = {}
        self.table: Mapping[str, Callable[[Body], Awaitable[Body]]] = {
            "api.test": self._nothing,
            "auth.test": self._auth,
            "auth.revoke": self._revoke,
            "team.info": self._team,
            "bots.info": self._bot,
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._ephemeral,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.getPermalink": self._link,
            "chat.startStream": self._start,
            "chat.appendStream": self._append,
            "chat.stopStream": self._stop,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.info": self._channel,
            "conversations.open": self._open,
            "conversations.list": self._channels,
            "conversations.members": self._members,
            "users.conversations": self._channels,
            "users.info": self._user,
            "users.list": self._users,
            "users.lookupByEmail": self._user_by_email,
            "views.open": self._view,
            "views.push": self._view,
            "views.update": self._view_update,
            "views.publish": self._home,
            "reactions.add": self._react,
            "reactions.remove": self._unreact,
            "reactions.get": self._reactions,
            "files.info": self._file,
            "files.getUploadURLExternal": self._upload,
            "files.completeUploadExternal": self._complete,
            "files.delete": self._nothing,
            "assistant.threads.setStatus": self._status,
            "assistant.threads.setTitle": self._title,
            "assistant.threads.setSuggestedPrompts": self._prompts,
        }
        self.is_revoked = ""

    @property
    def _app(self) -> App:
        return self.world.apps.by_token(self.token)

    # --- who ---------------------------------------------------------------------------------

    async def _nothing(self, body: Body) -> Body:
        return {}

    async def _auth(self, body: Body) -> Body:
        where = self._installs.who(self.token)
        return {
            "url": "https://shop.slack.com/",
            "team": where.name,
            "user": self._app.name,
            "team_id": where.id,
            "user_id": where.bot_user if self._app is self.world.apps.all[0] else self._app.user,
            "bot_id": self._app.bot,
            "is_enterprise_install": False,
        }

    async def _revoke(self, body: Body) -> Body:
        if self.token in self._installs.tokens:
            self._installs.revoked.add(self.token)
        elif self.world.apps.knows(self.token):
            self.world.apps.revoked.add(self.token)
        else:
            self.is_revoked = "token_revoked"
        return {"revoked": True}

    async def _team(self, body: Body) -> Body:
        return {"team": {"id": TEAM, "name": "Shop", "domain": "shop"}}

    async def _bot(self, body: Body) -> Body:
        found = next((app for app in self.world.apps.all if app.bot == body.get("bot")), None)
        if found is None:
            raise Refused("bot_not_found")
        whose = {"app_id": found.id, "user_id": found.user, "name": found.name}
        return {"bot": {"id": found.bot, **whose}}

    # --- messages ----------------------------------------------------------------------------

    async def _post(self, body: Body) -> Body:
        channel = self._place(body["channel"])
        self._check(body)
        if body.get("thread_ts") and not self.world.message(channel, body["thread_ts"]):
            raise Refused("thread_not_found", f"no message {body['thread_ts']}")
        item = self._put(channel, body)
        await self.world.echo(item)
        return {"channel": channel, "ts": item.ts, "message": self.world.event_of(item)}

    async def _ephemeral(self, body: Body) -> Body:
        self._check(body)
        channel = self._place(body["channel"])
        if body["user"] not in self.world.people:
            raise Refused("user_not_in_channel", f"nobody is {body['user']}")
        item = self._put(channel, body)
        item.only_for = body["user"]
        return {"message_ts": item.ts}

    async def _update(self, body: Body) -> Body:
        item = self._own(body)
        if item.is_streaming:
            raise Refused("streaming_state_conflict", "a stream is updated while it runs")
        self._check({**body, "text": body.get("text") or ("blocks" in body and item.text) or ""})
        before = self.world.event_of(item)
        self._take(item, body)
        item.edited += 1
        await self.world.changed(item, before, self._app.user)
        return {
            "channel": item.channel,
            "ts": item.ts,
            "text": item.text,
            "message": self.world.event_of(item),
        }

    async def _delete(self, body: Body) -> Body:
        item = self._own(body)
        self.world.messages[item.channel].remove(item)
        return {"channel": item.channel, "ts": item.ts}

    async def _link(self, body: Body) -> Body:
        self._message(body["channel"], body["message_ts"])
        ts = body["message_ts"].replace(".", "")
        link = f"https://shop.slack.com/archives/{body['channel']}/p{ts}"
        return {"channel": body["channel"], "permalink": link}

    # --- streams -----------------------------------------------------------------------------

    async def _start(self, body: Body) -> Body:
        channel = self._place(body["channel"])
        if not channel.startswith("D"):
            for name in ("recipient_team_id", "recipient_user_id"):
                if not body.get(name):
                    raise Refused(f"missing_{name}", f"chat.startStream: {name} is missing")
        if not self.world.message(channel, body["thread_ts"]):
            raise Refused("invalid_thread_ts", f"no message {body['thread_ts']}")
        text = self._streamed(body)
        item = self.world.put(
            channel,
            self._app.user,
            text,
            thread_ts=body["thread_ts"],
            bot=True,
            is_streaming=True,
            is_markdown=True,
        )
        return {"channel": channel, "ts": item.ts}

    async def _append(self, body: Body) -> Body:
        item = self._stream(body)
        text = self._streamed(body)
        if not text:
            raise Refused("no_text", "nothing is appended")
        item.text += text
        return {"channel": item.channel, "ts": item.ts}

    async def _stop(self, body: Body) -> Body:
        item = self._stream(body)
        text = self._streamed(body)
        self._check({"text": item.text + text or "-", "blocks": body.get("blocks")})
        item.text += text
        item.is_streaming = False
        item.blocks = body.get("blocks") or []
        item.metadata = body.get("metadata") or item.metadata
        await self.world.echo(item)
        return {"channel": item.channel, "ts": item.ts, "message": self.world.event_of(item)}

    # --- conversations -----------------------------------------------------------------------

    async def _history(self, body: Body) -> Body:
        channel = self._place(body["channel"])
        found = [m for m in self.world.shown(channel) if m.thread_ts in ("", m.ts)]
        return self._page(body, found, newest_first=True)

    async def _replies(self, body: Body) -> Body:
        channel = self._place(body["channel"])
        root = self._message(channel, body["ts"])
        return self._page(body, self.world.shown(channel, root.thread_ts or root.ts))

    async def _channel(self, body: Body) -> Body:
        return {"channel": self.world.channels[self._place(body["channel"])]}

    async def _channels(self, body: Body) -> Body:
        return {"channels": list(self.world.channels.values()), **_no_more()}

    async def _members(self, body: Body) -> Body:
        self._place(body["channel"])
        return {"members": [*self.world.people, self._app.user], **_no_more()}

    async def _open(self, body: Body) -> Body:
        user = (body.get("users") or "").split(",")[0]
        if body.get("channel"):
            return {"channel": {"id": self._place(body["channel"])}}
        if user not in self.world.people:
            raise Refused("user_not_found", f"nobody is {user!r}")
        return {"channel": {"id": self.world.direct(self.world.people[user])}}

    # --- people ------------------------------------------------------------------------------

    async def _user(self, body: Body) -> Body:
        if body["user"] not in self.world.people:
            raise Refused("user_not_found")
        return {"user": self._profile(body["user"])}

    async def _users(self, body: Body) -> Body:
        return {"members": [self._profile(name) for name in self.world.people], **_no_more()}

    async def _user_by_email(self, body: Body) -> Body:
        for person in self.world.people.values():
            if person.email and person.email == body["email"]:
                return {"user": self._profile(person.id)}
        raise Refused("users_not_found")

    # --- views -------------------------------------------------------------------------------

    async def _view(self, body: Body) -> Body:
        until, user = self.world.triggers.pop(body["trigger_id"], (0.0, ""))
        if not user:
            raise Refused("invalid_trigger", "a trigger is used twice, or was never given")
        if time.monotonic() > until:
            raise Refused("expired_trigger_id", "a trigger is used after 3 s")
        return {"view": self._keep(body["view"], user)}

    async def _view_update(self, body: Body) -> Body:
        found = self.world.views.get(body.get("view_id") or "")
        if found is None:
            raise Refused("not_found", "no such view")
        return {"view": self._keep(body["view"], found["user"], found["id"])}

    async def _home(self, body: Body) -> Body:
        view = self._sound(body["view"])
        self.world.homes[body["user_id"]] = view
        return {"view": {**view, "id": f"VH{body['user_id']}"}}

    def _keep(self, view: Body, user: str, name: str = "") -> Body:
        name = name or f"V{next(self._ids):08d}"
        made = {"state": {"values": {}}, **self._sound(view), "id": name, "team_id": TEAM}
        made |= {"bot_id": self._app.bot, "app_id": self._app.id, "hash": f"{next(self._ids)}.h"}
        self.world.views[name] = {**made, "user": user}
        return made

    def _sound(self, view: Body) -> Body:
        if found := list(rules.view_misfits(view)):
            raise Refused("invalid_arguments", "; ".join(found))
        return view

    # --- reactions, files, assistant ---------------------------------------------------------

    async def _react(self, body: Body) -> Body:
        people = self._message(body["channel"], body["timestamp"]).reactions
        if self._app.user in people.setdefault(body["name"], []):
            raise Refused("already_reacted")
        people[body["name"]].append(self._app.user)
        return {}

    async def _unreact(self, body: Body) -> Body:
        people = self._message(body["channel"], body["timestamp"]).reactions
        if self._app.user not in people.get(body["name"], []):
            raise Refused("no_reaction")
        people[body["name"]].remove(self._app.user)
        return {}

    async def _reactions(self, body: Body) -> Body:
        item = self._message(body["channel"], body["timestamp"])
        found = [{"name": n, "users": u, "count": len(u)} for n, u in item.reactions.items()]
        return {"type": "message", "message": {**self.world.event_of(item), "reactions": found}}

    async def _file(self, body: Body) -> Body:
        if body["file"] not in self.world.files:
            raise Refused("file_not_found")
        return {"file": self.world.files[body["file"]]}

    async def _upload(self, body: Body) -> Body:
        file_id = f"FU{next(self._ids):08d}"
        self._uploads[file_id] = (body["filename"], int(body["length"]))
        return {"upload_url": f"{self.world.url}/upload/{file_id}", "file_id": file_id}

    def uploaded(self, file_id: str, content: bytes) -> None:
        """The bytes came to the upload's address. KeyError for an unknown one."""
        name, length = self._uploads[file_id]
        if length != len(content):
            raise Refused("length", f"{len(content)} bytes were uploaded, {length} were announced")
        kept = self.world.file(name, "application/octet-stream", content, self._app.user)
        self.world.files[file_id] = {**kept, "id": file_id}

    async def _complete(self, body: Body) -> Body:
        found = [self.world.files.get(item["id"]) for item in body["files"]]
        if not all(found):
            raise Refused("file_not_found", "an upload is completed before its bytes came")
        if place := body.get("channel_id"):
            item = self.world.put(
                self._place(place),
                self._app.user,
                body.get("initial_comment") or "",
                thread_ts=body.get("thread_ts") or "",
                files=found,
                bot=True,
            )
            await self.world.echo(item)
        return {"files": found}

    async def _status(self, body: Body) -> Body:
        place = self._place(body["channel_id"])
        self.world.statuses.append((place, body["thread_ts"], body["status"]))
        return {}

    async def _title(self, body: Body) -> Body:
        self.world.titles[body["thread_ts"]] = body["title"]
        return {}

    async def _prompts(self, body: Body) -> Body:
        self.world.prompts.append(body)
        return {}

    # --- parts -------------------------------------------------------------------------------

    def _place(self, channel: str) -> str:
        if channel in self.world.people:
            return self.world.direct(self.world.people[channel])
        if channel not in self.world.channels:
            raise Refused("channel_not_found")
        if self.world.channels[channel].get("is_archived"):
            raise Refused("is_archived")
        if self.world.channels[channel].get("is_member") is False:
            raise Refused("not_in_channel")
        return channel

    def _message(self, channel: str, ts: str) -> Shown:
        found = self.world.message(self._place(channel), ts)
        if found is None:
            raise Refused("message_not_found")
        return found

    def _own(self, body: Body) -> Shown:
        found = self._message(body["channel"], body["ts"])
        if not found.bot or found.user != self._app.user:
            raise Refused("cant_update_message", "another's message is changed")
        if found.only_for:
            raise Refused("message_not_found", "an ephemeral message is changed by its ts")
        return found

    def _stream(self, body: Body) -> Shown:
        found = self._own(body)
        if not found.is_streaming:
            raise Refused("message_not_in_streaming_state")
        return found

    def _streamed(self, body: Body) -> str:
        text = body.get("markdown_text") or ""
        for chunk in body.get("chunks") or ():
            text += chunk.get("text", "") if chunk.get("type") == "markdown_text" else ""
        if len(text) > rules.MAX_MARKDOWN:
            raise Refused("msg_too_long", "more than 12,000 characters at once")
        return text

    def _check(self, body: Body) -> None:
        if word := rules.message_error(body):
            raise Refused(word, f"{word}: {str(body)[:200]}")
        if found := list(rules.block_misfits(body.get("blocks") or [])):
            messages = {"messages": [f"[ERROR] {text}" for text in found]}
            raise Refused("invalid_blocks", "; ".join(found), response_metadata=messages)

    def _put(self, channel: str, body: Body) -> Shown:
        item = self.world.put(channel, self._app.user, "", bot=True)
        item.thread_ts = body.get("thread_ts") or ""
        self._take(item, body)
        return item

    def _take(self, item: Shown, body: Body) -> None:
        item.is_markdown = bool(body.get("markdown_text"))
        if "text" in body or "markdown_text" in body:
            item.text = body.get("markdown_text") or body.get("text") or ""
            item.blocks = [] if "blocks" not in body else item.blocks
        if body.get("blocks") is not None:
            item.blocks = body["blocks"]
        if body.get("metadata") is not None:
            item.metadata = body["metadata"]

    def _page(self, body: Body, found: list[Shown], *, newest_first: bool = False) -> Body:
        found = [m for m in found if not m.only_for]
        oldest, latest = body.get("oldest") or "0", body.get("latest") or "9" * 12
        inclusive = _is_true(body.get("inclusive"))
        kept = [
            m
            for m in found
            if float(oldest) < float(m.ts) < float(latest)
            or (inclusive and m.ts in (oldest, latest))
        ]
        kept = kept[::-1] if newest_first else kept
        start, size = int(body.get("cursor") or 0), int(body.get("limit") or 100)
        page = [self.world.event_of(m) for m in kept[start : start + size]]
        if not _is_true(body.get("include_all_metadata")):
            for item in page:
                item.pop("metadata", None)
        more = start + size < len(kept)
        cursor = {"next_cursor": str(start + size) if more else ""}
        return {"messages": page, "has_more": more, "response_metadata": cursor}

    def _profile(self, name: str) -> Body:
        person = self.world.people[name]
        profile = {"display_name": person.name, "real_name": person.name, "email": person.email}
        return {
            "id": name,
            "team_id": TEAM,
            "name": person.name.lower(),
            "real_name": person.name,
            "deleted": False,
            "is_bot": False,
            "is_email_confirmed": bool(person.email),
            "profile": profile,
            **dict(person.marks),
        }


def _no_more() -> Body:
    return {"response_metadata": {"next_cursor": ""}}


def _is_true(found: Any) -> bool:
    return found in (True, 1, "1", "true", "True")
