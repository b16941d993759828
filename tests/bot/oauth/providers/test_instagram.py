"""Instagram: the record against the vendor's documents."""

from datetime import timedelta

from bot.oauth.providers.instagram import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "instagram"
    assert PROVIDER.authorize_url == "https://www.instagram.com/oauth/authorize"
    assert PROVIDER.token_url == "https://api.instagram.com/oauth/access_token"
    assert (PROVIDER.separator, PROVIDER.proof) == (",", "body")
    assert (PROVIDER.revoke.url if PROVIDER.revoke else "") == ""
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_a_code_has_a_tail_and_a_token_three_lives() -> None:
    assert PROVIDER.code_tail == "#_" and PROVIDER.longer
    assert PROVIDER.longer.exchange == "ig_exchange_token"
    assert PROVIDER.longer.renew == "ig_refresh_token"
    assert PROVIDER.longer.young == timedelta(hours=24)


def test_the_names_of_scopes_that_ended_in_2025_are_not_asked_for() -> None:
    assert all(scope.startswith("instagram_business_") for scope in PROVIDER.known_scopes())
