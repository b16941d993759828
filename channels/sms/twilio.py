"""Twilio's API by its own package: messages, numbers and pictures of one account.

A message has no key, so a send whose answer is missing is looked up: by number, time and words.
Nothing is repeated here. A list by `DateSent` leaves out what is still queued, so what left is
listed by the two numbers alone, the newest first. The package reads no bytes: pictures are fetched
here.
https://www.twilio.com/docs/messaging/api/message-resource (read 2026-11-21)
https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource (read 2026-11-21)
"""

import base64
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from bot.core.errors import VendorRefused, VendorUnknown
from channels.sms.provider import Carried, Heard, Letter, Line
from channels.sms.twilio_http import Http, session

OWN: Final = "https://api.twilio.com"
VERSION: Final = "2010-04-01"
PAGE, MOST = 200, 2_000
MAX_MEDIA: Final = 5 * 2**20
"""Bytes of one picture: https://www.twilio.com/docs/messaging/guides/accepted-mime-types."""
CHUNK: Final = 65_536
MEDIA_HOSTS: Final = ("twilio.com", "twiliocdn.com", "amazonaws.com")
"""Where Twilio keeps pictures and redirects to."""
RETRIES: Final = "#rc=5&rp=5xx,ct,rt"
"""Asks Twilio to bring a text again when it was not taken; by itself it does not.
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides (read 2026-11-21)"""
NOWHERE: Final = ("https://demo.twilio.com/",)
"""What a new number is set to."""
GONE: Final = 20404


