"""What `bot new` writes: one file of each kind and its test, small, true and ready to be changed.

Each is the smallest one that the house accepts. `$name` is the file's name, `$slug` the same for
Python, `$kind` for a class, `$title` how people say it, `$source` the vendor's documents or the
reason why there are none.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """One kind of file."""

    about: str
    path: str
    text: str
    test_path: str
    test: str
    next: str
    """What the person does after that."""


AGENT = Blueprint(
    about="someone on the team",
    path="agents/$name.md",
    text="""\
---
name: $name
title: helps with $name
emoji: 🙂
tools:
  - memory_remember
  - memory_recall
  - hand_off
---
You are $title. Say here, as to a new colleague, what you are for, how you speak, what you never do
and when you hand over to somebody else.
""",
    test_path="tests/agents/test_$slug.py",
    test='''\
"""The agent $name."""

from pathlib import Path

from agents.runtime.loader import Team
from bot.core.ids import TenantId

AGENTS = Path(__file__).parents[2] / "agents"


def test_the_file_is_read_without_a_mistake() -> None:
    team = Team(AGENTS)
    assert [p for p in team.problems if p.file.endswith("$name.md")] == []
    assert team.get(TenantId("ten_1"), "$name") is not None
''',
    next="It is read within a second, without a restart. Look: bot agents show $name",
)

TOOL = Blueprint(
    about="something that agents can do; NAME is group/name",
    path="tools/$group/$name.py",
    text='''\
"""$title: one thing that an agent can do.

$source
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.effect import EffectState, Outcome
from bot.core.tool import Risk, Tool, ToolContext


class Arguments(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=2000)]


async def $name(ctx: ToolContext, args: Arguments) -> Outcome:
    """Say in one sentence what this does, for the model that reads it.

    Use it when it is asked for. Do not use it for anything else.
    - text: what this argument means.
    Example: {"text": "hello"}
    """
    return Outcome(state=EffectState.SENT, data=f"{ctx.agent} said {args.text}")


def preview(args: Arguments) -> Card:
    """What a person sees before it is done."""
    return Card(title="$title", body=args.text)


TOOLS = (
    Tool(
        name="$name",
        arguments=Arguments,
        perform=$name,
        risk=Risk.WRITE,
        preview=preview,
    ),
)
''',
    test_path="tests/tools/$group/test_$name.py",
    test='''\
"""$title."""

import pytest
from pydantic import ValidationError

from bot.core.effect import EffectState
from bot.core.tool import Risk
from tests.tools.kit import context
from tools.$group.$name import TOOLS

(TOOL,) = TOOLS
HELLO = TOOL.arguments.model_validate({"text": "hello"})


async def test_it_does_what_it_is_asked() -> None:
    outcome = await TOOL.perform(context(), HELLO)
    assert outcome.state is EffectState.SENT
    assert outcome.data == "bri said hello"


def test_a_person_sees_it_whole_before_it_is_done() -> None:
    assert TOOL.risk is Risk.WRITE
    assert TOOL.preview is not None
    assert TOOL.preview(HELLO).body == "hello"


@pytest.mark.parametrize("text", ["", "x" * 2001])
def test_what_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TOOL.arguments.model_validate({"text": text})
''',
    next="Give it to an agent: add $name to `tools:` in its file, then restart.",
)

CHANNEL = Blueprint(
    about="a place where people talk to agents",
    path="channels/$name.py",
    text='''\
"""$title: a place where people talk to agents.

$source
"""

from collections.abc import Awaitable, Callable, Sequence

from bot.core.channel import Features, Outbound, Receipt, Sink
from bot.core.errors import VendorRefused
from bot.platforms.lent import Lent


class $kind:
    """The channel."""

    name = "$name"
    features = Features(max_chars=4000)

    def __init__(self, lent: Lent) -> None:
        self._lent = lent

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """No webhook yet: each proves its sender before it is read."""
        return ()

    async def run(self, sink: Sink) -> None:
        """Nothing to listen to yet. Acknowledge only what `sink` has stored."""

    async def send(self, message: Outbound) -> Receipt:
        """Send one message. Raises VendorRefused: it was surely not sent."""
        raise VendorRefused("This channel cannot send yet.", effect=message.effect)


def make(lent: Lent) -> $kind:
    """The channel. Raises OperatorError, naming the setting that is missing."""
    return $kind(lent)
''',
    test_path="tests/channels/test_$name.py",
    test='''\
"""$title."""

import pytest

from bot.core.channel import Channel, Outbound
from bot.core.effect import EffectKind
from bot.core.errors import VendorRefused
from bot.core.ids import ConvId, EffectId, TenantId
from bot.testing import lent
from channels.$name import make

HELLO = Outbound(
    tenant=TenantId("ten_1"),
    conv=ConvId("cnv_1"),
    account="",
    place="C1",
    thread="",
    effect=EffectId("eff_1"),
    kind=EffectKind.REPLY,
    text="hello",
)


def test_it_is_a_channel_that_is_named_like_its_file() -> None:
    channel: Channel = make(lent())
    assert channel.name == "$name"
    assert channel.routes() == ()


async def test_what_is_surely_not_sent_is_refused() -> None:
    with pytest.raises(VendorRefused):
        await make(lent()).send(HELLO)
