"""Pinterest: the record against the vendor's documents."""

from bot.oauth.providers.pinterest import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "pinterest"
    assert PROVIDER.authorize_url == "https://www.pinterest.com/oauth/"
    assert PROVIDER.token_url == "https://api.pinterest.com/v5/oauth/token"
    assert (PROVIDER.separator, PROVIDER.proof) == (",", "basic")
    assert (PROVIDER.revoke.url if PROVIDER.revoke else "") == ""
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_a_refresh_asks_for_one_that_goes_on() -> None:
    assert PROVIDER.refresh == {"continuous_refresh": "true"}
