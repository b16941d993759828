"""Reading mail: senders, words, attachments, and the nastiest bytes that a stranger may send."""

import time

import pytest

from bot.render.codes import parse_code
from channels.email.addresses import listed, sole, untagged
from channels.email.bounces import failures
from channels.email.loops import why_automatic
from channels.email.mime import MAX_MAIL, Unreadable, page_text, parse, part_of
from channels.email.proof import is_proved
from channels.email.quoting import split

PLAIN = b"From: Ana <ana@example.org>\r\nTo: kelly@bot.example\r\nSubject: Hi\r\nMessage-ID: <m1@example.org>\r\n"


def mail(headers: str = "", body: str = "hello", sender: str = "From: Ana <ana@example.org>"):
    text = f"{sender}\n{headers}\n\n{body}" if headers else f"{sender}\n\n{body}"
    return parse(text.encode())


# --- who wrote it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("ana@example.org", "ana@example.org"),
        ("Ana <Ana@Example.ORG>", "ana@example.org"),
        ('"Doe, Ana" <ana@example.org>', "ana@example.org"),
        ("=?utf-8?q?An=C3=A1?= <ana@example.org>", "ana@example.org"),
        ("boss@corp.example <ana@example.org>", "ana@example.org"),
        # Read in two ways by two programs: nobody.
        ("Doe, Ana <ana@example.org>", None),
        ("ana@example.org, boss@corp.example", None),
        ("Friends: ana@example.org, boss@corp.example;", None),
        ("<boss@corp.example> <ana@example.org>", None),
        ("ana@example.org(boss@corp.example)", None),
        ("boss@corp.example)ana@example.org", None),
        ('"boss@corp.example" ana@example.org', None),
        ("<ana@example.org>x", None),
        ("ana@example", None),
        ("ana@exa mple.org", None),
        ("undisclosed-recipients:;", None),
        ("", None),
        ("a" * 300 + "@example.org", None),
        ("ana@example.org\x00boss@corp.example", None),
        ("<@corp.example:ana@example.org>", None),
    ],
)
def test_a_sender_is_one_address_or_nobody(header: str, address: str | None) -> None:
    found = sole([header])
    assert (found.address if found else None) == address


def test_two_from_headers_name_nobody() -> None:
    twice = b"From: ana@example.org\nFrom: boss@corp.example\n\nhi"
    assert parse(twice).sender is None
    assert parse(b"from: ana@example.org\nFROM: ana@example.org\n\nhi").sender is None


def test_recipients_survive_groups_and_rubbish() -> None:
    found = listed(["Team: Kelly <Kelly@bot.example>, mark@bot.example;", ",,<>, ;;@"])
    assert [item.address for item in found] == ["kelly@bot.example", "mark@bot.example"]
    assert untagged("bot+kelly@x.org") == ("bot@x.org", "kelly")
    assert untagged("+kelly@x.org") == ("+kelly@x.org", "")


# --- proof ----------------------------------------------------------------------------------

OURS = frozenset({"mx.bot.example"})
LONG = f"mx.bot.example; x=y z={'z' * (20_000 - 50)}"
"""Behind it a header that were cut would end with `header.d=example.org`."""


