"""The desk where channels ask: forms, whole texts and lists, for one person and nobody else.

Who asks is known by the platform's id of them, which the channel has from the platform itself. A
stranger is told nothing, and whoever may not decide sees no form.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from bot.approvals import Approvals
from bot.core.approval import Approval, ApprovalState
from bot.core.canonical import Json
from bot.core.effect import Effect, EffectState
from bot.core.errors import Conflict, Forbidden, Invalid, NotFound
from bot.core.ids import AgentName, TenantId
from bot.core.people import Person, Role
from bot.frozen import frozen
from bot.platforms.lent import Form, Input, Known, Manner, Site, Waiting
from bot.platforms.places import Places
from bot.render.cards.layout import Ref
from bot.render.whole import whole
from bot.store import approvals as rows
from bot.store import connections
from bot.store.decisions import may_decide
from bot.store.heard import heard
from bot.store.people import Identity
from bot.store.place_rules import PlaceRule
from bot.store.script import Database

LISTED = 50
LATEST = 2**62
PLACES = 200
_HOW = {"active": "works", "broken": "has to be connected again"}


class People(Protocol):
    """Who is who."""

    async def identify(
        self, tenant: TenantId, channel: str, account: str, ext_id: str
    ) -> Person | None: ...

    async def channels_of(self, tenant: TenantId, person: str) -> Sequence[str]: ...

    async def match(self, tenant: TenantId, who: Identity, email: str) -> bool: ...


@frozen
class Seat:
    """Which channel asks, and for whom."""

    channel: str
    tenant: TenantId


@frozen
class Behind:
    """What is behind a desk; the parts are asked for when they are needed, for channels are made
    before them."""

    db: Database
    approvals: Callable[[], Approvals]
    people: Callable[[], People]
    places: Places


class Counter:
    """The desk of one channel; the port `Desk`."""

    def __init__(
        self, seat: Seat, behind: Behind, agents: Callable[[], Sequence[tuple[str, str]]]
    ) -> None:
        self._channel = seat.channel
        self._tenant = seat.tenant
        self._db = behind.db
        self._approvals = behind.approvals
        self._people = behind.people
        self._places = behind.places
        self.agents = agents

    async def form(self, account: str, who: str, approval: str, choice: str) -> Form:
        """The form of Edit or Ask. Raises NotFound, Forbidden, Conflict, Invalid."""
        item, covered = await self._asked(account, who, approval)
        if choice == "ask":
            inputs: tuple[Input, ...] = (
                Input(key="question", label="Your question", value="", long=True),
            )
        else:
            inputs = tuple(texts(item, covered, self._approvals().title))
            if not inputs:
                raise Invalid("There is no text to edit here. Approve it, or reject it.")
        return Form(
            approval=item.id,
            version=item.version,
            choice=choice,
            title="Ask about it" if choice == "ask" else "Edit",
            inputs=inputs,
        )

    async def whole(self, account: str, who: str, approval: str) -> str:
        """All of a card as text. Raises NotFound, Forbidden, Conflict."""
        item, _ = await self._asked(account, who, approval)
        return whole(item.card, Ref(approval=item.id, version=item.version))

    async def known(self, account: str, who: str) -> Known | None:
        """Who they are here; None for a stranger."""
        people = self._people()
        person = await people.identify(self._tenant, self._channel, account, who)
        if person is None:
            return None
        channels = await people.channels_of(self._tenant, person.id)
        accounts = [
            (f"{item.provider.capitalize()}: {item.name}", _HOW.get(item.status, item.status))
            for item in await self._db.read(connections.listed(self._tenant))
            if person.role is Role.OWNER or item.connected_by == f"person:{person.id}"
        ]
        return Known(
            name=person.name,
            role=person.role.value,
            channels=tuple(channels),
            accounts=tuple(accounts),
        )

    async def match(self, account: str, who: str, name: str, email: str) -> bool:
        """Know them as the member with this address, for which the platform vouches."""
        stranger = Identity(channel=self._channel, account=account, ext_id=who, name=name)
        return await self._people().match(self._tenant, stranger, email)

    async def waiting(self, account: str, who: str) -> Sequence[Waiting]:
        """What the person may decide now."""
        person = await self._people().identify(self._tenant, self._channel, account, who)
        if person is None:
            return ()
        found = await self._db.read(rows.listed(self._tenant, "pending", LATEST, LISTED))
        return [
            Waiting(approval=item.id, code=item.code, title=item.card.title, agent=item.agent)
            for item in found
            if may_decide(item, person.id, person.role.value)
        ]

    async def manners(self, account: str, who: str) -> Sequence[Manner]:
        """What was said of places of this platform. Raises Forbidden."""
        await self._owner(account, who)
        found = await self._places.listed(self._tenant)
        return [_manner(rule) for rule in found if rule.channel == self._channel]

    async def manner(self, account: str, who: str, site: Site) -> Manner:
        """What is answered there. Raises Forbidden."""
        await self._owner(account, who)
        rule = await self._places.get(self._tenant, (self._channel, site.workspace, site.place))
        return _manner(replace(rule, name=site.name or rule.name))

    async def set_manner(self, account: str, who: str, manner: Manner) -> None:
        """Answer there in this manner from now on. Raises Forbidden, NotFound, Invalid."""
        owner = await self._owner(account, who)
        rule = PlaceRule(
            channel=self._channel,
            workspace=manner.site.workspace,
            place=manner.site.place,
            name=manner.site.name,
            agent=AgentName(manner.agent) if manner.agent else None,
            mentions=manner.mentions,
            everything=manner.everything,
        )
        await self._places.put(self._tenant, rule, f"person:{owner.id}")

    async def _owner(self, account: str, who: str) -> Person:
        person = await self._people().identify(self._tenant, self._channel, account, who)
        if person is None or person.role is not Role.OWNER:
            raise Forbidden("Only an owner may change what is answered here.")
        return person

    async def heard(self, account: str) -> Sequence[tuple[str, str]]:
        """Where something was said last, and what."""
        found = heard(self._tenant, self._channel, account, PLACES)
        return await self._db.read(found)

    async def _asked(
        self, account: str, who: str, approval: str
    ) -> tuple[Approval, tuple[Effect, ...]]:
        person = await self._people().identify(self._tenant, self._channel, account, who)
        if person is None:
            raise Forbidden("Only people who are known here may see this.")
        item, covered = await self._approvals().get(self._tenant, approval)
        if not may_decide(item, person.id, person.role.value):
            raise Forbidden("Others may decide this one.")
        if item.state is not ApprovalState.PENDING:
            raise Conflict(item.card.decided or f"This was {item.state.value} already.")
        return item, covered


def _manner(rule: PlaceRule) -> Manner:
    site = Site(workspace=rule.workspace, place=rule.place, name=rule.name)
    return Manner(
        site=site, agent=rule.agent or "", mentions=rule.mentions, everything=rule.everything
    )


def texts(item: Approval, covered: Sequence[Effect], title: Callable[[Effect], str]) -> list[Input]:
    """The texts of a card that a person may edit, one for each action and argument.

    Of several actions each text says which it is of, by its `title`.
    """
    waiting = [effect for effect in covered if effect.state is EffectState.AWAITING]
    names = [field.editable for field in item.card.fields if field.editable] or ["text"]
    found = []
    for effect in waiting:
        for name in names:
            value = effect.arguments.get(name)
            if isinstance(value, str):
                label = name.replace("_", " ").capitalize()
                if len(waiting) > 1:
                    label = f"{title(effect)}: {label.lower()}"
                found.append(Input(key=f"{effect.id}/{name}", label=label, value=value, long=True))
    return found


def filled(covered: Sequence[Effect], inputs: Mapping[str, Json]) -> dict[str, Json]:
    """The arguments in full, by effect, that a form makes. Raises NotFound, Invalid."""
    there = {str(effect.id): effect for effect in covered}
    made: dict[str, dict[str, Json]] = {}
    for key, value in inputs.items():
        id_, _, name = key.partition("/")
        effect = there.get(id_)
        if effect is None or not isinstance(effect.arguments.get(name), str):
            raise NotFound("There is no such text in this approval.")
        if not isinstance(value, str):
            raise Invalid("A text is needed here.")
        made.setdefault(id_, dict(effect.arguments))[name] = value
    return dict(made)
