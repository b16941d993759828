"""X: the record against the vendor's documents."""

from bot.oauth.providers.x import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "x"
    assert PROVIDER.authorize_url == "https://x.com/i/oauth2/authorize"
    assert PROVIDER.token_url == "https://api.x.com/2/oauth2/token"
    assert (PROVIDER.separator, PROVIDER.proof) == (" ", "basic")
    assert (PROVIDER.revoke.url if PROVIDER.revoke else "") == "https://api.x.com/2/oauth2/revoke"
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_pkce_is_a_must_and_a_refresh_ends_the_token_before() -> None:
    assert PROVIDER.pkce and PROVIDER.rotates and "offline.access" in PROVIDER.base
