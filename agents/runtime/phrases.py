"""The small grammar of the offline model: a sentence in, a wish out, nothing guessed.

    publish “TEXT” on x | facebook | the blog, linkedin and r/bread | everywhere [with https://…]
    publish “TEXT” on the board NAME with https://…          (a board of Pinterest)
    run WF-042: TEXT     run WF-051 on r/bread: TEXT     run WF-048 on the board NAME: TEXT with https://…
    post on the blog: TEXT          tweet TEXT          (quotes may be left out)
    remind me to TEXT every weekday at 9          tomorrow at 8 remind me to TEXT
    set a reminder for friday at 3pm to TEXT      every monday at 14:30 publish “TEXT” on x
    invoice NAME 120 EUR for TEXT
    remember TEXT     what do you remember [about TEXT]     forget TEXT     show my reminders
    read https://…     hand over to NAME     withdraw that     withdraw 4821     help
    notify me: TEXT     ping me that TEXT     alert me on Telegram: TEXT
    show the VIS score     set the VIS score to 87: REASON
    recognise NAME (member ID) in NAME (channel ID) on Discord: TEXT
    assign the role NAME (role ID) to NAME (member ID) on Discord: REASON     remove … from …

English, upper or lower case. It knows nothing of tools; `offline.py` turns a wish into a call.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from bot.frozen import field, frozen
from tools.social._workflows import BY_ID, Workflow


class Want(StrEnum):
    """What a sentence can ask for."""

    PUBLISH = "publish"
    REMIND = "remind"
    INVOICE = "invoice"
    REMEMBER = "remember"
    RECALL = "recall"
    FORGET = "forget"
    AGENDA = "agenda"
    READ = "read"
    HAND_OVER = "hand_over"
    WITHDRAW = "withdraw"
    RECOGNISE = "recognise"
    ROLE = "role"
    SCORE = "score"
    SHOW_SCORE = "show_score"
    NOTIFY = "notify"
    HELP = "help"


@frozen
class Wish:
    """One understood sentence."""

    want: Want
    values: Mapping[str, str] = field(default_factory=dict)
    """Roles such as `text`, `when`, `url`."""
    networks: tuple[str, ...] = ()
    """Where to publish; empty: wherever the agent can; `everywhere` alone: all of them."""


EVERYWHERE = "everywhere"
_NETWORKS: Mapping[str, str] = {
    "x": "x", "twitter": "x", "facebook": "facebook", "fb": "facebook", "instagram": "instagram",
    "insta": "instagram", "threads": "threads", "tiktok": "tiktok", "tik tok": "tiktok",
    "tumblr": "tumblr", "pinterest": "pinterest", "linkedin": "linkedin", "reddit": "reddit",
    "alignable": "alignable", "blog": "blog", "website": "blog",
    "everywhere": EVERYWHERE, "all networks": EVERYWHERE, "all of them": EVERYWHERE,
}  # fmt: skip
_NAMED_FIRST_OF_ALL = re.compile(r"^@[A-Za-z0-9-]{1,40}[,:]?\s+")
"""Whom a message is for; the router has read it."""
_POLITE = re.compile(
    r"^(?:(?:please|kindly|now|hey|ok(?:ay)?|can you|could you|would you)\b[,\s]*)+", re.IGNORECASE
)
_PUBLISH = re.compile(
    r"(?P<verb>publish|post|share|announce|tweet)\b:?\s*(?P<rest>.+)", re.I | re.S
)
_RUN = re.compile(
    r"run\s+(?P<id>WF-\d{3})(?:\s+(?:on|in)\s+(?P<where>[^:\n]{1,80}))?:?\s+(?P<rest>.+)",
    re.I | re.S,
)
_WITH = re.compile(r"\s+with\s+(?P<url>https?://\S+?)[.!]?$", re.I)
_QUOTED = re.compile(
    r"(?P<before>[^“\"«„‘']*?)[“\"«„‘'](?P<text>.+)[”\"»“’'](?P<after>[^”\"»“’']*)", re.S
)
_NAMED_FIRST = re.compile(r"(?P<where>[^:\n]{1,120}):\s*(?P<text>.+)", re.I | re.S)
_NAMED_LAST = re.compile(r"(?P<text>.+)\s(?P<where>(?:on|to|in|at)\s+[^\n]+)", re.I | re.S)
_WHERE = re.compile(r"\s*(?:(?:on|to|in|at)\s+)?(?P<list>.*?)[\s.!]*", re.I | re.S)
_SUBREDDIT = re.compile(r"/?(r/[A-Za-z0-9_]{2,21})")
_BOARD = re.compile(r"(?:the\s+|my\s+|our\s+)?board\s+([^,&\n]{1,60}?)", re.IGNORECASE)
_ON_BOARD = "board "


def understand(text: str) -> Wish | None:
    """What a sentence asks for; None when it is no phrase of the grammar."""
    text = _POLITE.sub("", _NAMED_FIRST_OF_ALL.sub("", text.strip()))
    for phrase in _PHRASES:
        wish = phrase(text)
        if wish is not None:
            return wish
    return None


def publishing(text: str) -> Wish | None:
    """`publish “…” on x` and its kin."""
    found = _PUBLISH.fullmatch(text)
    if found is None:
        return None
    values, rest = _with_url(found["rest"].strip())
    said, where = _split(rest)
    if not where and found["verb"].lower() == "tweet":
        where = ("x",)
    networks = tuple(_network(name) for name in where)
    values = {**values, **_named(where), "text": said}
    return Wish(want=Want.PUBLISH, values=values, networks=networks)


def _with_url(text: str) -> tuple[dict[str, str], str]:
    """`… with https://…`: the address, and the text without it."""
    extra = _WITH.search(text)
    return ({"url": extra["url"]}, text[: extra.start()]) if extra else ({}, text)


def _named(where: Sequence[str]) -> dict[str, str]:
    """The places on a network that were named."""
    values: dict[str, str] = {}
    for name in where:
        if name.startswith("r/"):
            values.setdefault("subreddit", name)
        if name.startswith(_ON_BOARD):
            values.setdefault("board", name.removeprefix(_ON_BOARD))
    return values


def running(text: str) -> Wish | None:
    """`run WF-042: …`: what is said, on the network of that workflow."""
    found = _RUN.fullmatch(text)
    workflow = BY_ID.get(found["id"].upper()) if found else None
    if found is None or workflow is None:
        return None
    places = _places(found["where"] or "") or ()
    values, rest = _with_url(found["rest"].strip())
    quoted = _QUOTED.fullmatch(rest)
    said = quoted["text"] if quoted and not quoted["before"] + quoted["after"] else rest
    values = {**values, **_named(places), **_form(workflow), "text": said.strip()}
    return Wish(want=Want.PUBLISH, values=values, networks=(workflow.network,))


def _form(workflow: Workflow) -> dict[str, str]:
    """What a workflow's post is like, where its network takes several kinds."""
    return {"form": "link"} if workflow.form.startswith("a title and a link") else {}


