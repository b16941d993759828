"""The tool calls of one model message: run, performed, refused, or laid before a person.

Reads run. Once one call of a message asks, every later writing or paying call of that message
joins the same question, so that a person decides about the whole at once and in order.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from agents.runtime.asked import OTHERS, Asked, Here, too_few
from agents.runtime.drafting import Drafting
from agents.runtime.gate import Action, Verdict, amount_of, judge, within
from agents.runtime.run import ATTACH, Run
from agents.runtime.shelf import NAME as DESCRIBE
from agents.runtime.shelf import Shelf
from agents.runtime.spreading import Spreading
from agents.runtime.toolset import Call, Toolset
from agents.runtime.understanding import Mistake, Understanding
from agents.runtime.withdrawal import NAME as WITHDRAW
from agents.runtime.withdrawal import Withdrawals
from agents.runtime.wording import deed_of
from bot.causes import BUDGET
from bot.core.approval import Approval
from bot.core.canonical import Json, digest
from bot.core.conversation import TurnEnd
from bot.core.effect import ABREAST, TERMINAL, Effect, EffectKind, EffectState, Outcome, bind
from bot.core.errors import BotError, Diverged
from bot.core.event import Ending, Event, Kind
from bot.core.ids import ApprovalId, EffectId, PersonId, TenantId
from bot.core.model import ModelMessage, ToolCall
from bot.core.people import Person
from bot.core.ports import Clock, Live
from bot.core.times import to_us
from bot.core.tool import Risk
from bot.effects import Effects
from bot.frozen import frozen
from bot.questions import Asking, Questions
from bot.store import approvals as approval_rows
from bot.store.policies import Rule
from bot.store.rows import attachments_from, dumps
from bot.store.script import Database

LATER = "What is to leave at a later time waits for it as something that a person said yes to."
FROM_OUTSIDE = "This conversation holds text from outside."


@frozen
class Parts:
    """What the calls work with."""

    db: Database
    clock: Clock
    toolset: Toolset
    effects: Effects
    questions: Questions
    live: Live
    rules: Callable[[TenantId], Awaitable[Sequence[Rule]]]
    deciders: Callable[[TenantId], Awaitable[Sequence[Person]]]
    """The owners of a tenant."""
    people: Callable[[TenantId, str], Awaitable[Person | None]]
    """A person by id."""
    withdrawals: Withdrawals
    shelf: Shelf
    drafting: Drafting
    asks_per_hour: int = 20
    budget_step: str = "1.00 USD"


@frozen
class _Done:
    """How a deed ended, in words for the model."""

    text: str
    is_doubtful: bool


class Calls:
    """Works through the calls of a model message."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts
        self._understanding = Understanding(parts.toolset)
        self._spreading = Spreading(self._understanding, parts.drafting)
        self._handed: dict[str, str] = {}

    def handed_to(self, run: Run) -> str | None:
        """The agent that the last calls handed the conversation to, once."""
        return self._handed.pop(run.claim.event.id, None)

    async def work(self, run: Run, message: ModelMessage) -> TurnEnd | None:
        """Answer every call of the message; the end of the turn when something must wait."""
        rules = await self._p.rules(run.claim.event.tenant)
        here = Here(rules=rules, step=run.journal.at, asked=Asked(await self._usual(run)))
        for call in message.tool_calls:
            if call.name == WITHDRAW:
                await self._p.withdrawals.work(run, call)
                here.turn_over()
                continue
            if call.name == DESCRIBE:
                self._p.shelf.work(run, call)
                here.turn_over()
                continue
            understood = await self._understanding.of(run, call)
            if isinstance(understood, Mistake):
                run.invalid = run.invalid + 1 if understood.is_shapeless else 0
                run.answer(call, understood.text, understood.source)
                here.turn_over()
                continue
            run.invalid = 0
            if understood.tool.spread is not None:
                here.turn_over(several=True)
                await self._several(run, call, understood, here)
            else:
                await self._one(run, call, understood, here)
            here.turn_over()
        if here.asked.items:
            return await self._park(run, message, here.asked)
        if here.is_doubtful:
            return self._wait_for_word(run, message)
        return None

    async def _one(self, run: Run, call: ToolCall, understood: Call, here: Here) -> None:
        """One deed, or one reading."""
        tool, asked = understood.tool, here.asked
        verdict = _verdict(run, understood, here)
        if verdict.action is Action.DENY:
            run.answer(call, f"Refused: {verdict.why}")
        elif verdict.action is Action.ASK or (asked.items and tool.risk is not Risk.READ):
            effect = self._effect(run, understood, here)
            if not asked.join(call, effect, verdict, alone=tool.by_hand):
                run.answer(call, OTHERS)
        elif tool.risk is Risk.READ:
            await self._read(run, call, understood)
        else:
            done = await self._perform(run, self._effect(run, understood, here))
            here.is_doubtful |= done.is_doubtful
            run.answer(call, done.text, tool.name if tool.outside else "")

    async def _several(self, run: Run, call: ToolCall, understood: Call, here: Here) -> None:
        """The deeds that one call stands for: one question about all of them, or none."""
        whole = _verdict(run, understood, here)
        if whole.action is Action.DENY:
            run.answer(call, f"Refused: {whole.why}")
            return
        parts = await self._spreading.of(run, understood)
        if parts.mistakes:
            told = "\n".join((*parts.mistakes, *parts.left_out))
            run.answer(call, f"Error: nothing is asked yet; mend this and call it again:\n{told}")
            return
        said = [f"Left out: {why}" for why in parts.left_out]
        judged = [(p, within(whole, _verdict(p.run, p.call, here))) for p in parts.good]
        asks = bool(here.asked.items) or any(v.action is Action.ASK for _, v in judged)
        joined = False
        for part, verdict in judged:
            effect, name = self._effect(part.run, part.call, here), part.call.tool.name
            here.n += 1
            if verdict.action is Action.DENY:
                said.append(f"Left out: {deed_of(name)}: {verdict.why}")
            elif not asks:
                done = await self._perform(part.run, effect)
                here.is_doubtful |= done.is_doubtful
                said.append(f"{name}: {done.text}")
            elif here.asked.join(call, effect, verdict):
                joined = True
            else:
                said.append(f"Left out: {deed_of(name)}: {OTHERS}")
        if joined:
            here.asked.left_out[call.id] = said
        else:
            run.answer(call, "\n".join(said) or "There was nothing to do.")

    def _effect(self, run: Run, call: Call, here: Here) -> Effect:
        """The deed that a call asks for; the same call of the same turn has the same id."""
        event, tool, step, n = run.claim.event, call.tool, here.step, here.n
        abreast = "P" if n >= ABREAST else ""
        connection, name = call.account
        connection = connection or self._p.toolset.connection(event.tenant, tool)
        policy, window_s = self._p.toolset.rests_on(call, self._understanding.context(run, call))
        return Effect(
            id=EffectId(f"eff_{event.id[4:]}{step:02d}{abreast}{n:02d}"),
            tenant=event.tenant,
            conv=run.claim.conv.id,
            turn=event.id,
            step=step,
            n=n,
            kind=EffectKind.TOOL,
            tool=tool.name,
            tool_version=tool.version,
            agent=run.agent.name,
            person=run.person.id if run.person else None,
            connection=connection,
            arguments=call.plain,
            hash=bind(
                event.tenant, run.agent.name, tool.name, tool.version, call.plain, connection
            ),
            policy=policy,
            window_s=window_s,
            state=EffectState.PLANNED,
            progress={"as": name} if name else {},
            sandbox=not connection and self._p.toolset.in_sandbox(event.tenant, tool),
        )

    async def _read(self, run: Run, call: ToolCall, understood: Call) -> None:
        """Run a tool that changes nothing outside."""
        event, tool = run.claim.event, understood.tool

        async def work() -> Json:
            context = self._understanding.context(run, understood)
            self._say(run, tool.saying or f"using {tool.name.replace('_', ' ')}")
            try:
                outcome = await self._p.toolset.run(tool, context, understood.arguments)
            except BotError as error:
                return {"tool": tool.name, "text": f"Error: {error.message}"}
            text = outcome.error or _text(outcome.data)
            if outcome.error and outcome.data:
                text += f"\n{_text(outcome.data)}"
            told = outcome.data if isinstance(outcome.data, dict) else {}
            kept: dict[str, Json] = {"tool": tool.name, "text": text}
            kept["hand_off"] = told.get("hand_off")
            if tool.name == ATTACH and (attach := told.get("attach")):
                kept |= {"attach": attach, "text": "It goes with your answer."}
            return kept

        given = digest([tool.name, understood.plain])
        result = await run.journal.step("tool", given, work)
        self._say(run, "")
        if not isinstance(result, dict):
            raise Diverged("A journaled result is not readable.")
        if handed := result.get("hand_off"):
            self._handed[event.id] = str(handed)
        if isinstance(file := result.get("attach"), dict):
            run.attach(attachments_from([file])[0])
        run.answer(call, str(result["text"]), tool.name if tool.outside else "")

    async def _perform(self, run: Run, effect: Effect) -> "_Done":
        """Do a deed that needs no yes."""

        async def work() -> Json:
            self._say(run, f"using {effect.tool.replace('_', ' ')}")
            outcome = await self._bring_to_end(run, effect)
            said = {"state": outcome.state.value, "text": outcome_text(outcome)}
            return {"tool": effect.tool, **said}

        result = await run.journal.step("effect", effect.hash, work)
        self._say(run, "")
        if not isinstance(result, dict):
            raise Diverged("A journaled result is not readable.")
        doubtful = str(result["state"]) == EffectState.IN_DOUBT.value
        return _Done(text=str(result["text"]), is_doubtful=doubtful)

    async def _bring_to_end(self, run: Run, effect: Effect) -> Outcome:
        past = run.past(effect.step, effect.n)
        if past is None:
            return await self._p.effects.perform(effect, run.claim)
        if past.hash != effect.hash:
            raise Diverged(event=effect.turn, effect=effect.id)
        if past.doubt and past.state not in TERMINAL:  # a person has it in hand now
            return Outcome(state=EffectState.IN_DOUBT, error=past.error)
        if past.state is EffectState.SENDING:
            return await self._p.effects.resume(past)
        return Outcome(state=past.state, vendor_ref=past.vendor_ref, url=past.url, error=past.error)

    async def _usual(self, run: Run) -> tuple[PersonId, ...]:
        """Who decides where no rule names anybody."""
        owners = await self._p.deciders(run.claim.event.tenant)
        asking = (run.person.id,) if run.person else ()
        return tuple(dict.fromkeys((*asking, *(owner.id for owner in owners))))

    async def _park(self, run: Run, message: ModelMessage, asked: Asked) -> TurnEnd:
        """Lay the asked calls before a person and end the turn; the conversation is free."""
        event = run.claim.event
        since = to_us(self._p.clock.now()) - 3_600_000_000
        count = await self._p.db.read(
            approval_rows.asked_since(event.tenant, run.claim.conv.id, since)
        )
        if count >= self._p.asks_per_hour:
            return run.stop(
                f"I stopped: this conversation has asked for {count} approvals within an hour. "
                "Decide those first.",
                "too many questions",
            )
        question = await self._question(run, asked)
        for call in dict.fromkeys(call for call, _ in asked.items):
            waits = f"Waiting for approval {question.code}; not done."
            run.answer(call, "\n".join((waits, *asked.left_out.get(call.id, ()))))
        line = waiting_line(question)
        run.messages.append(ModelMessage(role="assistant", content=line))
        said = message.content.strip()
        end = run.end(Ending.ANSWERED, f"{said}\n\n{line}" if said else line, "waits for approval")
        waiting = tuple(
            replace(effect, state=EffectState.AWAITING, approval=question.id)
            for effect in asked.effects
        )
        return replace(end, effects=waiting, approval=question)

    async def _question(self, run: Run, asked: Asked) -> Approval:
        event = run.claim.event
        effects = asked.effects
        found = {id_: await self._p.people(event.tenant, id_) for id_ in asked.deciders}
        there = sum(person is not None for person in found.values())
        warnings = (*asked.warnings, *too_few(asked.needs, there, named=asked.named))
        asking = Asking(
            id=ApprovalId(f"apr_{event.id[4:]}{effects[0].step:02d}"),
            code=await self._code(run, digest([effect.hash for effect in effects])),
            why=asked.why,
            requested_by=run.person.id if run.person else None,
            on_behalf_of=run.person.name if run.person else "",
            approvers={id_: p.name if p else "somebody who left" for id_, p in found.items()},
            named=asked.named,
            needs=asked.needs,
            expires=asked.expires,
            warnings=(*warnings, *((FROM_OUTSIDE,) if run.tainted else ())),
            agent=run.agent.name,
        )
        return self._p.questions.ask(effects, asking)

    async def ask_budget(self, run: Run, sentence: str) -> TurnEnd:
        """Ask an owner whether to go on although the budget is used up, unless one is asked."""
        event = run.claim.event
        waiting = await self._p.db.read(approval_rows.budgets_waiting(event.tenant))
        if waiting or event.kind == Kind.SETTLED:
            end = run.end(Ending.ANSWERED, sentence, "budget", "system")
            return replace(end, raw=(), cause=BUDGET)
        question = self._p.questions.budget(
            run.claim,
            run.agent.name,
            sentence,
            self._p.budget_step,
            await self._code(run, "budget"),
        )
        end = run.end(Ending.ANSWERED, f"{sentence} An owner can allow more.", "budget", "system")
        return replace(end, raw=(), approval=question, cause=BUDGET)

    def _wait_for_word(self, run: Run, message: ModelMessage) -> TurnEnd:
        line = "I do not know whether this was done, and I will not do it twice. Please look."
        run.messages.append(ModelMessage(role="assistant", content=line))
        said = message.content.strip()
        return run.end(Ending.ANSWERED, f"{said}\n\n{line}" if said else line, "in doubt")

    async def _code(self, run: Run, given: str) -> str:
        """The code of this turn's question: the same after a crash, for it may have been shown."""

        async def choose() -> Json:
            return await self._free_code(run.claim.event)

        return str(await run.journal.step("code", given, choose))

    async def _free_code(self, event: Event) -> str:
        """Four digits that are no other question's, here or elsewhere; more when crowded."""
        now = to_us(self._p.clock.now())
        for size in (9_000, 9_000, 9_000, 900_000):
            number = int.from_bytes(self._p.clock.chance(6), "big") % size + size // 9
            code = str(number)
            if await self._p.db.write(approval_rows.draw(event.tenant, code, event.id, now)):
                return code
        return code

    def _say(self, run: Run, text: str) -> None:
        event = run.claim.event
        self._p.live.activity(event.tenant, run.claim.conv.id, event.id, text)


