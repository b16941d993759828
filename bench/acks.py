"""Acknowledgements: how long a platform waits for its 200 while agents are busy.

Slack's signed events come at a fixed rate, each a new conversation, whether or not earlier ones are
acknowledged; the model hangs, so that turns only open. A 200 comes after the commit to the disk.
The played Slack and the events are of this process, on the core of the load.
"""

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.http import Broken, Connection
from bench.machine import cpu_s
from bench.scale import Scale
from bench.sides import Side, Yard
from bench.table import Row, at_most, paced
from tests.fakes.slack_apps import APP, BOT_USER, TEAM
from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import Person

ANA = Person("U0000ANA", "Ana", "ana@example.com")
PATH = "/webhooks/slack/events"
HANGS = "delay 600000"
"""The stub takes ten minutes for it."""
GOAL_MS = 100


@dataclass(slots=True)
class Told:
    """What became of the events."""

    took: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu_s: float = 0.0
    acks: list[float] = field(default_factory=list)
    """Processor time between a request and its answer, ms."""
    rounds: list[float] = field(default_factory=list)
    """Processor time of each round of the loop, ms."""

    def ms(self, part: float) -> float:
        """A percentile of the waits, in milliseconds."""
        return at(self.took, part) * 1000


def at(values: Sequence[float], part: float) -> float:
    """A percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def acks(yard: Yard, scale: Scale) -> Sequence[Row]:
    """Events at a fixed rate, by both transports; then the same where a model answers."""
    rows: list[Row] = []
    pace = yard.pace()
    for name in ("direct", "ours"):
        told = asyncio.run(_measure(yard, name, scale))
        p99 = told.ms(0.99)
        rows += [
            Row(
                what=f"ack p99, {scale.acks} events/s, model hangs, {_words(name)}, ms",
                ours=f"{p99:.0f}",
                ratio=f"{len(told.took)} events, {len(told.wrong)} not taken",
                goal=paced(GOAL_MS, pace),
                ok=at_most(p99, GOAL_MS * pace) and not told.wrong,
            ),
            Row(
                what="p50 / longest, ms",
                ours=f"{told.ms(0.5):.1f} / {told.ms(1):.0f}",
                ratio=f"{told.cpu_s / told.seconds:.0%} of a core",
            ),
            Row(
                what="own CPU before an ack, p50 / p99, ms",
                ours=f"{at(told.acks, 0.5):.0f} / {at(told.acks, 0.99):.0f}",
            ),
            Row(
                what="CPU of a round of the loop, p99 / longest, ms",
                ours=f"{at(told.rounds, 0.99):.1f} / {max(told.rounds):.0f}",
            ),
        ]
    return rows


def _words(name: str) -> str:
    return "direct" if name == "direct" else "LiteLLM"


async def _measure(yard: Yard, name: str, scale: Scale) -> Told:
    async with SlackServer() as slack:
        env = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "BOT_ENDPOINT_SLACK": slack.base,
            "BOT_ALLOW_PRIVATE_ENDPOINTS": "1",
            "BOT_LIMITS_OPEN_TURNS": "100000",
        }
        noted = yard.folder / f"acks-{name}"
        words = ("-m", "bench.watched", str(noted))
        side = await asyncio.to_thread(yard.start, name, env, words)
        try:
            await _admit(side, slack)
            await asyncio.to_thread(side.load, kind="chat", turns=20, name="warm", renew=10)
            await asyncio.to_thread(side.rest)
            await _noted(side, noted)
            told = await _stream(side, slack, scale)
            found = await _noted(side, noted)
            told.acks, told.rounds = found["acks"], found["rounds"]
            return told
        finally:
            await asyncio.to_thread(side.kill)


async def _noted(side: Side, file: Path) -> Mapping[str, list[float]]:
    """What the program noted since it was last asked."""
    file.unlink(missing_ok=True)
    os.kill(side.pid, signal.SIGUSR1)
    while True:
        await asyncio.sleep(0.1)
        try:
            found: Mapping[str, list[float]] = json.loads(file.read_text())
        except (OSError, ValueError):
            continue
        return found


async def _admit(side: Side, slack: SlackServer) -> None:
    """Ana writes, is given a code, and is let in."""
    slack.webhook_via = f"http://127.0.0.1:{side.port}"
    place = slack.world.direct(ANA)
    await slack.world.say(ANA, place, "hello?")
    code = None
    while code is None:
        await asyncio.sleep(0.05)
        code = re.search(r"\b[A-Z0-9]{4}-?[A-Z0-9]{4}\b", " ".join(slack.world.said(place)))
    body = {"code": code[0], "name": "Ana"}
    await asyncio.to_thread(side.post, "/v1/pair", body)


async def _stream(side: Side, slack: SlackServer, scale: Scale) -> Told:
    """Events at their rate, each sent when it is due."""
    told, free = Told(), list[Connection]()
    channel = slack.world.channel("general", ANA)
    requests = [_request(slack, channel, n) for n in range(int(scale.acks * scale.acks_s))]
    cpu, began = cpu_s(side.pid), time.perf_counter()
    sending = []
    for n, request in enumerate(requests):
        due = began + n / scale.acks
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sending.append(asyncio.create_task(_send(side.port, request, due, free, told)))
    await asyncio.gather(*sending)
    told.seconds, told.cpu_s = time.perf_counter() - began, cpu_s(side.pid) - cpu
    for line in free:
        line.close()
    return told


async def _send(port: int, request: bytes, due: float, free: list[Connection], told: Told) -> None:
    try:
        line = free.pop() if free else await Connection.open(port)
        status, body = await line.ask(request)
    except (Broken, OSError) as error:
        told.wrong.append(str(error))
        return
    told.took.append(time.perf_counter() - due)
    free.append(line)
    if status != 200:
        told.wrong.append(f"{status} {body[:200]!r}")


def _request(slack: SlackServer, channel: str, n: int) -> bytes:
    """One signed event: a mention that begins a thread of its own."""
    ts = f"{int(time.time())}.{n:06d}"
    event = {
        "type": "app_mention",
        "channel": channel,
        "channel_type": "channel",
        "user": ANA.id,
        "text": f"<@{BOT_USER}> {HANGS}",
        "ts": ts,
        "event_ts": ts,
    }
    body = json.dumps(_envelope(event, n))
    head = {"Content-Type": "application/json", **slack.signed(body)}
    return _post(body.encode(), head)


def _envelope(event: Mapping[str, Any], n: int) -> Mapping[str, Any]:
    return {
        "type": "event_callback",
        "team_id": TEAM,
        "api_app_id": APP,
        "event": event,
        "event_id": f"EvB{n:08d}",
        "event_time": int(time.time()),
    }


def _post(body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {PATH} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