''',
    next="Turn real, cleaned payloads into Events; [channels.$name] in bot.toml switches it on.",
)

PROVIDER = Blueprint(
    about="a service that people connect their account of",
    path="bot/oauth/providers/$name.py",
    text='''\
"""$title: addresses and scopes of its OAuth.

$source
"""

from bot.oauth.provider import Feature, Provider, Revoke, Who

PROVIDER = Provider(
    name="$name",
    title="$title",
    authorize_url="https://$host.example/oauth/authorize",
    token_url="https://$host.example/oauth/token",
    hosts=("api.$host.example",),
    who=Who(url="https://api.$host.example/me"),
    base=("profile",),
    features={"publish": Feature(title="Publish posts", scopes=("write",))},
    pkce=True,
    revoke=Revoke(url="https://$host.example/oauth/revoke"),
    by_hand="https://$host.example/settings/apps",
    to_do=("Register an app, with the redirect address.",),
)
''',
    test_path="tests/bot/oauth/providers/test_$name.py",
    test='''\
"""$title: the record against the vendor's documents."""

from urllib.parse import urlsplit

from bot.oauth.providers.$name import PROVIDER


def test_it_is_named_like_its_file() -> None:
    assert PROVIDER.name == "$name"


def test_every_address_is_encrypted_and_tokens_go_to_hosts_by_name() -> None:
    addresses = (PROVIDER.authorize_url, PROVIDER.token_url, PROVIDER.who.url)
    assert {urlsplit(address).scheme for address in addresses} == {"https"}
    assert all("." in host and "/" not in host for host in PROVIDER.hosts)
''',
    next="Put the vendor's addresses in, and what its server asks into tests/fakes/oauth_rules.py.",
)

WEBHOOK = Blueprint(
    about="a sender of events that is no channel",
    path="bot/webhooks/$name.py",
    text='''\
"""$title: what it sends, and how it proves that it was the sender.

$source
"""

import hmac
from collections.abc import Callable, Mapping

from bot.core.secret import Secret

HEADER = "X-Signature"


def is_genuine(secret: Secret, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the sender knew the secret: HMAC-SHA256 of the raw body, in hex."""
    signature = hmac.digest(secret.reveal().encode(), body, "sha256").hex()
    return bool(secret) and hmac.compare_digest(
        signature.encode(), headers.get(HEADER, "").encode()
    )


WEBHOOK: Mapping[str, Callable[[Secret, Mapping[str, str], bytes], bool]] = {
    "$name/events": is_genuine
}
"""Path below `/webhooks/` → its proof."""
''',
    test_path="tests/bot/webhooks/test_$name.py",
    test='''\
"""$title."""

import hmac

import pytest

from bot.core.secret import Secret
from bot.webhooks.$name import HEADER, WEBHOOK

KEY, BODY = "a secret of the tests", b\'{"happened": "something"}\'
GOOD = hmac.digest(KEY.encode(), BODY, "sha256").hex()
PROOF = WEBHOOK["$name/events"]


def test_what_the_sender_signed_is_taken() -> None:
    assert PROOF(Secret(KEY), {HEADER: GOOD}, BODY)


@pytest.mark.parametrize(
    ("key", "signature", "body"),
    [(KEY, GOOD, BODY + b" "), (KEY, "é", BODY), ("another", GOOD, BODY), ("", "", BODY)],
    ids=["tampered", "no signature of ours", "another secret", "no secret"],
)
def test_anything_else_is_refused(key: str, signature: str, body: bytes) -> None:
    assert not PROOF(Secret(key), {HEADER: signature}, body)


def test_an_unsigned_body_is_refused() -> None:
    assert not PROOF(Secret(KEY), {}, BODY)
''',
    next="Sign as the vendor does, and test it with real, cleaned payloads.",
)

JOB = Blueprint(
    about="a chore of the house, again and again",
    path="scheduler/jobs/$name.py",
    text='''\
"""$title: what it does for the house, and how often.

It may run twice and may be cut off anywhere.
"""

from scheduler.housework import Job, Keeper


async def $name(keeper: Keeper) -> str:
    """Do it and say what was done; empty when there was nothing to do."""
    return f"looked at {keeper.clock.now():%H:%M}"


JOB = Job(
    name="$name",
    title="$title",
    every_s=3600,
    run=$name,
)
''',
    test_path="tests/scheduler/jobs/test_$name.py",
    test='''\
"""$title."""

from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Keeper
from scheduler.jobs.$name import JOB
from tests.fakes.clock import StillClock


async def test_it_says_what_it_did(db: SqliteDatabase, clock: StillClock) -> None:
    async def nothing() -> int:
        return 0

    keeper = Keeper(
        db=db,
        clock=clock,
        expire_approvals=nothing,
        seal_audit=nothing,
        tend_memory=nothing,
        archive=nothing,
    )
    assert JOB.name == "$name"
    assert await JOB.run(keeper) == f"looked at {clock.now():%H:%M}"
''',
    next="It runs at the next start, and then every hour.",
)

BLUEPRINTS: Mapping[str, Blueprint] = {
    "agent": AGENT,
    "tool": TOOL,
    "channel": CHANNEL,
    "provider": PROVIDER,
    "webhook": WEBHOOK,
    "job": JOB,
}
