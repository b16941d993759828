"""Reports that a mail of ours was not delivered, read from the mail that brings them.

Anybody can write such a report, so it counts only with the id of our own mail in it, which is
sealed for the very address that failed. https://www.rfc-editor.org/rfc/rfc3464 (read 2026-11-21)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import Final

from channels.email.addresses import address_of
from channels.email.letter import went_to
from channels.email.mime import Mail, ids_in

MAX_BLOCKS: Final = 50
_TYPED = re.compile(r"\s*rfc822\s*;\s*<?([^<>\s]+)>?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One address that did not take our mail."""

    address: str
    is_hard: bool
    """For good: a status of 5.x.x."""
    key: str
    """The Message-ID of our mail."""
    detail: str


def failures(mail: Mail, domains: frozenset[str], seal: str) -> tuple[Failure, ...]:
    """What a report says of a mail that is surely ours; nothing for any other mail."""
    if mail.content_type != "multipart/report" or not mail.report or not mail.returned:
        return ()
    ours = HeaderParser().parsestr(mail.returned)
    ids = ids_in(str(ours.get("Message-ID", "")))
    if not ids:
        return ()
    found = (each for each in _blocks(mail.report) if went_to(ids[0], each[0], domains, seal))
    return tuple(
        Failure(address=address, is_hard=status.startswith("5"), key=ids[0], detail=detail)
        for address, status, detail in found
    )


def _blocks(report: str) -> Iterator[tuple[str, str, str]]:
    """Address, status and the server's words of each that failed."""
    for text in report.replace("\r\n", "\n").split("\n\n")[:MAX_BLOCKS]:
        block = HeaderParser().parsestr(text.strip() + "\n\n")
        if str(block.get("Action", "")).strip().lower() != "failed":
            continue
        typed = _TYPED.fullmatch(str(block.get("Final-Recipient", "")))
        address = address_of(typed[1]) if typed else ""
        if address:
            words = " ".join(str(block.get("Diagnostic-Code", "")).split())
            yield address, str(block.get("Status", "")).strip(), words
