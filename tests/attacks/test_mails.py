"""Mail made to be read in two ways, or to break its reader: who wrote it, and what it decides."""

import base64
import io
import time
import zipfile

import pytest

from bot.core.event import Event, Trust
from bot.render.codes import parse_code
from channels.email.intake import Arrival
from channels.email.mime import parse
from channels.email.proof import is_proved
from channels.email.quoting import split
from tests.channels.email_side import ANA, PROVED, Sink
from tests.channels.test_email import by_smtp

FROM = f"From: Ana <{ANA}>"
TEXT = "Content-Type: text/plain; charset=utf-8"
SIGNED = "DKIM-Signature: v=1; d=example.org; h=from:reply-to"


def raw(lines: str = "", body: str | bytes = "OK 4821", sender: str = FROM) -> bytes:
    """A mail that our server found to be Ana's."""
    head = f"Authentication-Results: {PROVED}\n{sender}\nTo: kelly@bot.example\n"
    head += "Message-ID: <m1@example.org>\nMIME-Version: 1.0\n" + (f"{lines}\n" if lines else "")
    data = body if isinstance(body, bytes) else body.encode()
    return f"{head}\n".replace("\n", "\r\n").encode() + data.replace(b"\n", b"\r\n")


def parts(kind: str, *given: str, more: str = "") -> bytes:
    """A mail of these parts, each with its own headers."""
    body = "".join(f"--bbb\n{each}\n" for each in given) + "--bbb--\n"
    return raw(f"{more}Content-Type: multipart/{kind}; boundary=bbb", body)


async def heard(mail: bytes) -> Event | None:
    sink, found = Sink(), parse(mail)
    proved = is_proved(found, frozenset({"mx.bot.example"}))
    await by_smtp()._intake.take(Arrival(mail=found, is_proved=proved), sink)
    return sink.events[0] if sink.events else None


# --- who wrote it ---------------------------------------------------------------------------

NOBODYS = {
    "a second From with a space": f"From : boss@corp.example\n{FROM}",
    "a second From behind it": f"{FROM}\nFrom : boss@corp.example",
    "a second From in small letters": f"from: boss@corp.example\n{FROM}",
    "a second From behind a bare return": f"X-A: x\rFrom: boss@corp.example\n{FROM}",
    "two in one by folding": f"From: {ANA}\n boss@corp.example",
    "a zero inside": "From: Ana <ana@example.org\0@corp.example>",
    "a group of two": f"From: Team: {ANA}, boss@corp.example;",
    "a group of one": f"From: Team: {ANA};",
    "an empty group": "From: Undisclosed:;",
    "a group with a box behind": f"From: Team:; {ANA}",
    "an encoded address": "From: =?utf-8?q?ana=40example.org?=",
    "an encoded name before the @": "From: =?utf-8?q?ana?=@example.org",
    "the same in brackets": "From: Ana <=?utf-8?q?ana?=@example.org>",
    "an encoded domain": "From: ana@=?utf-8?q?example.org?=",
    "a domain with other letters": "From: Ana <ana@ехample.org>",
    "an @ in quotation marks": 'From: "ana@corp.example"@example.org',
    "a route": f"From: <@corp.example:{ANA}>",
    "a comment with an address": f"From: {ANA} (boss@corp.example)",
    "two brackets": f"From: <boss@corp.example> <{ANA}>",
    "no name of a host": "From: ana",
}


