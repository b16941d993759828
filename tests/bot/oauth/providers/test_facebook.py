"""Facebook: the record against the vendor's documents."""

from bot.core.secret import Secret
from bot.oauth.provider import App
from bot.oauth.providers.facebook import PROVIDER, dress


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "facebook"
    assert PROVIDER.authorize_url == "https://www.facebook.com/v23.0/dialog/oauth"
    assert PROVIDER.token_url == "https://graph.facebook.com/v23.0/oauth/access_token"
    assert (PROVIDER.separator, PROVIDER.proof) == (",", "body")
    assert (
        PROVIDER.revoke.url if PROVIDER.revoke else ""
    ) == "https://graph.facebook.com/v23.0/{account}/permissions"
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_a_call_proves_that_it_is_our_app_s() -> None:
    app = App(id="1", secret=Secret("app secret"))
    # openssl dgst -sha256 -hmac "app secret", of "token"
    known = "3cfdb0e5f5fd459cf80f74d0dec60d5842017b6c70d01f7ee9d4c631639033ab"
    assert dress(app, Secret("token")) == {"appsecret_proof": known}


def test_a_token_is_exchanged_while_it_lives_and_there_is_no_other_renewal() -> None:
    assert PROVIDER.refresh is None and PROVIDER.longer
    assert PROVIDER.longer.exchange == PROVIDER.longer.renew == "fb_exchange_token"
