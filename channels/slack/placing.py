"""Saying in Slack what is answered in a place: the form, and what comes back of it.

It is opened by the slash command (`configure`) or from the app's home, and only for an owner: the
desk is asked when it is opened and again when it comes back.
https://docs.slack.dev/reference/block-kit/blocks/input-block (read 2026-11-21)
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.errors import UserError
from bot.core.event import Sender
from bot.platforms.lent import Desk, Manner, Site
from bot.render.text import clip
from channels.slack.calls import Calls
from channels.slack.events import Account, Body, body_of, text_of

PLACE: Final = "place_form"
CONFIGURE: Final = "configure"
"""The word behind the slash command."""
ACTION: Final = "configure_action"
"""The buttons of the home page that open the form; their value is the place."""
AGENT, MANNER = "agent", "manner"
MAX_OPTIONS, MAX_OPTION = 100, 75
ROUTED: Final = "-"
"""The choice of no agent: a select has no empty one."""
_MANNERS: Final = {
    "mentions": "Who speaks to it",
    "all": "Everything that is said",
    "none": "Nothing: direct messages alone",
}


class Placing:
    """The form of places."""

    def __init__(self, calls: Calls, desk: Desk, account: Account) -> None:
        self._calls = calls
        self._desk = desk
        self._account = account.key
        self._team = account.team

    def site(self, place: str, name: str = "") -> Site:
        """A place of this workspace; in a direct message, and for none, the whole workspace."""
        if not place or place.startswith("D"):
            return Site(workspace=self._team)
        is_named = name not in ("", "directmessage", "privategroup")
        return Site(workspace=self._team, place=place, name=f"#{name}" if is_named else "")

    async def open(self, who: Sender, trigger: str, site: Site) -> None:
        """Show the form. Raises UserError for who may not change it."""
        manner = await self._desk.manner(self._account, who.ext_id, site)
        view = of_place(manner, self._desk.agents())
        await self._calls.do("views.open", trigger_id=trigger, view=view)

    async def submitted(self, view: Body, who: Sender) -> tuple[dict[str, Json] | None, Manner]:
        """Write down what came back; what is wrong with it is said inside the form."""
        manner = read(view, self._team)
        try:
            await self._desk.set_manner(self._account, who.ext_id, manner)
        except UserError as error:
            errors: dict[str, Json] = {AGENT: error.message[:150]}
            return {"response_action": "errors", "errors": errors}, manner
        return None, manner


def of_place(manner: Manner, agents: Sequence[tuple[str, str]]) -> dict[str, Json]:
    """The form of one place, or of the workspace."""
    site = manner.site
    known = options_of(agents)
    kept_agent = next((each for each in known if each["value"] == manner.agent), known[0])
    manners = [_option(name, words) for name, words in _MANNERS.items()]
    kept = "all" if manner.everything else "mentions" if manner.mentions else "none"
    return {
        "type": "modal",
        "callback_id": PLACE,
        "private_metadata": json.dumps({"place": site.place, "name": site.name}),
        "title": _text("What is answered", 24),
        "submit": _text("Save", 24),
        "close": _text("Cancel", 24),
        "blocks": [
            _section(f"In {called(site)}"),
            _input(AGENT, "Who answers", "static_select", known, kept_agent),
            _input(
                MANNER,
                "What is answered",
                "radio_buttons",
                manners,
                next(each for each in manners if each["value"] == kept),
            ),
        ],
    }


def read(view: Body, workspace: str) -> Manner:
    """What a form says; what is odd in it is as usual."""
    try:
        told = json.loads(text_of(view, "private_metadata", 3000))
    except ValueError:
        told = {}
    agent, manner = chosen(view, AGENT), chosen(view, MANNER)
    return Manner(
        site=Site(workspace=workspace, place=text_of(told, "place"), name=text_of(told, "name")),
        agent="" if agent == ROUTED else agent,
        mentions=manner != "none",
        everything=manner == "all",
    )


def said(manner: Manner) -> str:
    """What holds from now on, in words."""
    who = manner.agent or "Whom the routes name"
    if not manner.mentions:
        return f"In {called(manner.site)} nothing is answered from now on."
    what = "everything that is said" if manner.everything else "who speaks to it"
    return f"{who} answers {what} in {called(manner.site)}, beginning with the next thread."


def called(site: Site) -> str:
    """A place in words."""
    return site.name or site.place or "this workspace"


def of_home(manners: Sequence[Manner], workspace: str) -> list[Json]:
    """What the home page says of places, each with the button that opens its form."""
    here = [each for each in manners if each.site.workspace == workspace]
    if not any(not each.site.place for each in here):
        here = [Manner(site=Site(workspace=workspace)), *here]
    return [_listed(each) for each in here[:20]]


def _listed(manner: Manner) -> Json:
    words = f"{called(manner.site)}: {manner.agent or 'whom the routes name'}"
    what = "all" if manner.everything else "mentions" if manner.mentions else "none"
    button: dict[str, Json] = {
        "type": "button",
        "action_id": ACTION,
        "text": _text("Change", 75),
        "value": manner.site.place or "*",
    }
    text = _text(f"{words}. Answered: {_MANNERS[what].lower()}", 300)
    return {"type": "section", "text": text, "accessory": button}


def options_of(agents: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Whom one can choose; first the choice of nobody by name."""
    found = [
        (ROUTED, "Whom the routes name"),
        *((name, f"{name}: {about}") for name, about in agents),
    ]
    return [_option(name, words) for name, words in found[:MAX_OPTIONS]]


def chosen(view: Body, block: str) -> str:
    """The choice in a select or among radio buttons."""
    values = body_of(body_of(view, "state"), "values")
    return text_of(body_of(body_of(body_of(values, block), block), "selected_option"), "value", 150)


def _input(
    name: str, label: str, kind: str, options: Sequence[Json], chosen: Json
) -> dict[str, Json]:
    element: dict[str, Json] = {
        "type": kind,
        "action_id": name,
        "options": list(options),
        "initial_option": chosen,
    }
    return {"type": "input", "block_id": name, "label": _text(label, 200), "element": element}


def _section(words: str) -> Json:
    return {"type": "section", "text": _text(words, 300)}


def _option(value: str, words: str) -> dict[str, Any]:
    return {"text": _text(words, MAX_OPTION), "value": value}


def _text(words: str, room: int) -> Json:
    return {"type": "plain_text", "text": clip(words, room), "emoji": False}
