"""Discord: the record against the vendor's documents."""

from bot.oauth.providers.discord import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "discord"
    assert PROVIDER.authorize_url == "https://discord.com/oauth2/authorize"
    assert PROVIDER.token_url == "https://discord.com/api/oauth2/token"
    assert (PROVIDER.separator, PROVIDER.proof) == (" ", "basic")
    assert (
        PROVIDER.revoke.url if PROVIDER.revoke else ""
    ) == "https://discord.com/api/oauth2/token/revoke"
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_adding_the_bot_is_a_scope_and_permissions() -> None:
    bot = PROVIDER.features["bot"]
    assert "bot" in bot.scopes and not bot.asked
    granted = int(bot.params["permissions"])
    administrator, view, send = 1 << 3, 1 << 10, 1 << 11
    assert granted & view and granted & send and not granted & administrator
