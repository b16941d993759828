"""Answers and cards as letters: in the thread of the mail that is answered, marked as a machine's.

https://www.rfc-editor.org/rfc/rfc3834#section-3 (read 2026-11-21)
"""

from collections.abc import Mapping
from typing import Any, Final

from bot.core.channel import Dialect, Outbound
from bot.core.effect import EffectKind
from bot.core.errors import VendorRefused
from bot.core.ids import ApprovalId
from bot.platforms.lent import Lent
from bot.render.card import Surface, render
from bot.render.cards.layout import Ref
from bot.render.markdown import to
from bot.render.text import clip, visible
from channels.email.addresses import Mailbox, address_of
from channels.email.deciding import Deciding
from channels.email.intake import UNSUBSCRIBE, Intake
from channels.email.letter import MAX_SUBJECT, Letter, id_for, references, subject_for, token_of
from channels.email.loops import LOOP_HEADER
from channels.email.settings import Settings

NAMELESS: Final = "A message"
_STYLE: Final = "font:15px/1.5 system-ui,sans-serif;overflow-wrap:break-word"


class Desk:
    """Writes letters."""

    def __init__(self, lent: Lent, settings: Settings, intake: Intake, deciding: Deciding) -> None:
        self._lent, self._settings, self._intake = lent, settings, intake
        self._deciding = deciding

    def letter(self, message: Outbound, *, is_elsewhere: bool = True) -> Letter:
        """The letter that a message is; an agent's answer may go elsewhere, if its sender asked.

        What announces a question, answers a command or lets somebody in stays with the sender: it
        has codes. Raises VendorRefused where it has no address.
        """
        if not (place := address_of(message.place)):
            raise VendorRefused("Mail goes only to people who proved their address.")
        if message.card is not None:
            return self._card(message, place)
        if message.kind is EffectKind.TOOL:
            return self._first(message, place)
        heard = _heard(message)
        agent = str(message.extra.get("agent", ""))
        sender = self._sender(heard.get("to", ""), agent)
        id_, parents = heard.get("id", ""), heard.get("parents", [])
        thread = message.thread or token_of(message.effect)
        is_theirs = message.kind is not EffectKind.REPLY or bool(message.extra.get("for_sender"))
        asked = "" if is_theirs or not is_elsewhere else str(heard.get("reply_to", ""))
        to_whom = address_of(asked) or place
        return Letter(
            key=message.effect,
            sender=sender,
            to=Mailbox(address=to_whom),
            subject=subject_for(heard.get("subject", "")) if id_ else NAMELESS,
            text=to(message.text, Dialect.PLAIN),
            html=f'<div style="{_STYLE}">{to(message.text, Dialect.MAIL)}</div>',
            message_id=self._id(message.effect, thread, to_whom, sender),
            parents=references(parents, id_) if id_ else (),
            headers=self._marks(sender, agent) if id_ else self._leaving(sender, agent),
        )

    def _first(self, message: Outbound, place: str) -> Letter:
        """A mail that an agent writes of itself; whoever gets it can say that it is the last."""
        agent = str(message.extra.get("agent", ""))
        sender = self._sender("", agent)
        return Letter(
            key=message.effect,
            sender=sender,
            to=Mailbox(address=place),
            subject=clip(visible(str(message.extra.get("subject", ""))) or NAMELESS, MAX_SUBJECT),
            text=to(message.text, Dialect.PLAIN),
            html=f'<div style="{_STYLE}">{to(message.text, Dialect.MAIL)}</div>',
            message_id=self._id(message.effect, token_of(message.effect), place, sender),
            headers=self._leaving(sender, agent),
        )

    def _card(self, message: Outbound, place: str) -> Letter:
        """A question, with its code: below the mail that it is about, with a subject of its own."""
        assert message.card is not None  # noqa: S101 - said by the caller
        url = self._deciding.link(message, place)
        ref = Ref(approval=ApprovalId(message.approval), version=message.version, url=url)
        shown = render(message.card, Surface.MAIL, ref)
        if isinstance(shown, str):
            raise VendorRefused("The card has no form for mail.")
        key = f"{message.effect}-v{message.version}"
        heard = _heard(message)
        id_ = heard.get("id", "")
        sender = self._sender("", message.card.agent)
        return Letter(
            key=key,
            sender=sender,
            to=Mailbox(address=place),
            subject=str(shown["subject"]),
            text=str(shown["text"]),
            html=str(shown["html"]),
            message_id=self._id(key, message.thread, place, sender),
            parents=references(heard.get("parents", []), id_) if id_ else (),
            headers=self._leaving(sender, message.card.agent),
        )

    def _id(self, key: str, thread: str, place: str, sender: Mailbox) -> str:
        return id_for(key, thread, place, sender.domain, self._intake.seal)

    def _sender(self, address: str, agent: str) -> Mailbox:
        """The agent's own address and name, else the house's."""
        team = {name for name, _ in self._lent.desk.agents()}
        boxes = self._settings.boxes
        if address in boxes.values():
            agent = next(name for name, box in boxes.items() if box == address)
        found = boxes.get(agent, "")
        if found:
            return Mailbox(address=found, name=agent.capitalize())
        name = agent.capitalize() if agent in team else self._settings.name
        return Mailbox(address=self._settings.home, name=name)

    def _leaving(self, sender: Mailbox, agent: str) -> tuple[tuple[str, str], ...]:
        """The marks of a mail that answers none, with a way to say that it is the last."""
        name, _, domain = self._settings.home.partition("@")
        leave = f"<mailto:{name}+{UNSUBSCRIBE}@{domain}?subject={UNSUBSCRIBE}>"
        return (*self._marks(sender, agent, "auto-generated"), ("List-Unsubscribe", leave))

    def _marks(
        self, sender: Mailbox, agent: str, submitted: str = "auto-replied"
    ) -> tuple[tuple[str, str], ...]:
        """That a machine wrote it, and which agent: whose address it is, else who speaks."""
        agents = {box: name for name, box in self._settings.boxes.items()}
        return (
            ("Auto-Submitted", submitted),
            ("X-Auto-Response-Suppress", "All"),
            (LOOP_HEADER, self._intake.loop),
            ("X-Agent-ID", agents.get(sender.address) or agent or "switchboard"),
        )


def _heard(message: Outbound) -> Mapping[str, Any]:
    """What was kept of the mail that is answered."""
    event = message.extra.get("event")
    found = event.get("mail") if isinstance(event, Mapping) else None
    return found if isinstance(found, Mapping) else {}