def _network(name: str) -> str:
    """The network of a place on it."""
    if name.startswith(_ON_BOARD):
        return "pinterest"
    return "reddit" if name.startswith("r/") else name


def _split(rest: str) -> tuple[str, tuple[str, ...]]:
    """The text of a post and where it goes."""
    quoted = _QUOTED.fullmatch(rest)
    if quoted:
        places = [_places(quoted[part]) for part in ("before", "after")]
        if None not in places:
            return quoted["text"].strip(), (*(places[0] or ()), *(places[1] or ()))
    for pattern in (_NAMED_FIRST, _NAMED_LAST):
        named = pattern.fullmatch(rest)
        where = _places(named["where"]) if named else None
        if named and where:
            return named["text"].strip().rstrip(":").strip(), where
    return rest, ()


def _places(text: str) -> tuple[str, ...] | None:
    """The networks of `on x, facebook and the blog`; None when a word is none."""
    found = _WHERE.fullmatch(text)
    words = found["list"] if found else ""
    if not words:
        return ()
    names = []
    for part in re.split(r"\s*(?:,\s*and\s|,|&|\band\b)\s*", words):
        name = re.sub(r"^(?:the|our|my|your)\s+", "", part.strip().lower())
        place = _SUBREDDIT.fullmatch(part.strip())
        board = _BOARD.fullmatch(part.strip())
        network = place[1] if place else _NETWORKS.get(name)
        network = f"{_ON_BOARD}{board[1]}" if board else network
        if network is None:
            return None
        names.append(network)
    return tuple(dict.fromkeys(names))


