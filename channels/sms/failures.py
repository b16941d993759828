"""What Twilio's numbers for a text that did not arrive mean, in plain words.

https://www.twilio.com/docs/api/errors (read 2026-11-21)
"""

from collections.abc import Mapping
from typing import Final

FALLEN: Final = frozenset({"undelivered", "failed"})
"""The ends of a text that did not arrive."""
UNKNOWN: Final = "it did not arrive, and nobody says why"
_WORDS: Final[Mapping[str, str]] = {
    "11200": "its picture could not be fetched from its address",
    "12300": "its picture is of a kind that texts do not carry",
    "21610": "they opted out of texts from this number",
    "30001": "too many texts waited at this number, and it was dropped",
    "30002": "the account at Twilio is suspended",
    "30003": "the phone is switched off or cannot be reached",
    "30004": "the phone or its carrier blocks texts from this number",
    "30005": "the number is unknown or not in use",
    "30006": "it is a landline, or its carrier takes no texts",
    "30007": "a carrier held it to be spam",
    "30008": "a carrier lost it and does not say why",
    "30019": "its picture is too large",
    "30022": "this number sent more than its registration allows",
    "30034": "this number is not registered for texts to the United States (A2P 10DLC)",
    "30036": "it waited so long that it was dropped",
    "30410": "a carrier did not answer in time",
    "30485": "a carrier held it to be spam",
    "63014": "they blocked this number",
}


def words(code: str) -> str:
    """Why a text did not arrive; the number stands behind it."""
    number = code if code.isdecimal() and len(code) <= 6 else ""
    said = _WORDS.get(number, UNKNOWN)
    return f"{said} (Twilio {number})" if number else said
