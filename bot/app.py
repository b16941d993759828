"""How a house is started: `serve` until it is told to stop, `local` for one verb of the command.

What a house is made of stands in `bot/wiring/house.py`.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.command import runnable
from bot.config.endpoints import unknown
from bot.core.secret import Secret
from bot.extensions import secrets_of
from bot.home import Home, hold, owner_token
from bot.logs import Logs
from bot.logs import setup as setup_logs
from bot.settings import Settings, misspelt
from bot.store import schema
from bot.wiring import database, toolbox
from bot.wiring.house import VERSION, App

log = logging.getLogger(__name__)

NO_SECRET = Secret("")
RUBBISH = (5_000, 4, 200)
"""How much is left lying before cycles are looked for: a turn makes few, and looking at Python's
usual thresholds costs a twentieth of it. The middle number is small because nothing else happens
while 20,000 objects are looked through (15 ms); of 200,000 it took 180 ms when turns were many."""
SWITCH_S = 0.0005
"""How long a thread that waits for the interpreter lets another go on. The writer of the database
gives it up at every statement; at Python's usual 5 ms a busy loop made each commit, and so each
acknowledgement, wait a hundred times that."""
END_S = 10.0
"""How long a stop may take. Python waits for threads, and one may hang for ever in a folder that
does not answer; what it had not committed is taken up at the next start, as after a kill."""


def serve(settings: Settings) -> int:
    """Run until told to stop; the exit code. Raises OperatorError, OSError (no port is free)."""
    home = hold(settings.home)
    logs = setup_logs(settings.log.level, sys.stderr, _secrets(settings))
    return asyncio.run(_serve(settings, home, logs))


async def _serve(settings: Settings, home: Home, logs: Logs) -> int:
    app = App(settings, home, logs.redact.add)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, app.over.set)
    await app.start(settings.ports)
    gc.freeze()  # what a start leaves stays; it need not be looked through again and again
    gc.set_threshold(*RUBBISH)
    gc.enable()
    sys.setswitchinterval(SWITCH_S)
    token = owner_token()
    app.credentials.lend(app.owner, token)
    home.announce(app.local_url, token, VERSION)
    _say(_welcome(app, await app.sign_in_link()))
    await app.over.wait()
    _say(app.retired or "Stopping.")
    code = 1 if app.retired else 0
    _end_by_then(code)
    await app.stop()
    return code


def _end_by_then(code: int) -> None:
    """End the process in `END_S`, whatever still hangs."""

    def end() -> None:
        stuck = ", ".join(thread.name for thread in threading.enumerate() if not thread.daemon)
        log.error("Not everything ended in time (%s); the process ends now.", stuck)
        sys.stdout.flush()
        os._exit(code)

    timer = threading.Timer(END_S, end)
    timer.daemon = True
    timer.start()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _welcome(app: App, link: str) -> str:
    model, offline = app.models.current()
    thinks = f"{model} (built in, no account needed)" if offline else model
    cut = "1 turn that was" if app.resumed == 1 else f"{app.resumed} turns that were"
    resumed = f"\n  Going on  {cut} cut off" if app.resumed else ""
    hints = [f"\n  Unread    {name}; did you mean {meant}?" for meant, name in misspelt().items()]
    hints += [f"\n  Unread    [endpoint] {name}; nothing here is called so" for name in _stray(app)]
    again = runnable("`bot login` prints another")
    return (
        f"\n  Switchboard {VERSION} is running.\n"
        f"\n  Open      {link}\n"
        f"            (once, within an hour; {again})\n"
        f"  Model     {thinks}\n"
        f"  Folder    {app.home.folder}{resumed}{''.join(hints)}\n"
        f"\n  Ctrl-C stops it; nothing is lost.\n"
    )


def _stray(app: App) -> list[str]:
    """Names in `[endpoint]` that neither the settings nor an agent's file has anything for."""
    if app.extensions:
        return []  # they may bring whatever is called so
    agents = {agent.model.partition("/")[0] for agent in app.team.all(app.tenant.id)}
    found = unknown(app.settings.endpoint, app.settings.models)
    return [name for name in found if name not in agents]


@dataclass(slots=True)
class _Lent:
    """A house in a thread of its own."""

    url: str = ""
    token: Secret = NO_SECRET
    error: BaseException | None = None


@contextlib.contextmanager
def local(settings: Settings) -> Iterator[tuple[str, str]]:
    """A house of one verb's length on a free port of this machine: its URL and token."""
    home = hold(settings.home)
    logs = setup_logs("error", sys.stderr, _secrets(settings))
    ready, done, lent = threading.Event(), threading.Event(), _Lent()

    async def lend() -> None:
        app = App(settings, home, logs.redact.add)
        try:
            await app.start((0,))
        except BaseException:
            home.release()  # what else it opened ends with the verb, which says why
            raise
        try:
            lent.url, lent.token = app.local_url, owner_token()
            app.credentials.lend(app.owner, lent.token)
            ready.set()
            await asyncio.to_thread(done.wait)
        finally:
            await app.stop()

    def work() -> None:
        try:
            asyncio.run(lend())
        except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
            lent.error = error
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="house")
    thread.start()
    ready.wait()
    try:
        if lent.error is None:
            yield lent.url, lent.token.reveal()
    finally:
        done.set()
        thread.join()
    if lent.error is not None:
        raise lent.error


def db_status(settings: Settings) -> tuple[str, str]:
    """The schema that the database has, and the one that this program needs."""
    return str(database.schema_of(settings)), str(schema.VERSION)


def db_upgrade(settings: Settings, say: Callable[[str], None]) -> None:
    """Bring the database to the needed schema."""
    done = database.upgrade(settings, lambda: hold(settings.home))
    say({"new": "Made a new database.", "same": "Nothing to do."}.get(done, "Upgraded."))


def db_examine(settings: Settings) -> tuple[Sequence[tuple[str, str]], Sequence[str]]:
    """What is wrong with the database, each with what mends it; and how a shared one is."""
    return database.examine(settings)


def _secrets(settings: Settings) -> list[Secret]:
    keys = settings.keys
    found = [getattr(keys, name) for name in type(keys).model_fields]
    found += [settings.master_key, settings.api_token, *toolbox.secrets(settings)]
    found += [settings.files.key_secret, settings.files.supabase_key]
    found += secrets_of(settings.extensions.options)
    found += secrets_of(settings.channels)
    found += secrets_of(settings.oauth)
    return [secret for secret in found if secret]
