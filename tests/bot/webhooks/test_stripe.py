"""Stripe's proof, held against the signed requests that are published and some of our own."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.secret import Secret
from bot.webhooks.stripe import is_genuine
from tests import published
from tests.fakes.stripe_server import StripeServer

SECRET = Secret("whsec_of_the_played_endpoint")
AT = datetime(2027, 3, 3, tzinfo=UTC)
BODY = b'{"id": "evt_1"}'


def signed(at: datetime = AT, body: bytes = BODY) -> str:
    """A header as Stripe makes it."""
    return StripeServer().signature(body, SECRET.reveal(), int(at.timestamp()))


@pytest.mark.parametrize("vector", published.vectors("stripe"), ids=lambda v: v["case"])
def test_each_published_request_is_judged_as_published(vector: dict[str, Any]) -> None:
    now = datetime.fromtimestamp(int(vector["now"]), UTC)
    header = vector["headers"].get("Stripe-Signature", "")
    found = is_genuine(Secret(vector["secret"]), header, vector["body"].encode(), now)
    assert found is vector["valid"]


def test_a_body_that_was_touched_or_an_odd_header_is_refused() -> None:
    assert is_genuine(SECRET, signed(), BODY, AT)
    assert not is_genuine(SECRET, signed(), BODY + b" ", AT)
    assert not is_genuine(Secret(""), signed(), BODY, AT)
    for header in ("", "t=,v1=", f"{signed()},t=1", "t=9" * 99, signed().replace("t=", "t=٣")):
        assert not is_genuine(SECRET, header, BODY, AT)
