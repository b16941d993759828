"""The loop of an agent: ask the model, run what it may, park what needs a yes, until it is done.

Every way out is a plain sentence: an answer, a wait for approval, a cap that was reached, a model
that failed. Each model call and each tool call is a step of the journal, so that a turn that was
cut off goes on where it was. What a call may do is the gate's business (`calls.py`).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from agents.runtime.calls import Calls
from agents.runtime.journal import Journal
from agents.runtime.prompt import is_whole, lay, outcomes_of, system_text
from agents.runtime.run import Run, Stopped, approved_files
from agents.runtime.shelf import Shelf
from agents.runtime.thinking import Thinking, reply_from, reply_to_json
from agents.runtime.toolset import Toolset
from agents.runtime.withdrawal import Withdrawals
from bot.causes import cause_of
from bot.core.agent import Agent
from bot.core.canonical import Json, digest
from bot.core.conversation import Claim, Spend, TurnEnd
from bot.core.errors import BudgetReached, Diverged, OperatorError, StoreError, VendorError
from bot.core.event import Ending
from bot.core.model import ModelMessage, ModelReply, ModelRequest
from bot.core.people import Person
from bot.core.ports import Agents, Clock
from bot.core.times import iso
from bot.frozen import frozen
from bot.store import summaries
from bot.store.script import Database, Script
from bot.store.summaries import Summary

MAX_INVALID = 4


@frozen
class Parts:
    """What a loop works with."""

    db: Database
    clock: Clock
    toolset: Toolset
    agents: Agents
    calls: Calls
    thinking: Thinking
    withdrawals: Withdrawals
    shelf: Shelf


class Loop:
    """Runs agents."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts

    async def run(self, claim: Claim, agent: Agent, person: Person | None, stream: bool) -> TurnEnd:
        """Bring one turn to its end. Raises Diverged, Fenced, and what nobody foresaw."""
        run = await self._open(claim, agent, person, stream)
        try:
            async with asyncio.timeout(agent.limits.wall_s):
                return await self._steps(run)
        except TimeoutError:
            minutes = agent.limits.wall_s / 60
            return run.stop(f"I stopped: this took longer than {minutes:.0f} minutes.", "wall time")
        except asyncio.CancelledError as error:
            raise Stopped(run.spends) from error
        except BudgetReached as error:
            return await self._p.calls.ask_budget(run, error.message)
        except StoreError:
            raise  # no failure of the turn: it waits until there is room, and goes on
        except (OperatorError, VendorError) as error:
            failed = run.end(Ending.FAILED, error.message, error.message, role="system")
            return replace(failed, raw=(), cause=cause_of(error))

    async def _open(self, claim: Claim, agent: Agent, person: Person | None, stream: bool) -> Run:
        """Step 0: what the prompt is laid from; on replay it must still be the same."""
        journal = Journal(self._p.db, self._p.clock, claim)
        began = self._p.clock.now()
        opened, found = claim, list[Summary]()

        async def record() -> Json:
            if not is_whole(opened):
                found.extend(await self._p.db.read(_latest(opened)))
            return {
                "agent": agent.name,
                "version": agent.version,
                "tools": list(agent.tools),
                "at": iso(began),
                "history": max((line.n for line in claim.history), default=0),
                "summary": found[0].last if found else 0,
            }

        laid_from = await journal.step("prompt", agent.name, record)
        if not isinstance(laid_from, Mapping) or laid_from["version"] != agent.version:
            raise Diverged("The agent was changed while its turn was cut off.")
        now = datetime.fromisoformat(str(laid_from["at"]))
        summed = laid_from.get("summary")
        if isinstance(summed, int) and summed and not found:
            found.extend(await self._p.db.read(_ending_at(claim, summed)))
        if claim.journal:  # lines that were written since then are not of this prompt
            last = laid_from["history"]
            until = last if isinstance(last, int) else 0
            known = tuple(line for line in claim.history if line.n <= until)
            claim = replace(claim, history=known)
        team = self._p.agents.all(claim.event.tenant)
        laid = lay(agent, team, claim, person, now, found[0] if found else None)
        done = outcomes_of(claim.event)
        if done and any(item.get("tool") in self._p.toolset.heard for item in done):
            laid = replace(laid, tainted=True)  # the tool brings words of others
        return Run(
            claim=claim,
            agent=agent,
            person=person,
            journal=journal,
            messages=list(laid.messages),
            opened_at=len(laid.messages),
            tainted=laid.tainted,
            stream=stream,
            began=self._p.clock.monotonic(),
            attached=list(approved_files(done)),
        )

    async def _steps(self, run: Run) -> TurnEnd:
        limits = run.agent.limits
        for _ in range(limits.steps):
            if sentence := _spent(run):
                return run.stop(sentence, "cap")
            reply = await self._think(run)
            run.messages.append(reply.message)
            if not reply.message.tool_calls:
                return _final(run, reply)
            end = await self._p.calls.work(run, reply.message)
            if end:
                return end
            if run.invalid >= MAX_INVALID:
                return run.stop(
                    "I could not work out how to use my tools for this. Say it in other words?",
                    "invalid calls",
                )
            self._hand_over(run)
        return run.stop(f"I stopped after {limits.steps} steps without coming to an end.", "steps")

    async def _think(self, run: Run) -> ModelReply:
        """One model call: reserved, journaled, settled."""
        tools = self._p.toolset.offered(run.agent, run.claim.event.tenant)
        request = ModelRequest(
            tenant=run.claim.event.tenant,
            agent=run.agent.name,
            conv=run.claim.conv.id,
            messages=tuple(run.messages),
            tools=self._p.shelf.offered(run, await self._p.withdrawals.offered(run, tools)),
            task=run.agent.task,
            model=run.agent.model,
        )
        last = run.messages[-1]
        given = digest([run.agent.version, len(run.messages), last.role, last.content])
        reply: list[ModelReply] = []

        async def ask() -> Json:
            reply.append(await self._p.thinking.ask(run, request, stream=run.stream))
            return reply_to_json(reply[0])

        kept = await run.journal.step("model", given, ask)
        said = reply[0] if reply else reply_from(kept)
        run.offline = run.offline or said.offline
        run.spends.append(Spend(model=said.model, usage=said.usage))
        return said

    def _hand_over(self, run: Run) -> None:
        """Go on as another agent when the last calls handed the conversation over."""
        name = self._p.calls.handed_to(run)
        if name is None:
            return
        agent = self._p.agents.get(run.claim.event.tenant, name)
        if agent is None:
            return
        run.agent = agent
        run.hops += 1
        team = self._p.agents.all(run.claim.event.tenant)
        run.messages[0] = ModelMessage(role="system", content=system_text(agent, team))


