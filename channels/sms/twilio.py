"""Twilio's API: messages, numbers and pictures of one account.

A message has no key, so a send whose answer is missing is looked up: by number, time and words.
Nothing is repeated here. A list by `DateSent` leaves out what is still queued, so what left is
listed by the two numbers alone, the newest first.
https://www.twilio.com/docs/messaging/api/message-resource (read 2026-11-21)
https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource (read 2026-11-21)
"""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from bot.core.errors import BotError, ConnectionBroken, VendorRefused, VendorUnknown
from channels.sms.provider import Carried, Heard, Letter, Line, OptedOut

OWN: Final = "https://api.twilio.com"
VERSION: Final = "2010-04-01"
TIMEOUT_S: Final = 20
AGAIN_S: Final = 2.0
"""When to come again after Twilio could not be reached at all."""
PAGE, MOST_PAGES = 200, 10
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
_REFUSED: Final[Mapping[int, str]] = {
    21211: "This is no number that can be texted.",
    21408: "The account may not text this country. Allow it under Messaging, Geo permissions.",
    21606: "This number of ours cannot send texts.",
    21608: "A trial account texts verified numbers only. Verify this one, or upgrade.",
    21612: "This number cannot be texted from ours.",
    21614: "This is no mobile number.",
    21617: "The text is too long.",
    21659: "The number that should send does not belong to the account.",
    30034: "The number is not registered for texts to the United States (A2P 10DLC).",
}
OPTED_OUT: Final = 21610
BUSY: Final = 20429
GONE: Final = 20404


