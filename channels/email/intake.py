"""A mail that came in, as an event: for whom, from whom, in which thread, and whose words.

Identity comes from proof alone. What is not proved is stored as words from outside, under a name
that no person has, and is never answered; nor is what no person wrote.
https://www.rfc-editor.org/rfc/rfc5322#section-3.6 (read 2026-11-21)
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.core.canonical import Json
from bot.core.channel import Sink
from bot.core.event import Attachment, Event, Kind, Place, Sender, Trust
from bot.core.ids import AgentName, EventId, conv_key
from bot.core.times import to_us
from bot.limits import Buckets, Rate
from bot.platforms.lent import Lent, News
from bot.render.codes import parse_code
from channels.email.addresses import Mailbox, sole, untagged
from channels.email.bounces import failures
from channels.email.letter import is_ours, thread_of, token_of
from channels.email.loops import why_automatic
from channels.email.mime import Mail, Part
from channels.email.proof import covers
from channels.email.quoting import Split, split
from channels.email.settings import Settings

log = logging.getLogger(__name__)

NAME: Final = "email"
UNPROVED: Final = "unproved:"
"""Before the address of a sender who did not prove to be one; no person is known by such a name."""
MAX_TEXT: Final = 60_000
MAX_FILES: Final = 20
MAX_ID: Final = 200
KEPT_PARENTS: Final = 12
THREADS: Final = 5
"""Threads of one sender that may be full in an hour: a machine that answers may begin a new one
with each of its mails."""
UNSUBSCRIBE: Final = "unsubscribe"
BELOW: Final = (
    "Nothing was decided, and nothing else was done with your mail: a code counts only above "
    "everything that is quoted. Write the word and the code as the first words of your answer."
)
QUOTED: Final = "quoted"
"""In place of a part's number: the words that the writer did not write."""
_DECIDES = re.compile(r"/(?:approve|reject)\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A mail, and what an inbox knows of it."""

    mail: Mail
    recipients: Sequence[str] = ()
    """Whom the servers brought it to, where that is known: it goes before To."""
    box: str = ""
    """Our address whose mailbox it lay in, where there is one: for mail that names nobody of us."""
    is_proved: bool = False
    source: Callable[[str], str] = lambda part: ""
    """Where the bytes of a part can be had again; empty: nowhere."""


@dataclass(frozen=True, slots=True)
class Target:
    """One of our addresses, and the agent who has it."""

    address: str
    agent: str = ""


class Intake:
    """Makes events."""

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._lent, self._settings = lent, settings
        boxes = {address: agent for agent, address in settings.boxes.items()}
        self.boxes = {settings.home: "", **boxes}
        self.domains = frozenset(each.partition("@")[2] for each in self.boxes)
        self.loop = lent.seal("loop")[:32]
        self.seal = lent.seal("id")
        """Of our mails' ids."""
        self._taken = Buckets(lent.clock)

    async def take(self, arrival: Arrival, sink: Sink) -> None:
        """Store a mail. Raises what the sink raises: it is not stored then."""
        mail = arrival.mail
        await self._note(mail)
        target = self.target(mail, arrival.recipients, arrival.box)
        if await self._leaves(arrival):
            return
        if target is None:
            log.info("A mail for none of our addresses is left alone.")
            return
        why = why_automatic(mail, frozenset(self.boxes), self.loop)
        event = self.event(arrival, target, is_silent=bool(why))
        if why:
            log.info("A mail is not answered: %s.", why)
        thread = (event.place.id, event.place.thread)
        most = self._settings.per_hour
        rates = {
            ("thread", *thread): Rate(count=most, seconds=3600),
            ("sender", event.place.id): Rate(count=most * THREADS, seconds=3600),
        }
        if event.addressed and any(self._taken.wait(*rate) > 0 for rate in rates.items()):
            log.warning("A thread is not answered for a while: it had too many mails in an hour.")
            event = _unheard(event)
        accepted = await sink(event)
        if event.trust is Trust.PERSON:  # a mail that is seen again is no sign of life since
            then = (to_us(event.at),) if accepted.duplicate else ()
            await self._lent.mailbook.lives(event.sender.ext_id, *then)
        if event.addressed and not accepted.duplicate:
            self._taken.take_all(rates)

    async def _leaves(self, arrival: Arrival) -> bool:
        """Whether somebody wants no more mail; it is written down then, if they proved it."""
        mail, (name, _, domain) = arrival.mail, self._settings.home.partition("@")
        leave = f"{name}+{UNSUBSCRIBE}@{domain}"
        named = (*arrival.recipients, *(box.address for box in (*mail.delivered, *mail.to)))
        if leave not in named:
            return False
        if arrival.is_proved and mail.sender:
            id_ = f"unsubscribe {token_of(mail.id)}"
            news = News(id=id_, address=mail.sender.address, state="complained", detail="by mail")
            await self._lent.mailbook.note(news)
        return True

    async def _note(self, mail: Mail) -> None:
        """Write down what a report says of our mail."""
        for failure in failures(mail, self.domains, self.seal):
            news = News(
                id=f"report {token_of(mail.id)} {failure.address} {failure.is_hard}",
                address=failure.address,
                state="bounced" if failure.is_hard else "delayed",
                key=failure.key,
                detail=failure.detail,
            )
            await self._lent.mailbook.note(news)

    def target(self, mail: Mail, recipients: Sequence[str] = (), box: str = "") -> Target | None:
        """Which of our addresses a mail is for; the first that is ours, envelope before headers."""
        named = [box.address for box in (*mail.delivered, *mail.to, *mail.cc)]
        agents = {name for name, _ in self._lent.desk.agents()}
        for address in (*(each.lower() for each in recipients), *named):
            bare, tag = untagged(address)
            for found in (address, bare):
                if (agent := self.boxes.get(found)) is not None:
                    return Target(found, agent or (tag if tag in agents else ""))
        here = (each for each in (*recipients, *named) if each.partition("@")[2] in self.domains)
        other = next((each.lower() for each in here), "")
        if not other:  # a blind copy
            return Target(box, self.boxes.get(box, "")) if box else None
        return Target(other, "") if self._settings.catch_all else None

    def event(self, arrival: Arrival, target: Target, *, is_silent: bool) -> Event:
        """The event that a mail is."""
        mail = arrival.mail
        sender = mail.sender or Mailbox(address="nobody")
        is_known = arrival.is_proved and mail.sender is not None
        who = sender.address if is_known else UNPROVED + sender.address
        thread = thread_of(mail.id, mail.parents, self.domains)
        words = split(mail.text, mail.subject)
        is_first = not any(is_ours(parent, self.domains) for parent in mail.parents)
        home = self._settings.home
        return Event(
            id=EventId(""),
            tenant=self._lent.tenant,
            channel=NAME,
            account=home,
            ext_id=_name(who, mail.id),
            kind=Kind.MESSAGE,
            conv=conv_key(NAME, home, who, thread),
            sender=Sender(ext_id=who, name=sender.name or sender.address),
            place=Place(id=who, thread=thread, workspace=sender.domain, direct=True),
            text=_text(mail, words),
            at=mail.at or self._lent.clock.now(),
            attachments=_files(arrival, words, is_first=is_first),
            addressed=not is_silent,
            to=target.address,
            agent=AgentName(target.agent) if target.agent else None,
            trust=Trust.PERSON if is_known and not is_silent else Trust.OUTSIDE,
            payload={
                "mail": {**_kept(mail, target), "reply_to": self._reply_to(mail)},
                **_misplaced(mail, words),
            },
        )

    def _reply_to(self, mail: Mail) -> str:
        """Where answers to a proved sender go, if not to them; empty where that is not sure.

        Same domain, no address of ours, and signed by that domain: else whoever passes on a signed
        mail would have its answers.
        """
        asked = sole(mail.all("reply-to"))
        if asked is None or mail.sender is None or asked.domain != mail.sender.domain:
            return ""
        is_ours = untagged(asked.address)[0] in self.boxes or (
            self._settings.catch_all and asked.domain in self.domains
        )
        return "" if is_ours or not covers(mail, "reply-to") else asked.address


def _unheard(event: Event) -> Event:
    """The event in a thread that is not answered: nothing is heard but a decision.

    Other words come to nothing, so that no machine is answered on and on.
    """
    is_decision = parse_code(event.text) is not None or _DECIDES.match(event.text) is not None
    trust = event.trust if is_decision else Trust.OUTSIDE
    return replace(event, addressed=False, trust=trust)


def _name(who: str, id_: str) -> str:
    """What a mail is known by. The sender belongs to it: nobody takes another's name first."""
    return f"{who} {id_ if len(id_) <= MAX_ID else token_of(id_)}"


def _text(mail: Mail, words: Split) -> str:
    """What the writer wrote; before the first answer with its subject, for orders without."""
    text = words.own
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}\n\n[The mail is longer; its rest is not shown here.]"
    is_order = text.startswith("/") or parse_code(text) is not None
    if is_order or mail.parents or not mail.subject:
        return text or mail.subject or "(an empty mail)"
    return f"{mail.subject}\n\n{text}".strip()


