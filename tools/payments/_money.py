"""Amounts: whole numbers in a currency's smallest unit, and how people read them.

How many decimals a currency has is Stripe's list, not ISO's: it takes ISK and UGX in hundredths,
and three-decimal currencies in tens of the smallest unit.
https://docs.stripe.com/currencies#minor-units (read 2026-11-21)
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.json_schema import SkipJsonSchema

from tools._arguments import unfit

ZERO = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF"}
    | {"XOF", "XPF"}
)
THREE = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
WHOLE_HUNDREDS = frozenset({"ISK", "UGX"})
"""Two decimals by Stripe's count, which must both be zero."""
MOST_MINOR = 99_999_999
"""Stripe takes at most eight digits."""

Mode = SkipJsonSchema[Literal["test", "live"] | None]
"""Whether money moves at all: the house fills it in by the key, a model is not told of it."""


def exponent(currency: str) -> int:
    """How many decimals an amount of this currency has at Stripe."""
    upper = currency.upper()
    return 0 if upper in ZERO else 3 if upper in THREE else 2


def shown(amount_minor: int, currency: str) -> str:
    """`120.00 EUR`, `1,500 JPY`, `3.250 KWD`."""
    places = exponent(currency)
    return f"{Decimal(amount_minor).scaleb(-places):,.{places}f} {currency.upper()}"


def yearly(monthly_minor: int, currency: str) -> int:
    """Twelve months less 20 %, rounded to the nearest amount the currency has; halves to even."""
    step = 10 if currency.upper() in THREE else 100 if currency.upper() in WHOLE_HUNDREDS else 1
    exact = Decimal(monthly_minor) * 12 * Decimal("0.8") / step
    return int(exact.quantize(Decimal(1), ROUND_HALF_EVEN)) * step


def check(amount_minor: int, currency: str) -> None:
    """Refuse an amount that Stripe does not take in this currency."""
    if currency.upper() in THREE and amount_minor % 10:
        raise unfit(f"Stripe takes {currency} in steps of 0.010: the last digit must be 0")
    if currency.upper() in WHOLE_HUNDREDS and amount_minor % 100:
        raise unfit(f"Stripe takes {currency} in whole units only: the last two digits must be 00")


def _currency(value: str) -> str:
    if not (len(value) == 3 and value.isascii() and value.isalpha()):
        raise unfit("it is no currency; write three letters, such as EUR")
    return value.upper()


Currency = Annotated[str, Field(max_length=3), AfterValidator(_currency)]
Amount = Annotated[int, Field(ge=1, le=MOST_MINOR)]
"""In the currency's smallest unit."""
