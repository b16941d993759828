"""Follows one conversation in a thread of its own, through breaks and restarts of the house.

Each event is handed to `on_event` in order and once: the last id goes along when the connection is
made again, and without one the number of the last line. A house that was restarted has another
port and token, so the way to it is looked up afresh each time.
"""

import json
from collections.abc import Callable
from threading import Event, Thread

from bot.cli.client import Client, Refused, Unreachable, path_of
from bot.cli.keyboard import ctrl_c_waits
from bot.cli.record import Record
from bot.cli.sse import Frame
from bot.core.errors import BotError

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 3.0
MOST_REFUSALS = 5
"""A house that has just started may not know a token yet that it is about to write down."""

OnEvent = Callable[[str, Record], None]
"""Name and data. Of our own: `lost` and `back` for the connection, `gone` when it is over."""


class Feed:
    """One conversation."""

    def __init__(
        self, conversation: str, connect: Callable[[], Client | None], on_event: OnEvent
    ) -> None:
        """`connect` finds the house as it is now; None while there is none."""
        self.conversation = conversation
        self._connect = connect
        self._on_event = on_event
        self._after = 0
        self._last_id = ""
        self._is_lost = False
        self._stop = Event()
        self._thread = Thread(target=self._run, name=f"feed {conversation}", daemon=True)

    def start(self, after: int = 0) -> None:
        """Begin after a line's number."""
        self._after = after
        with ctrl_c_waits():
            self._thread.start()

    def stop(self) -> None:
        """Let go; an event that is on its way is dropped."""
        self._stop.set()

    def _run(self) -> None:
        wait, refused = FIRST_WAIT_S, 0
        while not self._stop.is_set():
            try:
                client = self._connect()
                if client is not None and self._follow(client):
                    wait, refused = FIRST_WAIT_S, 0
            except Refused as error:
                refused += 1
                if error.status in (403, 404) or refused > MOST_REFUSALS:
                    self._tell("gone", Record({"message": error.message}))
                    return
            except BotError:
                pass  # it does not answer; it is looked for again below
            self._lose()
            self._stop.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)

    def _follow(self, client: Client) -> bool:
        """Hand events on until the connection ends; whether there was one."""
        path = path_of("conversations", self.conversation, "stream")
        seen = False
        try:
            for frame in client.stream(f"{path}?after={self._after}", self._last_id):
                if self._stop.is_set():
                    return True
                seen = True
                self._find()
                self._hand_on(frame)
        except Unreachable:
            pass
        return seen

    def _hand_on(self, frame: Frame) -> None:
        try:
            data = Record(json.loads(frame.data))
        except ValueError:
            return
        self._last_id = frame.id
        if frame.name == "message":
            self._after = max(self._after, data.number("n"))
        self._tell(frame.name, data)

    def _lose(self) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._tell("lost", Record({}))

    def _find(self) -> None:
        if self._is_lost:
            self._is_lost = False
            self._tell("back", Record({}))

    def _tell(self, name: str, data: Record) -> None:
        if not self._stop.is_set():
            self._on_event(name, data)
