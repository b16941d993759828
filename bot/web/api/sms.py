"""Text messages: our numbers and what they are for, the threads on them, who opted out."""

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import Invalid
from bot.core.times import from_us, iso
from bot.platforms.texting import Book
from bot.store.phone_numbers import Number
from bot.store.texts import OptOut, Texted, Thread
from bot.web.answers import (
    LATEST,
    MAYBE,
    NUMBER,
    TEXT,
    TRUTH,
    answer,
    limit_of,
    list_of,
    listed,
    number,
    schema,
)
from bot.web.api.people import actor_of
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route

OURS = schema(
    number=TEXT, label=TEXT, purpose=TEXT, default=TRUTH, state=TEXT, agent=MAYBE, since=TEXT
)
THREAD = schema(
    number=TEXT,
    contact=TEXT,
    name=MAYBE,
    person=MAYBE,
    heard=NUMBER,
    said=NUMBER,
    last=TEXT,
    last_at=TEXT,
)
MESSAGE = schema(
    id=TEXT,
    way=TEXT,
    kind=TEXT,
    sid=TEXT,
    answers=TEXT,
    state=TEXT,
    segments=NUMBER,
    media=NUMBER,
    error=TEXT,
    number=TEXT,
    contact=TEXT,
    at=TEXT,
    changed_at=TEXT,
)
OPTED = schema(contact=TEXT, number=TEXT, state=TEXT, how=TEXT, at=TEXT)


class Sms:
    """Handlers. Only owners see whom the house texts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def _book(self, request: web.Request) -> Book:
        return Book(self._parts.db, self._parts.clock, request[VISIT].tenant)

    async def numbers(self, request: web.Request) -> web.Response:
        """All of them, with the agent that a route gives each."""
        book = self._book(request)
        agents = await book.agents()
        return listed([_ours(item, agents) for item in await book.numbers()], None)

    async def change(self, request: web.Request) -> web.Response:
        """Say what a number is for, or that agents without one of their own send from it."""
        fields = Fields(await read_json(request), ("purpose", "default"))
        changes: dict[str, str | bool] = {}
        if (purpose := fields.json("purpose")) is not None:
            changes["purpose"] = fields.text("purpose", "") if purpose else ""
        if (default := fields.json("default")) is not None:
            if not isinstance(default, bool):
                raise Invalid("`default` is true or false.", field="default")
            changes["default"] = default
        book = self._book(request)
        known = request.match_info["number"]
        item = await book.set_number(known, changes, actor_of(request))
        return answer(_ours(item, await book.agents()))

    async def threads(self, request: web.Request) -> web.Response:
        """The newest first."""
        limit, before = limit_of(request), number(request, "after", LATEST)
        found = await self._book(request).threads(before, limit)
        after = found[-1].last_at if len(found) == limit else None
        return listed([_thread(item) for item in found], after)

    async def messages(self, request: web.Request) -> web.Response:
        """What went to and fro in a thread, the newest first; its words are in the conversation."""
        ours, theirs = request.match_info["number"], request.match_info["contact"]
        found = await self._book(request).messages(ours, theirs, limit_of(request))
        return listed([_message(item) for item in found], None)

    async def undelivered(self, request: web.Request) -> web.Response:
        """Texts that did not arrive, the latest first."""
        limit, before = limit_of(request), number(request, "after", LATEST)
        found = await self._book(request).undelivered(before, limit)
        after = found[-1].changed_at if len(found) == limit else None
        return listed([_message(item) for item in found], after)

    async def opt_outs(self, request: web.Request) -> web.Response:
        """Who opted out or in again, the newest first."""
        found = await self._book(request).opt_outs(limit_of(request))
        return listed([_opted(item) for item in found], None)


def _ours(item: Number, agents: dict[str, str]) -> dict[str, Json]:
    return {
        "number": item.number,
        "label": item.label,
        "purpose": item.purpose,
        "default": item.is_default,
        "state": item.state,
        "agent": agents.get(item.number),
        "since": iso(from_us(item.at)),
    }


def _thread(item: Thread) -> dict[str, Json]:
    return {
        "number": item.number,
        "contact": item.contact,
        "name": item.name or None,
        "person": item.person or None,
        "heard": item.heard,
        "said": item.said,
        "last": item.last,
        "last_at": iso(from_us(item.last_at)),
    }


def _message(item: Texted) -> dict[str, Json]:
    return {
        "id": item.id,
        "way": item.way,
        "kind": item.kind,
        "sid": item.sid,
        "answers": item.answers,
        "state": item.state,
        "segments": item.segments,
        "media": item.media,
        "error": item.error,
        "number": item.number,
        "contact": item.contact,
        "at": iso(from_us(item.at)),
        "changed_at": iso(from_us(item.changed_at)),
    }


def _opted(item: OptOut) -> dict[str, Json]:
    return {
        "contact": item.contact,
        "number": item.number,
        "state": item.state,
        "how": item.how,
        "at": iso(from_us(item.at)),
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    sms = Sms(parts)
    change = schema(purpose=TEXT, default=TRUTH)
    docs = {
        "numbers": Doc(summary="Our phone numbers.", answer=list_of(OURS)),
        "threads": Doc(summary="Threads of text messages.", answer=list_of(THREAD)),
        "opt-outs": Doc(summary="Who wants no texts.", answer=list_of(OPTED)),
        "undelivered": Doc(summary="Texts that did not arrive.", answer=list_of(MESSAGE)),
    }
    handlers = {
        "numbers": sms.numbers,
        "threads": sms.threads,
        "opt-outs": sms.opt_outs,
        "undelivered": sms.undelivered,
    }
    return [
        *(
            Route(
                method="GET",
                path=f"/v1/sms/{name}",
                handler=handlers[name],
                access=Access.OWNER,
                doc=doc,
            )
            for name, doc in docs.items()
        ),
        Route(
            method="POST",
            path="/v1/sms/numbers/{number}",
            handler=sms.change,
            access=Access.OWNER,
            doc=Doc(
                summary="Say what a number is for.", body={**change, "required": []}, answer=OURS
            ),
        ),
        Route(
            method="GET",
            path="/v1/sms/threads/{number}/{contact}",
            handler=sms.messages,
            access=Access.OWNER,
            doc=Doc(summary="Messages of a thread, without words.", answer=list_of(MESSAGE)),
        ),
    ]
