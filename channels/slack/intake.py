"""What Slack sends, by either road: told to the house first, answered then.

`take` returns when the house has stored what came, and only then Slack is told that it was taken.
What a person is shown in return goes out afterwards, to that person alone (`showing.py`).
https://docs.slack.dev/interactivity/handling-user-interaction (read 2026-11-21)
"""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.commands import SEEN_ALONE
from bot.core.canonical import Json
from bot.core.channel import Sink
from bot.core.errors import BotError, ConnectionBroken, UserError
from bot.core.event import Event, Kind, Sender
from bot.limits import Buckets, Rate
from bot.platforms.lent import Lent
from bot.render.codes import SHOW_ALL, Press, parse_press
from channels.slack import asking
from channels.slack.calls import REINSTALL, Calls
from channels.slack.events import Body, Reader, body_of, is_ours, list_of, text_of
from channels.slack.opinions import RATE, of_value
from channels.slack.placing import ACTION as CHANGE_PLACE
from channels.slack.placing import CONFIGURE, PLACE, said
from channels.slack.sent import Ledger, has_spoken
from channels.slack.showing import Showing
from channels.slack.views import FEEDBACK, Origin, Sent, of_feedback, sent
from channels.slack.whispers import Whispers, alone
from channels.slack.words import mentions

log = logging.getLogger(__name__)

LOOKS: Final = Rate(count=10, seconds=30)
"""How often threads are looked up that this process has not seen."""
LOOK_S: Final = 1.0
SAY_AGAIN_S: Final = 60.0
"""How long the same sentence is not said again in the same place."""
WAITING: Final = "pending_approvals"
"""The shortcut that lists what waits."""
_FORMS: Final = ("edit", "ask")
_COMMANDS: Final = frozenset(
    {"help", "agents", "agent", "new", "stop", "status", "usage", "approvals", "approve"}
    | {"reject", "whoami", "good", "bad", "memory", "forget", "link"}
)
_HOUSE: Final = re.compile(
    r"(help|agents|new|stop|status|usage|approvals|whoami|memory|good)|(agent|forget) \S+"
    r"|link [A-Z0-9]{4}-?[A-Z0-9]{4}|(approve|reject) \d{4,}\b.*|bad\b.*",
    re.IGNORECASE | re.DOTALL,
)
"""Words that are a command of the house, and not the beginning of what an agent is told."""
Later = Callable[[Coroutine[Any, Any, None]], object]


@dataclass(frozen=True, slots=True)
class Ways:
    """What an intake works with."""

    reader: Reader
    sink: Sink
    calls: Calls
    ledger: Ledger
    whispers: Whispers


class Stranger(Exception):
    """It was sent to another workspace's app."""


