"""Google: the record against the vendor's documents."""

from bot.oauth.providers.google import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "google"
    assert PROVIDER.authorize_url == "https://accounts.google.com/o/oauth2/v2/auth"
    assert PROVIDER.token_url == "https://oauth2.googleapis.com/token"
    assert (PROVIDER.separator, PROVIDER.proof) == (" ", "body")
    assert (
        PROVIDER.revoke.url if PROVIDER.revoke else ""
    ) == "https://oauth2.googleapis.com/revoke"
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_a_refresh_token_is_asked_for_with_a_consent_that_is_shown() -> None:
    assert PROVIDER.params["access_type"] == "offline" and PROVIDER.params["prompt"] == "consent"
    assert PROVIDER.params["include_granted_scopes"] == "true" and not PROVIDER.rotates


def test_its_own_names_of_scopes_are_understood() -> None:
    told = ["openid", "https://www.googleapis.com/auth/userinfo.email"]
    assert PROVIDER.granted(told, ("openid", "email")) == ("email", "openid")