@pytest.mark.parametrize(
    ("results", "proved"),
    [
        ("mx.bot.example; dmarc=pass (p=REJECT) header.from=example.org", True),
        ("mx.bot.example 1; dkim=pass header.d=example.org header.s=a", True),
        ("mx.bot.example; dkim=pass header.i=@example.org", True),
        ("mx.bot.example; spf=pass smtp.mailfrom=example.org", False),
        (
            "mx.bot.example; dkim=fail header.d=example.org; dmarc=fail header.from=example.org",
            False,
        ),
        ("mx.bot.example; dkim=pass header.d=evil.example", False),
        ("mx.bot.example; dkim=pass header.d=mail.example.org", False),
        ("mx.bot.example; dkim=pass header.d=org", False),
        ("mx.bot.example; dmarc=pass header.from=evil.example", False),
        ("mx.evil.example; dmarc=pass header.from=example.org", False),
        ("mx.bot.example (; dmarc=pass header.from=example.org); dkim=none", False),
        ('mx.bot.example; dkim=fail reason="; dmarc=pass header.from=example.org"', False),
        ("dmarc=pass header.from=example.org", False),
        ('mx.bot.example; dkim=pass header.d="example.org" header.b="a/b="', True),
        ('mx.bot.example; spf=pass x.y="a (b"@c.d; dkim=pass header.d=example.org', True),
        # What a stranger wrote into an envelope or a signature, as servers write it down.
        (r'mx.bot.example; spf=pass x.y="a\"; dkim=pass header.d=example.org; \""@c.d', False),
        ('mx.bot.example; spf=pass (of "a); dkim=pass header.d=example.org; (b"@c.d)', False),
        (r"mx.bot.example; spf=pass (of a\); dkim=pass header.d=example.org; \(b@c.d)", False),
        ('mx.bot.example; dkim=pass header.i=x"y header.d=example.org z"@evil.example', False),
        (LONG + "; dkim=pass header.d=example.org.evil.example", False),
        ("mx.bot.example; dkim=pass header.d=example.org; spf=pass (", False),
        # A name that goes on is another's, and what one header says both ways is nobody's word.
        ("mx.bot.example .evil.example; dmarc=pass header.from=example.org", False),
        ("mx.bot.example x; dmarc=pass header.from=example.org", False),
        (
            "mx.bot.example; dmarc=pass header.from=example.org;"
            " dmarc=fail header.from=example.org",
            False,
        ),
        ("mx.bot.example; dkim=pass header.d=example.org; dmarc=fail (p=REJECT)", False),
        ("mx.bot.example; dkim=pass header.d=example.org; dmarc=none", True),
        ("mx.bot.example; none", False),
        ("", False),
    ],
)
def test_only_an_aligned_result_of_our_own_server_proves(results: str, proved: bool) -> None:
    assert is_proved(mail(f"Authentication-Results: {results}"), OURS) is proved


def test_only_the_topmost_result_of_our_server_is_read() -> None:
    forged = (
        "Authentication-Results: mx.bot.example; dmarc=fail header.from=example.org\n"
        "Authentication-Results: mx.bot.example; dmarc=pass header.from=example.org"
    )
    assert not is_proved(mail(forged), OURS)
    good = "Authentication-Results: mx.bot.example; dmarc=pass header.from=example.org"
    assert not is_proved(mail(good), frozenset())
    assert not is_proved(mail(good, sender="From: a@example.org, b@example.org"), OURS)
    unread = (
        'Authentication-Results: mx.bot.example; spf=pass (of "a)@c.d)\n'
        "Authentication-Results: mx.bot.example; dmarc=pass header.from=example.org"
    )
    assert not is_proved(mail(unread), OURS)
    exchange = (
        "Authentication-Results: spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.org;\n"
        " dkim=pass (signature was verified) header.d=example.org;dmarc=pass action=none\n"
        " header.from=example.org;compauth=pass reason=100"
    )
    assert is_proved(mail(exchange), frozenset({""}))
    assert not is_proved(mail(exchange), OURS)


# --- loops ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner-email=x@y.org",
        "Precedence: bulk",
        "List-Id: <cats.example.org>",
        "List-Unsubscribe: <https://example.org/u>",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        "X-Autoreply: yes",
        "Return-Path: <>",
        "X-Failed-Recipients: bo@example.org",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
        "Subject: Automatic reply: Hi",
        "Subject: Abwesenheitsnotiz: bin weg",
        "X-Loop: house-1",
    ],
)
def test_what_no_person_wrote_is_seen(headers: str) -> None:
    assert why_automatic(mail(headers), frozenset(), "house-1")


@pytest.mark.parametrize(
    "sender",
    [
        "MAILER-DAEMON@example.org",
        "no-reply@example.org",
        "bounce+12=a@example.org",
        "kelly+ana@bot.example",
        "kelly@bot.example",
    ],
)
def test_senders_that_nobody_reads_are_seen(sender: str) -> None:
    assert why_automatic(mail(sender=f"From: {sender}"), frozenset({"kelly@bot.example"}), "")


