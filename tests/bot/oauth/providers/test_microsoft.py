"""Microsoft: the record against the vendor's documents."""

from bot.oauth.providers.microsoft import PROVIDER


def test_its_addresses_and_ways_are_those_of_the_documents() -> None:
    assert PROVIDER.name == "microsoft"
    assert (
        PROVIDER.authorize_url == "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize"
    )
    assert PROVIDER.token_url == "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    assert (PROVIDER.separator, PROVIDER.proof) == (" ", "body")
    assert (PROVIDER.revoke.url if PROVIDER.revoke else "") == ""
    assert all("." in host and "/" not in host for host in PROVIDER.all_hosts())


def test_an_account_is_a_directory_and_an_object_in_it_never_an_address() -> None:
    assert PROVIDER.who.claims == "{tid}/{oid}"


def test_scopes_come_back_with_graph_in_front_or_not_at_all() -> None:
    told = ["https://graph.microsoft.com/Mail.Send"]
    asked = ("openid", "offline_access", "Mail.Send")
    assert PROVIDER.granted(told, asked) == ("Mail.Send", "offline_access", "openid")
