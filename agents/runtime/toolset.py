"""The tools of the house as agents use them: offered, checked, shown, performed.

Sits between the gate, which decides whether a call may run, and the tool files, which do the
deed. A tool whose connection is not set up is performed by the sandbox: same name, arguments and
card, nothing leaves the house.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Protocol

from pydantic import ValidationError

from agents.runtime import edited, registry
from agents.runtime.meanwhile import same_account, still_allowed
from agents.runtime.schemas import model_tool
from bot.core.agent import Agent
from bot.core.approval import Approval
from bot.core.canonical import Json
from bot.core.card import Card, Field
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import ConnectionBroken, Invalid, VendorUnknown
from bot.core.ids import TenantId
from bot.core.model import ModelTool
from bot.core.ports import Clock, House
from bot.core.tool import Arguments, Risk, Tool, ToolContext
from bot.frozen import frozen
from bot.questions import Deciders
from bot.store import conversations, people
from bot.store import effects as effect_rows
from bot.store.rows import dumps
from bot.store.script import Database

MOST_JOINED = 256
"""Lists of own tools and guests that are kept, so that each is written out as JSON once."""


@frozen
class Call:
    """One call of a tool, understood."""

    tool: Tool
    arguments: Arguments
    plain: Mapping[str, Json]
    """The arguments as JSON, in full."""
    account: tuple[str, str] = ("", "")
    """Id and name of the account that it acts by, where one is lent."""

    @property
    def planned_at(self) -> datetime | None:
        """When it is to be done, where its arguments say so; None: at once."""
        due = getattr(self.arguments, "planned_at", None)
        return due if isinstance(due, datetime) else None


class Guests(Protocol):
    """Tools that are not files of the house; each tenant has its own."""

    def tools(self, tenant: TenantId) -> Mapping[str, Tool]:
        """A tenant's, by name; another mapping when they changed."""

    def names(self, tenant: TenantId, agent: str, named: Sequence[str]) -> tuple[str, ...]:
        """Which of them an agent has; `named` is what stands in its file."""

    def words(self) -> frozenset[str]:
        """Every word that an agent's file may name them by."""


class Lends(Protocol):
    """Accounts at services that agents act by."""

    async def account(
        self, tenant: TenantId, provider: str, agent: str, needs: Sequence[str]
    ) -> tuple[str, str] | None:
        """Id and name; None where none is connected. Raises OperatorError with the mend."""