class Intake:
    """Takes what Slack sends."""

    def __init__(self, ways: Ways, lent: Lent, later: Later) -> None:
        """`later` does something when Slack has been answered."""
        self._reader = ways.reader
        self._ledger = ways.ledger
        self._whispers = ways.whispers
        self._looks = Buckets(lent.clock)
        self._looking: dict[tuple[str, str], asyncio.Event] = {}
        self._sink = ways.sink
        self._calls = ways.calls
        self._clock = lent.clock
        self._later = later
        self._showing = Showing(ways.calls, lent.desk, ways.reader.account, ways.whispers)
        self._said: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    async def take(self, road: str, payload: Body) -> dict[str, Json] | None:
        """Store it; returns what Slack is to be answered, mostly nothing.

        `road` is events_api, interactive or slash_commands. Raises Stranger, ConnectionBroken when
        the app was removed, and StoreError: then Slack is not told that it was taken.
        """
        if road == "events_api":
            await self._event(payload)
        elif road == "slash_commands":
            await self._command(payload)
        elif road == "interactive":
            return await self._interaction(payload)
        return None

    # --- events -----------------------------------------------------------------------------

    async def _event(self, payload: Body) -> None:
        account = self._reader.account
        if not is_ours(payload, account.team):
            raise Stranger
        inner = body_of(payload, "event")
        kind = text_of(inner, "type")
        if kind == "app_uninstalled" or (
            kind == "tokens_revoked" and account.user in list_of(body_of(inner, "tokens"), "bot")
        ):
            raise ConnectionBroken(f"The Slack app was removed from the workspace. {REINSTALL}")
        if kind == "app_home_opened" and text_of(inner, "tab") == "home":
            self._later(self._showing.home(text_of(inner, "user")))
            return
        if kind == "message" and text_of(inner, "channel").startswith("D"):
            self._ledger.meet(text_of(inner, "channel"))
        await self._recall(inner)
        if event := self._reader.read(inner):
            await self._tell(event)

    async def _recall(self, event: Body) -> None:
        """Look once whether the app has spoken in a thread of which this process knows nothing."""
        us, channel = self._reader.account.user, text_of(event, "channel")
        thread = text_of(event, "thread_ts")
        if not thread or channel.startswith("D"):
            return
        while looking := self._looking.get((channel, thread)):
            await looking.wait()  # what is said in a thread stays in its order
        if self._ledger.knows(channel, thread):
            return
        if mentions(text_of(event, "text", 200_000), us) or self._looks.take(("",), LOOKS) > 0:
            return
        done, spoken = asyncio.Event(), False
        self._looking[channel, thread] = done
        try:
            async with asyncio.timeout(LOOK_S):
                spoken = await has_spoken(self._calls, us, channel, thread)
        except (BotError, TimeoutError) as error:
            log.info("A thread could not be looked up: %s", type(error).__name__)
        finally:
            self._ledger.note(channel, thread, spoken)
            del self._looking[channel, thread]
            done.set()

    async def _tell(self, event: Event) -> None:
        try:
            await self._sink(event)
        except UserError as error:
            if event.kind == Kind.FEEDBACK:
                log.info("A thumb was not taken: %s", error.message)
            elif event.addressed:
                self._later(self._say_once(event, error.message))

    async def _say_once(self, event: Event, words: str) -> None:
        """Say why a message was not taken, where it was written."""
        key, now = (event.place.id, event.place.thread, words), self._clock.monotonic()
        if now - self._said.get(key, -SAY_AGAIN_S) < SAY_AGAIN_S:
            return
        self._said[key] = now
        while len(self._said) > 1000:
            self._said.popitem(last=False)
        origin = Origin(channel=event.place.id, thread=event.place.thread, message="")
        await self._showing.words(event.sender.ext_id, origin, words)

    async def _command(self, payload: Body) -> None:
        """A slash command: one of the house's own, or words for an agent."""
        account = self._reader.account
        if text_of(payload, "team_id") != account.team:
            raise Stranger
        channel, user = text_of(payload, "channel_id"), text_of(payload, "user_id")
        self._whispers.keep(channel, user, text_of(payload, "response_url", 1000))
        thread = "" if self._ledger.is_own(channel) else alone(user)
        name = text_of(payload, "command").removeprefix("/")
        words = text_of(payload, "text", 40_000).strip()
        who = Sender(ext_id=user, name=text_of(payload, "user_name"))
        if words == CONFIGURE and name not in _COMMANDS:
            site = self._showing.placing.site(channel, text_of(payload, "channel_name"))
            origin = Origin(channel=channel, thread=thread, message="")
            self._later(
                self._showing.configure(who, origin, text_of(payload, "trigger_id", 500), site)
            )
            return
        if name in _COMMANDS:
            words = f"/{name} {words}".strip()
        elif _HOUSE.fullmatch(words):
            first, space, rest = words.partition(" ")
            words = f"/{first.lower()}{space}{rest}"
        event = self._reader.event(
            f"command:{account.team}:{text_of(payload, 'trigger_id')}",
            Kind.MESSAGE,
            who,
            self._reader.place(channel, thread),
            text=words or "/help",
            payload={SEEN_ALONE: True} if thread else {},
        )
        await self._tell(event)

    # --- buttons and forms ------------------------------------------------------------------

    async def _interaction(self, payload: Body) -> dict[str, Json] | None:
        user, team = body_of(payload, "user"), body_of(payload, "team")
        found = text_of(team, "id") or text_of(user, "team_id")
        if found != self._reader.account.team:
            raise Stranger
        who = Sender(
            ext_id=text_of(user, "id"), name=text_of(user, "name") or text_of(user, "username")
        )
        kind = text_of(payload, "type")
        if kind == "block_actions" and who.ext_id:
            await self._actions(payload, who)
        elif kind == "shortcut" and text_of(payload, "callback_id") == WAITING:
            trigger = text_of(payload, "trigger_id", 500)
            self._later(self._showing.waiting(who.ext_id, trigger))
        elif kind == "message_action" and text_of(payload, "callback_id") == asking.SHORTCUT:
            about = asking.about(payload, self._reader.account.user)
            self._whispers.keep(about.channel, who.ext_id, text_of(payload, "response_url", 1000))
            trigger = text_of(payload, "trigger_id", 500)
            self._later(self._showing.ask(who.ext_id, trigger, about))
        elif kind == "view_submission" and who.ext_id:
            return await self._submission(payload, who)
        return None

    async def _actions(self, payload: Body, who: Sender) -> None:
        message, container = body_of(payload, "message"), body_of(payload, "container")
        origin = Origin(
            channel=text_of(body_of(payload, "channel"), "id") or text_of(container, "channel_id"),
            thread=text_of(message, "thread_ts") or text_of(container, "thread_ts"),
            message=text_of(message, "ts") or text_of(container, "message_ts"),
        )
        trigger = text_of(payload, "trigger_id", 500)
        for action in list_of(payload, "actions")[:10]:
            press = parse_press(text_of(action, "value", 2000))
            name = f"{origin.channel}:{origin.message}:{who.ext_id}:{text_of(action, 'action_ts')}"
            if text_of(action, "action_id") == CHANGE_PLACE:
                site = self._showing.placing.site(text_of(action, "value").removeprefix("*"))
                self._later(self._showing.configure(who, origin, trigger, site))
            elif text_of(action, "action_id") == RATE:
                rated = text_of(action, "value", 2000)
                await self._rated((f"thumb:{name}", rated, trigger), who, origin)
            elif press and press.choice == SHOW_ALL:
                self._later(self._showing.whole(who, origin, press))
            elif press and press.choice in _FORMS:
                self._later(self._showing.form(who, origin, trigger, press))
            elif press:
                await self._press(press, f"press:{name}", who, origin)

    async def _press(self, press: Press, name: str, who: Sender, origin: Origin) -> None:
        payload = {"approval": press.approval, "version": press.version, "choice": press.choice}
        ref = f"{origin.channel}:{origin.message}" if origin.message else ""
        event = self._told(name, Kind.PRESSED, who, origin, payload=payload, reply_to=ref)
        await self._answered(event, origin)

    async def _rated(self, said: tuple[str, str, str], who: Sender, origin: Origin) -> None:
        """A thumb below an answer (name, value, trigger); one that is down asks why in a form."""
        name, value, trigger = said
        thumb, first = of_value(value)
        if not thumb:
            return
        ref = self._ledger.first(f"{origin.channel}:{first or origin.message}")
        rated = replace(origin, message=ref.partition(":")[2])
        await self._thumb(thumb, name, who, rated)
        if thumb == "down":
            self._later(self._showing.open(trigger, of_feedback(rated)))

    async def _thumb(
        self, value: str, name: str, who: Sender, origin: Origin, detail: str = ""
    ) -> None:
        payload: dict[str, Json] = {"value": value, **({"detail": detail} if detail else {})}
        ref = f"{origin.channel}:{origin.message}"
        event = self._told(name, Kind.FEEDBACK, who, origin, payload=payload, reply_to=ref)
        await self._answered(event, origin)

    async def _submission(self, payload: Body, who: Sender) -> dict[str, Json] | None:
        view = body_of(payload, "view")
        if text_of(view, "callback_id") == PLACE:
            return await self._placed(view, who)
        if text_of(view, "callback_id") == asking.FORM:
            if event := asking.event_of(view, who, self._reader):
                await self._tell(event)
            return None
        form = sent(view)
        if form is None:
            return None
        name = f"{text_of(view, 'id')}:{who.ext_id}:{text_of(payload, 'trigger_id', 500)}"
        if form.callback == FEEDBACK:
            detail = form.inputs.get("detail", "")
            await self._thumb("down", f"thumb:{name}", who, form.origin, detail)
            return None
        return await self._filled(form, f"form:{name}", who)

    async def _placed(self, view: Body, who: Sender) -> dict[str, Json] | None:
        """Write down what is answered in a place, and say so to who changed it."""
        wrong, manner = await self._showing.placing.submitted(view, who)
        if wrong is None:
            self._later(self._showing.home(who.ext_id))
            if manner.site.place:
                origin = Origin(channel=manner.site.place, thread="", message="")
                self._later(self._showing.words(who.ext_id, origin, said(manner)))
        return wrong

    async def _filled(self, form: Sent, name: str, who: Sender) -> dict[str, Json] | None:
        """Tell of a form; what is wrong is said inside it, so that nothing typed is lost."""
        inputs: dict[str, Json] = dict(form.inputs)
        payload: dict[str, Json] = {**form.about, "inputs": inputs}
        ref = f"{form.origin.channel}:{form.origin.message}" if form.origin.message else ""
        event = self._told(name, Kind.FORM, who, form.origin, payload=payload, reply_to=ref)
        try:
            taken = await self._sink(event)
        except UserError as error:
            return {"response_action": "errors", "errors": {"i0": error.message[:150]}}
        self._later(self._showing.words(who.ext_id, form.origin, taken.reply))
        return None

    def _told(self, name: str, kind: str, who: Sender, origin: Origin, **more: Any) -> Event:
        place = self._reader.place(origin.channel, origin.thread)
        return self._reader.event(f"{self._reader.account.team}:{name}", kind, who, place, **more)

    async def _answered(self, event: Event, origin: Origin) -> None:
        """Tell of a press; whoever pressed is shown alone what came of it."""
        try:
            words = (await self._sink(event)).reply
        except UserError as error:
            words = error.message
        self._later(self._showing.words(event.sender.ext_id, origin, words))