class Twilio:
    """One account; the port `Provider`."""

    def __init__(self, account: str, login: tuple[str, str], endpoint: str = "") -> None:
        """`login` is the SID and token of the account, or those of an API key."""
        self._base = (endpoint or OWN).rstrip("/")
        self._account = f"{self._base}/{VERSION}/Accounts/{account}"
        packed = base64.b64encode(":".join(login).encode()).decode()
        self._login = {"Authorization": f"Basic {packed}"}
        self._http = Http(self._account, self._login)
        client = Client(*login, account, http_client=self._http, environment={"": ""})
        client.api.base_url = self._base
        self._api = client.api.v2010.accounts(account)

    async def open(self) -> None:
        """Keep connections from now on."""
        self._http.session = session()

    async def close(self) -> None:
        """Keep no connections any more; calls still work."""
        kept, self._http.session = self._http.session, None
        if kept:
            await kept.close()

    async def send(self, letter: Letter, callback: str) -> Carried:
        """Send one."""
        told = {"body": letter.body, "media_url": list(letter.media), "status_callback": callback}
        told = {name: value for name, value in told.items() if value}
        with _read():
            made = await self._api.messages.create_async(
                to=letter.contact, from_=letter.number, **told
            )
            return _carried(made)

    async def sent(self, number: str, contact: str, since: datetime) -> Sequence[Carried]:
        """What left, the oldest first."""
        found = []
        with _read():
            async for item in await self._api.messages.stream_async(
                to=contact, from_=number, page_size=PAGE, limit=MOST
            ):
                carried = _carried(item)
                if carried.at and carried.at < since:
                    break
                if str(item.direction).startswith("outbound"):
                    found.append(carried)
        return found[::-1]

    async def received(self, number: str, since: datetime) -> Sequence[Heard]:
        """What came, the oldest first."""
        found = []
        with _read():
            async for item in await self._api.messages.stream_async(
                to=number, date_sent_after=f"{since:%Y-%m-%d}", page_size=PAGE, limit=MOST
            ):
                at = item.date_created or item.date_sent
                if item.direction != "inbound" or at is None or at < since:
                    continue
                media = await self._media(item.sid) if _whole(item.num_media) else ()
                found.append(
                    Heard(
                        sid=item.sid,
                        number=number,
                        contact=item.from_ or "",
                        text=item.body or "",
                        at=at,
                        media=media,
                        segments=_whole(item.num_segments),
                    )
                )
        return sorted(found, key=lambda one: one.at)

    async def lines(self) -> Sequence[Line]:
        """The numbers of the account."""
        with _read():
            found = await self._api.incoming_phone_numbers.list_async(page_size=PAGE, limit=MOST)
            return [_line(item) for item in found]

    async def point(self, line: Line, address: str) -> None:
        """Have a number's texts brought to us, again and again when they are not taken."""
        there = address + RETRIES
        with _read():
            await self._api.incoming_phone_numbers(line.sid).update_async(
                sms_url=there, sms_method="POST", sms_fallback_url=there, sms_fallback_method="POST"
            )

    async def fetch(self, source: str) -> AsyncIterator[bytes]:
        """The bytes of a picture. The credentials go to Twilio's API alone, not where it points.

        Raises VendorRefused for an address that is not Twilio's, and for too much.
        """
        if not source.startswith(f"{self._account}/"):
            raise VendorRefused("This picture is not at Twilio.")
        headers: Mapping[str, str] = self._login
        url, size = source, 0
        async with session() as calls:
            for _ in range(4):
                asked = calls.get(url, headers=headers, allow_redirects=False)
                try:
                    async with asked as answer:
                        if answer.status in (301, 302, 303, 307, 308):
                            url, headers = self._onward(url, answer.headers.get("Location", "")), {}
                            continue
                        if answer.status != 200:
                            raise VendorRefused(f"Twilio gave no picture ({answer.status}).")
                        async for part in answer.content.iter_chunked(CHUNK):
                            size += len(part)
                            if size > MAX_MEDIA:
                                raise VendorRefused("The picture is larger than texts carry.")
                            yield part
                        return
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    raise VendorUnknown("Twilio broke off in the middle of a picture.") from error
        raise VendorRefused("Twilio points from one address to the next.")

    def _onward(self, url: str, location: str) -> str:
        """Where a picture really is. Raises VendorRefused for a place that is not Twilio's."""
        there = urljoin(url, location)
        parts, home = urlsplit(there), urlsplit(self._base)
        host = parts.hostname or ""
        here = ("localhost", "127.0.0.1", "::1")
        is_own = host == home.hostname or (host in here and home.hostname in here)
        is_known = any(host == known or host.endswith(f".{known}") for known in MEDIA_HOSTS)
        if not (is_own and parts.scheme == home.scheme) and not (
            is_known and parts.scheme == "https"
        ):
            raise VendorRefused("Twilio points to an address that is not its own.")
        return there

    async def forget_media(self, sid: str) -> None:
        """Remove the pictures of a text; it is no error when they are gone already."""
        try:
            with _read():
                for item in await self._api.messages(sid).media.list_async(limit=MOST):
                    await self._api.messages(sid).media(item.sid).delete_async()
        except VendorRefused as error:
            if error.ids.get("code") != GONE:
                raise

    async def _media(self, sid: str) -> tuple[tuple[str, str], ...]:
        """Address and kind of each picture of a text."""
        found = await self._api.messages(sid).media.list_async(limit=MOST)
        return tuple(
            (urljoin(self._base, (item.uri or "").removesuffix(".json")), item.content_type or "")
            for item in found
        )


@contextmanager
def _read() -> Iterator[None]:
    """What the package cannot make sense of is an answer that is missing."""
    try:
        yield
    except (TwilioException, ValueError, TypeError, AttributeError) as error:
        raise VendorUnknown("Twilio answered something else than was asked for.") from error


def _carried(item: Any) -> Carried:
    """A message of the package's as ours."""
    if not isinstance(item.sid, str) or not item.sid:
        raise VendorUnknown("Twilio answered something else than a message.")
    return Carried(
        sid=item.sid,
        state=item.status or "queued",
        body=item.body or "",
        number=item.from_ or "",
        contact=item.to or "",
        at=item.date_created,
        segments=_whole(item.num_segments),
        media=_whole(item.num_media),
    )


def _line(item: Any) -> Line:
    """A number of the package's as ours."""
    goes_to = item.sms_url or ""
    is_nowhere = not goes_to or goes_to.startswith(NOWHERE)
    return Line(
        number=item.phone_number or "",
        sid=item.sid or "",
        label=item.friendly_name or "",
        goes_to="" if is_nowhere else goes_to,
        is_overruled=bool(item.sms_application_sid),
    )


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0
