"""Memory: what agents keep about whoever asks, and their conversations that were put away.

Notes are their person's alone: an owner sees their own as well, and those that are about no person.
An archive is seen by whoever may read its conversation.
"""

from aiohttp import web

from agents.runtime.archives import Archives as Keeper
from bot.core.canonical import Json
from bot.core.errors import NotFound
from bot.core.people import Person, Role
from bot.core.ports import Memo
from bot.core.times import from_us, iso, to_us
from bot.render.text import visible
from bot.store import archives, audit, memory
from bot.store.archives import Archive
from bot.web.answers import (
    LATEST,
    MAYBE,
    NUMBER,
    TEXT,
    TIME,
    TRUTH,
    answer,
    limit_of,
    list_of,
    listed,
    number,
    schema,
)
from bot.web.api.people import actor_of
from bot.web.parts import VISIT, Doc, Parts, Route

NOTE = schema(
    id=TEXT,
    text=TEXT,
    agent=TEXT,
    person=MAYBE,
    source=TEXT,
    conversation=MAYBE,
    event=MAYBE,
    outside=TRUTH,
    at=TIME,
)
ARCHIVE = schema(
    id=TEXT,
    title=TEXT,
    agent=TEXT,
    person=MAYBE,
    conversation=TEXT,
    first=NUMBER,
    last=NUMBER,
    lines=NUMBER,
    file=TEXT,
    at=TIME,
    restored_at=MAYBE,
)
_PAGE = {"limit": "How many, at most 1,000.", "after": "Where to go on: `next` of the page before."}


class Memory:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """What agents keep about whoever asks, latest first."""
        person, limit = request[VISIT].person, limit_of(request)
        before = number(request, "after", LATEST)
        script = memory.about(person.tenant, person.id, before, limit, nobodys=_owns(person))
        found = await self._parts.db.read(script)
        at = to_us(self._parts.clock.now())
        told = {"notes": len(found)}
        await self._parts.db.write(
            audit.note(person.tenant, at, actor_of(request), "memory.listed", person.id, told)
        )
        after = to_us(found[-1].at) if len(found) == limit else None
        return listed([_note(item) for item in found], after)

    async def forget(self, request: web.Request) -> web.Response:
        """Delete one of them for good."""
        person, id_ = request[VISIT].person, request.match_info["id"]
        at = to_us(self._parts.clock.now())
        script = memory.forget_about(person.tenant, person.id, id_, at, nobodys=_owns(person))
        if not await self._parts.db.write(script):
            raise NotFound("There is no such note here.")
        return answer({"id": id_})


class Archives:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._keeper: Keeper = parts.archives

    async def list(self, request: web.Request) -> web.Response:
        """A member's own, an owner's whole tenant, latest first."""
        person, limit = request[VISIT].person, limit_of(request)
        before = number(request, "after", LATEST)
        whose = "*" if _owns(person) else person.id
        found = await self._parts.db.read(archives.listed(person.tenant, whose, before, limit))
        after = found[-1].at if len(found) == limit else None
        return listed([_archive(item) for item in found], after)

    async def restore(self, request: web.Request) -> web.Response:
        """Bring the lines back into their conversation."""
        item = await self._keeper.restore(request[VISIT].person, request.match_info["id"])
        return answer({"id": item.id, "conversation": item.conv, "lines": item.lines})


def _owns(person: Person) -> bool:
    return person.role is Role.OWNER


def _note(item: Memo) -> dict[str, Json]:
    return {
        "id": item.id,
        "text": visible(item.text),
        "agent": item.agent,
        "person": item.person,
        "source": visible(item.source),
        "conversation": item.conv or None,
        "event": item.event or None,
        "outside": not item.trusted,
        "at": iso(item.at),
    }


def _archive(item: Archive) -> dict[str, Json]:
    return {
        "id": item.id,
        "title": visible(item.title),
        "agent": item.agent,
        "person": item.person or None,
        "conversation": item.conv,
        "first": item.first,
        "last": item.last,
        "lines": item.lines,
        "file": item.file,
        "at": iso(from_us(item.at)),
        "restored_at": iso(from_us(item.restored_at)) if item.restored_at else None,
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of these nouns."""
    notes, away = Memory(parts), Archives(parts)
    restored = schema(id=TEXT, conversation=TEXT, lines=NUMBER)
    return [
        Route(
            method="GET",
            path="/v1/memory",
            handler=notes.list,
            doc=Doc(summary="What agents keep about you.", answer=list_of(NOTE), query=_PAGE),
        ),
        Route(
            method="DELETE",
            path="/v1/memory/{id}",
            handler=notes.forget,
            doc=Doc(summary="Forget a note for good.", answer=schema(id=TEXT)),
        ),
        Route(
            method="GET",
            path="/v1/archives",
            handler=away.list,
            doc=Doc(
                summary="Old conversations that were put away.",
                answer=list_of(ARCHIVE),
                query=_PAGE,
            ),
        ),
        Route(
            method="POST",
            path="/v1/archives/{id}/restore",
            handler=away.restore,
            doc=Doc(summary="Bring a conversation's lines back.", answer=restored),
        ),
    ]
