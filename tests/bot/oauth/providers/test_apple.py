"""Apple: the record against the vendor's documents."""

import pytest

from bot.core.errors import OperatorError
from bot.core.secret import Secret
from bot.oauth.provider import App
from bot.oauth.providers.apple import PROVIDER, secret_of


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "apple"
    assert PROVIDER.authorize_url == "https://appleid.apple.com/auth/authorize"
    assert PROVIDER.token_url == "https://appleid.apple.com/auth/token"
    assert (PROVIDER.separator, PROVIDER.proof) == (" ", "body")
    assert (
        PROVIDER.revoke.url if PROVIDER.revoke else ""
    ) == "https://appleid.apple.com/auth/revoke"
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_the_answer_is_posted_and_the_secret_must_be_a_key() -> None:
    assert PROVIDER.form_post and PROVIDER.params["response_mode"] == "form_post"
    app = App(id="id", secret=Secret("no key"), more={"team_id": "T", "key_id": "K"})
    with pytest.raises(OperatorError, match=r"\.p8"):
        secret_of(app, 0)
