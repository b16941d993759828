"""What Twilio accepts: the fields of a message, its own errors, segments, and words that opt out.

Fields come from the published description (`twilio-api-v2010.json`, see `openapi.py`); the rest from
https://www.twilio.com/docs/messaging/api/message-resource, https://www.twilio.com/docs/api/errors,
https://www.twilio.com/docs/glossary/what-is-gsm-7-character-encoding and
https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out (read 2026-11-21).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.openapi import Description, described

Body = dict[str, Any]

ERRORS: Mapping[int, tuple[int, str]] = {
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20009: (409, "Cannot delete message because delivery is in progress"),
    20404: (404, "The requested resource {0} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "Invalid 'To' Phone Number: {0}"),
    21266: (400, "'To' and 'From' number cannot be the same: {0}"),
    21402: (400, "Invalid Url: {0}"),
    21403: (400, "Invalid Method: {0}"),
    21408: (400, "Permission to send an SMS has not been enabled for the region of {0}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number {0} cannot send messages."),
    21608: (400, "The number {0} is unverified. Trial accounts cannot send to it."),
    21609: (400, "The 'StatusCallback' URL {0} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "The 'From' number {0} has exceeded the maximum number of queued messages"),
    21614: (400, "'To' number {0} is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL(s)"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21659: (400, "'From' {0} is not a Twilio phone number of this account."),
    21701: (400, "The Messaging Service {0} does not exist."),
    21703: (400, "The Messaging Service contains no phone numbers."),
}
"""Code to HTTP status and sentence; the codes are Twilio's, the wording is close to theirs."""

DELIVERY: Mapping[int, str] = {
    11200: "HTTP retrieval failure",
    12300: "Invalid Content-Type",
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Carrier violation",
    30019: "Content size exceeds carrier limit",
    30034: "US A2P 10DLC: message from an unregistered number",
    30036: "Validity period expired",
}
"""Codes of what went wrong after a message was taken."""

RANK = ("accepted", "scheduled", "queued", "sending", "sent", "delivered", "read")
FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "read"})
E164 = re.compile(r"\+[1-9]\d{6,14}")
MAX_BODY, MAX_MEDIA, MAX_MEDIA_BYTES = 1600, 10, 5_000_000

STOP = frozenset("STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT".split())
START = frozenset("START YES UNSTOP".split())
HELP = frozenset("HELP INFO".split())

_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = set("^{}\\[~]|€\f")


class Refusal(Exception):
    """Twilio's answer to what it does not do."""

    def __init__(self, code: int, about: str = "", mistake: str = "") -> None:
        super().__init__(code)
        self.code, self.mistake = code, mistake
        self.status, sentence = ERRORS[code]
        self.body: Body = {
            "code": code,
            "message": sentence.format(about),
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": self.status,
        }


def api() -> Description:
    """The published description."""
    return described("twilio-api-v2010")


def segments(text: str) -> int:
    """How many parts a text is sent in: 160/153 septets, else 70/67 units of UTF-16."""
    if all(char in _GSM or char in _GSM_TWICE for char in text):
        costs, whole, part = [2 if char in _GSM_TWICE else 1 for char in text], 160, 153
    else:
        costs, whole, part = [len(char.encode("utf-16-le")) // 2 for char in text], 70, 67
    if sum(costs) <= whole:
        return 1
    parts, used = 1, 0
    for cost in costs:
        # A character that costs two is never cut in half.
        if used + cost > part:
            parts, used = parts + 1, 0
        used += cost
    return parts


def keyword(text: str) -> str:
    """STOP, START or HELP when the whole text is such a word; else empty."""
    word = text.strip().upper()
    for kind, words in (("STOP", STOP), ("START", START), ("HELP", HELP)):
        if word in words:
            return kind
    return ""


def misfits(path: str, form: Mapping[str, list[str]]) -> Iterator[str]:
    """Fields that Twilio does not have, or has otherwise: it would ignore them without a word."""
    names = api().names("POST", path)
    for name, values in form.items():
        if names and name not in names:
            yield f"{path}: {name} is not described"
        if len(values) > 1 and name not in ("MediaUrl", "PersistentAction"):
            yield f"{path}: {name} is there {len(values)} times"
    for name in ("StatusCallback", "SmsUrl", "SmsFallbackUrl"):
        host = urlsplit((form.get(name) or [""])[0]).hostname or ""
        if "_" in host:
            yield f"{path}: the host of {name} has an underscore"


def check(form: Mapping[str, list[str]]) -> None:
    """Refuse a message whose fields cannot be right, whoever the account is."""
    to, sender = first(form, "To"), first(form, "From")
    media = form.get("MediaUrl", [])
    if not to:
        raise Refusal(21604, mistake="no To")
    if not E164.fullmatch(to):
        raise Refusal(21211, to)
    if not sender and not first(form, "MessagingServiceSid"):
        raise Refusal(21603, mistake="neither From nor MessagingServiceSid")
    if not first(form, "Body") and not media and not first(form, "ContentSid"):
        raise Refusal(21602, mistake="an empty message")
    if to == sender:
        raise Refusal(21266, to)
    if len(first(form, "Body")) > MAX_BODY:
        raise Refusal(21617, mistake=f"{len(first(form, 'Body'))} characters of {MAX_BODY}")
    if len(media) > MAX_MEDIA:
        raise Refusal(21623, mistake=f"{len(media)} media")
    if not all(is_url(url) for url in media):
        raise Refusal(21620, mistake="a MediaUrl is no address")
    callback = first(form, "StatusCallback")
    if callback and not is_url(callback):
        raise Refusal(21609, callback, mistake="StatusCallback is no address")
    validity = first(form, "ValidityPeriod")
    if validity and not (validity.isdigit() and 1 <= int(validity) <= 36_000):
        raise Refusal(21602, mistake=f"ValidityPeriod {validity} is not 1 to 36000")


def first(form: Mapping[str, list[str]], name: str) -> str:
    """The first value of a field; empty where it is not."""
    return (form.get(name) or [""])[0]


def is_url(text: str) -> bool:
    """Whether it is an address of the web."""
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)
