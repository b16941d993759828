"""What a person says through the web, the terminal or the API, as an event.

The conversation's key holds the channel and the person, so that nobody can name their way into
another's conversation. A key of the caller's makes a repeat the same event; without one, each
call is a new one.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from aiohttp import web

from bot.core.canonical import Json, digest
from bot.core.conversation import Conversation
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.event import Attachment, Event, Kind, Place, Sender
from bot.core.ids import AgentName, EventId, TenantId, conv_key
from bot.core.ports import Accepted, Agents, new_id
from bot.credentials import Visit
from bot.frozen import field, frozen
from bot.web.parts import Parts

WEB, API, TERMINAL = "web", "api", "terminal"
OWN_CHANNELS = frozenset({WEB, API, TERMINAL})
"""Where an answer is a line of the transcript, and nothing is sent."""
MAX_KEY = 200


@frozen
class Said:
    """One thing said, before it is an event."""

    text: str
    agent: AgentName | None = None
    conv: Conversation | None = None
    """An existing conversation; None begins one, or goes on with that of `thread`."""
    thread: str = ""
    """Names a conversation among this person's; empty for a fresh one."""
    attachments: tuple[Attachment, ...] = ()
    payload: Mapping[str, Json] = field(default_factory=dict)
    kind: Kind = Kind.MESSAGE


def channel_of(request: web.Request, visit: Visit) -> str:
    """Which of our own channels this is: the page, the terminal, or a program."""
    if visit.is_browser:
        return WEB
    return TERMINAL if request.headers.get("X-Switchboard-Channel") == TERMINAL else API


def event_of(parts: Parts, visit: Visit, channel: str, said: Said, key: str) -> Event:
    """Return the event; `key` is the caller's own for a repeat, or empty."""
    id_ = new_id(parts.clock, "evt")
    person = visit.person
    if said.conv:
        where, conv = Place(id=said.conv.place, thread=said.conv.thread), said.conv.key
    else:
        where = Place(id=person.id, thread=said.thread or id_)
        conv = conv_key(channel, "", where.id, where.thread)
    return Event(
        id=EventId(id_),
        tenant=visit.tenant,
        channel=channel,
        account="",
        ext_id=f"person:{person.id}:{key or id_}",
        kind=said.kind,
        conv=conv,
        sender=Sender(ext_id=person.id, name=person.name, person=person.id),
        place=where,
        text=said.text,
        at=parts.clock.now(),
        attachments=said.attachments,
        agent=said.agent,
        payload=said.payload,
    )


async def accept(parts: Parts, event: Event, body_hash: str) -> Accepted:
    """Store an event durably and let watchers look. Raises Conflict for a key used otherwise."""
    accepted = await parts.inbox.accept(event, body_hash)
    if accepted.duplicate and not accepted.same:
        raise Conflict("This Idempotency-Key was used for another message. Use a fresh one.")
    if not accepted.duplicate:
        parts.live.tell(event.tenant, accepted.conv, "look", {})
    return accepted


def key_of(request: web.Request) -> str:
    """The caller's Idempotency-Key; empty when there is none. Raises Invalid."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > MAX_KEY or not (key.isascii() and key.isprintable()):
        raise Invalid(f"An Idempotency-Key is at most {MAX_KEY} plain characters.")
    return key


def hash_of(key: str, *values: Json) -> str:
    """What a repeat is compared by; empty when nothing can repeat."""
    return digest(list(values)) if key else ""


def agent_of(agents: Agents, tenant: TenantId, name: str) -> AgentName:
    """An agent of the team. Raises NotFound, naming the nearest."""
    found = agents.get(tenant, name)
    if found is not None:
        return found.name
    names = [agent.name for agent in agents.all(tenant)]
    near = get_close_matches(name.lower(), names, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else " `/v1/agents` lists them."
    raise NotFound(f"There is no agent `{name[:50]}`.{hint}", field="agent")


def check_own(visit: Visit, conv: Conversation) -> None:
    """Raises Conflict where an answer would go elsewhere, or be somebody else's to read."""
    if conv.channel not in OWN_CHANNELS:
        raise Conflict(f"This conversation lives on {conv.channel}. Write to it there.")
    if conv.person != visit.person.id:
        raise Conflict("This is somebody else's conversation. You may read it, not write in it.")
