"""Signing webhooks, judged by the published vectors and by the standard's own package."""

import base64
from datetime import UTC, datetime

import pytest

from bot.core.errors import SettingsError
from bot.core.secret import Secret
from tools.social._signed import headers_of

BODY = b'{"test": 2432232314}'
MESSAGE, AT = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
VECTORS = [
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr", "v1,yK2tMbA6BHPrMEJ1lLv7UlJJbgFoqGenJkiajZ29evg="),
]
"""From libraries/python/tests/test_webhooks.py of standard-webhooks/standard-webhooks; the second
and third are the same secret without its prefix, and one whose base64 lacks its padding."""


@pytest.mark.parametrize(("secret", "signature"), VECTORS)
def test_a_message_is_signed_as_published(secret: str, signature: str) -> None:
    assert headers_of(Secret(secret), MESSAGE, AT, BODY) == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": str(AT),
        "webhook-signature": signature,
    }


@pytest.mark.parametrize("change", ["id", "time", "body", "secret"])
def test_a_change_of_anything_changes_the_signature(change: str) -> None:
    other = headers_of(
        Secret(base64.b64encode(b"other").decode() if change == "secret" else VECTORS[0][0]),
        "msg_other" if change == "id" else MESSAGE,
        AT + 1 if change == "time" else AT,
        BODY + b" " if change == "body" else BODY,
    )
    assert other["webhook-signature"] != VECTORS[0][1]


@pytest.mark.parametrize("secret", ["", "whsec_", "not base64!", "whsec_ä"])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(SettingsError, match="base64"):
        headers_of(Secret(secret), MESSAGE, AT, BODY)


def test_the_standards_own_package_accepts_it_and_refuses_a_forgery() -> None:
    judge = pytest.importorskip("standardwebhooks")
    now = datetime.now(UTC)
    headers = headers_of(Secret(VECTORS[0][0]), "eff_1", int(now.timestamp()), BODY)
    assert judge.Webhook(VECTORS[0][0]).verify(BODY, headers) == {"test": 2432232314}
    with pytest.raises(judge.WebhookVerificationError):
        judge.Webhook(VECTORS[0][0]).verify(BODY + b" ", headers)
