"""Slack: the record against the vendor's documents."""

from bot.oauth.providers.slack import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "slack"
    assert PROVIDER.authorize_url == "https://slack.com/oauth/v2/authorize"
    assert PROVIDER.token_url == "https://slack.com/api/oauth.v2.access"
    assert (PROVIDER.separator, PROVIDER.proof) == (",", "basic")
    assert (PROVIDER.revoke.url if PROVIDER.revoke else "") == "https://slack.com/api/auth.revoke"
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_an_answer_of_200_may_be_a_no() -> None:
    assert PROVIDER.ok == "ok" and "invalid_refresh_token" in PROVIDER.dead