@pytest.mark.parametrize("case", NOBODYS)
async def test_a_sender_that_two_readers_read_in_two_ways_is_nobody(case: str) -> None:
    event = await heard(raw(sender=NOBODYS[case]))
    assert event and event.trust is Trust.OUTSIDE and event.sender.ext_id.startswith("unproved:")


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        (f"From: =?utf-8?q?boss=40corp.example?= <{ANA}>", "boss@corp.example"),
        (f"From: =?utf-8?q?A=0D=0ABcc=3A_x=40y.org?= <{ANA}>", "A Bcc: x@y.org"),
        (f'From: "boss@corp.example via Team"\n <{ANA}>', "boss@corp.example via Team"),
        (f"{FROM}\nSender: boss@corp.example\nResent-From: boss@corp.example", "Ana"),
        (f"From: Ana\n{' ' * 900}<{ANA}>", "Ana"),
    ],
)
async def test_a_name_that_looks_like_another_s_address_is_a_name(sender: str, name: str) -> None:
    event = await heard(raw(sender=sender))
    assert event and (event.sender.ext_id, event.sender.name) == (ANA, name)


@pytest.mark.parametrize(
    "line",
    [
        "Reply-To: kelly@bot.example",
        "Reply-To: kelly+x@bot.example",
        "Reply-To: ben@elsewhere.example",
        "Reply-To: ben@example.org, boss@example.org",
        "Reply-To: Team: ben@example.org;",
        "Reply-To: =?utf-8?q?ben?=@example.org",
        "Reply-To: ben@example.org\nReply-To: boss@example.org",
        "Reply-To: ben@sub.example.org",
        "Reply-To : ben@example.org",
    ],
)
async def test_answers_go_to_no_address_that_a_trick_names(line: str) -> None:
    event = await heard(raw(f"{SIGNED}\n{line}"))
    kept = event and event.payload["mail"]
    assert isinstance(kept, dict) and kept["reply_to"] == ""


# --- what it decides ------------------------------------------------------------------------

INVITE = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nSUMMARY:OK 4821\nEND:VCALENDAR\n"
DEEP = "".join(f"Content-Type: multipart/mixed; boundary=n{n}\n\n--n{n}\n" for n in range(1, 40))
PACKED = io.BytesIO()
with zipfile.ZipFile(PACKED, "w", zipfile.ZIP_DEFLATED) as _zip:
    _zip.writestr("x", "0" * 5_000_000)
