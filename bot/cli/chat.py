"""`bot chat`: the same agents, streaming and approvals as on the page, in a terminal.

What begins with `/` goes to the house like everywhere, but for `/key` and `/quit`: a key must never
become a message. Ctrl-C stops the turn first; when nothing runs it leaves. Without a terminal each
line of the input is one message, and `bot chat WORDS` says one thing and ends.
"""

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bot.cli.client import Client, HttpClient, Unreachable, pages, path_of
from bot.cli.decide import Asking
from bot.cli.feed import Feed
from bot.cli.keyboard import Lines, ctrl_c_waits
from bot.cli.keys import paste
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.talk import Talk
from bot.cli.terminal import clean, count
from bot.command import runnable
from bot.core.errors import BotError, UserError
from bot.core.secret import Secret
from bot.infra.clock import SystemClock

PROMPT = "you › "
OUTCOME_S = 20.0
"""So long the outcome of a decision is waited for; after that it appears whenever it comes."""
RETRY_S, TRIES = 0.75, 40
"""Of sending one message while the house is being restarted: half a minute."""
HISTORY = 20
_UNKNOWN = "\0"
"""The turn of a message that is on its way; no turn is called so."""
_LIKE_A_KEY = re.compile(r"(?:sk-|csk-|AIza)\S{16,}")


class NotSent(UserError):
    """That was not sent. The arrow up brings it back."""


