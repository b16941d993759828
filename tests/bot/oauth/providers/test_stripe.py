"""Stripe: the record against the vendor's documents."""

from bot.oauth.providers.stripe import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "stripe"
    assert PROVIDER.authorize_url == "https://connect.stripe.com/oauth/authorize"
    assert PROVIDER.token_url == "https://connect.stripe.com/oauth/token"
    assert (PROVIDER.separator, PROVIDER.proof) == (" ", "bearer")
    assert (
        PROVIDER.revoke.url if PROVIDER.revoke else ""
    ) == "https://connect.stripe.com/oauth/deauthorize"
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_the_account_s_id_is_what_ends_it() -> None:
    assert PROVIDER.revoke and PROVIDER.revoke.form == {"stripe_user_id": "{account}"}
