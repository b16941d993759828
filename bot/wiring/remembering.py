"""What remembers and listens, put together: notes, what is found again, summaries, archives, and
voice notes."""

from collections.abc import Callable
from datetime import timedelta

from agents.runtime.archives import Archives
from agents.runtime.memory import StoredMemory
from agents.runtime.metering import Metered
from agents.runtime.models import ModelDoor
from agents.runtime.summary import Summaries
from agents.runtime.upkeep import Upkeep
from agents.runtime.voices import Voices
from bot.budgets import Budgets
from bot.core.ports import Clock
from bot.files.files import Files
from bot.fleet import Peers
from bot.frozen import frozen
from bot.store.script import Database


@frozen
class Around:
    """What it is made of."""

    db: Database
    clock: Clock
    models: ModelDoor
    budgets: Callable[[], Budgets]
    files: Files
    peers: Peers
    archive_after: timedelta


class Remembering:
    """The parts that remember."""

    def __init__(self, around: Around) -> None:
        db, clock, models, peers = around.db, around.clock, around.models, around.peers
        metered = Metered(
            db,
            clock,
            models,
            lambda: models.embedder,
            around.budgets,
            lambda: models.transcriber,
        )
        self.voices = Voices(db, clock, around.files, metered)
        self.memory = StoredMemory(db, clock, metered)
        summaries = Summaries(db, clock, metered, lambda: models.current()[1])
        self.upkeep = Upkeep(db, clock, metered, summaries, peers)
        kept = (around.files, around.archive_after)
        self.archives = Archives(db, clock, metered, kept, peers)
