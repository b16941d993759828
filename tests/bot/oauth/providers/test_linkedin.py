"""Linkedin: the record against the vendor's documents."""

from bot.oauth.providers.linkedin import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "linkedin"
    assert PROVIDER.authorize_url == "https://www.linkedin.com/oauth/v2/authorization"
    assert PROVIDER.token_url == "https://www.linkedin.com/oauth/v2/accessToken"
    assert (PROVIDER.separator, PROVIDER.proof) == (" ", "body")
    assert (
        PROVIDER.revoke.url if PROVIDER.revoke else ""
    ) == "https://www.linkedin.com/oauth/v2/revoke"
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_calls_name_a_version_and_use_does_not_extend_a_refresh_token() -> None:
    assert len(PROVIDER.headers["LinkedIn-Version"]) == 6
    assert PROVIDER.headers["X-Restli-Protocol-Version"] == "2.0.0"
    assert PROVIDER.refresh_fixed