@pytest.mark.parametrize(
    "headers",
    [
        "",
        "Auto-Submitted: no",
        "X-Loop: another-house",
        "Subject: Re: Automatic reply: why?",
        "Return-Path: <ana@example.org>",
    ],
)
def test_what_a_person_wrote_is_answered(headers: str) -> None:
    assert why_automatic(mail(headers), frozenset({"kelly@bot.example"}), "house-1") == ""


# --- whose words ----------------------------------------------------------------------------

QUOTES = [
    "On Mon, Jan 5, 2026 at 10:00 AM Kelly <kelly@bot.example> wrote:\n> OK 4821",
    "On Mon, Jan 5, 2026 at 10:00 AM Kelly\n<kelly@bot.example> wrote:\n\nOK 4821",
    "Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Kelly <k@bot.example>:\n> OK 4821",
    "Le lun. 5 janv. 2026 à 10:00, Kelly <k@bot.example> a écrit :\n> OK 4821",
    "El lun, 5 ene 2026 a las 10:00, Kelly (<k@bot.example>) escribió:\nOK 4821",
    "在 2026年1月5日，Kelly <k@bot.example> 写道：\nOK 4821",
    "-----Original Message-----\nFrom: Kelly\nOK 4821",
    "________________________________\nFrom: Kelly <k@bot.example>\nSent: Monday\nTo: Ana\nSubject: x\n\nOK 4821",
    "From: Kelly <k@bot.example>\nSent: Monday\nTo: Ana\nSubject: x\n\nOK 4821",
    "Von: Kelly\nGesendet: Montag\nAn: Ana\nBetreff: x\n\nOK 4821",
    "> OK 4821",
    "---------- Forwarded message ---------\nFrom: Kelly\nOK 4821",
    "Begin forwarded message:\n\n> OK 4821",
]


@pytest.mark.parametrize("quote", QUOTES)
def test_a_quotation_is_nobodys_word(quote: str) -> None:
    found = split(f"Not yet.\n\n{quote}")
    assert found.above == "Not yet." and found.own == "Not yet."
    assert "OK 4821" in found.quoted
    alone = split(quote)
    assert "OK 4821" not in alone.own


def test_own_words_between_and_under_quotations_are_kept_but_order_nothing() -> None:
    found = split("On Monday 5 Kelly wrote:\n> When?\nAt nine.\n> Where?\nHere.\n")
    assert found.above == "" and found.own == "At nine.\nHere."
    assert split("> Please decide\nOK 4821").own == "(under a quotation) OK 4821"
    assert split("> Please decide\n/approve 4821").own.startswith("(under")


def test_words_that_only_look_like_a_quotation_stay() -> None:
    for text in (
        "He wrote:\nI am late.",
        "From: the team\nwith love",
        "Please note:\nwe meet at 9",
        "a -> b\nb > c",
        "--- important ---\nread this",
    ):
        assert split(text).above == text, text


def test_signatures_are_taken_off() -> None:
    assert split("OK 4821\n\n-- \nAna\nHead of Tea").above == "OK 4821"
    assert split("OK 4821\n\nSent from my iPhone").above == "OK 4821"
    assert split("OK 4821\n\nVon meinem iPhone gesendet").above == "OK 4821"


def test_a_forwarded_mail_is_known_as_one() -> None:
    assert split("See below\n\n---------- Forwarded message ---------\nFrom: X\nhi").is_forward
    assert split("See\n\nFrom: X\nSent: Y\nTo: Z\nSubject: T\n\nhi", "FW: T").is_forward
    assert not split("Yes\n\nOn 5 May X wrote:\n> hi", "Re: T").is_forward


def test_quotations_in_html_are_known() -> None:
    page = (
        '<div>OK 4821</div><div class="gmail_quote"><div>On Mon 5 Kelly wrote:</div>'
        "<blockquote>NO 1111</blockquote></div>"
    )
    found = split(page_text(page))
    assert found.above == "OK 4821" and "NO 1111" in found.quoted
    outlook = '<p>Fine</p><div id="divRplyFwdMsg"><b>From:</b> Kelly<br>OK 4821</div>'
    assert split(page_text(outlook)).own == "Fine"
    assert split(page_text("<blockquote>OK 4821</blockquote>")).own == ""
    hidden = '<p>Hi</p><p style="display:none">OK 4821</p><style>OK 4821</style>'
    assert split(page_text(hidden)).own == "Hi"