def _latest(claim: Claim) -> Script[list[Summary]]:
    """The summary of what the history no longer holds, if there is one."""
    found = yield from summaries.latest(claim.event.tenant, claim.conv.id, 2**62)
    return [found] if found else []


def _ending_at(claim: Claim, last: int) -> Script[list[Summary]]:
    """The summary that this turn was laid from before it was cut off."""
    found = yield from summaries.ending_at(claim.event.tenant, claim.conv.id, last)
    return [found] if found else []


def _spent(run: Run) -> str:
    """The sentence for the cap that is reached; empty while there is room."""
    limits = run.agent.limits
    tokens = sum(s.usage.tokens_in + s.usage.tokens_out for s in run.spends)
    micros = sum(s.usage.micros or 0 for s in run.spends)
    if tokens > limits.tokens:
        return f"I stopped: this used {tokens:,} tokens, more than I may spend on one question."
    if micros > limits.money_micros:
        return f"I stopped: this cost {micros / 1e6:.2f} USD, more than I may spend on it."
    if run.hops > limits.depth:
        return "I stopped: this was handed from one colleague to another too often."
    return ""


def _final(run: Run, reply: ModelReply) -> TurnEnd:
    text = reply.message.content.strip()
    if not text:
        return run.stop("I have no answer to that. Try it in other words?", "empty answer")
    detail = ""
    if reply.finish == "length":
        text += "\n\n_(cut off: the answer was longer than allowed)_"
        detail = "cut at the length limit"
    return run.end(Ending.ANSWERED, text, detail)