_REMIND = re.compile(
    r"(?:remind\s+(?:me|us)\b|(?:set|make|add|create)\s+(?:me\s+|us\s+)?a\s+reminder\b(?:\s+for\b)?)"
    r":?(?:\s+(?:to|that|about|of)\b)?\s*(?P<rest>.*)",
    re.I | re.S,
)
_STARTERS = frozenset(
    re.findall(
        r"\w+",
        "every each daily weekly monthly yearly hourly tomorrow today tonight in on at next this "
        "weekdays monday tuesday wednesday thursday friday saturday sunday",
    )
)
_RECURRING = frozenset(["every", "each", "daily", "weekly", "monthly", "yearly", "hourly"])
"""After one of these anything is a task; after another time it must be a phrase of ours."""
_LOOSE = frozenset(re.findall(r"\w+", "and the of from in on at next this a an"))
_TIME_WORDS = (_STARTERS | _LOOSE) | frozenset(
    re.findall(
        r"\w+",
        "other day days weekday weekdays weekend weekends week weeks month months hour hours noon "
        "minute minutes year years morning afternoon evening night midnight am pm first second "
        "third fourth last monday tuesday wednesday thursday friday saturday sunday mondays "
        "tuesdays wednesdays thursdays fridays saturdays sundays january february march april may "
        "june july august september october november december half one two three four five six "
        "seven eight nine ten eleven twelve",
    )
)
_NUMBER = re.compile(r"\d{1,4}(?:[:.]\d\d)?(?:am|pm|st|nd|rd|th)?|\d{4}-\d\d-\d\d")


def reminding(text: str) -> Wish | None:
    """`remind me to … every weekday at 9`, or a time and then what to do."""
    found = _REMIND.fullmatch(text)
    if found is None:
        when, what = _when_first(text.split())
        if not when or not (understand(what) or (what and text.split()[0].lower() in _RECURRING)):
            return None
        asked = _REMIND.fullmatch(_POLITE.sub("", what))
        text = f"Remind me: {asked['rest']}" if asked else what
        return Wish(want=Want.REMIND, values={"when": when, "text": text})
    words = found["rest"].split()
    when, what = _when_first(words)
    if not when:
        when, what = _when_last(words)
    elif not re.search(r"\d|noon", when):
        late, rest = _when_last(what.split())
        if late.lower().startswith("at "):
            when, what = f"{when} {late}", rest
    return Wish(
        want=Want.REMIND, values={"when": when, "text": f"Remind me: {what}" if what else ""}
    )


def _is_time(word: str) -> bool:
    word = word.lower().strip(",.;:!?")
    return word in _TIME_WORDS or _NUMBER.fullmatch(word) is not None


def _when_first(words: Sequence[str]) -> tuple[str, str]:
    """A time at the beginning, and the rest."""
    if not words or not (words[0].lower() in _STARTERS or _NUMBER.fullmatch(words[0])):
        return "", " ".join(words)
    end = 0
    while end < len(words) and _is_time(words[end]):
        end += 1
        if words[end - 1].endswith((",", ":")):
            break
    while end and words[end - 1].lower() in _LOOSE:
        end -= 1
    when = " ".join(words[:end]).rstrip(",.:;")
    what = re.sub(r"^(?:to|that)\s+", "", " ".join(words[end:]))
    return (when, what) if len(when.split()) > 1 or when in _STARTERS else ("", " ".join(words))


def _when_last(words: Sequence[str]) -> tuple[str, str]:
    """A time at the end, and what stands before it."""
    for at, word in enumerate(words):
        if word.lower() in _STARTERS and all(_is_time(rest) for rest in words[at:]):
            return " ".join(words[at:]).rstrip(",.:;!?"), " ".join(words[:at]).rstrip(",;")
    return "", " ".join(words)


_INVOICE = re.compile(
    r"invoice\s+(?P<customer>.+?)\s+(?:for\s+)?(?P<sign>[€$£])?(?P<amount>\d[\d.,]*)\s*"
    r"(?P<currency>[A-Za-z]{3}\b|[€$£])?(?:\s+for\s+(?P<text>.+?))?[.!]?",
    re.I | re.S,
)
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}