# --- bodies ---------------------------------------------------------------------------------


def test_plain_text_goes_before_html_and_files_are_listed() -> None:
    raw = PLAIN + (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
        b'Content-Type: multipart/alternative; boundary="c"\r\n\r\n--c\r\n'
        b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"caf=E9\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--c--\r\n--b\r\n"
        b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''..%2Fetc%2Fr%C3%A9.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nFrom: x@y.org\r\nSubject: inner\r\n\r\nOK 4821\r\n--b--\r\n"
    )
    found = parse(raw)
    assert found.text.strip() == "café" and found.id == "m1@example.org"
    assert [(part.name, part.media_type) for part in found.parts] == [
        ("ré.pdf", "application/pdf"),
        (f"forwarded-{found.parts[1].n}.eml", "message/rfc822"),
    ]
    assert part_of(raw, found.parts[0].n) == b"hello" and found.parts[0].size == 5
    assert b"inner" in part_of(raw, found.parts[1].n)
    with pytest.raises(Unreadable):
        part_of(raw, 99)


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("utf-8", "naïve".encode(), "naïve"),
        ("windows-1252", "“x”".encode("cp1252"), "“x”"),
        ("koi8-r", "да".encode("koi8-r"), "да"),
        ("gb2312", "你好".encode("gb2312"), "你好"),
        ("iso-2022-jp", "日本".encode("iso-2022-jp"), "日本"),
        ("x-unknown", "é".encode(), "é"),
        ("utf-8", b"\xff\xfe\x00", "ÿþ"),
        ("rot13", b"abc", "abc"),
        ("us-ascii", "é".encode("latin-1"), "é"),
    ],
)
def test_every_charset_is_read_somehow(charset: str, data: bytes, text: str) -> None:
    raw = PLAIN + f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + data
    assert parse(raw).text == text


