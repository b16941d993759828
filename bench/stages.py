"""The platforms that play, as a benchmark needs them: one person in many places, and what is said.

Each place is a channel or a group in which Ana mentions the bot; an answer is a message of the bot
there. The played platforms hold no rates here, and their requests are not held against the
published descriptions, which costs more than all that is measured.
"""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any, Protocol

from tests.fakes.discord_rules import Bucket
from tests.fakes.discord_server import DiscordServer
from tests.fakes.slack_apps import BOT_USER
from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import Person as SlackPerson
from tests.fakes.teams_server import APP, SECRET, TENANT, TeamsServer
from tests.fakes.teams_world import Person as TeamsPerson
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_world import BOT
from tests.fakes.telegram_world import Person as TelegramPerson

RENEW = 10
"""Turns after which a place is given up for a fresh one, where conversations are threads."""
PATIENT_S = 60.0
"""What is acknowledged late is not told again: that is another benchmark's question."""
KEPT = 8
"""Messages for each place that stand in Teams at most: the played one looks through all of them."""
FREE = 1 << 30
"""A rate that nobody reaches."""


class Stage(Protocol):
    """One platform."""

    at: str
    """Its address."""

    @property
    def env(self) -> Mapping[str, str]:
        """How our program is told of it."""
        ...

    def call(self, url: str) -> None:
        """Where the bot is, for a platform that calls it."""
        ...

    async def alone(self, text: str) -> None:
        """Say it to the bot alone."""
        ...

    def codes(self) -> str:
        """All that the bot said to Ana alone."""
        ...

    async def say(self, n: int, text: str) -> None:
        """Say it in a place."""
        ...

    def news(self) -> list[int]:
        """The places in which the bot has answered since this was last asked."""
        ...


class Slack:
    """Told by HTTP; each place is a channel, a conversation a thread in it."""

    def __init__(self, server: SlackServer, places: int) -> None:
        self._server, self._world, self.at = server, server.world, server.base
        self._world.echoes = False
        server.ack_s = PATIENT_S
        self._ana = SlackPerson("U0000ANA", "Ana", "ana@example.com")
        self._places = [self._world.channel(f"c{n}", self._ana) for n in range(places)]
        self._roots: dict[int, tuple[str, int]] = {}
        self._seen = [0] * places

    @property
    def env(self) -> Mapping[str, str]:
        server = self._server
        told = {"SLACK_BOT_TOKEN": server.bot_token, "SLACK_SIGNING_SECRET": server.signing_secret}
        return {**told, "BOT_ENDPOINT_SLACK": self.at}

    def call(self, url: str) -> None:
        self._server.webhook_via = url

    async def alone(self, text: str) -> None:
        await self._world.say(self._ana, self._world.direct(self._ana), text)

    def codes(self) -> str:
        return " ".join(self._world.said(self._world.direct(self._ana)))

    async def say(self, n: int, text: str) -> None:
        root, turns = self._roots.get(n, ("", 0))
        if turns >= RENEW:
            root, turns = "", 0
            self._world.messages[self._places[n]].clear()
            self._seen[n] = 0
        words = f"<@{BOT_USER}> {text}"
        ts = await self._world.say(self._ana, self._places[n], words, root)
        self._roots[n] = (root or ts, turns + 1)

    def news(self) -> list[int]:
        found = []
        for n, place in enumerate(self._places):
            said = self._world.messages.get(place, ())
            found += [n for item in said[self._seen[n] :] if item.bot]
            self._seen[n] = len(said)
        return found


class Telegram:
    """Polled; each place is a group."""

    def __init__(self, server: TelegramServer, places: int) -> None:
        self._server, self._world, self.at = server, server.world, server.base
        self._ana = TelegramPerson(11, "Ana")
        self._places = [self._world.group(n + 1) for n in range(places)]
        self._seen = [0] * places

    @property
    def env(self) -> Mapping[str, str]:
        return {"BOTFATHERTOKEN": self._server.token, "BOT_ENDPOINT_TELEGRAM": self.at}

    def call(self, url: str) -> None:
        """It is polled."""

    async def alone(self, text: str) -> None:
        self._world.say(self._ana, text)

    def codes(self) -> str:
        return " ".join(self._world.said(self._world.private(self._ana)))

    async def say(self, n: int, text: str) -> None:
        self._world.say(self._ana, f"@{BOT['username']} {text}", self._places[n])

    def news(self) -> list[int]:
        found = []
        for n, place in enumerate(self._places):
            said = itertools.islice(place.messages.values(), self._seen[n], None)
            found += [n for item in said if item["from"]["is_bot"]]
            self._seen[n] = len(place.messages)
        return found


