"""A Discord that only plays: gateway, REST and interactions on one loopback port.

It is not written from our adapter: requests are held against the vendor's published description and
limits (`discord_rules`), what does not fit is answered as Discord does and kept in `mistakes`,
which tests assert to be empty. Tests act as people (`say`, `press`, `submit`, …) and read what
people see (`shown`). discord.py reaches it with `Route.BASE = server.url + "/api/v10"` and
`DiscordWebSocket.DEFAULT_GATEWAY = URL(server.gateway.url)`.

By hand: `python -m tests.fakes.discord_server --port 4300`.
"""

import argparse
import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from aiohttp import web

from tests.fakes import discord_routes
from tests.fakes.discord_gateway import Gateway
from tests.fakes.discord_interactions import COMMAND, COMPONENT, SUBMIT, Interaction, Interactions
from tests.fakes.discord_rest import Fault, Rest
from tests.fakes.discord_world import (
    DM,
    PUBLIC_THREAD,
    Body,
    Channel,
    Message,
    World,
    moment,
    parts,
)
from tests.fakes.troubled import Wire

TOKEN = "MTE.fake.discord-token"


class DiscordServer:
    """The server: what exists is in `world`, what is told in `gateway`, what is asked in `rest`."""

    def __init__(self, token: str = TOKEN) -> None:
        self.wire = Wire()
        self.mistakes: list[str] = []
        """What the bot did that Discord does not take; assert it empty."""
        self.world = World()
        self.gateway = Gateway(self.world, token, self.mistakes)
        self.interactions = Interactions(self.world, self.gateway, self.mistakes)
        self.rest = Rest(self.world, self.gateway, self.interactions, self.mistakes)
        self.url = ""
        """`http://127.0.0.1:PORT`; REST lies below `/api/v10`, or right below it."""
        self._runner: web.AppRunner | None = None

    # --- life -------------------------------------------------------------------------------

    @property
    def token(self) -> str:
        """The bot's token; set another to revoke it."""
        return self.gateway.token

    @token.setter
    def token(self, value: str) -> None:
        self.gateway.token = value

    @property
    def public_key(self) -> str:
        """The key that interactions by HTTP are signed with, in hex."""
        return self.interactions.public_key

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `url` is known afterwards."""
        app = web.Application(client_max_size=26 << 20, middlewares=[self.wire.stand])
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        listening = self._runner.addresses[0][1]
        self.url = self.rest.base = f"http://{host}:{listening}"
        self.gateway.url = f"ws://{host}:{listening}/gateway"

    async def stop(self) -> None:
        """Break all connections and close."""
        await self.gateway.cut()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.gateway.serve(request)
        if request.path.startswith("/cdn/"):
            return self._file(request)
        return await self.rest.serve(request)

    def _file(self, request: web.Request) -> web.StreamResponse:
        id = request.path.split("/")[-2]
        for message in self.world.messages.values():
            for each in message.attachments:
                if each["id"] == id and "hm" in request.query and not message.deleted:
                    return web.Response(body=message.files[id], content_type=each["content_type"])
        return web.Response(status=404, text="This content is no longer available.")

    # --- what people see ----------------------------------------------------------------------

    def direct(self, who: str) -> str:
        """The channel in which this person and the bot talk alone."""
        return self.world.direct(self.world.person(who)).id

    def channel(self, name: str = "general") -> str:
        """A text channel of the guild."""
        return self.world.open(name).id

    def shown(self, place: str, who: str = "") -> list[Message]:
        """The bot's messages in a channel as they stand; of private ones all, or those of `who`."""
        reader = self.world.person(who).id if who else ""
        return [
            each
            for each in self.world.messages.values()
            if each.channel.id == place and each.author is self.world.bot and not each.deleted
            if not each.only_for or not reader or each.only_for == reader
        ]

    def texts(self, place: str, who: str = "") -> list[str]:
        """The same as texts."""
        return [each.text for each in self.shown(place, who)]

    async def until(self, holds: Callable[[], object], timeout_s: float = 10.0) -> None:
        """Wait for something to become true."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                await asyncio.sleep(0.01)

    # --- what people do -----------------------------------------------------------------------

    async def say(
        self,
        who: str,
        text: str,
        place: str = "",
        *,
        reply_to: str = "",
        files: Sequence[tuple[str, str, bytes]] = (),
    ) -> Message:
        """Write a message; without a place, to the bot alone. `{bot}` in the text mentions it."""
        author = self.world.person(who)
        channel = self.world.channels[place or self.direct(who)]
        body: Body = {"content": text.replace("{bot}", f"<@{self.world.bot.id}>")}
        if reply_to:
            body["message_reference"] = {"message_id": reply_to}
        sent = {f"files[{n}]": each for n, each in enumerate(files)}
        message = await self.rest.put(channel, author, body, sent)
        return message

    async def edit(self, message: Message, text: str) -> None:
        """Change one's own message."""
        message.content = text.replace("{bot}", f"<@{self.world.bot.id}>")
        message.edits += 1
        message.edited_at = moment()
        await self.rest.tell("MESSAGE_UPDATE", message)

    async def delete(self, message: Message) -> None:
        """Take a message back."""
        message.deleted = True
        await discord_routes.tell_deleted(self.rest, message)

    async def react(self, who: str, message: Message, emoji: str = "👍") -> None:
        """Put a reaction on a message."""
        message.reactions.setdefault(emoji, set()).add(self.world.person(who).id)
        await self._reaction("MESSAGE_REACTION_ADD", who, message, emoji)

    async def unreact(self, who: str, message: Message, emoji: str = "👍") -> None:
        """Take it away."""
        message.reactions.get(emoji, set()).discard(self.world.person(who).id)
        await self._reaction("MESSAGE_REACTION_REMOVE", who, message, emoji)

    async def _reaction(self, event: str, who: str, message: Message, emoji: str) -> None:
        user = self.world.person(who)
        told: Body = {
            "user_id": user.id,
            "channel_id": message.channel.id,
            "message_id": message.id,
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "type": 0,
        }
        if message.channel.guild:
            told |= {"guild_id": message.channel.guild}
            if event.endswith("ADD"):
                told |= {"member": {**user.member(), "user": user.shape()}}
        if event.endswith("ADD"):
            told["message_author_id"] = message.author.id
        await self.gateway.dispatch(event, told, is_direct=message.channel.type == DM)

    async def thread(
        self, who: str, name: str, place: str = "", root: Message | None = None
    ) -> str:
        """Open a thread in a channel, or below a message."""
        parent = root.channel if root else self.world.channels[place or self.channel()]
        made = self.world.thread(parent, name, self.world.person(who), root.id if root else "")
        told = made.shape() | {"newly_created": True}
        await self.gateway.dispatch("THREAD_CREATE", told, is_direct=False)
        return made.id

    async def press(self, who: str, message: Message, button: str) -> Interaction:
        """Press the button of this label or custom id; returns when it is answered, or after 3 s."""
        found = [
            each
            for each in message.buttons
            if button in (each.get("label"), each.get("custom_id")) and not each.get("disabled")
        ]
        if not found or found[0].get("style") == 5:
            raise LookupError(f"{button!r} cannot be pressed: {message.buttons}")
        return await self.press_raw(who, message, found[0]["custom_id"])

    async def press_raw(self, who: str, message: Message, custom_id: str) -> Interaction:
        """Press whatever a client sends, a button that is gone or never was included."""
        data = {"custom_id": custom_id, "component_type": 2, "id": 1}
        return await self._interact(COMPONENT, who, message.channel, data, message)

    async def submit(self, asked: Interaction, **texts: str) -> Interaction:
        """Send the modal that a press brought, with these texts in place of those that stand there."""
        if asked.modal is None:
            raise LookupError("there is no modal")
        inputs = [each for each in parts(asked.modal["components"]) if each.get("type") == 4]
        unknown = set(texts) - {each["custom_id"] for each in inputs}
        if unknown:
            raise LookupError(f"the modal has no {sorted(unknown)}")
        for each in inputs:
            self._typed(each, texts)
        data = {
            "custom_id": asked.modal["custom_id"],
            "components": [_filled(each, texts) for each in asked.modal["components"]],
        }
        return await self._interact(SUBMIT, asked.user.id, asked.channel, data, asked.message)

    def _typed(self, part: Body, texts: Mapping[str, str]) -> None:
        text = texts.get(part["custom_id"], part.get("value") or "")
        least = part.get("min_length") or (1 if part.get("required", True) else 0)
        if not least <= len(text) <= (part.get("max_length") or 4000):
            raise LookupError(
                f"{part['custom_id']}: a client takes no {len(text)} characters there"
            )

    async def command(self, who: str, name: str, place: str = "", **options: Any) -> Interaction:
        """Use a slash command, which must be registered."""
        known = [each for some in self.rest.commands.values() for each in some]
        found = next((each for each in known if each["name"] == name), None)
        if found is None:
            raise LookupError(f"no command {name}: {[each['name'] for each in known]}")
        kinds = {each["name"]: each["type"] for each in found.get("options") or ()}
        given = [{"name": k, "type": kinds[k], "value": v} for k, v in options.items()]
        data = {"id": found["id"], "name": name, "type": 1, "options": given}
        data["resolved"] = self._resolved(given)
        channel = self.world.channels[place or self.direct(who)]
        return await self._interact(COMMAND, who, channel, data, None)

    def _resolved(self, options: Sequence[Body]) -> Body:
        """What the ids of the options stand for, of which Discord tells the app."""
        found: Body = {}
        for each in options:
            if each["type"] == 6:
                user = self.world.users[each["value"]]
                found.setdefault("users", {})[user.id] = user.shape()
                told = {**user.member(), "permissions": str(user.powers)}
                found.setdefault("members", {})[user.id] = told
            if each["type"] == 8:
                found.setdefault("roles", {})[each["value"]] = self.world.role_shape(each["value"])
        return found

    async def _interact(
        self, kind: int, who: str, channel: Channel, data: Body, message: Message | None
    ) -> Interaction:
        item = Interaction(
            kind=kind, user=self.world.person(who), channel=channel, data=data, message=message
        )
        return await self.interactions.deliver(item)

    def age(self, asked: Interaction, seconds: float) -> None:
        """Make an interaction older: its token ends after 15 minutes."""
        asked.at -= seconds

    # --- what goes wrong ------------------------------------------------------------------------

    def fail(self, where: str = "", times: int = 1, **how: Any) -> None:
        """What becomes of the next requests whose `METHOD /path/{name}` begins with `where`.

        `status=500`, `status=429, retry_after_s=0.5, is_global=True`, `cut=True`, `slow_s=1.0`;
        `after=True`: it is done, and only the answer is bad.
        """
        self.rest.faults.append(Fault(where=where, times=times, **how))

    def forget_nonces(self) -> None:
        """As if the few minutes were over."""
        self.rest.nonces.clear()

    @property
    def banned(self) -> bool:
        """Whether Discord takes no request any more."""
        return self.rest.rates.banned

    @banned.setter
    def banned(self, value: bool) -> None:
        self.rest.rates.banned = value

    def forbid(self, place_or_who: str) -> None:
        """The bot may not write to this channel, or this person."""
        known = self.world.channels.keys() | self.world.roles.keys()
        id = place_or_who if place_or_who in known else self.world.person(place_or_who).id
        self.rest.forbidden.add(id)

    def is_thread(self, place: str) -> bool:
        """Whether a place is a thread."""
        return self.world.channels[place].type == PUBLIC_THREAD


