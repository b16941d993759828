"""What a single setting may hold: addresses, names of models and of vendors.

Each function returns the value as it is kept or raises ValueError with what is wrong and its mend.
No name is looked up and nothing is called: a start without a network is as fast as one with it.
"""

import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

MODEL_VENDORS = frozenset(
    {"openai", "deepseek", "anthropic", "gemini", "openrouter", "cerebras"}
    | {"ollama", "ollama_chat", "lm_studio", "llamafile", "vllm", "hosted_vllm"}
)
"""Providers whose address an operator may place inside the own network."""
DIRECT_VENDORS = MODEL_VENDORS - {"anthropic", "gemini", "vllm"}
"""Providers that speak OpenAI's shape, so that no LiteLLM is needed where it is not wanted."""

_FAMILIES = (
    ("openai", ("gpt-", "o1", "o3", "o4", "chatgpt-")),
    ("anthropic", ("claude-",)),
    ("gemini", ("gemini-",)),
    ("deepseek", ("deepseek-",)),
)
_PRIVATE_NAMES = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test")
_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,100}")
_VENDOR = re.compile(r"[a-z][a-z0-9_]*")


def web_address(text: str) -> str:
    """An `http` or `https` address with a host, without a slash at its end; empty stays empty."""
    if not text:
        return text
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises on one that is none
    except ValueError:
        raise ValueError(
            "It is not a web address. Write https://host or http://host:port."
        ) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", text):
        raise ValueError("It is not a web address. Write https://host or http://host:port.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("An address holds no name and no password. Take them out.")
    return text.rstrip("/")


def shipped_agents() -> Path:
    """The folder of the agents that come with the house."""
    return Path(__file__).parents[2] / "agents"


def database_address(text: str) -> str:
    """The address of a PostgreSQL or SQLite database; it may hold a password, so is never shown."""
    scheme = text.partition(":")[0].partition("+")[0]
    if not text or (scheme in ("postgresql", "postgres", "sqlite") and "://" in text):
        return text
    raise ValueError(
        "It is not the address of a database that is spoken here. "
        "Write postgresql://user:password@host/name, or leave it empty for SQLite."
    )


def nats_address(text: str) -> str:
    """The address of a NATS server and its subject; it may hold a password, so is never shown."""
    parts = urlsplit(text)
    if not text:
        return text
    if parts.scheme not in ("nats", "tls") or not parts.hostname:
        raise ValueError("It is no address of NATS. Write nats://user:password@host:4222/name.")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("Its port is none. Write one server, as nats://host:4222/name.") from None
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,64}", parts.path.strip("/")):
        raise ValueError("The name after the host is letters, digits, - and _: /switchboard.")
    if parts.scheme == "nats" and not is_private(text):
        raise ValueError("What people write would travel unencrypted. Write tls://.")
    return text


def model_name(text: str) -> str:
    """A model with its provider in front: `openai/gpt-4o-mini`."""
    provider, slash, model = text.partition("/")
    if slash and model and _VENDOR.fullmatch(provider):
        return text
    guess = next((v for v, starts in _FAMILIES if text.startswith(starts)), "provider")
    raise ValueError(
        f"A model needs its provider in front. Write {guess}/{model or text or 'model'}."
    )


def vendor_name(text: str) -> str:
    """The name of a vendor, as its file is called: `slack`, `stripe`."""
    if not _VENDOR.fullmatch(text):
        raise ValueError("A vendor is named in lower case: letters, digits and underscores.")
    return text


PLATFORMS = ("slack", "discord")
"""Where a bot has places of several people, told apart by their names."""


def place_platform(text: str) -> str:
    """A platform with places that messages of a kind may go to."""
    if text not in PLATFORMS:
        raise ValueError(f"Kinds of messages go to places of {' or '.join(PLATFORMS)}.")
    return text


def kind_name(text: str) -> str:
    """The name of a kind of messages, such as `alarms`."""
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", text):
        raise ValueError("A kind is a short word in lower case, such as alarms.")
    return text


def server_name(text: str) -> str:
    """The short name of an MCP server; what stands before the first underscore of its tools."""
    if not re.fullmatch(r"[a-z][a-z0-9]{0,19}", text):
        raise ValueError(
            "A server has a short name: small letters and digits, at most 20, a letter first."
        )
    return text


def bucket_name(text: str) -> str:
    """The name of a bucket, or of a region; empty stays empty."""
    if text and not _BUCKET.fullmatch(text):
        raise ValueError("A name here holds letters, digits, dots, dashes and underscores alone.")
    return text


def own_addresses(*urls: str) -> frozenset[tuple[str, int]]:
    """Hosts and ports that the operator named, which may lie inside a private network."""
    named = [urlsplit(url) for url in urls]
    return frozenset(
        (each.hostname, each.port or (443 if each.scheme == "https" else 80))
        for each in named
        if each.hostname
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    if host.strip("[]") == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_private(url: str) -> bool:
    """Whether the address, as written, lies inside a private network or on this machine."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return not ip_address(host).is_global
    except ValueError:
        pass
    return "." not in host or host.endswith(_PRIVATE_NAMES) or host[-1:].isdigit()