class Toolset:
    """All tools, for all tenants."""

    guests: Guests | None = None
    accounts: Lends | None = None

    def __init__(
        self,
        house: House,
        clock: Clock,
        db: Database,
        connected: Callable[[TenantId, str], str],
        settings: Mapping[str, object],
        disabled: frozenset[str] = frozenset(),
    ) -> None:
        self._house = house
        self._clock = clock
        self._db = db
        self._connected = connected
        self._settings = settings
        self._disabled = disabled
        self._named: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._offered: dict[tuple[str, ...], tuple[ModelTool, ...]] = {}
        self._joined: dict[tuple[int, ...], tuple[tuple[Tool, ...], tuple[ModelTool, ...]]] = {}
        self.broken: Callable[[TenantId, str, str], Awaitable[None]] | None = None
        """Told of a provider and a connection that does not work any more."""
        self.extra: registry.Extra = {}
        """Tools of packages outside the tree; set before the first use."""

    @cached_property
    def tools(self) -> Mapping[str, Tool]:
        """Every tool by name."""
        return registry.beside(registry.load(self._disabled), self.extra)[0]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Tools from outside whose names the house has already."""
        return registry.beside(registry.load(self._disabled), self.extra)[1] if self.extra else ()

    @cached_property
    def _groups(self) -> Mapping[str, tuple[str, ...]]:
        named = {group: tuple(t.name for t in tools) for group, tools in self.extra.items()}
        return {**named, **registry.groups(self._disabled)}

    @cached_property
    def known(self) -> frozenset[str]:
        """Every word that an agent's file may name tools by."""
        own = {*self.tools, *(f"{group}.*" for group in self._groups)}
        return frozenset(own | self.guests.words() if self.guests else own)

    @property
    def heard(self) -> frozenset[str]:
        """The tools that bring words of others."""
        return frozenset(name for name, tool in self.tools.items() if tool.outside)

    def offered(self, agent: Agent, tenant: TenantId | None = None) -> tuple[ModelTool, ...]:
        """An agent's tools as a model sees them; the same tuple for the same list."""
        own = self._own(agent)
        if not self.guests or tenant is None:
            return own
        there = self.guests.tools(tenant)
        names = self.guests.names(tenant, agent.name, agent.tools)
        guests = tuple(there[name] for name in names if name not in self.tools)
        return self._with_guests(own, guests) if guests else own

    def _with_guests(
        self, own: tuple[ModelTool, ...], guests: tuple[Tool, ...]
    ) -> tuple[ModelTool, ...]:
        key = (id(own), *map(id, guests))
        if (kept := self._joined.get(key)) is None:
            if len(self._joined) >= MOST_JOINED:
                self._joined.clear()
            # The guests are kept beside it, so that no other tool is ever found under their ids.
            kept = self._joined[key] = guests, (*own, *map(model_tool, guests))
        return kept[1]

    def _own(self, agent: Agent) -> tuple[ModelTool, ...]:
        if (found := self._offered.get(agent.tools)) is None:
            found = tuple(model_tool(self.tools[name]) for name in self.named(agent.tools))
            self._offered[agent.tools] = found
        return found

    def names(self, agent: Agent, tenant: TenantId | None = None) -> tuple[str, ...]:
        """The names of an agent's tools, `group.*` written out."""
        own = self.named(agent.tools)
        if not self.guests or tenant is None:
            return own
        return tuple(dict.fromkeys((*own, *self.guests.names(tenant, agent.name, agent.tools))))

    def named(self, words: Sequence[str]) -> tuple[str, ...]:
        """The tools of the house that an agent's file names, `group.*` written out."""
        if (found := self._named.get(key := tuple(words))) is None:
            names: list[str] = []
            for name in key:
                if name.endswith(".*"):
                    names.extend(self._groups.get(name[:-2], ()))
                elif name in self.tools:
                    names.append(name)
            found = self._named[key] = tuple(dict.fromkeys(names))
        return found

    def find_tool(self, name: str, tenant: TenantId | None = None) -> Tool | None:
        """A tool by its name; the house's own come first."""
        tool = self.tools.get(name)
        if tool is None and self.guests and tenant is not None:
            tool = self.guests.tools(tenant).get(name)
        return tool

    def understand(
        self, name: str, arguments: Mapping[str, Json], tenant: TenantId | None = None
    ) -> Call:
        """Check a call. Raises Invalid with a sentence that names each mistake."""
        tool = self.find_tool(name, tenant)
        if tool is None:
            raise Invalid(f"There is no tool {name!r}.")
        try:
            parsed = tool.arguments.model_validate(arguments)
        except ValidationError as error:
            raise Invalid(_mistakes(error)) from None
        plain = parsed.model_dump(mode="json", exclude_none=True)
        return Call(tool=tool, arguments=parsed, plain=plain)

    async def complete(self, call: Call, context: ToolContext) -> Mapping[str, Json]:
        """The arguments with all that they name. Raises what the tool raises."""
        if call.tool.complete is None:
            return call.plain
        full = await call.tool.complete(context, call.arguments)
        return full.model_dump(mode="json", exclude_none=True)

    async def lend(self, call: Call, tenant: TenantId, agent: str) -> tuple[str, str]:
        """Id and name of the account that a call acts by, if any. Raises OperatorError."""
        tool, found = call.tool, None
        if tool.needs and self.accounts:
            found = await self.accounts.account(tenant, tool.provider, agent, tool.needs)
        return found or ("", "")

    def connection(self, tenant: TenantId, tool: Tool) -> str:
        """What a tool acts by: its provider's connection, else that of the platform that its file
        is called by; empty where there is none. Another one for another account.
        """
        module = tool.perform.__module__
        file = f":{module.rpartition('.')[2]}" if _is_ours(module) else ""
        return self._connected(tenant, tool.provider or file)

    def in_sandbox(self, tenant: TenantId, tool: Tool) -> bool:
        """Whether the sandbox performs it."""
        return bool(tool.provider) and not self._connected(tenant, tool.provider)

    def rests_on(self, call: Call, context: ToolContext) -> tuple[Policy, int]:
        """What makes a deed happen once as things are connected now, and for how many seconds."""
        tool = call.tool
        found = tool.rests_on(context, call.arguments) if tool.rests_on else None
        return found or (tool.policy, tool.window_s)

    def context(self, **who: object) -> ToolContext:
        """A context with what the house lends."""
        return ToolContext(clock=self._clock, house=self._house, **who)  # type: ignore[arg-type]

    def settings_of(self, tool: Tool) -> object:
        """The settings of the tool's file (`_blog_own` is blog's) or group; or the module's."""
        module = tool.perform.__module__
        if not _is_ours(module):
            return self._settings.get(module)
        _, group, name = f"..{module}".rsplit(".", 2)
        names = (name, name.removeprefix("_").partition("_")[0], group)
        return next((self._settings[each] for each in names if each in self._settings), None)

    async def run(self, tool: Tool, context: ToolContext, arguments: Arguments) -> Outcome:
        """Call a tool; whoever minds connections hears of one that is broken."""
        try:
            return await tool.perform(context, arguments)
        except ConnectionBroken:
            if self.broken is not None:
                connection = context.connection or self.connection(context.tenant, tool)
                await self.broken(context.tenant, tool.provider or tool.name, connection)
            raise

    # The port of approvals: checks an edit and shows an effect.

    def check(self, effect: Effect, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return edited arguments in full, or raise Invalid.

        Where a tool found out what the arguments name, only what the card offers is changed: the
        rest stands beside what was found, and would be shown with it.
        """
        call = self.understand(effect.tool, arguments, effect.tenant)
        if call.tool.complete is None:
            return call.plain
        old, new = effect.arguments, call.plain
        changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        shown = (*self.preview(effect).fields, *self.preview(replace(effect, arguments=new)).fields)
        if kept := sorted(changed - {field.editable for field in shown}):
            raise Invalid(
                f"{', '.join(kept)}: not offered for changing on this card. Reject it, and ask "
                "the agent for what you want instead."
            )
        return new

    def preview(self, effect: Effect) -> Card:
        """What an effect will look like."""
        call = self.understand(effect.tool, effect.arguments, effect.tenant)
        shown = call.tool.preview
        card = shown(call.arguments) if shown else plain_card(effect)
        if name := effect.progress.get("as"):
            card = replace(card, fields=(Field(name="As", value=str(name)), *card.fields))
        return replace(card, sandbox=effect.sandbox)

    async def deciders(self, item: Approval, changes: Sequence[tuple[Effect, Effect]]) -> Deciders:
        """Who decides about deeds that were changed. Raises Invalid."""
        return await edited.deciders(self._db, self.find_tool, item, changes)

    def moves_money(self, effect: Effect) -> bool:
        """Whether an effect can; one whose tool is gone cannot be done."""
        tool = self.find_tool(effect.tool, effect.tenant)
        return tool is not None and tool.risk is Risk.MONEY

    def due(self, effect: Effect) -> datetime | None:
        """When it is to be done, where its arguments say so (`planned_at`); None: at once."""
        return self.understand(effect.tool, effect.arguments, effect.tenant).planned_at

    # The port of effects: performs.

    async def perform(self, effect: Effect) -> Outcome:
        """Do it."""
        call = self.understand(effect.tool, effect.arguments, effect.tenant)
        if call.tool.version != effect.tool_version:
            raise Invalid("This was asked for when the tool meant something else. Ask for it anew.")
        await still_allowed(self._db, call.tool, effect, call.planned_at)
        same_account(call.tool, effect, self.connection(effect.tenant, call.tool))
        if effect.sandbox:
            return sandboxed(effect)
        context = await self._effect_context(effect, call.tool)
        if effect.policy is Policy.KEYED and effect.attempt > 1 and not effect.doubt:
            policy, _ = self.rests_on(call, context)
            if policy is not Policy.KEYED:
                raise VendorUnknown("What knew the key of the first attempt is not connected now.")
        outcome = await self.run(call.tool, context, call.arguments)
        if outcome.data:
            await self._keep_found(call.tool, effect, outcome.data)
        return outcome

    async def find(self, effect: Effect) -> Outcome | None:
        """Look it up. Raises Conflict where it would be looked for in another account."""
        tool = self.find_tool(effect.tool, effect.tenant)
        if effect.sandbox or tool is None or tool.find is None:
            return None
        same_account(tool, effect, self.connection(effect.tenant, tool))
        now = await self._db.read(effect_rows.get(effect.tenant, effect.id))
        effect = now or effect  # with what the call kept before its answer went missing
        return await tool.find(await self._effect_context(effect, tool), effect)

    async def _keep_found(self, tool: Tool, effect: Effect, data: Json) -> None:
        """Keep what an approved deed brought: its turn is over, so the outcome has to tell it."""
        found = data if isinstance(data, str) else dumps(data)
        now = await self._db.read(effect_rows.get(effect.tenant, effect.id)) or effect
        kept = {**now.progress, "said" if tool.outside else "found": found}
        await self._db.write(effect_rows.keep_progress(effect.tenant, effect.id, kept))

    async def _effect_context(self, effect: Effect, tool: Tool) -> ToolContext:
        async def save(progress: Mapping[str, Json]) -> None:
            await self._db.write(effect_rows.keep_progress(effect.tenant, effect.id, progress))

        conv = await self._db.read(conversations.get(effect.tenant, effect.conv))
        zone = "UTC"
        if effect.person:
            person = await self._db.read(people.get(effect.tenant, effect.person))
            zone = person.zone if person else zone
        return self.context(
            zone=zone,
            tainted=conv[0].tainted if conv else True,
            tenant=effect.tenant,
            conv=effect.conv,
            turn=effect.turn,
            agent=effect.agent,
            person=effect.person,
            effect=effect.id,
            connection=effect.connection,
            key=effect.id,
            settings=self.settings_of(tool),
            progress=effect.progress,
            save=save,
        )


def _is_ours(module: str) -> bool:
    return module.startswith(("tools.", "tests."))


def sandboxed(effect: Effect) -> Outcome:
    """What the sandbox answers: it is kept, shown on its page, and nothing left the house."""
    return Outcome(
        state=EffectState.SENT,
        vendor_ref=f"sandbox:{effect.id}",
        url=f"/admin/sandbox#{effect.id}",
        data="Kept in the sandbox: no account is connected, so nothing was published.",
    )


def plain_card(effect: Effect) -> Card:
    """The card of a tool that has no preview of its own: every argument, whole."""
    return Card(
        title=effect.tool.replace("_", " ").capitalize(),
        fields=tuple(
            Field(
                name=name,
                value=value if isinstance(value, str) else str(value),
                long=len(str(value)) > 60,
                editable=name,
            )
            for name, value in effect.arguments.items()
        ),
    )


def _mistakes(error: ValidationError) -> str:
    parts = []
    for item in error.errors(include_url=False, include_input=False)[:5]:
        where = ".".join(str(part) for part in item["loc"])
        parts.append(f"{where}: {item['msg']}" if where else item["msg"])
    return "The arguments do not fit. " + "; ".join(parts) + "."
