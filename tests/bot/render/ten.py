"""The ten cards that every rendering is shown with, and what a rendering says in letters."""

import re
from datetime import UTC, datetime
from html import unescape

from bot.core.card import Card, Choice, Field
from bot.core.ids import ApprovalId
from bot.render.cards.layout import Ref

REF = Ref(approval=ApprovalId("apr_01M6DQS9M04DYB27TX226F49HS"), version=3)
LINKED = Ref(
    approval=REF.approval, version=3, url="https://bot.example/chat/cnv_1#apr_1", by_text=False
)
UNTIL = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
COMMON = {
    "agent": "reynolds",
    "on_behalf_of": "Bo Tran",
    "why": "Posts are asked about before they go out.",
    "approvers": ("Bo Tran",),
    "expires_at": UNTIL,
    "code": "4821",
}

TEN: dict[str, Card] = {
    "blog post": Card(
        **COMMON,
        title="Publish on the blog",
        fields=(
            Field(name="Title", value="Sunday", editable="title"),
            Field(name="Text", value="We are open on Sunday.", long=True, editable="text"),
        ),
        audience="everybody",
    ),
    "sandboxed post on X": Card(
        **COMMON,
        title="Post on X",
        body="We are open on Sunday ☕\n\nhttps://shop.example/sunday?a=1&b=2 #coffee @friends",
        fields=(Field(name="Characters", value="71 of 280"),),
        audience="public",
        sandbox=True,
    ),
    "invoice": Card(
        **{**COMMON, "agent": "treasurer", "why": "Money moves.", "approvers": ("Ann", "Bo Tran")},
        title="Send an invoice",
        amount="EUR 1,250.00",
        recipients=("Café Müller <office@mueller.example>",),
        fields=(Field(name="For", value="20 h of work"), Field(name="Due", value="in 14 days")),
        warnings=("The address is new: nothing was ever sent there.",),
    ),
    "mail to many": Card(
        **{**COMMON, "agent": "bri"},
        title="Send a mail",
        recipients=(*(f"person{n}@example.com" for n in range(1, 12)), "BCC boss@rival.example"),
        body="Dear all,\n\nthe meeting is on Monday.\n\nBri",
        warnings=("One recipient is outside your workspace.",),
    ),
    "long text": Card(
        **COMMON,
        title="Publish on the blog",
        recipients=("https://shop.example/blog",),
        body=" ".join(f"This is sentence number {n} of a long story." for n in range(1, 115)),
    ),
    "hidden things": Card(
        **{**COMMON, "why": "The page that was read says so <script>alert(1)</script>."},
        title="Send \u202etxt.exe",
        recipients=("bo@example.com\u200b", "a\nTo: evil@example.com"),
        body="*bold* _it_ `code` ~x~ [link](https://evil.example) <!channel> @everyone <@U1>\n"
        "# head\n> quote\n- list\n1. one\n</blockquote><b>&lt; &amp;\x1b[31m \U000e0041\U000e0042"
        + "\n" * 12
        + "far below"
        + " " * 200
        + "far right",
    ),
    "several actions": Card(
        **COMMON,
        title="3 actions",
        amount="USD 20.00",
        recipients=("page of the shop", "ann@example.com"),
        fields=tuple(
            Field(name=f"{n}. Post on {name}", value=f"Words for {name}.\nMore words.", long=True)
            for n, name in enumerate(("X", "LinkedIn", "Threads"), 1)
        ),
        audience="public; your connections",
        sandbox=True,
    ),
    "doubt": Card(
        **{**COMMON, "why": "The answer of the service is missing."},
        title="I may have posted this. Is it there?",
        body="We are open on Sunday.",
        choices=(
            Choice(id="there", label="It is there"),
            Choice(id="leave", label="Leave it"),
            Choice(id="again", label="Do it again", style="danger"),
        ),
    ),
    "budget": Card(
        **{**COMMON, "why": "The budget for thinking is used up.", "code": "90210"},
        title="Go on?",
        amount="USD 0.50 more",
        choices=(
            Choice(id="reject", label="Stop here"),
            Choice(id="approve", label="Continue with USD 0.50", style="primary"),
        ),
    ),
    "decided": Card(
        **COMMON,
        title="Publish on the blog",
        body="We are open on Sunday.",
        decided="Approved by Ann on 21 Nov 2026, 10:15 UTC, with one word changed",
    ),
}


def strings(payload) -> list[str]:
    """Every text in a payload, in order."""
    if isinstance(payload, str):
        return [payload]
    if isinstance(payload, dict):
        return [text for value in payload.values() for text in strings(value)]
    if isinstance(payload, list):
        return [text for value in payload for text in strings(value)]
    return []


def letters_of(surface: str, payload) -> str:
    """What a person reads of a payload."""
    text = "".join(strings(payload))
    if surface == "discord":
        text = re.sub(r"\\(.)", r"\1", text).replace("\u200b", "")
    if surface in ("telegram", "mail"):
        text = unescape(re.sub(r"<[^>]*>", "", text))
    return text


def presses(surface: str, payload) -> list[str]:
    """The values of all buttons of a payload."""
    return re.findall(r"apr_\w{26}:\d+:[a-z]+", "\n".join(strings(payload)))
