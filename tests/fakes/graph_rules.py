"""What Graph accepts in a message, and the answers with which it says no.

Bodies are judged by the published description (`microsoft-graph.json`, see `openapi.py`), what it
does not say by https://learn.microsoft.com/graph/api/user-post-messages and
https://learn.microsoft.com/graph/outlook-create-send-messages (read 2026-11-21).
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.fakes.graph_mailbox import FOLDERS, Item, Mailbox, line, quoted, shown
from tests.fakes.openapi import described

Body = dict[str, Any]

MAX_BYTES, MAX_OWN_HEADERS = 4_000_000, 5
_LISTS = {"toRecipients": "to", "ccRecipients": "cc", "bccRecipients": "bcc", "replyTo": "reply_to"}


class Refusal(Exception):
    """Graph's answer to what it does not do."""

    def __init__(self, status: int, code: str, message: str, *, mistake: bool = True) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.is_mistake = status, mistake
        self.body: Body = {"error": {"code": code, "message": message, "innerError": {}}}


def judge(request: web.Request, body: Any) -> None:
    """Refuse a body with a type or a name that the description does not have."""
    path = request.path.removeprefix("/v1.0")
    found = described("microsoft-graph").body_misfits(request.method, path, lowered(body))
    if wrong := list(found):
        raise Refusal(400, "RequestBodyRead", "; ".join(wrong))
    if not isinstance(body, dict):
        raise Refusal(400, "RequestBodyRead", "The body is no object.")


def lowered(found: Any) -> Any:
    """Graph takes the words of `contentType` in any case; the description has them small."""
    if isinstance(found, list):
        return [lowered(each) for each in found]
    if not isinstance(found, Mapping):
        return found
    made = {name: lowered(inner) for name, inner in found.items()}
    if "content" in made and isinstance(made.get("contentType"), str):
        made["contentType"] = made["contentType"].lower()
    return made


def from_mime(box: Mailbox, body: Any) -> Item:
    """A message from MIME in base64."""
    try:
        raw = base64.b64decode(body, validate=True)
    except (binascii.Error, TypeError, ValueError):
        words = "Invalid base64 string for MIME content."
        raise Refusal(400, "ErrorMimeContentInvalidBase64String", words) from None
    made = box.letter(raw, "drafts")
    made.sender = made.sender or box.owner
    return made


def filled(made: Item, message: Body) -> Item:
    """Write the fields of JSON into a message."""
    for name, attribute in _LISTS.items():
        if name in message:
            setattr(made, attribute, [line(each) for each in message[name] or ()])
    if message.get("from"):
        made.sender = line(message["from"])
    made.subject = str(message.get("subject", made.subject) or "")
    if body := message.get("body"):
        is_html = str(body.get("contentType", "")).lower() == "html"
        made.html, made.text = "", ""
        setattr(made, "html" if is_html else "text", str(body.get("content") or ""))
    made.message_id = message.get("internetMessageId") or made.message_id
    for each in message.get("internetMessageHeaders") or ():
        name = str(each.get("name", ""))
        if not name.lower().startswith("x-"):
            words = f"The internet message header name '{name}' should start with 'x-' or 'X-'."
            raise Refusal(400, "InvalidInternetMessageHeader", words)
        made.headers.append((name, str(each.get("value"))))
    if sum(name.lower().startswith("x-") for name, _ in made.headers) > MAX_OWN_HEADERS:
        words = f"More than {MAX_OWN_HEADERS} headers of your own."
        raise Refusal(400, "InvalidInternetMessageHeaderCollection", words)
    for each in message.get("singleValueExtendedProperties") or ():
        made.properties[str(each["id"]).lower()] = str(each.get("value"))
    for each in message.get("attachments") or ():
        attached(made, each)
    return made


def attached(made: Item, each: Body) -> Body:
    """Put a file into a message."""
    if each.get("@odata.type") != "#microsoft.graph.fileAttachment":
        raise Refusal(400, "ErrorInvalidRequest", "An attachment needs its @odata.type.")
    try:
        content = base64.b64decode(each.get("contentBytes") or "§", validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, "RequestBodyRead", "contentBytes is no base64.") from None
    if not each.get("name"):
        raise Refusal(400, "ErrorInvalidRequest", "An attachment needs a name.")
    found = {**each, "id": f"ATT{len(made.files)}", "size": len(content)}
    made.files.append(found)
    return found


def reply(box: Mailbox, original: Item, body: Body) -> Item:
    """A reply: Graph itself sets In-Reply-To, References, subject and recipients."""
    made = box.new("drafts", sender=box.owner, conversation=original.conversation)
    made.to = original.reply_to or [original.sender]
    is_again = original.subject.lower().startswith("re:")
    made.subject = original.subject if is_again else f"RE: {original.subject}"
    made.html = quoted(original, str(body.get("comment") or ""))
    before = original.header("References") or original.header("In-Reply-To")
    made.headers = [
        ("In-Reply-To", original.message_id),
        ("References", f"{before} {original.message_id}".strip()),
    ]
    return filled(made, body.get("message") or {})


# --- what a request says besides its body --------------------------------------------------------


def is_immutable(request: web.Request) -> bool:
    """Whether names that stay are preferred."""
    return any('idtype="immutableid"' in v.lower() for v in request.headers.getall("Prefer", []))


def page_size(request: web.Request, usual: int = 10) -> int:
    """How many a page of changes holds."""
    for part in ",".join(request.headers.getall("Prefer", [])).split(","):
        key, _, value = part.strip().partition("=")
        if key == "odata.maxpagesize" and value.isdigit():
            return int(value)
    return usual


def judge_delta(request: web.Request) -> None:
    """Refuse what a first request for changes of a folder may not ask.

    https://learn.microsoft.com/graph/api/message-delta (read 2026-11-22)
    """
    query = request.query
    unknown = set(query) - {"changeType", "$select", "$top", "$expand", "$filter", "$orderby"}
    if unknown or query.get("changeType", "created") not in ("created", "updated", "deleted"):
        raise Refusal(400, "BadRequest", f"Not of a delta: {sorted(unknown) or dict(query)}")
    if "$filter" in query or "$orderby" in query:
        raise Refusal(400, "BadRequest", "This server plays no $filter and no $orderby of a delta.")


def show(request: web.Request, item: Item, chosen: str = "") -> Body:
    """A message as this request wants it; `chosen` is what an earlier one chose."""
    prefer = ",".join(request.headers.getall("Prefer", [])).lower()
    select = [each for each in (request.query.get("$select") or chosen).split(",") if each]
    is_text = 'body-content-type="text"' in prefer
    return shown(item, immutable=is_immutable(request), select=select, as_text=is_text)


def folder(request: web.Request) -> str:
    """The folder it names; empty for all."""
    found = request.match_info.get("folder", "").lower()
    if found and found not in FOLDERS:
        raise Refusal(404, "ErrorItemNotFound", f"no folder {found}")
    return found


def number(request: web.Request, name: str, usual: int) -> int:
    """A number of the address."""
    text = request.query.get(name, str(usual))
    if not text.isdigit():
        raise Refusal(400, "ErrorInvalidUrlQuery", f"{name} is no number.")
    return int(text)