def _filled(part: Body, texts: Mapping[str, str]) -> Body:
    kind = part.get("type")
    if kind == 1:
        return {"type": 1, "components": [_filled(each, texts) for each in part["components"]]}
    if kind == 18:
        return {"type": 18, "id": 1, "component": _filled(part["component"], texts)}
    if kind != 4:
        return {"type": kind, "id": part.get("id") or 1}
    value = texts.get(part["custom_id"], part.get("value") or "")
    return {"type": 4, "id": 2, "custom_id": part["custom_id"], "value": value}


async def serve(port: int, lasts_s: float, people: Iterable[str]) -> None:
    """Run for so long; say on one line where, under which token, and what to write to."""
    server = DiscordServer()
    await server.start(port=port)
    print(f"{server.url} token={server.token} public_key={server.public_key}", flush=True)
    seen = 0
    until = time.monotonic() + lasts_s
    for who in people:
        await server.gateway.until_connected(lasts_s)
        await server.say(who, "hello")
    while time.monotonic() < until:
        for message in [m for m in server.world.messages.values() if m.author is server.world.bot][
            seen:
        ]:
            print(f"{message.channel.id}: {message.text}", flush=True)
            seen += 1
        await asyncio.sleep(0.2)
    await server.stop()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="A Discord that only plays.")
    parser.add_argument("--port", type=int, default=4300)
    parser.add_argument("--lasts-s", type=float, default=3600.0)
    parser.add_argument("--hello", nargs="*", default=(), help="people who say hello")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.port, given.lasts_s, given.hello))


if __name__ == "__main__":
    main()
