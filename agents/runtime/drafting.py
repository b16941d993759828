"""Letting colleagues write: each makes one call of its own tool after a brief, side by side.

A colleague is asked with its own words and that one tool, and sees nothing of the conversation but
the brief. What it writes is a call like any other: the gate judges it by that colleague's rules,
and it goes out, if at all, by the account that is lent to that colleague. Each draft is a step of
the journal, so that a turn that goes on after a crash shows the same drafts.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from agents.runtime.prompt import system_text
from agents.runtime.run import Run, arguments_of
from agents.runtime.thinking import Thinking, reply_from, reply_to_json
from agents.runtime.toolset import Toolset
from bot.core.agent import Agent
from bot.core.canonical import Json, digest
from bot.core.conversation import Spend
from bot.core.errors import Diverged, OperatorError
from bot.core.ids import TenantId
from bot.core.model import ModelMessage, ModelReply, ModelRequest, ToolCall
from bot.core.ports import Agents
from bot.core.tool import Tool
from bot.frozen import frozen
from tools.self.hand_off import follows_chart

AT_ONCE = 4
"""Models that write side by side for one turn."""
MAX_SAID = 300
ANY = "*"
"""Stands at the head of a call's name for every tool whose name ends so."""
BY_HAND = "a person puts this up by hand; it is a question of its own, so call it by itself"


@frozen
class Draft:
    """What a colleague made of its brief."""

    agent: Agent
    tool: str
    asked: tuple[ModelMessage, ...]
    """What it was shown, with its answer."""
    call: ToolCall | None = None
    said: str = ""
    """Its words, where it made no call."""