def _verdict(run: Run, call: Call, here: Here) -> Verdict:
    """What the gate says of a call, by the rules of the agent whose call it is."""
    amount = amount_of(call.tool, call.plain)
    verdict = judge(run.agent, call.tool, here.rules, tainted=run.tainted, amount_minor=amount)
    if verdict.action is Action.AUTO and call.planned_at:
        return replace(verdict, action=Action.ASK, why=LATER)
    return verdict


def waiting_line(question: Approval) -> str:
    """What the house writes when something waits."""
    title, code = question.card.title, question.code
    return f"**Waiting for your yes:** {title} (code {code}). Nothing is done yet."


def outcome_text(outcome: Outcome) -> str:
    """A result in words for the model."""
    if outcome.state is EffectState.SENT:
        url = f" {outcome.url}" if outcome.url else ""
        data = f" {_text(outcome.data)}" if outcome.data else ""
        return f"Done.{url}{data}"
    if outcome.state is EffectState.IN_DOUBT:
        return f"Unknown whether it was done: {outcome.error} A person was asked. Do not repeat it."
    data = f" {_text(outcome.data)}" if outcome.data else ""
    return f"Not done: {outcome.error or outcome.state.value}{data}"


def _text(data: Json) -> str:
    return data if isinstance(data, str) else dumps(data)
