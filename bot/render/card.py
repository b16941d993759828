"""A card as a platform's payload: `render(card, Surface.SLACK, ref)`.

Each surface is one function of one file in `bot/render/cards/`; what they agree on is in `layout`.
The same card gives the same payload, so a copy that was sent can be rewritten when it is decided.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from bot.core.canonical import Json
from bot.core.card import Card
from bot.render.cards import discord, mail, slack, sms, teams, telegram, terminal, web
from bot.render.cards.layout import Ref


class Surface(StrEnum):
    """Where a card is shown."""

    SLACK = "slack"
    DISCORD = "discord"
    TELEGRAM = "telegram"
    TEAMS = "teams"
    SMS = "sms"
    MAIL = "mail"
    WEB = "web"
    TERMINAL = "terminal"


Payload = Mapping[str, Json] | str
_RENDERERS: Final[Mapping[Surface, Callable[[Card, Ref], Payload]]] = {
    Surface.SLACK: slack.render,
    Surface.DISCORD: discord.render,
    Surface.TELEGRAM: telegram.render,
    Surface.TEAMS: teams.render,
    Surface.SMS: sms.render,
    Surface.MAIL: mail.render,
    Surface.WEB: web.render,
    Surface.TERMINAL: terminal.render,
}


def render(card: Card, surface: Surface, ref: Ref) -> Payload:
    """The payload; text for SMS and the terminal, an object for the others."""
    return _RENDERERS[surface](card, ref)
