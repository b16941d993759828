"""How Twilio calls an app: signed forms, retries, the fallback address, and the TwiML it reads back.

https://www.twilio.com/docs/usage/security (signature),
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides (one more attempt after a
connection that failed, unless `#rc=…&rp=…` says otherwise),
https://www.twilio.com/docs/messaging/twiml (read 2026-11-21)
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree

from tests.fakes import twilio_rules as rules
from tests.fakes.played import Played, Told
from tests.fakes.twilio_world import ACCOUNT, TOKEN, VERSION, Message, Number, World

Form = dict[str, str]

FORGERIES: Mapping[str, str] = {
    "unsigned": "no signature at all",
    "other_token": "signed with another account's token",
    "changed": "one field is another than the one that was signed",
    "added": "one field more than was signed",
    "other_address": "signed for another address",
    "other_account": "rightly signed, but of another account",
}
"""Inbound messages that an app must not believe. The last is for apps that know their accounts."""


def signature(url: str, form: Mapping[str, str], token: str = TOKEN) -> str:
    """`X-Twilio-Signature`: the address, then every field and its value in the order of the names."""
    words = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(
        hmac.new(token.encode(), words.encode(), hashlib.sha1).digest()
    ).decode()


class Hooks:
    """Calls of one account to the app."""

    def __init__(self, server: Played, world: World) -> None:
        self.server, self.world = server, world
        self.token = TOKEN
        self.replies: Callable[[Message, str, list[str]], None]
        """Takes what an answer in TwiML says: text and media."""

    def inbound_form(self, message: Message) -> Form:
        """The fields of a message that came in."""
        form = {
            "ToCountry": "US", "ToState": "", "ToCity": "", "ToZip": "",
            "FromCountry": "US", "FromState": "CA", "FromCity": "SAN FRANCISCO", "FromZip": "94103",
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsStatus": "received",
            "MessageSid": message.sid,
            "AccountSid": ACCOUNT,
            "ApiVersion": VERSION,
            "From": message.sender,
            "To": message.to,
            "Body": message.body,
            "NumMedia": str(len(message.media)),
            "NumSegments": str(max(1, message.segments)),
        }  # fmt: skip
        for n, media in enumerate(message.media):
            where = f"/{VERSION}/Accounts/{ACCOUNT}/Messages/{message.sid}/Media/{media.sid}"
            form |= {f"MediaContentType{n}": media.content_type}
            form |= {f"MediaUrl{n}": self.server.base + where}
        if message.service:
            form["MessagingServiceSid"] = message.service
        if self.world.opt_out_mode == "advanced" and (kind := rules.keyword(message.body)):
            form["OptOutType"] = kind
        return form

    def status_form(self, message: Message, status: str, code: int | None) -> Form:
        """The fields of a status callback."""
        form = {
            "SmsSid": message.sid,
            "SmsStatus": status,
            "MessageSid": message.sid,
            "MessageStatus": status,
            "AccountSid": ACCOUNT,
            "ApiVersion": VERSION,
            "From": message.sender,
            "To": message.to,
        }
        form |= {"ErrorCode": str(code)} if code else {}
        form |= {"MessagingServiceSid": message.service} if message.service else {}
        form |= {"RawDlrDoneDate": "2611211530"} if status == "delivered" else {}
        return form

    async def inbound(self, message: Message) -> Told:
        """Tell the app what a person wrote; nobody when the number has no address."""
        number = self.world.numbers.get(message.to)
        if number is None or not number.sms_url or number.sms_application_sid:
            return Told(0, "no address")
        form = self.inbound_form(message)
        told = await self._call(number.sms_url, number.sms_method, form, message.token)
        why = self._misread(message, told)
        if why and number.sms_fallback_url:
            more = form | {"ErrorCode": why, "ErrorUrl": number.sms_url}
            url, method = number.sms_fallback_url, number.sms_fallback_method
            told = await self._call(url, method, more, message.token)
            self._misread(message, told)
        return told

    async def status(self, message: Message, status: str, code: int | None) -> Told:
        """Tell the app what became of its message."""
        if not message.status_callback:
            return Told(0, "no address")
        form = self.status_form(message, status, code)
        return await self._call(message.status_callback, "POST", form, message.token + status)

    async def forge(self, kind: str, number: Number, person: str, body: str) -> Told:
        """Tell the app something that did not come from Twilio, or not for it; see `FORGERIES`."""
        if kind not in FORGERIES:
            raise ValueError(f"no such forgery: {kind}")
        url = number.sms_url.partition("#")[0]
        signed = self.inbound_form(Message(person, number.phone_number, body, "inbound"))
        if kind == "other_account":
            signed["AccountSid"] = "AC" + "66" * 16
        mark = signature(url, signed, "somebody-else" if kind == "other_token" else self.token)
        sent = dict(signed)
        if kind == "changed":
            sent["Body"] += "!"
        if kind == "added":
            sent["OptOutType"] = "START"
        if kind == "other_address":
            mark = signature("https://elsewhere.example" + urlsplit(url).path, signed, self.token)
        headers = {} if kind == "unsigned" else {"X-Twilio-Signature": mark}
        return await self.server.tell(url, _encoded(sent), headers | _TYPE)

    async def _call(self, url: str, method: str, form: Form, token: str) -> Told:
        plain, _, fragment = url.partition("#")
        wishes: dict[str, Any] = dict(parse_qsl(fragment))
        policy, left = wishes.get("rp", "ct").split(","), int(wishes.get("rc", 1))
        if method == "GET":
            plain += ("&" if "?" in plain else "?") + urlencode(form)
        signed = {} if method == "GET" else form
        while True:
            headers = {
                "X-Twilio-Signature": signature(plain, signed, self.token),
                "I-Twilio-Idempotency-Token": token,
                "User-Agent": "TwilioProxy/1.1",
                **(_TYPE if method == "POST" else {}),
            }
            told = await self.server.tell(plain, _encoded(form), headers, method)
            again = "all" in policy or _trouble(told) in policy
            if told.is_taken or left <= 0 or not again:
                return told
            left -= 1

    def _misread(self, message: Message, told: Told) -> str:
        """Twilio's code for an answer it cannot use; empty when it can. Sends what TwiML says."""
        if not told.is_taken:
            return "11200"
        if not told.text.strip():
            return ""
        if told.media == "text/plain":
            # Plain text is sent back to the person as it stands.
            self.replies(message, told.text, [])
            return ""
        if told.media not in ("text/xml", "application/xml"):
            self.server.mistakes.append(f"an answer to a message is {told.media}, not text/xml")
            return "12300"
        try:
            found = ElementTree.fromstring(told.text)
        except ElementTree.ParseError as error:
            self.server.mistakes.append(f"an answer is no XML: {error}")
            return "12100"
        if found.tag != "Response":
            self.server.mistakes.append(f"an answer begins with {found.tag}, not Response")
            return "12100"
        for verb in found:
            if verb.tag != "Message":
                self.server.mistakes.append(f"no verb {verb.tag} in an answer")
                continue
            media = [each.text or "" for each in verb.iter("Media")]
            text = verb.findtext("Body") or verb.text or ""
            self.replies(message, text.strip(), media)
        return ""


_TYPE = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def _encoded(form: Form) -> bytes:
    return urlencode(form).encode()


def _trouble(told: Told) -> str:
    if told.status == 0:
        return "ct" if told.text == "connection" else "rt"
    return f"{told.status // 100}xx"
