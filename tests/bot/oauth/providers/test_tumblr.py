"""Tumblr: the record against the vendor's documents."""

from datetime import timedelta

from bot.oauth.providers.tumblr import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "tumblr"
    assert PROVIDER.authorize_url == "https://www.tumblr.com/oauth2/authorize"
    assert PROVIDER.token_url == "https://api.tumblr.com/v2/oauth2/token"
    assert (PROVIDER.separator, PROVIDER.proof) == (" ", "body")
    assert (PROVIDER.revoke.url if PROVIDER.revoke else "") == ""
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_a_token_lives_42_minutes_and_a_refresh_takes_a_scope() -> None:
    assert PROVIDER.lasts == timedelta(minutes=42) and "offline_access" in PROVIDER.base
