"""What every verb is given: the terminal, the settings, and the house to speak to.

The house is the one that runs on the home folder; with none running it is borrowed for the length
of the verb, so that a verb works the same either way.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from bot.cli import running
from bot.cli.client import Client, HttpClient
from bot.cli.house import house
from bot.cli.keyboard import ctrl_c_waits
from bot.cli.platforms import platforms
from bot.cli.running import NotRunning, Running
from bot.cli.terminal import Terminal
from bot.core.secret import Secret
from bot.settings import Settings, home_of, load, surroundings


class Shell:
    """The surroundings of one verb."""

    def __init__(self, config: str | None, as_json: bool) -> None:
        self.config = config
        self.around = surroundings()
        self.terminal = Terminal(as_json=as_json, colour=self.around.colour)

    @cached_property
    def settings(self) -> Settings:
        """The settings, checked but for what platforms are told. Raises Mistaken."""
        return load(self.config)

    @cached_property
    def whole_settings(self) -> Settings:
        """The settings, what platforms are told too, which takes longer. Raises Mistaken."""
        return load(self.config, platforms=platforms())

    @cached_property
    def home(self) -> Path:
        """The home folder, even where other settings are wrong."""
        return home_of(self.config)

    def running(self) -> Running | None:
        """The house that runs on the home folder, looked up afresh."""
        return running.find(self.home)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """The house that runs, or a borrowed one."""
        found = self.running()
        if found is not None:
            yield HttpClient(found.url, found.token)
            return
        self.terminal.progress("opening the folder…")
        with ExitStack() as stack:
            with ctrl_c_waits():
                url, token = stack.enter_context(house().local(self.settings))
            self.terminal.progress("")
            yield HttpClient(url, Secret(token))

    def running_client(self, timeout_s: float = 60.0) -> HttpClient:
        """The house that runs. Raises NotRunning."""
        found = self.running()
        if found is None:
            raise NotRunning
        return HttpClient(found.url, found.token, timeout_s)