def _misplaced(mail: Mail, words: Split) -> dict[str, Json]:
    """What is said if one of these codes is good; a file without a word is just a file."""
    found = words.misplaced if words.own or not mail.parts else ()
    return {"misplaced": {"codes": list(found), "say": BELOW}} if found else {}


def _files(arrival: Arrival, words: Split, *, is_first: bool) -> tuple[Attachment, ...]:
    """What is attached; and as a file, since others wrote it, what is quoted or forwarded.

    A quotation of our own thread is known already.
    """
    found = [_file(arrival, part) for part in arrival.mail.parts[:MAX_FILES]]
    if words.quoted and (words.is_forward or is_first):
        size = len(words.quoted.encode())
        name = "forwarded.txt" if words.is_forward else "quoted.txt"
        part = Part(n=-1, name=name, media_type="text/plain", size=size)
        found.insert(0, _file(arrival, part))
    return tuple(found)


def _file(arrival: Arrival, part: Part) -> Attachment:
    n = QUOTED if part.n < 0 else str(part.n)
    return Attachment(
        name=part.name, media_type=part.media_type, size=part.size, source=arrival.source(n)
    )


def _kept(mail: Mail, target: Target) -> dict[str, Json]:
    """What an answer needs of it."""
    return {
        "id": mail.id,
        "parents": list(mail.parents[:KEPT_PARENTS]),
        "subject": mail.subject,
        "to": target.address,
    }
