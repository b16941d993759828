"""What becomes of one activity: an event for the house, and what whoever did it is shown.

`take` returns once the event is stored, and only then Teams is answered. A press is answered in the
response itself, to the presser alone, within the ten seconds that Teams waits.
https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model (read 2026-11-21)
"""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.channel import Sink
from bot.core.errors import UserError, VendorError
from bot.core.event import Event, Kind
from bot.limits import Buckets, Rate
from bot.platforms.lent import Lent
from bot.render.codes import SHOW_ALL, Press, parse_press
from channels.teams.forms import CARD, filled, form_card
from channels.teams.payloads import Activity
from channels.teams.places import ref_of
from channels.teams.reading import Me, event_of, is_person, pressed, told, who
from channels.teams.sending import Sending

log = logging.getLogger(__name__)

FORMS: Final = ("edit", "ask")
WORDS: Final = "application/vnd.microsoft.activity.message"
GONE: Final = "This button means nothing any more."
DONE: Final = "Done."
ALONE: Final = "I wrote it to you alone."
ADD_FIRST: Final = (
    "It is long. Add this app for yourself under Apps in Teams, and then press here again."
)
TOLD: Final = Rate(count=1, seconds=60.0)
"""How often one person is told that something is too much."""
Later = Callable[[Coroutine[Any, Any, None]], object]


class Intake:
    """Takes activities that are surely Microsoft's."""

    def __init__(self, lent: Lent, me: Me, sending: Sending, later: Later) -> None:
        """`later` does something when Teams has been answered."""
        self._desk, self._clock = lent.desk, lent.clock
        self._me = me
        self._sending = sending
        self._later = later
        self._told = Buckets(lent.clock)

    async def take(self, activity: Activity, sink: Sink) -> dict[str, Json] | None:
        """Store what an activity says; returns what Teams is to be answered, mostly nothing.

        Raises StoreError and whatever else the house raises for no fault of the person.
        """
        if activity.type == "invoke":
            return await self._invoke(activity, sink)
        event = event_of(activity, self._me, self._clock.now())
        if event:
            await self._hand_on(event, activity, sink)
        return None

    async def _hand_on(self, event: Event, activity: Activity, sink: Sink) -> None:
        """Give an event to the house; what it refuses is said there, now and then."""
        try:
            await sink(event)
        except UserError as error:
            is_quiet = event.kind == Kind.FEEDBACK or not event.addressed
            where = (event.place.id, event.sender.ext_id)
            if not is_quiet and not self._told.take(where, TOLD):
                conversation = activity.conversation.id
                self._later(self._sending.tell(conversation, error.message))

    # --- presses ----------------------------------------------------------------------------

    async def _invoke(self, activity: Activity, sink: Sink) -> dict[str, Json] | None:
        if activity.name != "adaptiveCard/action":
            return None
        action = activity.value.get("action") if isinstance(activity.value, dict) else None
        data = action.get("data") if isinstance(action, dict) else None
        given = data if isinstance(data, dict) else {}
        value = given.get("press")
        press = parse_press(value) if isinstance(value, str) else None
        if press is None or not activity.id or not is_person(activity.sender):
            return said(GONE)
        texts = {name: text for name, text in given.items() if isinstance(text, str)}
        texts.pop("press")
        try:
            if press.choice == SHOW_ALL:
                return said(await self._whole(activity, press))
            if press.choice in FORMS:
                return await self._form(activity, press, texts, sink)
            payload = pressed(press.approval, press.version, press.choice)
            return said((await sink(self._press(activity, Kind.PRESSED, payload))).reply)
        except UserError as error:
            return said(error.message)

    def _press(self, activity: Activity, kind: Kind, payload: dict[str, Json]) -> Event:
        event = told(activity, self._me, kind, f"{activity.ref}:press", self._clock.now())
        card = activity.reply_to_id
        ref = ref_of(activity.conversation.id, card) if card else ""
        return replace(event, payload=payload, at=self._clock.now(), reply_to=ref)

    async def _form(
        self, activity: Activity, press: Press, texts: dict[str, str], sink: Sink
    ) -> dict[str, Json]:
        """Take what was typed; show a form where nothing was."""
        person = who(activity.sender)
        form = await self._desk.form(self._me.app, person, press.approval, press.choice)
        inputs = filled(form, texts)
        if inputs is None:
            return {"statusCode": 200, "type": CARD, "value": form_card(form)}
        payload = pressed(press.approval, press.version, press.choice)
        payload["inputs"] = dict(inputs)
        return said((await sink(self._press(activity, Kind.FORM, payload))).reply)

    async def _whole(self, activity: Activity, press: Press) -> str:
        """Write all of a card to the person alone; returns what they are told at the button."""
        text = await self._desk.whole(self._me.app, who(activity.sender), press.approval)
        place, _ = activity.place
        conversation = activity.conversation.id
        if not activity.is_direct:
            person, directory = activity.sender.id, self._me.directory
            try:
                conversation = await self._sending.chat_with(place, self._me.id, person, directory)
            except VendorError as error:
                log.info("Teams gives no chat with a person alone: %s", error.message)
                return ADD_FIRST
        self._later(self._sending.tell(conversation, text))
        return ALONE


def said(words: str) -> dict[str, Json]:
    """The answer to a press: words for the presser alone."""
    return {"statusCode": 200, "type": WORDS, "value": words or DONE}