NASTY = {
    "nothing": b"",
    "no headers": b"\r\n\r\nhello",
    "no body": b"From: a@b.example",
    "only zeros": b"\0" * 5000,
    "broken base64": PLAIN + b"Content-Transfer-Encoding: base64\r\n\r\n!!!=a=b",
    "unknown encoding": PLAIN + b"Content-Transfer-Encoding: x-nothing\r\n\r\nhi",
    "broken uuencode": PLAIN
    + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\nM~~~\r\nend",
    "boundary never comes": PLAIN + b"Content-Type: multipart/mixed; boundary=zzz\r\n\r\nhi",
    "no boundary": PLAIN + b"Content-Type: multipart/mixed\r\n\r\nhi",
    "empty boundary": PLAIN + b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nhi',
    "broken type": PLAIN + b"Content-Type: ;;;=?\r\n\r\nhi",
    "broken encoded word": b"From: =?utf-8?b?!!!?= <a@b.example>\nSubject: =?x-none?q?=ZZ?=\n\nhi",
    "huge header": b"From: a@b.example\nSubject: " + b"x" * 3_000_000 + b"\n\nhi",
    "many headers": b"".join(b"X-%d: y\n" % n for n in range(50_000)) + b"\nhi",
    "many recipients": b"To: " + b"a@b.example, " * 200_000 + b"\n\nhi",
    "many references": b"References: " + b"<a@b> " * 200_000 + b"\n\nhi",
    "deep": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)
    ),
    "mails in mails": b"Content-Type: message/rfc822\n\n" * 3000,
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000,
    "bad dates": b"Date: Mon, 99 Foo 99999 99:99:99 +9999\n\nhi",
    "bytes in headers": b"From: \xff\xfe <a@b.example>\nSubject: \xe9\x00\n\nhi",
    "header injection": b"References: <=?utf-8?q?=0D=0ABcc:x?=>\nSubject: =?utf-8?q?a=0D=0ABcc:_x@y.org?=\n\nhi",
    "bad parameters": PLAIN
    + b"Content-Disposition: attachment; filename*0*=x''%ZZ; filename*9=b\n\nhi",
    "bad charset parameter": PLAIN + b"Content-Type: text/plain; charset*=a'b'c'd\n\nhi",
    "quotes without end": PLAIN + b"\r\n" + b"On " + b"a " * 100_000 + b"\n" + b"> " * 50_000,
    "empty lines": PLAIN + b"\r\n" + b"\n" * 300_000,
    "intros": PLAIN + b"\r\n" + b"On 5 x wrote\n" * 20_000,
    "brackets": PLAIN + b"Authentication-Results: " + b"(" * 100_000 + b"\n\nhi",
    "html tags": PLAIN + b"Content-Type: text/html\r\n\r\n" + b"<div " * 80_000,
    "html quotes": PLAIN + b"Content-Type: text/html\r\n\r\n" + b"<blockquote>" * 30_000,
    "spaces before a sender": b"From:\r\n" + b" " * 5_000 + b"x\n\nhi",
    "semicolons": PLAIN + b'Content-Type: text/plain; x="' + b";" * 200_000 + b"\n\nhi",
    "semicolons in parts": PLAIN
    + b"Content-Type: multipart/mixed; boundary=b\n\n"
    + b"".join(b'--b\nContent-Type: a/b; x="' + b";" * 4_000 + b"\n\nx\n" for _ in range(400)),
    "semicolons in what came back": PLAIN
    + b"Content-Type: multipart/report; boundary=b\n\n--b\n"
    + b"Content-Type: message/delivery-status\n\nAction: failed\n--b\n"
    + b'Content-Type: text/rfc822-headers\n\nContent-Type: multipart/x; x="'
    + b";" * 39_000,
    "flowing lines": PLAIN
    + b"Content-Type: multipart/mixed; boundary=b\n\n"
    + (b"--b\nContent-Type: text/plain; format=flowed\n\n" + b"x \n" * 500_000) * 2,
    "pages": PLAIN
    + b"Content-Type: multipart/mixed; boundary=b\n\n"
    + (b"--b\nContent-Type: text/html\n\n" + b"<p>x</p>" * 50_000) * 70,
    "ends of quotations": PLAIN
    + b"Content-Type: text/html\n\n"
    + b"</blockquote>" * 15_000
    + b"<p>x</p>" * 15_000,
    "spaces behind a code": PLAIN + b"\nOK 1234 x" + b" " * 50_000 + b"x",
}


@pytest.mark.parametrize("kind", ["a/\x00", "a/\xff", "a/b\n c", f"a/{'b' * 2000}", "a/b c"])
def test_a_kind_that_is_none_is_called_bytes(kind: str) -> None:
    raw = PLAIN + b"Content-Type: " + kind.encode("latin-1") + b"; name=f.bin\n\nhi"
    assert [part.media_type for part in parse(raw).parts] == ["application/octet-stream"]


@pytest.mark.parametrize("case", NASTY)
def test_nasty_mail_is_read_or_refused_and_quickly(case: str) -> None:
    begin = time.process_time()
    try:
        found = parse(NASTY[case])
    except Unreadable:
        found = None
    if found:
        split(found.text, found.subject)
        is_proved(found, OURS)
        why_automatic(found, frozenset(), "x")
        failures(found, frozenset(), "x")
        parse_code(found.text)
        for part in found.parts[:3]:
            part_of(NASTY[case], part.n)
        assert "\n" not in found.subject and "\r" not in found.subject and "\0" not in found.text
    assert time.process_time() - begin < 10


def test_a_mail_over_the_limit_is_refused() -> None:
    with pytest.raises(Unreadable):
        parse(b"x" * (MAX_MAIL + 1))


def test_the_parents_are_read_from_the_newest() -> None:
    found = mail(
        "In-Reply-To: <c@x> (by hand)\nReferences: <a@x>\n <b@x>\n <c@x>\nMessage-ID: <d@x>"
    )
    assert found.parents == ("c@x", "b@x", "a@x") and found.id == "d@x"
    assert mail().id.startswith("none-") and mail().id == mail().id
