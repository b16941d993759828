"""Whether a mail comes from whom it names: only what our own server's check says counts.

A sender can write any From, and any Authentication-Results as well; only the topmost result under
the name of the server that is trusted is read. Proved is a DMARC pass for the very domain of From,
or a DKIM pass of that domain or of one above it. SPF alone proves who sent, not who wrote.
https://www.rfc-editor.org/rfc/rfc8601 (read 2026-11-21)
"""

import re
from dataclasses import dataclass
from typing import Final

from channels.email.mime import Mail

MAX_RESULTS: Final = 50
MAX_HEADER: Final = 20_000
_PAIR = re.compile(r"(?<!\S)([A-Za-z][A-Za-z0-9_.-]{0,60})\s*=\s*(\S+)")
_VERSION = re.compile(r"\d+")
_MEANING = re.compile(r"[^A-Za-z0-9@._+/-]")
"""Signs that would begin something new if they stood outside quotation marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One method and what it found."""

    method: str
    value: str
    about: tuple[tuple[str, str], ...] = ()
    """Properties such as `header.d`."""

    def of(self, name: str) -> str:
        """A property in small letters; empty where it is not there."""
        return next((value for key, value in self.about if key == name), "")


def is_proved(mail: Mail, authserv: frozenset[str]) -> bool:
    """Whether the sender is who the mail names, in the words of a server of ours.

    `authserv` has the names of those servers in small letters; the empty name stands for results
    without one, as Exchange Online writes them.
    """
    if mail.sender is None or not authserv:
        return False
    for header in mail.all("authentication-results"):
        found = read(header)
        if found is None:
            return False  # it may be our server's, so what stands below it may be anybody's
        name, results = found
        if name in authserv:
            return aligned(mail.sender.domain, results)
    return False


def aligned(domain: str, results: tuple[Result, ...]) -> bool:
    """Whether one of the results proves a From of this domain, and none says it is forged."""
    if any((each.method, each.value) == ("dmarc", "fail") for each in results):
        return False
    return any(
        (each.method == "dmarc" and each.of("header.from") == domain)
        or (each.method == "dkim" and signs(each.of("header.d") or _domain(each), domain))
        for each in results
        if each.value == "pass"
    )


def signs(signer: str, domain: str) -> bool:
    """Whether a signature of one domain stands for a From of another: the same, or one above.

    Never one below: whoever rents a name below a shared domain does not speak for the domain.
    """
    signer, domain = signer.lower().rstrip("."), domain.lower()
    return "." in signer and (domain == signer or domain.endswith(f".{signer}"))


def covers(mail: Mail, name: str) -> bool:
    """Whether every signature, and one of the sender's domain among them, stands for this header.

    What one of them leaves out may have been added by whoever passed the mail on: DMARC passes by a
    signature of a domain below as well, beside which anybody writes one that only looks like more.
    https://www.rfc-editor.org/rfc/rfc6376#section-8.15 (read 2026-11-22)
    """
    if mail.sender is None:
        return False
    signatures = [_tags(each) for each in mail.all("dkim-signature")]
    is_own = any(signs(tags.get("d", ""), mail.sender.domain) for tags in signatures)
    return is_own and all(name in tags.get("h", "").split(":") for tags in signatures)


def _tags(header: str) -> dict[str, str]:
    """The tags of a signature, without white space and in small letters."""
    pairs = ("".join(each.lower().split()).partition("=") for each in header.split(";"))
    return {tag: value for tag, _, value in pairs}


def read(header: str) -> tuple[str, tuple[Result, ...]] | None:
    """The name of the server that checked, empty where it gives none, and its results.

    None where it could be read in two ways: a server writes down what strangers told it.
    """
    text = _bare(header)
    if text is None:
        return None
    first, *rest = text.split(";")
    name = ""
    if "=" in first:
        rest = [first, *rest]
    else:
        name, *version = first.lower().split() or [""]
        if version and not (len(version) == 1 and _VERSION.fullmatch(version[0])):
            return None
    results = tuple(found for each in rest[:MAX_RESULTS] if (found := _result(each)))
    return name, results


def _result(segment: str) -> Result | None:
    pairs = _PAIR.findall(segment)
    if not pairs:
        return None
    (method, value), *about = [(key.lower(), text.lower().rstrip(".")) for key, text in pairs]
    return Result(method=method, value=value, about=tuple(about))


def _domain(result: Result) -> str:
    """The signer's domain where only its address is given: `header.i=@example.org`."""
    return result.of("header.i").rpartition("@")[2]


def _bare(text: str) -> str | None:
    """The text without comments and quotation marks; None where these do not fit together.

    Of what stood in quotation marks nothing begins a result or a property any more.
    """
    out: list[str] = []
    depth, is_quoted, is_escaped = 0, False, False
    for sign in text[: MAX_HEADER + 1]:
        if is_escaped:
            is_escaped = False
            out.append("?" if is_quoted else "")
        elif sign == "\\" and (is_quoted or depth):
            is_escaped = True
        elif sign == '"' and not depth:
            is_quoted = not is_quoted
        elif is_quoted:
            out.append(_MEANING.sub("?", sign))
        elif sign in '"\\' or (sign == ")" and not depth):
            return None
        elif sign in "()":
            depth += 1 if sign == "(" else -1
            out.append(" ")
        elif not depth:
            out.append(sign)
    is_whole = not (is_quoted or depth or is_escaped) and len(text) <= MAX_HEADER
    return "".join(out) if is_whole else None
