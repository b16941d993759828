"""Mail out by SMTP: one connection for each mail. SMTP has no key and no way to look.

Some servers lay what they sent into the mailbox: with IMAP it is looked for there, by the start of
its Message-ID. That it is there shows that it went; that it is not shows nothing.

Up to the end of DATA a failure is definite; between the last byte and the server's answer nobody
knows. https://www.rfc-editor.org/rfc/rfc5321#section-4.2.5 (read 2026-11-21), library:
https://aiosmtplib.readthedocs.io (read 2026-11-21)
"""

import asyncio
import imaplib
from collections.abc import Sequence
from typing import Final

import aiosmtplib

from bot.core.errors import ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.ports import Clock
from channels.email.box import Box
from channels.email.letter import Letter, name_for, written
from channels.email.settings import Settings

TIMEOUT_S: Final = 30
BUSY_S: Final = 5.0
"""When to come again after a passing refusal (a code of 400 to 499)."""


class Smtp:
    """The carrier."""

    name = "smtp"
    finds = False
    keyed = False

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self.hears = bool(settings.imap_host)

    async def send(self, letter: Letter) -> str:
        """Send it. Raises VendorRefused, ConnectionBroken: surely not sent; VendorUnknown."""
        try:
            data = written(letter, self._clock)
        except ValueError as error:
            raise VendorRefused("This mail cannot be written.") from error
        client = self._client()
        try:
            await self._prepare(client, letter)
            try:
                await client.data(data)
            except aiosmtplib.SMTPDataError as error:
                raise _refused(error) from error
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                raise VendorUnknown("The mail server did not say whether it took it.") from error
        finally:
            client.close()
        return f"<{letter.message_id}>"

    async def try_out(self) -> Sequence[str]:
        """Sign in. Raises VendorRefused, ConnectionBroken."""
        client = self._client()
        try:
            await self._enter(client)
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise VendorRefused("The mail server cannot be reached.", retry_after_s=2.0) from error
        finally:
            client.close()
        return ()

    async def find(self, key: str, since_s: float) -> str:
        """Its number among the sent mails of the mailbox; empty: nobody knows."""
        box = Box(self._settings)
        try:
            return await asyncio.to_thread(box.was_sent, f"<{name_for(key)}.")
        except (OSError, imaplib.IMAP4.error, ValueError) as error:
            raise VendorUnknown("The mailbox did not answer.") from error
        finally:
            box.cut()

    def _client(self) -> aiosmtplib.SMTP:
        how = self._settings.smtp_security
        return aiosmtplib.SMTP(
            hostname=self._settings.smtp_host,
            port=self._settings.smtp_port,
            use_tls=how == "tls",
            start_tls=how == "starttls",
            timeout=TIMEOUT_S,
        )

    async def _prepare(self, client: aiosmtplib.SMTP, letter: Letter) -> None:
        """All up to the mail itself; whatever fails here, nothing was sent."""
        try:
            await self._enter(client)
            await client.mail(letter.sender.address)
            await client.rcpt(letter.to.address)
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise VendorRefused("The mail server cannot be reached.", retry_after_s=2.0) from error

    async def _enter(self, client: aiosmtplib.SMTP) -> None:
        """Connect and sign in. Raises ConnectionBroken, and as the library does."""
        await client.connect()
        if not self._settings.smtp_username:
            return
        try:
            password = self._settings.smtp_password.get_secret_value()
            await client.login(self._settings.smtp_username, password)
        except aiosmtplib.SMTPAuthenticationError as error:
            raise ConnectionBroken(
                "The mail server does not take smtp_username and smtp_password. Set them again in "
                "[channels.email]."
            ) from error


def _refused(error: aiosmtplib.SMTPResponseException) -> VendorRefused:
    """What the server said, for the person."""
    words = " ".join(error.message.split())[:200]
    later = BUSY_S if 400 <= error.code < 500 else None
    return VendorRefused(
        f"The mail server refused it ({error.code} {words}).", retry_after_s=later, code=error.code
    )
