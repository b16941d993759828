"""Mails as bytes: what they answer, however long, and that no value becomes a header."""

from email import message_from_bytes
from email.policy import default
from email.utils import getaddresses

import pytest

from bot.core.errors import Invalid
from tests.tools.kit import context
from tools.mailbox._letter import MOST_REFERENCES, Letter, chain, name_of, subject_for, written
from tools.mailbox._mail import person, words

PLAIN = {"sender": "ann@example.com", "to": ["bob@example.org"], "cc": [], "subject": "Hi"}


def opened(**more: object) -> object:
    """A letter, written and read again."""
    ctx = context()
    letter = Letter(**{**PLAIN, "text": "x", **more})  # type: ignore[arg-type]
    return message_from_bytes(
        written(ctx, letter, name_of(ctx, "ann@example.com"), ctx.clock), policy=default
    )


def test_its_name_follows_from_the_deed_and_the_account() -> None:
    one = name_of(context(), "ann@example.com")
    assert one == name_of(context(), "ann@example.com")
    assert one.startswith("<sb.") and one.endswith("@example.com>") and len(one) < 120
    others = (context(key="eff_2"), context(tenant="ten_2"))
    assert len({one, *(name_of(each, "ann@example.com") for each in others)}) == 3
    for odd in ("ann", "ann@host", "ann@" + "a." * 90 + "example", "ann@b<c>.example"):
        assert name_of(context(), odd).endswith("@switchboard.invalid>")


def test_an_answer_names_what_it_answers_however_long() -> None:
    long = f"<{'a' * 300}@example.org>"
    mail = opened(answers=long, references=f"<0@x.org> {long}")
    assert mail["In-Reply-To"] == long and mail["References"] == f"<0@x.org> {long}"  # type: ignore[index]
    many = " ".join(f"<{n}@x.org>" for n in range(40))
    line = chain(many, "<end@x.org>")
    assert len(line) == MOST_REFERENCES and line[0] == "<0@x.org>" and line[-1] == "<end@x.org>"
    assert opened(answers="no id", references=many)["References"] is None  # type: ignore[index]


def test_what_is_written_is_what_is_read() -> None:
    text = "Grüße —\n" + "z" * 2_000 + "\n.\nFrom here\n"
    mail = opened(text=text, subject="Grüße " * 30)
    assert mail.get_content().replace("\r\n", "\n") == text  # type: ignore[attr-defined]
    assert mail["Subject"].strip() == ("Grüße " * 30).strip()  # type: ignore[index]


def test_no_value_becomes_a_header_of_its_own() -> None:
    for more in ({"subject": "x\r\nBcc: e@x.org"}, {"to": ["b@x.org\nBcc: e@x.org"]},
                 {"subject": "=?utf-8?q?x=0D=0ABcc:_e@x.org?="}):  # fmt: skip
        try:
            mail = opened(**more)
        except Invalid:
            continue
        assert mail["Bcc"] is None  # type: ignore[index]
    with pytest.raises(Invalid):
        opened(to=["b@x.org\nBcc: e@x.org"])


def test_a_name_is_never_taken_for_an_address() -> None:
    """Else a stranger could choose whom the card seems to be about."""
    for name in ("ann@example.com> ,", "a, ann@example.com", '"x" <ann@example.com>', "a\\@b"):
        shown = person(name, "thief@example.net")
        assert [address for _, address in getaddresses([shown])] == ["thief@example.net"], shown
    assert person("Bob", "b@x.org") == "Bob <b@x.org>" and person("B@x.org", "b@x.org") == "b@x.org"
    assert words("=?utf-8?q?Gr=C3=BC=C3=9Fe=0D=0A_x?= y") == "Grüße x y"
    assert words("=?nothing?q?x?=") and words("=?utf-8?b?!?=") is not None


def test_the_subject_of_an_answer_has_one_re() -> None:
    for was in ("Budget", "Re: Budget", "RE: re:  Budget", "AW: Budget"):
        assert subject_for(was) == "Re: Budget"
    assert subject_for("") == "Re: your mail"
