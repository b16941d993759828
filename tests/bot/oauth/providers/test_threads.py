"""Threads: the record against the vendor's documents."""

from datetime import timedelta

from bot.oauth.providers.threads import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "threads"
    assert PROVIDER.authorize_url == "https://threads.net/oauth/authorize"
    assert PROVIDER.token_url == "https://graph.threads.net/oauth/access_token"
    assert (PROVIDER.separator, PROVIDER.proof) == (",", "body")
    assert (PROVIDER.revoke.url if PROVIDER.revoke else "") == ""
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_a_code_has_a_tail_and_a_token_three_lives() -> None:
    assert PROVIDER.code_tail == "#_" and PROVIDER.longer
    assert PROVIDER.longer.exchange == "th_exchange_token"
    assert PROVIDER.longer.renew == "th_refresh_token"
    assert PROVIDER.longer.young == timedelta(hours=24)


def test_the_basic_scope_is_always_asked_for() -> None:
    assert PROVIDER.scopes(()) == ("threads_basic",)
