"""Forks lives quickly: everything is imported and every statement compiled once, before the fork.

Reads a line of JSON for each life and answers with one: how it ended. `kill_after_s` kills it
with signal 9 from outside; a life that neither ends nor dies within `limit_s` is killed and told.
Started as `python -m tests.kill.nursery`; it has no threads, so a fork is clean.
"""

import faulthandler
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import bot.store
from bot.store.script import Statement
from bot.store.sqlite import DIALECT
from tests.fakes.switchboard import image
from tests.kill import broken, child

LIMIT_S = 20.0


def warm() -> None:
    """Do once what every life would do again."""
    image()
    for module in iter_modules(bot.store.__path__):
        if module.ispkg:
            continue
        for value in vars(import_module(f"bot.store.{module.name}")).values():
            if isinstance(value, Statement):
                value.text(DIALECT)


def raise_(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fork one life and wait for its end."""
    spec = dict(spec)
    kill_after_s = spec.pop("kill_after_s", None)
    limit_s = spec.pop("limit_s", LIMIT_S)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            logging.disable(logging.WARNING)
            faulthandler.enable()
            broken.apply(str(spec.get("breaks", "")))
            child.main(spec)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + limit_s
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            signal_ = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            return {"signal": signal_, "code": os.waitstatus_to_exitcode(status)}
        if time.monotonic() > until:
            os.kill(pid, signal.SIGUSR1)  # tells what it waits for
            time.sleep(1)
            os.kill(pid, signal.SIGABRT)  # tells where it is
            os.waitpid(pid, 0)
            return {"signal": 0, "code": -1, "stuck": True}
        time.sleep(0.002)


def main() -> None:
    """Serve until the input ends."""
    warm()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(raise_(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