class Twilio:
    """One account; the port `Provider`."""

    def __init__(self, account: str, login: tuple[str, str], endpoint: str = "") -> None:
        """`login` is the SID and token of the account, or those of an API key."""
        self._base = (endpoint or OWN).rstrip("/")
        self._account = f"{self._base}/{VERSION}/Accounts/{account}"
        packed = base64.b64encode(":".join(login).encode()).decode()
        self._login = {"Authorization": f"Basic {packed}"}
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Keep connections from now on."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))

    async def close(self) -> None:
        """Keep no connections any more; calls still work."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def send(self, letter: Letter, callback: str) -> Carried:
        """Send one."""
        fields = [("To", letter.contact), ("From", letter.number)]
        fields += [("Body", letter.body)] if letter.body else []
        fields += [("MediaUrl", url) for url in letter.media]
        fields += [("StatusCallback", callback)] if callback else []
        return _carried(await self._ask("POST", f"{self._account}/Messages.json", data=fields))

    async def sent(self, number: str, contact: str, since: datetime) -> Sequence[Carried]:
        """What left, the oldest first."""
        found = []
        query = {"To": contact, "From": number, "PageSize": str(PAGE)}
        async for item in self._listed(f"{self._account}/Messages.json", query, "messages"):
            carried = _carried(item)
            if carried.at and carried.at < since:
                break
            if str(item.get("direction", "")).startswith("outbound"):
                found.append(carried)
        return found[::-1]

    async def received(self, number: str, since: datetime) -> Sequence[Heard]:
        """What came, the oldest first."""
        found = []
        query = {"To": number, "DateSent>": f"{since:%Y-%m-%d}", "PageSize": str(PAGE)}
        async for item in self._listed(f"{self._account}/Messages.json", query, "messages"):
            at = _moment(item.get("date_created")) or _moment(item.get("date_sent"))
            if item.get("direction") != "inbound" or at is None or at < since:
                continue
            media = await self._media(str(item["sid"])) if _whole(item.get("num_media")) else ()
            found.append(
                Heard(
                    sid=str(item["sid"]),
                    number=number,
                    contact=str(item.get("from") or ""),
                    text=str(item.get("body") or ""),
                    at=at,
                    media=media,
                    segments=_whole(item.get("num_segments")),
                )
            )
        return sorted(found, key=lambda one: one.at)

    async def lines(self) -> Sequence[Line]:
        """The numbers of the account."""
        url = f"{self._account}/IncomingPhoneNumbers.json"
        found = self._listed(url, {"PageSize": str(PAGE)}, "incoming_phone_numbers")
        return [_line(item) async for item in found]

    async def point(self, line: Line, address: str) -> None:
        """Have a number's texts brought to us, again and again when they are not taken."""
        there = address + RETRIES
        fields = {"SmsUrl": there, "SmsMethod": "POST"}
        fields |= {"SmsFallbackUrl": there, "SmsFallbackMethod": "POST"}
        await self._ask(
            "POST", f"{self._account}/IncomingPhoneNumbers/{line.sid}.json", data=fields
        )

    async def fetch(self, source: str) -> AsyncIterator[bytes]:
        """The bytes of a picture. The credentials go to Twilio's API alone, not where it points.

        Raises VendorRefused for an address that is not Twilio's, and for too much.
        """
        if not source.startswith(f"{self._account}/"):
            raise VendorRefused("This picture is not at Twilio.")
        headers: Mapping[str, str] = self._login
        url, size = source, 0
        async with self._calling() as session:
            for _ in range(4):
                asked = session.get(url, headers=headers, allow_redirects=False)
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
            for url, _ in await self._media(sid):
                await self._ask("DELETE", f"{url}.json")
        except VendorRefused as error:
            if error.ids.get("code") != GONE:
                raise

    async def _media(self, sid: str) -> tuple[tuple[str, str], ...]:
        url = f"{self._account}/Messages/{sid}/Media.json"
        return tuple(
            [
                (
                    urljoin(self._base, str(item.get("uri") or "").removesuffix(".json")),
                    str(item.get("content_type") or ""),
                )
                async for item in self._listed(url, {}, "media_list")
            ]
        )

    async def _listed(
        self, url: str, query: Mapping[str, str], key: str
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The items of all pages. Only pages of this account are followed."""
        params: Mapping[str, str] | None = query
        for _ in range(MOST_PAGES):
            page = await self._ask("GET", url, params=params)
            for item in page.get(key) or ():
                if isinstance(item, dict):
                    yield item
            onward = page.get("next_page_uri")
            if not isinstance(onward, str) or not onward:
                return
            url, params = urljoin(self._base + "/", onward), None
            if not url.startswith(f"{self._account}/"):
                return

    async def _ask(self, method: str, url: str, **how: Any) -> Mapping[str, Any]:
        """One call. Raises VendorRefused, OptedOut, VendorUnknown, ConnectionBroken."""
        try:
            async with (
                self._calling() as session,
                session.request(
                    method, url, headers=self._login, allow_redirects=False, **how
                ) as got,
            ):
                status, after = got.status, got.headers.get("Retry-After", "")
                told = await got.json(content_type=None)
        except aiohttp.ClientConnectorError as error:
            raise VendorRefused("Twilio cannot be reached.", retry_after_s=AGAIN_S) from error
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise VendorUnknown("Twilio did not answer.") from error
        said = told if isinstance(told, dict) else {}
        if status >= 300:
            raise _ours(status, _whole(said.get("code")), after)
        return said

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[aiohttp.ClientSession]:
        if self._session:
            yield self._session
            return
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
            yield session


def _ours(status: int, code: int, after: str) -> BotError:
    """What Twilio said, as one of our errors."""
    if code == OPTED_OUT:
        return OptedOut("They have opted out; nothing may be texted to them.", code=code)
    if status == 429 or code == BUSY:
        wait = float(after) if after.isdecimal() else 1.0
        return VendorRefused("Twilio asks to be left alone for a moment.", retry_after_s=wait)
    if status in (401, 403) and code not in _REFUSED:
        return ConnectionBroken(
            "Twilio does not know these credentials. Give the account_sid and auth_token that "
            "console.twilio.com shows: bot connect sms."
        )
    if status >= 500:
        return VendorUnknown(f"Twilio did not say whether it took it ({status}).")
    return VendorRefused(_REFUSED.get(code, f"Twilio refused it (error {code})."), code=code)


def _carried(item: Mapping[str, Any]) -> Carried:
    sid = item.get("sid")
    if not isinstance(sid, str) or not sid:
        raise VendorUnknown("Twilio answered something else than a message.")
    return Carried(
        sid=sid,
        state=str(item.get("status") or "queued"),
        body=str(item.get("body") or ""),
        number=str(item.get("from") or ""),
        contact=str(item.get("to") or ""),
        at=_moment(item.get("date_created")),
        segments=_whole(item.get("num_segments")),
        media=_whole(item.get("num_media")),
    )


def _line(item: Mapping[str, Any]) -> Line:
    goes_to = str(item.get("sms_url") or "")
    is_nowhere = not goes_to or goes_to.startswith(NOWHERE)
    return Line(
        number=str(item.get("phone_number") or ""),
        sid=str(item.get("sid") or ""),
        label=str(item.get("friendly_name") or ""),
        goes_to="" if is_nowhere else goes_to,
        is_overruled=bool(item.get("sms_application_sid")),
    )


def _moment(value: object) -> datetime | None:
    """A time as Twilio writes it: RFC 2822, to the second."""
    try:
        found = parsedate_to_datetime(str(value))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0
