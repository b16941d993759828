"""Pictures at Twilio are removed once they are kept here; what fails is tried again next time.

https://www.twilio.com/docs/messaging/api/media-resource (read 2026-11-21)
"""

import logging

from bot.core.errors import VendorError
from bot.platforms.texting import Book
from channels.sms.provider import Provider

log = logging.getLogger(__name__)


async def clear(provider: Provider, book: Book) -> int:
    """One round; how many texts have no picture there any more. Raises ConnectionBroken."""
    done = 0
    for sid in await book.brought():
        try:
            await provider.forget_media(sid)
        except VendorError as error:
            log.warning("A picture stays at Twilio for now: %s", error.message, extra={"sid": sid})
            continue
        await book.cleared(sid)
        done += 1
    return done