class Discord:
    """By its gateway; each place is a channel."""

    def __init__(self, server: DiscordServer, places: int) -> None:
        self._server, self.at = server, server.url
        self._places = {server.channel(f"c{n}"): n for n in range(places)}
        self._names = list(self._places)
        self._seen = 0
        rates = server.rest.rates
        rates.whole = Bucket(FREE, 1.0)
        rates.per_route = dict.fromkeys(rates.per_route, (FREE, 1.0))

    @property
    def env(self) -> Mapping[str, str]:
        return {"DISCORD_BOT_TOKEN": self._server.token, "BOT_ENDPOINT_DISCORD": self.at}

    def call(self, url: str) -> None:
        """It is called by the bot."""

    async def alone(self, text: str) -> None:
        await self._server.say("ana", text)

    def codes(self) -> str:
        return " ".join(self._server.texts(self._server.direct("ana")))

    async def say(self, n: int, text: str) -> None:
        await self._server.say("ana", f"{{bot}} {text}", self._names[n])

    def news(self) -> list[int]:
        world = self._server.world
        new = list(itertools.islice(world.messages.values(), self._seen, None))
        self._seen += len(new)
        there = [each.channel.id for each in new if each.author is world.bot]
        return [self._places[id_] for id_ in there if id_ in self._places]


class Teams:
    """Told by HTTP; each place is a channel, a conversation a thread in it."""

    def __init__(self, server: TeamsServer, places: int) -> None:
        self._server, self._world, self.at = server, server.world, server.base
        server.ack_s = PATIENT_S
        self._ana = TeamsPerson("Ana")
        found = [self._world.channel(f"c{n}", self._ana) for n in range(places)]
        self._places = {place: n for n, place in enumerate(found)}
        self._names = found
        self._roots: dict[int, tuple[str, int]] = {}
        self._seen = 0

    @property
    def env(self) -> Mapping[str, str]:
        told = f'{{teams = {{app_id = "{APP}", app_secret = "{SECRET}", tenant_id = "{TENANT}"}}}}'
        return {"BOT_CHANNELS": told, "BOT_ENDPOINT_TEAMS": self.at}

    def call(self, url: str) -> None:
        self._server.webhook_via = url

    async def alone(self, text: str) -> None:
        await self._world.say(self._ana, self._world.personal(self._ana), text)

    def codes(self) -> str:
        return " ".join(self._world.said(self._world.personal(self._ana)))

    async def say(self, n: int, text: str) -> None:
        root, turns = self._roots.get(n, ("", 0))
        root, turns = ("", 0) if turns >= RENEW else (root, turns)
        id_ = await self._world.mention(self._ana, self._names[n], text, thread=root)
        self._roots[n] = (root or id_, turns + 1)

    def news(self) -> list[int]:
        messages = self._world.messages
        new, self._seen = messages[self._seen :], len(messages)
        if self._seen > KEPT * len(self._places):
            self._forget()
        return [self._places[m.place] for m in new if m.bot and m.place in self._places]

    def _forget(self) -> None:
        """What was answered long ago goes; the roots of running threads stay, for their answers."""
        messages = self._world.messages
        last = {m.place: m for m in messages if not m.bot}.values()
        held = {id_ for m in last for id_ in (m.id, m.thread)}
        recent = len(messages) - KEPT // 2 * len(self._places)
        messages[:] = [m for n, m in enumerate(messages) if n >= recent or m.id in held]
        self._seen = len(messages)


SERVERS = {
    "slack": (SlackServer, Slack),
    "telegram": (TelegramServer, Telegram),
    "discord": (DiscordServer, Discord),
    "teams": (TeamsServer, Teams),
}


class Opened:
    """A played platform for the length of a measurement."""

    def __init__(self, name: str, places: int) -> None:
        server, stage = SERVERS[name]
        self._server: Any = server()
        self._stage: Any = stage
        self._places = places

    async def __aenter__(self) -> Stage:
        await self._server.__aenter__()
        found: Stage = self._stage(self._server, self._places)
        return found

    async def __aexit__(self, *error: object) -> None:
        await asyncio.shield(self._server.__aexit__(*error))
