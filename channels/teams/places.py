"""Where things are in Teams: conversations, references of messages, and hosts that may be called.

A channel's conversation carries the root of its thread, `19:…@thread.tacv2;messageid=…`. Each
activity says which regional service answers for it; the house's token goes to known hosts only.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
(read 2026-11-21)
"""

from collections import OrderedDict
from typing import Final
from urllib.parse import urlsplit

from bot.core.errors import VendorRefused

GLOBAL: Final = "https://smba.trafficmanager.net/teams/"
HOSTS: Final = frozenset({"smba.trafficmanager.net", "smba.infra.gcc.teams.microsoft.com"})
FILE_HOSTS: Final = (".sharepoint.com",)
MAX_PLACES: Final = 10_000
_THREAD = ";messageid="


class Called:
    """What people call channels and their teams, as activities said since the start."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, str, str]] = OrderedDict()

    def learn(self, place: str, name: str, team: tuple[str, str]) -> None:
        """A channel is called so, in the team of this id and name; empty names say nothing."""
        known = self._known.get(place, ("", "", ""))
        self._known[place] = (name or known[0], team[0] or known[1], team[1] or known[2])
        self._known.move_to_end(place)
        while len(self._known) > MAX_PLACES:
            self._known.popitem(last=False)

    def of(self, place: str, team: str) -> tuple[str, str]:
        """Name of a channel and of its team; empty where they are not known, or `team` differs."""
        name, id_, title = self._known.get(place, ("", "", ""))
        if team and id_ and team.lower() != id_.lower():
            return "", ""
        return name, title

    def place_of(self, name: str) -> str:
        """The place that is called so, the one heard of last; empty where none is known."""
        wanted = name.strip().removeprefix("#").casefold()
        known = reversed(self._known.items())
        return next((place for place, told in known if told[0].casefold() == wanted), "")


class Services:
    """The service of each conversation, as its newest activity said; Microsoft's own otherwise."""

    def __init__(self, endpoint: str) -> None:
        """`endpoint` stands for Microsoft; empty for Microsoft itself."""
        self._endpoint = endpoint.rstrip("/")
        self._known: OrderedDict[str, str] = OrderedDict()

    def may_call(self, address: str) -> bool:
        """Whether the house's token may go there."""
        return self._is_own(address) or (_host(address) in HOSTS)

    def may_fetch(self, address: str) -> bool:
        """Whether a file may lie there, to be fetched without a token."""
        return self._is_own(address) or _host(address).endswith(FILE_HOSTS)

    def learn(self, place: str, address: str) -> None:
        """Remember the service of a place; it must be one that may be called."""
        self._known[place] = address
        self._known.move_to_end(place)
        while len(self._known) > MAX_PLACES:
            self._known.popitem(last=False)

    def of(self, place: str) -> str:
        """The service of a place, without a slash at its end."""
        default = f"{self._endpoint}/teams" if self._endpoint else GLOBAL
        return self._known.get(place, default).rstrip("/")

    def _is_own(self, address: str) -> bool:
        return self._endpoint != "" and _origin(address) == _origin(self._endpoint)


def _host(address: str) -> str:
    """The host of an https address on its usual port without a name in front; else nothing."""
    scheme, host = _origin(address)
    return host if scheme == "https" and not set("@:[]\\") & set(host) else ""


def _origin(address: str) -> tuple[str, str]:
    """Scheme and host with port, in small letters; empty for what is no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.lower()


def split(conversation: str) -> tuple[str, str]:
    """Place and thread of a conversation."""
    place, _, thread = conversation.partition(_THREAD)
    return place, thread


def join(place: str, thread: str) -> str:
    """The conversation of a place and a thread."""
    return f"{place}{_THREAD}{thread}" if thread else place


def ref_of(conversation: str, activity: str) -> str:
    """The reference of a message."""
    return f"{conversation}|{activity}"


def parted(ref: str) -> tuple[str, str]:
    """Conversation and message of a reference. Raises VendorRefused for one that is not ours."""
    conversation, _, activity = ref.rpartition("|")
    if not conversation or not activity:
        raise VendorRefused("This is no message in Teams.")
    return conversation, activity
