"""Reddit: the record against the vendor's documents."""

from bot.oauth.providers.reddit import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "reddit"
    assert PROVIDER.authorize_url == "https://www.reddit.com/api/v1/authorize"
    assert PROVIDER.token_url == "https://www.reddit.com/api/v1/access_token"
    assert (PROVIDER.separator, PROVIDER.proof) == (" ", "basic")
    assert (
        PROVIDER.revoke.url if PROVIDER.revoke else ""
    ) == "https://www.reddit.com/api/v1/revoke_token"
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_every_call_names_the_app_and_whom_to_write_to() -> None:
    agent = PROVIDER.headers["User-Agent"]
    assert "{app}" in agent and "/u/{contact}" in agent and "contact" in PROVIDER.wants
    assert PROVIDER.params["duration"] == "permanent"
