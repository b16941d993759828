"""What one person is shown on Slack: words for them alone, forms, lists, and the app's home.

All of it is asked at the desk, for the person who pressed. A form is opened within the three
seconds that its trigger lives.
https://docs.slack.dev/surfaces/modals (read 2026-11-21)
"""

from collections.abc import Awaitable
from typing import Final

from bot.core.canonical import Json
from bot.core.channel import Dialect
from bot.core.errors import UserError
from bot.core.event import Sender
from bot.platforms.lent import Desk, Site
from bot.render.codes import Press
from bot.render.markdown import pieces
from channels.slack.asking import About, of_ask
from channels.slack.calls import Calls
from channels.slack.events import Account
from channels.slack.features import MAX_CHARS
from channels.slack.placing import Placing
from channels.slack.placing import of_home as places_of_home
from channels.slack.views import STRANGER, Origin, of_form, of_home, of_stranger, of_waiting
from channels.slack.whispers import Whispers, alone, person_of

MAX_SHOWN: Final = 5
"""Messages of a whole text that are shown to one person."""


class Showing:
    """Shows things to one person."""

    def __init__(self, calls: Calls, desk: Desk, account: Account, whispers: Whispers) -> None:
        self._calls = calls
        self._desk = desk
        self._account = account
        self._whispers = whispers
        self.placing = Placing(calls, desk, account)

    async def words(self, user: str, origin: Origin, words: str) -> None:
        """Show words, where they pressed or asked."""
        for text in pieces(words, Dialect.SLACK, MAX_CHARS)[:MAX_SHOWN]:
            if person_of(origin.thread) == user:
                await self._whispers.say(origin.channel, user, text)
            else:
                await self._whispers.show(origin.channel, user, text, origin.thread)

    async def whole(self, who: Sender, origin: Origin, press: Press) -> None:
        """All of a card."""
        asked = self._desk.whole(self._account.key, who.ext_id, press.approval)
        await self._try(who, origin, asked)

    async def form(self, who: Sender, origin: Origin, trigger: str, press: Press) -> None:
        """The form of Edit or Ask."""
        try:
            form = await self._desk.form(
                self._account.key, who.ext_id, press.approval, press.choice
            )
            view = of_form(form, origin)
        except UserError as error:
            await self.words(who.ext_id, origin, error.message)
        else:
            await self.open(trigger, view)

    async def ask(self, user: str, trigger: str, about: About) -> None:
        """The form that asks an agent about a message; a stranger sees how to be let in."""
        if await self._desk.known(self._account.key, user) is None:
            origin = Origin(channel=about.channel, thread=alone(user), message="")
            await self.words(user, origin, STRANGER)
            return
        await self.open(trigger, of_ask(about, self._desk.agents()))

    async def configure(self, who: Sender, origin: Origin, trigger: str, site: Site) -> None:
        """The form that says what is answered in a place."""
        try:
            await self.placing.open(who, trigger, site)
        except UserError as error:
            await self.words(who.ext_id, origin, error.message)

    async def waiting(self, user: str, trigger: str) -> None:
        """What waits for them; a stranger sees how to be let in."""
        known = await self._desk.known(self._account.key, user)
        waiting = await self._desk.waiting(self._account.key, user) if known else None
        await self.open(trigger, of_waiting(waiting))

    async def open(self, trigger: str, view: dict[str, Json]) -> None:
        """A view that pops up."""
        await self._calls.do("views.open", trigger_id=trigger, view=view)

    async def home(self, user: str) -> None:
        """The app's home."""
        key = self._account.key
        try:
            places = places_of_home(await self._desk.manners(key, user), self._account.team)
        except UserError:
            places = []  # others see no button that they may not press
        known = await self._desk.known(key, user)
        if known is None:
            view = of_stranger()
        else:
            waiting = await self._desk.waiting(key, user)
            view = of_home(known, self._desk.agents(), waiting, places)
        await self._calls.do("views.publish", user_id=user, view=view)

    async def _try(self, who: Sender, origin: Origin, text: Awaitable[str]) -> None:
        try:
            words = await text
        except UserError as error:
            words = error.message
        await self.words(who.ext_id, origin, words)