class Drafting:
    """Asks colleagues."""

    def __init__(self, agents: Agents, toolset: Toolset, thinking: Thinking) -> None:
        self._agents = agents
        self._toolset = toolset
        self._thinking = thinking

    async def begin(self, run: Run, briefs: Sequence[ToolCall]) -> list[Draft]:
        """A draft for each brief, by whoever has the tool; one that nobody has says so."""
        wanted: dict[str, str] = {}
        unconnected: list[str] = []
        for each in briefs:
            names, without = await self._meant(run, each.name)
            wanted |= dict.fromkeys(names, _brief(each))
            unconnected += without
        asked = [self._opened(run, name, brief) for name, brief in wanted.items()]
        if left := ", ".join(name for name in unconnected if name not in wanted):
            said = "no account is connected"
            asked.append(Draft(agent=run.agent, tool=left, asked=(), said=said))
        return await self._written(run, asked)

    async def again(self, run: Run, drafts: Sequence[tuple[Draft, str]]) -> list[Draft]:
        """Each draft once more, after what was wrong with it."""
        asked = []
        for draft, mistake in drafts:
            id_ = draft.call.id if draft.call else ""
            told = ModelMessage(role="tool", content=mistake, tool_call_id=id_)
            asked.append(replace(draft, asked=(*draft.asked, told), call=None))
        return await self._written(run, asked)

    async def _meant(self, run: Run, name: str) -> tuple[list[str], list[str]]:
        """The tools that a name stands for, and those of them that have no account.

        Where no account is connected at all, all are meant: the sandbox shows what would go out.
        """
        if not name.startswith(ANY):
            return [name], []

        async def look() -> Json:
            there: dict[str, Json] = {}
            for each, tool in self._toolset.tools.items():
                writer = self._writer(run, each)
                alone = tool.spread is not None or tool.by_hand
                if each.endswith(name.removeprefix(ANY)) and not alone and writer:
                    there[each] = await self._has_account(run, tool, writer)
            return {"tool": name, "accounts": there}

        found = await run.journal.step("tool", digest([name, "with an account"]), look)
        accounts = found["accounts"] if isinstance(found, dict) else {}
        if not isinstance(accounts, dict):
            raise Diverged("A journaled result is not readable.")
        if not any(accounts.values()):
            return list(accounts), []
        without = [each for each, has in accounts.items() if has is False]
        return [each for each in accounts if each not in without], without

    async def _has_account(self, run: Run, tool: Tool, writer: Agent) -> bool | None:
        """Whether it would act by an account; None where it needs none."""
        if not tool.provider:
            return None
        tenant, accounts = run.claim.event.tenant, self._toolset.accounts
        if not tool.needs or accounts is None:
            return not self._toolset.in_sandbox(tenant, tool)
        try:
            return bool(await accounts.account(tenant, tool.provider, writer.name, tool.needs))
        except OperatorError:
            return True  # there is one, with something to mend: the card will say what

    def _writer(self, run: Run, tool: str) -> Agent | None:
        """Whose tool it is: a colleague's within reach, the most special one; else the caller's."""
        tenant, me = run.claim.event.tenant, run.agent
        having = [a for a in self._agents.all(tenant) if tool in self._toolset.names(a, tenant)]
        others = [a for a in having if a.name != me.name and follows_chart(me, a)]
        others.sort(key=lambda a: (a.lead != me.name, len(a.tools), a.name))
        mine = [a for a in having if a.name == me.name]
        return next(iter([*others, *mine]), None)

    def _opened(self, run: Run, tool: str, brief: str) -> Draft:
        writer = self._writer(run, tool)
        known = self._toolset.find_tool(tool, run.claim.event.tenant)
        if writer is None or known is None or known.spread:
            said = f"nobody in the team has {tool}"
            return Draft(agent=run.agent, tool=tool, asked=(), said=said)
        if known.by_hand:
            return Draft(agent=run.agent, tool=tool, asked=(), said=BY_HAND)
        words = (
            f"[{run.agent.name} asks you for one post] Call {tool} once with the post as it should "
            "appear. That publishes nothing yet: a person sees it first, beside what colleagues "
            "write for their networks. If it cannot be done, such as for want of a picture, call "
            f"nothing and say why in one sentence.\n\nThe brief: {brief}"
        )
        asked = (
            ModelMessage(role="system", content=system_text(writer, ())),
            ModelMessage(role="user", content=words),
        )
        return Draft(agent=writer, tool=tool, asked=asked)

    async def _written(self, run: Run, drafts: Sequence[Draft]) -> list[Draft]:
        """Ask for all that is still open, side by side; each answer is a step."""
        tenant, room = run.claim.event.tenant, asyncio.Semaphore(AT_ONCE)
        tasks: dict[int, asyncio.Task[ModelReply]] = {}
        open_ = [n for n, draft in enumerate(drafts) if draft.asked]

        async def ask(draft: Draft) -> ModelReply:
            async with room:
                return await self._thinking.ask(run, self._request(run, tenant, draft))

        async def kept(n: int) -> Json:
            if not tasks:  # the first that no journal answers begins them all
                tasks.update((m, asyncio.create_task(ask(drafts[m]))) for m in open_ if m >= n)
            return reply_to_json(await tasks[n])

        done = list(drafts)
        try:
            for n in open_:
                draft = drafts[n]
                given = digest([draft.agent.version, draft.tool, *(m.content for m in draft.asked)])
                journaled = await run.journal.step("model", given, partial(kept, n))
                done[n] = _answered(run, draft, reply_from(journaled))
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        return done

    def _request(self, run: Run, tenant: TenantId, draft: Draft) -> ModelRequest:
        offered = self._toolset.offered(draft.agent, tenant)
        return ModelRequest(
            tenant=tenant,
            agent=draft.agent.name,
            conv=run.claim.conv.id,
            messages=draft.asked,
            tools=tuple(tool for tool in offered if tool.name == draft.tool),
            task=draft.agent.task,
            model=draft.agent.model,
        )


def _answered(run: Run, draft: Draft, reply: ModelReply) -> Draft:
    run.offline = run.offline or reply.offline
    run.spends.append(Spend(model=reply.model, usage=reply.usage))
    call = next((c for c in reply.message.tool_calls if c.name == draft.tool), None)
    # Of several calls the first counts; the others are not shown back, for none may stay open.
    raw = reply.message.raw if len(reply.message.tool_calls) < 2 else None
    message = replace(reply.message, tool_calls=(call,) if call else (), raw=raw)
    said = " ".join(reply.message.content.split())[:MAX_SAID]
    return replace(draft, asked=(*draft.asked, message), call=call, said=said)


def _brief(call: ToolCall) -> str:
    return str((arguments_of(call.arguments) or {}).get("brief", ""))