def invoicing(text: str) -> Wish | None:
    """`invoice Acme 120 EUR for two workshops`."""
    found = _INVOICE.fullmatch(text)
    if found is None:
        return None
    currency = found["sign"] or found["currency"] or "EUR"
    values = {
        "customer": found["customer"],
        "amount": found["amount"].rstrip(".,"),
        "currency": _SIGNS.get(currency, currency.upper()),
        "text": found["text"] or "Services",
    }
    return Wish(want=Want.INVOICE, values=values)


_MEMBER = r"@?(?P<member_name>[^()\n]+?)\s*\(member\s+(?P<member_id>\d+)\)"
_SIMPLE = (
    (
        Want.RECOGNISE,
        rf"recogni[sz]e\s+{_MEMBER}\s+in\s+#?(?P<channel_name>[^()\n]+?)\s*"
        r"\(channel\s+(?P<channel_id>\d+)\)\s+on\s+discord:\s*(?P<text>.+)",
    ),
    (
        Want.ROLE,
        r"(?P<action>assign|remove)\s+the\s+role\s+@?(?P<role_name>[^()\n]+?)\s*"
        rf"\(role\s+(?P<role_id>\d+)\)\s+(?:to|from)\s+{_MEMBER}\s+on\s+discord:\s*(?P<reason>.+)",
    ),
    (
        Want.NOTIFY,
        r"(?:notify|ping|alert)\s+me(?:\s+on\s+telegram)?(?:\s+that\b|\s*:)\s*(?P<text>.+)",
    ),
    (Want.SHOW_SCORE, r"(?:what\s+is|what's|show)\s+(?:me\s+)?(?:the|our)\s+VIS\s+score[?.!]*"),
    (
        Want.SCORE,
        r"(?:set|update)\s+(?:the|our)\s+VIS\s+score\s+to\s+(?P<value>-?\d+):\s*(?P<reason>.+)",
    ),
    (
        Want.RECALL,
        r"what\s+do\s+you\s+(?:remember|know)(?:\s+(?:about|of)\s+(?P<query>.+?))?[?.!]*",
    ),
    (Want.REMEMBER, r"remember(?:\s+that)?:?\s+(?P<text>.+)"),
    (Want.FORGET, r"forget(?:\s+(?:that|about))?:?\s+(?P<text>.+)"),
    (
        Want.AGENDA,
        r"(?:what\s+is|what's|list|show)(?:\s+me)?(?:\s+(?:my|the|our|all))?\s+"
        r"(?:scheduled|schedules?|reminders?)[?.!]*",
    ),
    (
        Want.READ,
        r"(?:read|open|fetch|summari[sz]e)\s+(?:the\s+page\s+)?<?(?P<url>https?://[^\s>]+)>?",
    ),
    (
        Want.HAND_OVER,
        r"(?:hand\s+(?:me\s+|this\s+|it\s+)?(?:over|off)\s+to|(?:let\s+me\s+)?(?:talk|speak)\s+to|"
        r"switch\s+to|connect\s+me\s+(?:to|with)|get\s+me)\s+@?(?P<agent>[A-Za-z][A-Za-z0-9-]*)[.!]?",
    ),
    (
        Want.WITHDRAW,
        r"(?:withdraw|take\s+back)\s+(?=\S)(?:that|this|it)?\s*(?:approval\s+)?(?P<code>\d{4,6})?[.!]?"
        r"|take\s+(?:that|this|it)\s+back[.!]?",
    ),
    (
        Want.HELP,
        r"(?:help|what\s+can\s+you\s+do|how\s+does\s+this\s+work|hi|hello|good\s+\w+)\b[^\n]{0,20}",
    ),
)


def simple(text: str) -> Wish | None:
    """The phrases that one pattern says whole."""
    for want, pattern in _SIMPLE:
        if found := re.fullmatch(pattern, text, re.I | re.S):
            values = {name: value for name, value in found.groupdict().items() if value}
            return Wish(want=want, values=values)
    return None


_PHRASES = (simple, running, publishing, invoicing, reminding)
