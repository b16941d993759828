"""One life of an engine whose agent uses a server's tool: `python -m tests.tools.mcp.life SPEC`.

SPEC is JSON: `folder`; `kill`, a named point at which to die; `ask`, whether to bring the message.
The database is a real file. An owner approves the server's words and presses Approve on the card. At
the end it prints, as JSON, what the rows say.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import bot.effects
from bot import points
from bot.core.approval import Answer, Decision
from bot.core.event import Event, Kind, Place, Sender
from bot.core.ids import EventId, conv_key
from bot.core.model import ModelReply, ModelRequest
from bot.core.ports import new_id
from bot.infra.clock import SystemClock
from bot.store import approvals as approval_rows
from bot.store.sqlite import SqliteDatabase
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import ANA, HOME, OLGA, assemble
from tests.kill.child import prepare
from tests.tools.mcp import kit
from tools.mcp._hub import Hub

ROWS = "select state, attempt, error from effect where kind = 'tool'"


def think(request: ModelRequest) -> ModelReply:
    """Add a note when asked to, and say what came of it."""
    told = last_words(request)
    if "note please" in told and request.messages[-1].role == "user":
        return call(("notes_add", {"title": "tea"}))
    return say(f"So it is. {told}")


async def live(spec: dict[str, Any]) -> None:
    """Until the question is settled or asked anew, or the end."""
    bot.effects.LOOK_AFTER_S = bot.effects.ROUND_S = bot.effects.PAUSE_S = 0.05
    folder = Path(spec["folder"])
    path = folder / "switchboard.db"
    if not path.exists():
        prepare(path)
    db, clock = SqliteDatabase(path), SystemClock()
    await db.open()
    hub = Hub([kit.notes(folder)], db, clock, kit.nowhere)
    await hub.start()
    engine = assemble(db, clock, ScriptedModel(think), {})
    engine.toolset.guests = hub
    await engine.start()
    if spec["ask"]:
        await hub.check(HOME, "notes")
        (hash_,) = (t.seen_hash for s in hub.standings(HOME) for t in s.tools if t.name == "add")
        await hub.approve(HOME, "notes", "add", hash_, f"person:{OLGA}")
        await engine.inbox.accept(message(clock))
        points.arm(lambda name: die() if name == spec["kill"] else None)
        await decide(engine, db)
    await quiet(db)
    rows = await asyncio.to_thread(look, path)
    await engine.stop(1.0)
    await hub.close()
    await db.close()
    print(json.dumps(rows))


def die() -> None:
    """As if the machine had lost its power."""
    os.kill(os.getpid(), signal.SIGKILL)


def message(clock: SystemClock) -> Event:
    """Ana asks."""
    return Event(
        id=EventId(new_id(clock, "evt")),
        tenant=HOME,
        channel="web",
        account="",
        ext_id="1",
        kind=Kind.MESSAGE,
        conv=conv_key("web", "", "room", "1"),
        sender=Sender(ext_id=ANA, name="Ana", person=ANA),
        place=Place(id="room", thread="1"),
        text="note please",
        at=clock.now(),
    )


async def decide(engine: Any, db: SqliteDatabase) -> None:
    """Olga presses Approve, twice."""
    while not (found := await db.read(approval_rows.listed(HOME, "pending", 1 << 62, 10))):
        await asyncio.sleep(0.02)
    (item,) = found
    answer = Answer(
        approval=item.id, decision=Decision.APPROVE, person=OLGA, version=item.version, arguments={}
    )
    await asyncio.gather(
        *(engine.approvals.decide(HOME, answer) for _ in range(2)), return_exceptions=True
    )


async def quiet(db: SqliteDatabase) -> None:
    """Until nothing is in flight."""
    calm = 0
    while calm < 10:
        await asyncio.sleep(0.05)
        rows = await asyncio.to_thread(look, db.path)
        busy = any(state in ("ready", "sending", "planned") for state, *_ in rows["effects"])
        calm = 0 if busy or rows["new"] else calm + 1


def look(path: Path) -> dict[str, Any]:
    """What the rows say, to an outsider."""
    import sqlite3

    conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return {
            "effects": conn.execute(ROWS).fetchall(),
            "new": conn.execute("select count(*) from inbox where state = 'new'").fetchone()[0],
            "asked": [r[0] for r in conn.execute("select kind || ' ' || state from approval")],
            "said": [r[0] for r in conn.execute("select text from message order by rowid")],
            "tainted": [r[0] for r in conn.execute("select tainted from conv")],
            "audit": [r[0] for r in conn.execute("select action from audit order by seq")],
        }
    finally:
        conn.close()


if __name__ == "__main__":
    asyncio.run(live(json.loads(sys.argv[1])))
