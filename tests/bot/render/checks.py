"""What is well formed in each dialect, written apart from the code that writes it."""

import re
from html import unescape

from bot.core.channel import Dialect
from bot.render.cut import flat
from bot.render.tree import parse

TELEGRAM = {"b", "i", "s", "a", "code", "pre", "blockquote"}
HTML = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "a", "code", "pre"} | {
    *("blockquote", "ul", "ol", "li", "table", "tr", "th", "td", "br", "hr")
}
VOID = {"br", "hr"}
TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)((?: [a-z]+=\"[^\"<>]*\")*)>")
ENTITY = re.compile(r"&(?:amp|lt|gt|quot|#x27);")
HREF = re.compile(r' href="(?:https?://|mailto:|tel:)[^" ]+"')
CODE = re.compile(r"\\.|```.*?```|``.*?``|`[^`]*`", re.DOTALL)
INNER = re.compile(r"<(code|pre)[ >].*?</\1>", re.DOTALL)
"""Code calls nobody: no platform reads mentions in it."""
PING = re.compile(r"(?i)@(everyone|here|channel)\b|<[!@#]|<@&")


def check_tags(text: str, allowed: set[str]) -> list[list[str]]:
    """Tags of the set, nested, with harmless attributes. Returns the stack at each tag's start."""
    stack: list[str] = []
    stacks = []
    at = 0
    for found in TAG.finditer(text):
        _check_text(text[at : found.start()])
        at = found.end()
        closing, name, attributes = found.groups()
        assert name in allowed, found[0]
        if closing:
            assert stack and stack.pop() == name, f"{found[0]} ends nothing in {text!r}"
            continue
        stacks.append([*stack, name])
        _check_attributes(name, attributes)
        if name not in VOID:
            stack.append(name)
    _check_text(text[at:])
    assert not stack, f"{stack} left open"
    return stacks


def _check_text(text: str) -> None:
    assert "<" not in text and ">" not in text and '"' not in text, text
    assert "&" not in ENTITY.sub("", text), text


def _check_attributes(name: str, attributes: str) -> None:
    rest = attributes.replace(' rel="noopener noreferrer nofollow"', "")
    if name == "a":
        assert HREF.fullmatch(rest), rest
    elif name == "code":
        assert re.fullmatch(r'( class="language-[\w+#.-]+")?', rest), rest
    elif name == "ol":
        assert re.fullmatch(r'( start="\d+")?', rest), rest
    else:
        # What mail says of its look: no address is loaded, nothing is hidden or moved.
        assert re.fullmatch(r'( style="(?:[a-z-]+:[a-z0-9# -]+;?)+")?', rest), rest
        assert not re.search(r"display|position|font-size|visibility|opacity", rest), rest


def check_telegram(text: str) -> None:
    for stack in check_tags(text, TELEGRAM):
        assert stack.count("blockquote") <= 1, stack
        assert stack.count("a") <= 1, stack
        outer = [name for name in stack[:-1] if name != "blockquote"]
        if stack[-1] in ("code", "pre"):
            assert outer in ([], ["pre"]), stack
        assert not {"code", "pre"} & set(outer) or stack[-2:] == ["pre", "code"], stack
    assert not PING.search(unescape(TAG.sub("", INNER.sub("", text))))


def check_html(text: str) -> None:
    for stack in check_tags(text, HTML):
        assert stack.count("a") <= 1, stack


def check_teams(text: str) -> None:
    check_html(text)
    assert not PING.search(unescape(TAG.sub("", INNER.sub("", text))))
    assert not re.search(r"<h[4-6]", text)


def check_slack(text: str) -> None:
    """Each `<` begins an address or a letter shown as it is; nothing else is special."""
    rest = re.sub(r"<!date\^00000000\^\{_\}\|[*_~`]>", "¶", text)
    rest = re.sub(r"<(?:https?://|mailto:|tel:)[^<>|\s]+(?:\|[^<>|\n]+)?>", "", rest)
    assert "<" not in rest, rest
    assert not re.search(r"(?m)>(?<!^>)(?!(?<=> )>)", re.sub(r"(?m)^ *(> ?)*>?", "", rest)), rest
    assert "&" not in re.sub(r"&(?:amp|lt|gt);", "", text), text
    assert text.count("```") % 2 == 0, text
    assert not PING.search(unescape(CODE.sub("", rest))), rest


def check_discord(text: str) -> None:
    assert not PING.search(CODE.sub("", text)), text
    assert text.count("```") % 2 == 0, text


def check_plain(text: str) -> None:
    assert not PING.search(text), text


CHECKS = {
    Dialect.HTML: check_html,
    Dialect.MAIL: check_html,
    Dialect.TEAMS: check_teams,
    Dialect.TELEGRAM: check_telegram,
    Dialect.SLACK: check_slack,
    Dialect.DISCORD: check_discord,
    Dialect.PLAIN: check_plain,
}
TAGGED = {Dialect.HTML, Dialect.MAIL, Dialect.TEAMS, Dialect.TELEGRAM}


def letters(text: str) -> str:
    """What must survive: letters and digits."""
    return "".join(letter for letter in text if letter.isalnum())


def source_letters(markdown: str) -> str:
    """The letters that a reader of this Markdown sees, addresses of links left out."""
    out = []
    for block in parse(markdown):
        (run,) = flat(block, links=False).runs
        out.append(run.text)
    return letters("".join(out))


def seen(written: str, dialect: Dialect) -> str:
    """What a reader sees of it, or a little more."""
    if dialect in TAGGED:
        return unescape(TAG.sub("", written))
    if dialect is Dialect.SLACK:
        return unescape(re.sub(r"<!date\^00000000\^\{_\}\|(.)>", r"\1", written))
    return written


def is_within(part: str, whole: str) -> bool:
    """Whether the letters of one text stand in the other in their order."""
    left = iter(whole)
    return all(letter in left for letter in part)
