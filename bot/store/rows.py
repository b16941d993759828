"""Values of the house as rows and back. Nothing here decides anything."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.core.canonical import Json
from bot.core.card import Card, Choice, Field
from bot.core.event import Attachment, Event, Place, Sender, Trust
from bot.core.ids import AgentName, ConvKey, EventId, PersonId, TenantId
from bot.core.model import ModelMessage, ToolCall
from bot.core.times import from_us, iso, to_us

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dumps(value: object) -> str:
    """JSON text without spaces."""
    return _ENCODER.encode(value)


def loads(text: str) -> Any:
    """What `dumps` wrote; `Any` because only the caller knows what it wrote."""
    return json.loads(text)


def optional(at: datetime | None) -> int | None:
    """Microseconds, or None."""
    return None if at is None else to_us(at)


def event_body(event: Event) -> str:
    """The part of an event that no column holds."""
    body: dict[str, object] = {
        "conv": event.conv,
        "sender": [event.sender.ext_id, event.sender.name, event.sender.person],
        "place": [event.place.id, event.place.thread, event.place.workspace, event.place.direct],
        "text": event.text,
    }
    if event.attachments:
        body["attachments"] = attachments_to_json(event.attachments)
    for name in ("reply_to", "to", "agent"):
        if value := getattr(event, name):
            body[name] = value
    if not event.addressed:
        body["addressed"] = False
    if event.trust is not Trust.PERSON:
        body["trust"] = event.trust.value
    if event.payload:
        body["payload"] = event.payload
    return dumps(body)


def event_from(row: tuple[str, str, str, str, str, str, int], body: Mapping[str, Any]) -> Event:
    """The event of a row (id, tenant, channel, account, ext_id, kind, at) and its body."""
    id_, tenant, channel, account, ext_id, kind, at = row
    ext, name, person = body["sender"]
    place, thread, workspace, direct = body["place"]
    return Event(
        id=EventId(id_),
        tenant=TenantId(tenant),
        channel=channel,
        account=account,
        ext_id=ext_id,
        kind=kind,
        conv=ConvKey(body["conv"]),
        sender=Sender(ext_id=ext, name=name, person=PersonId(person) if person else None),
        place=Place(id=place, thread=thread, workspace=workspace, direct=direct),
        text=body["text"],
        at=from_us(at),
        attachments=attachments_from(body.get("attachments", ())),
        reply_to=body.get("reply_to", ""),
        addressed=body.get("addressed", True),
        to=body.get("to", ""),
        agent=AgentName(body["agent"]) if body.get("agent") else None,
        trust=Trust(body.get("trust", "person")),
        payload=body.get("payload", {}),
    )


def attachments_to_json(items: Sequence[Attachment]) -> list[dict[str, Json]]:
    """Attachments as JSON objects."""
    return [
        {
            "name": item.name,
            "media_type": item.media_type,
            "size": item.size,
            "sha256": item.sha256,
            "source": item.source,
        }
        for item in items
    ]


def attachments_from(items: Sequence[Mapping[str, Any]]) -> tuple[Attachment, ...]:
    """Attachments of their JSON objects."""
    return tuple(Attachment(**item) for item in items)


def messages_to_json(messages: Sequence[ModelMessage]) -> str:
    """What a turn said to and heard from its model, for the turns after it."""
    lines: list[dict[str, object]] = []
    for message in messages:
        line: dict[str, object] = {"role": message.role, "content": message.content}
        if message.tool_calls:
            line["calls"] = [[call.id, call.name, call.arguments] for call in message.tool_calls]
        if message.tool_call_id:
            line["call"] = message.tool_call_id
        if message.raw is not None:
            line["raw"] = message.raw
        lines.append(line)
    return dumps(lines)


def messages_from(text: str) -> tuple[ModelMessage, ...]:
    """The messages that `messages_to_json` wrote."""
    return tuple(
        ModelMessage(
            role=line["role"],
            content=line["content"],
            tool_calls=tuple(
                ToolCall(id=id_, name=name, arguments=arguments)
                for id_, name, arguments in line.get("calls", ())
            ),
            tool_call_id=line.get("call", ""),
            raw=line.get("raw"),
        )
        for line in loads(text)
    )


def card_to_json(card: Card) -> dict[str, Json]:
    """A card as the API shows it and as a row keeps it."""
    return {
        "title": card.title,
        "agent": card.agent,
        "on_behalf_of": card.on_behalf_of,
        "amount": card.amount,
        "recipients": list(card.recipients),
        "fields": [
            {"name": f.name, "value": f.value, "long": f.long, "editable": f.editable}
            for f in card.fields
        ],
        "body": card.body,
        "warnings": list(card.warnings),
        "audience": card.audience,
        "why": card.why,
        "approvers": list(card.approvers),
        "expires_at": iso(card.expires_at) if card.expires_at else None,
        "code": card.code,
        "decided": card.decided,
        "sandbox": card.sandbox,
        "choices": [{"id": c.id, "label": c.label, "style": c.style} for c in card.choices],
    }


def card_from(value: Mapping[str, Any]) -> Card:
    """The card of its JSON object."""
    expires = value["expires_at"]
    return Card(
        **{
            **value,
            "recipients": tuple(value["recipients"]),
            "fields": tuple(Field(**f) for f in value["fields"]),
            "warnings": tuple(value["warnings"]),
            "approvers": tuple(value["approvers"]),
            "expires_at": datetime.fromisoformat(expires) if expires else None,
            "choices": tuple(Choice(**c) for c in value["choices"]),
        }
    )
