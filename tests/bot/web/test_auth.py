"""The gate: our own names only, our own pages only, and nobody's word for who they are."""

import pytest

from bot.web.auth import is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8080",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.9.9.9",
        "[::1]",
        "[::1]:8080",
    ],
)
def test_these_names_are_the_machine_itself(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "evil.example#localhost",
        "0.0.0.0",
        "10.0.0.1",
        "[::]",
        "[::1",
        "[::ffff:10.0.0.1]",
        "2130706433",
        "0x7f000001",
        "localhost:8080:8080 x",
        "notlocalhost",
        "localhost.",
    ],
)
def test_these_names_are_not(host: str) -> None:
    assert not is_loopback(host)