class Chat:
    """One sitting."""

    def __init__(self, shell: Shell, client: Client, lines: Lines, *, borrowed: bool) -> None:
        self._shell = shell
        self._client = client
        self._borrowed = borrowed
        self._lines = lines
        found = shell.running()
        self._talk = Talk(shell.terminal, lines, self._look, found.url if found else "")
        self._asking = Asking(shell, self._house, lines)
        self._feed: Feed | None = None
        self._clock = SystemClock()
        self._is_taken = False
        """The house has the message that was sent last."""
        self.conversation = ""
        self.agent = ""

    def welcome(self) -> None:
        """Who is here, which model answers, what waits."""
        me = self._client.call("GET", path_of("me"))
        terminal, model = self._shell.terminal, me.record("model")
        waiting = me.number("pending")
        words = ["Switchboard", clean(model.text("name"))]
        words += [f"{count(waiting, 'approval')} waiting (/approvals)"] if waiting else []
        terminal.say(terminal.style(" · ".join(filter(None, words)), "bold"))
        if model.flag("offline"):
            terminal.say("No model's key yet: the built-in offline model answers. /key pastes one.")
        terminal.say(
            terminal.style("/help lists what you can write. Ctrl-C stops, Ctrl-D leaves.", "dim")
        )

    def resume(self, conversation: str) -> None:
        """Go on with a conversation: its last lines, what waits in it, then what happens."""
        path = path_of("conversations", conversation, "messages")
        for line in list(pages(self._client, path))[-HISTORY:]:
            self._talk.past(line)
        waiting = pages(
            self._client, path_of("approvals"), state="pending", conversation=conversation
        )
        self._talk.asked += [approval.text("id") for approval in waiting]
        self._follow(conversation, self._talk.position)

    def loop(self) -> int:
        """Talk until the person leaves."""
        try:
            while not self._talk.gone:
                self._ask()
                text = self._read()
                if text in (None, "/quit", "/exit"):
                    break
                self._one(text)
        except KeyboardInterrupt:
            self._shell.terminal.say()
        return self.leave()

    def say(self, text: str) -> int:
        """Say one thing, wait for the answer, and return the exit code."""
        self._turn(text)
        self._ask()
        return 1 if self._talk.failed or self._talk.gone else 0

    def leave(self) -> int:
        """Let go of everything; the conversation stays."""
        if self._feed:
            self._feed.stop()
        self._lines.close()
        if self._talk.gone:
            self._shell.terminal.fail(self._talk.gone)
            return 1
        if self.conversation and self._shell.terminal.is_live:
            words = f"Go on later: bot chat --conversation {self.conversation}"
            self._shell.terminal.say(runnable(words))
        return 0

    def _read(self) -> str | None:
        """What the person writes; None when they leave."""
        self._talk.typing(True)
        try:
            return self._lines.message(PROMPT).strip()
        except EOFError:
            self._shell.terminal.say()
            return None
        except KeyboardInterrupt:
            self._shell.terminal.say()
            return "" if self._lines.typed() else None
        finally:
            self._talk.typing(False)

    def _one(self, text: str) -> None:
        try:
            if text == "/key" or _LIKE_A_KEY.fullmatch(text):
                self._key("" if text == "/key" else text)
            elif text:
                self._turn(text)
        except BotError as error:
            self._shell.terminal.fail(error.message)

    def _send(self, text: str) -> None:
        """Send one message; its key makes a repeat harmless."""
        body = {"text": text}
        if self.agent:
            body["agent"] = self.agent
        if self.conversation:
            body["conversation"] = self.conversation
        self._talk.expect(_UNKNOWN)
        self._is_taken = False
        key = self._clock.chance(16).hex()
        for attempt in range(TRIES):
            with ctrl_c_waits():  # a message that was taken has its turn, which can be stopped
                try:
                    return self._taken(
                        self._house().call("POST", path_of("messages"), body, key=key)
                    )
                except Unreachable:
                    if self._borrowed or attempt == TRIES - 1:
                        raise
            self._shell.terminal.progress("  · waiting for Switchboard…")
            self._talk.wait(RETRY_S)

    def _taken(self, accepted: Record) -> None:
        self.agent, self._is_taken = "", True
        if accepted.text("conversation") != self.conversation:
            self._follow(accepted.text("conversation"))
        if reply := accepted.text("reply"):
            self._shell.terminal.event("reply", accepted)
            self._talk.answered(accepted.text("event"), reply)
        else:
            self._talk.expect(accepted.text("event"))

    def _follow(self, conversation: str, after: int = 0) -> None:
        if self._feed:
            self._feed.stop()
        self.conversation = conversation
        self._feed = Feed(conversation, self._find, self._talk)
        self._feed.start(after)

    def _turn(self, text: str) -> None:
        """Send and wait until the turn is over. Ctrl-C asks to stop it; once more leaves.

        Raises NotSent when it comes while the house is away.
        """
        try:
            self._send(text)
            self._talk.wait()
        except KeyboardInterrupt:
            self._shell.terminal.progress("")
            if not self._is_taken:
                raise NotSent from None
            self._shell.terminal.progress("  · stopping…")
            with suppress(BotError):
                self._house().call("POST", path_of("conversations", self.conversation, "stop"), {})
            self._talk.wait(OUTCOME_S)
            self._shell.terminal.progress("")

    def _ask(self) -> None:
        """Put each question that waits to the person, and wait for what comes of it."""
        if not self._shell.terminal.is_live or not sys.stdin.isatty():
            return
        while self._talk.asked:
            name = self._talk.asked.pop(0)
            try:
                approval = self._house().call("GET", path_of("approvals", name))
                self._talk.expect("")
                if approval.text("state") == "pending" and self._put(approval):
                    self._talk.wait(OUTCOME_S)
            except KeyboardInterrupt:
                self._shell.terminal.say()
            except BotError as error:
                self._shell.terminal.fail(error.message)

    def _put(self, approval: Record) -> bool:
        """Put one question to the person; whether they decided it."""
        with self._talk.hush():
            decided = self._asking.ask(approval) is not None
            if decided:
                self._talk.settled(approval.text("id"))
            return decided

    def _look(self, approval: str) -> Record | None:
        """A question as it stands now; None where the house does not answer."""
        try:
            return self._house().call("GET", path_of("approvals", approval))
        except BotError:
            return None

    def _key(self, text: str) -> None:
        terminal = self._shell.terminal
        try:
            key = text or self._lines.secret("Paste the key (it is not shown): ")
            if key:
                paste(self._house(), terminal, Secret(key))
        except (EOFError, KeyboardInterrupt):
            terminal.say("No key was saved.")

    def _house(self) -> Client:
        """The house as it is now; the one that was there, when there is none."""
        return self._find() or self._client

    def _find(self) -> Client | None:
        if self._borrowed:
            return self._client
        found = self._shell.running()
        return HttpClient(found.url, found.token) if found else None


def chat(shell: Shell, args: Namespace) -> int:
    """Talk."""
    with _house(shell) as (client, borrowed):
        shell.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        sitting = Chat(shell, client, Lines(shell.home / "chat_history"), borrowed=borrowed)
        sitting.agent = args.agent or ""
        is_sitting = sys.stdin.isatty() and not args.words
        if is_sitting:
            sitting.welcome()
        if args.conversation:
            sitting.resume(args.conversation)
        if args.words:
            return sitting.say(" ".join(args.words)) or sitting.leave()
        if not is_sitting:
            codes = [sitting.say(line.strip()) for line in sys.stdin if line.strip()]
            return max(codes, default=0) or sitting.leave()
        return sitting.loop()


@contextmanager
def _house(shell: Shell) -> Iterator[tuple[Client, bool]]:
    is_running = shell.running() is not None
    with shell.client() as client:
        yield client, not is_running


def _declare(parser: ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", metavar="WORDS", help="say this and end")
    parser.add_argument("--agent", metavar="NAME", help="whom to talk to first")
    parser.add_argument("--conversation", metavar="ID", help="go on with this one")
    parser.set_defaults(act=chat)


VERBS = {"chat": _declare}