TWICE = base64.encodebytes(base64.encodebytes(b"OK 4821")).decode()
HTML = "Content-Type: text/html; charset=utf-8"
SILENT = {
    "nothing at all": raw(body=""),
    "parts in parts": raw("Content-Type: multipart/mixed; boundary=n0", f"--n0\n{DEEP}{TEXT}\n\nOK 4821"),
    "mail in mail in mail": raw("Content-Type: message/rfc822", b"Content-Type: message/rfc822\r\n\r\n" * 40 + raw()),
    "a packed file": parts("mixed", f"{TEXT}\n\nsee", "Content-Type: application/zip; name=x.zip\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(PACKED.getvalue()).decode()),
    "encoded twice": raw(f"{TEXT}\nContent-Transfer-Encoding: base64", TWICE),
    "winmail.dat": raw("Content-Type: application/ms-tnef; name=winmail.dat", b"\x78\x9f\x3e\x22OK 4821"),
    "an invitation": raw("Content-Type: text/calendar; method=REQUEST", INVITE),
    "an invitation beside words": parts("alternative", f"{TEXT}\n\ncome", f"Content-Type: text/calendar\n\n{INVITE}"),
    "only a file of text": parts("mixed", f"{TEXT}\nContent-Disposition: attachment; filename=a.txt\n\nOK 4821"),
    "a mail that is handed on": parts("mixed", f"{TEXT}\n\nlook", f"Content-Type: message/rfc822\n\n{FROM}\n\nOK 4821"),
    "nothing but such a mail": raw("Content-Type: message/rfc822", raw()),
    "a receipt": parts("report; report-type=disposition-notification", f"{TEXT}\n\nOK 4821"),
    "sealed": raw("Content-Type: application/pkcs7-mime; name=smime.p7m", "OK 4821"),
    "hidden before": raw(HTML, '<div style="display:none">OK 4821</div><p>no way</p>'),
    "a comment before": raw(HTML, "<!-- OK 4821 --><p>no way</p>"),
    "a title before": raw(HTML, "<title>OK 4821</title><body>no way"),
    "a script before": raw(HTML, "<script>OK 4821</script><template>OK 4821</template>no way"),
    "below a signature": raw(body="Hello\n-- \nAna\nOK 4821"),
    "nothing but a signature": raw(body="-- \nOK 4821"),
    "turned round": raw(TEXT, "\u202eOK 4821\u202c later"),
    "an automatic answer": raw("Auto-Submitted: auto-replied"),
    "the subject of an answer": raw("Subject: Re: OK 4821\nIn-Reply-To: <a@example.org>", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", SILENT)
async def test_what_nobody_said_decides_nothing_and_is_read_at_once(case: str) -> None:
    began = time.process_time()
    event = await heard(SILENT[case])
    assert time.process_time() - began < 5
    assert event and (event.trust is Trust.OUTSIDE or parse_code(event.text) is None), event


@pytest.mark.parametrize(
    "mail",
    [
        raw(),
        raw().replace(b"\r\n", b"\n"),
        raw().replace(b"\r\n", b"\r"),
        raw("Subject: OK 4821", ""),
        raw(TEXT, "ＯＫ　４８２１"),
        raw(TEXT, "\u200e\ufeffok\u00a0\u200b48\u00ad21 !"),
        raw(body="OK 4821 " + "x" * 200_000),
        raw("Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64",
            base64.encodebytes("OK 4821".encode("utf-16"))),
        raw("Content-Type: text/html", "<p>OK 4821</p>"),
        parts("alternative", f"{TEXT}\n\nOK 4821", "Content-Type: text/html\n\n<p>OK 4821"),
        parts("mixed", f"{TEXT}\n\nOK 4821", "Content-Type: image/png; name=logo.png\n\nxx"),
    ],
)  # fmt: skip
async def test_what_its_writer_surely_said_decides(mail: bytes) -> None:
    event = await heard(mail)
    found = parse_code(event.text) if event else None
    assert found and (found.choice, found.code) == ("approve", "4821")


async def test_words_under_a_seal_of_their_writer_are_theirs() -> None:
    sealed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nWhen do we meet?\n"
    event = await heard(raw(body=f"{sealed}-----BEGIN PGP SIGNATURE-----\n\nxx"))
    assert event and "When do we meet?" in event.text and event.attachments == ()


# --- whose words they are -------------------------------------------------------------------

WHO = "Kelly <kelly@bot.example>"
QUOTED = {
    "Gmail, German": f"Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb {WHO}:\n\nOK 4821",
    "Apple Mail, German": f"Am 05.01.2026 um 10:00 schrieb {WHO}:\n\n> OK 4821",
    "Outlook, German": f"Von: {WHO}\nDatum: Montag, 5. Januar 2026\nAn: Ana\nBetreff: x\nOK 4821",
    "GMX, German": f"Gesendet: Montag, 05. Januar 2026\nVon: {WHO}\nAn: Ana\nBetreff: x\nOK 4821",
    "T-Online, German": "-----Original-Nachricht-----\nBetreff: x\nVon: Kelly\n\nOK 4821",
    "Samsung, German": "-------- Ursprüngliche Nachricht --------\nVon: Kelly\nOK 4821",
    "forwarded, German": "---------- Weitergeleitete Nachricht ----------\nVon: Kelly\nOK 4821",
    "Gmail, Japanese": f"2026年1月5日(月) 10:00 {WHO}:\n\n> OK 4821",
    "Gmail, Japanese, unmarked": f"2026年1月5日(月) 10:00 {WHO}:\nOK 4821",
    "iPhone, Japanese": f"2026/01/05 10:00、{WHO}のメール:\n\n> OK 4821",
    "Outlook, Japanese": f"差出人： {WHO}\n送信日時： 2026年1月5日\n宛先： Ana\n件名： x\n\nOK 4821",
    "Becky, Japanese": "Kelly さんは書きました (2026/01/05 10:00):\n> OK 4821",
    "forwarded, Japanese": "---------- 転送されたメッセージ ----------\nFrom: Kelly\nOK 4821",
    "full width mark": "＞ OK 4821",
    "Gmail, French": f"Le lun. 5 janv. 2026 à 10:00, {WHO} a\u00a0écrit\u00a0:\nOK 4821",
    "Outlook, French": f"De\u00a0: {WHO}\nEnvoyé\u00a0: lundi\nÀ\u00a0: Ana\nObjet\u00a0: x\n\nOK 4821",
    "Orange, French": "> Message du 05/01/26 10:00\n> De : Kelly\n>\n> OK 4821",
    "original, French": "-------- Message d’origine --------\nDe : Kelly\nOK 4821",
    "forwarded, French": "Début du message réexpédié :\n\n> OK 4821",
    "Gmail, Korean": f"2026년 1월 5일 (월) 오전 10:00, {WHO}님이 작성:\nOK 4821",
    "Outlook, Korean": f"보낸 사람: {WHO}\n보낸 날짜: 2026년\n받는 사람: Ana\n제목: x\n\nOK 4821",
    "Outlook, Czech": "Od: Kelly\nOdesláno: pondělí\nKomu: Ana\nPředmět: x\n\nOK 4821",
    "Outlook, Turkish": "Kimden: Kelly\nGönderildi: Pazartesi\nKime: Ana\nKonu: x\n\nOK 4821",
    "Outlook, Finnish": "Lähettäjä: Kelly\nLähetetty: ma\nVastaanottaja: Ana\nAihe: x\n\nOK 4821",
    "Gmail, Croatian": f"Dana pon, 5. sij 2026. u 10:00 {WHO} napisao je:\nOK 4821",
    "Gmail, Basque": f"{WHO} igorleak hau idatzi du (2026 urt. 5 (al.) (10:00)):\nOK 4821",
    "Gmail, Catalan": f"Missatge de {WHO} del dia dl., 5 de gen. 2026 a les 10:00:\nOK 4821",
    "any language": f"Ar 5 Ion 2026, 10:00 {WHO} :\nOK 4821",
    "a mark behind what cannot be seen": "\u200b> OK 4821",
}


@pytest.mark.parametrize("case", QUOTED)
def test_a_quotation_of_any_program_is_no_word_of_its_writer(case: str) -> None:
    quoted = QUOTED[case]
    assert split(f"EDIT 4821 new text\n\n{quoted}").own == "EDIT 4821 new text"
    assert parse_code(split(quoted).own) is None and "4821" not in split(quoted).own


@pytest.mark.parametrize(
    "text",
    [
        "Please call Ben <ben@example.org> before 10:00:\nhe knows.",
        "To: the team\nwith love",
        "Name: Ana\nDate: Monday\nWe meet at nine.",
        "--- to-do list ---\nbuy tea",
        "--- mail to our customers ---\nWe move.",
        "Book me a train:\nFrom: Berlin\nTo: Munich\nDate: 12 December 2026\nand tell me.",
        "Bitte buche:\nDatum: 3.12.2026\nVon: Berlin\nAn: Leipzig\nDanke!",
        "to: do\nfrom: me\ndate: soon\nhello",
        "Write to Ben <ben@example.org> on 2026-12-03 10:30 and say:\n\nDear Ben,\nwe meet at six.",
        "On 3 December 2026 at 10:30 mail Ben <ben@example.org> these words:\n\nDear Ben, hello.",
        "2026-12-03 10:30에 Ben <ben@example.org> 에게 보낼 메일:\n안녕하세요",
        "以下の3つの資料を作成してください：\n・見積書\n・請求書",
        "Yesterday I wrote 3 drafts. Please check them:\n1. tea\n2. milk",
        "Kim wrote to 2 of us that:\nwe should call",
    ],
)
def test_what_only_looks_a_little_like_one_stays_its_writer_s(text: str) -> None:
    assert split(text).own == text
