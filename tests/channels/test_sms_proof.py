"""Twilio's signature, by test data of others: what holds, what does not, whatever is in between."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from channels.sms.hooks import FORM, Proof
from tests.published import VECTORS, needs, vectors

SIGNED = [v for v in vectors("twilio") if v["headers"]["Content-Type"] == FORM]


@needs(VECTORS)
@pytest.mark.parametrize("vector", SIGNED, ids=lambda v: v["case"])
def test_a_signature_holds_exactly_where_it_should(vector: dict[str, Any]) -> None:
    url = urlsplit(vector["url"])
    path = url.path + (f"?{url.query}" if url.query else "")
    proof = Proof(vector["secret"], "AC1", f"{url.scheme}://{url.netloc}")
    pairs = parse_qsl(vector["body"], keep_blank_values=True)
    given = vector["headers"].get("X-Twilio-Signature", "")
    assert proof.holds(path, pairs, given) is vector["valid"]
    assert not proof.holds(path, [*pairs, ("More", "1")], given)


@pytest.mark.parametrize("signature", ["", " ", "é", "=" * 28, "A" * 10_000])
def test_what_is_no_signature_never_holds(signature: str) -> None:
    assert not Proof("token-1", "AC1", "https://bot.example").holds("/x", [], signature)
