"""Tiktok: the record against the vendor's documents."""

from bot.oauth.providers.tiktok import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "tiktok"
    assert PROVIDER.authorize_url == "https://www.tiktok.com/v2/auth/authorize/"
    assert PROVIDER.token_url == "https://open.tiktokapis.com/v2/oauth/token/"
    assert (PROVIDER.separator, PROVIDER.proof) == (",", "body")
    assert (
        PROVIDER.revoke.url if PROVIDER.revoke else ""
    ) == "https://open.tiktokapis.com/v2/oauth/revoke/"
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_the_client_id_has_another_name() -> None:
    assert PROVIDER.client_id == "client_key"
