"""Whose words are whose: what the writer wrote now, what is quoted, forwarded, or a signature.

Line by line and in linear time: the known library for this takes nine seconds for four kilobytes
that were made to hurt it (measured with mail-parser-reply 1.36). What is in doubt counts as
quotation, because a decision must stand above it.
https://www.rfc-editor.org/rfc/rfc3676#section-4.3 (read 2026-11-21)
"""

import re
from dataclasses import dataclass
from typing import Final

from bot.render.codes import MAX_FOUND, codes_in, parse_code
from channels.email.mime import QUOTE, UNQUOTE

MAX_INTRO: Final = 400
"""Characters of `On …, … wrote:`, which may be broken over lines."""
INTRO_LINES: Final = 3
HEAD_LINES: Final = 8
MAX_WHEN, MAX_TITLE = 12, 3
"""Words of a time and a name, and of a line such as `--- Original Message ---`."""
_WROTE = re.compile(
    r"wrote|writes|schrieb|a écrit|écrit|escribió|ha scritto|scrive|escreveu|schreef|geschreven"
    r"|skrev|kirjoitti|pisze|napisa|napsal|написал|пише|yazdı|写道|写于|寫道|のメール|作成|書きました"
    r"|viết|작성|썼|a scris|va escriure|menulis|írta|έγραψε|כתב|كتب",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"\s*[-_*]{2,}\s*(?P<words>[^-_*][^_*]{2,59}?)\s*[-_*]{2,}\s*"
    r"|\s*(?P<begin>Begin forwarded message"
    r"|Anfang der weitergeleiteten (?:Nachricht|E-Mail)|Début du message (?:réexpédié|transféré)"
    r"|Inicio del mensaje reenviado|Inizio messaggio inoltrato)\s*:?\s*",
    re.IGNORECASE,
)
_MESSAGE = re.compile(
    r"message|nachricht|mensaje|messaggio|mensagem|bericht|meddelande|besked|viesti|wiadomość"
    r"|сообщение|mail|邮件|メッセージ",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"forward|weitergeleitet|transf[ée]r|réexpédi|reenviad|inoltrat|encaminhad|doorgestuurd"
    r"|vidarebefordra|przekazan|пересыла|转发|転送",
    re.IGNORECASE,
)
_FORWARD_SUBJECT = re.compile(r"\s*(?:fwd?|wg|tr|rv|i|enc|doorst|vs|vb|pd|转发)\s*:", re.IGNORECASE)
_FROMS: Final = (
    "from|von|de|da|van|från|fra|od|от|від|发件人|寄件者|差出人|送信者|보낸 사람|발신|kimden"
    "|lähettäjä|feladó|de la|από|מאת|من|šalje|pošiljatelj|dari|từ"
)
_HEAD = re.compile(
    rf"\s*\*?(?P<name>(?P<any>{_FROMS}|to|an|à|a|para|aan|till|til|do|кому|komu|kime|za|date|datum"
    r"|fecha|data|дата|日期|日時|날짜|tarih|päivämäärä)|sent|cc|subject|reply-to|gesendet|betreff"
    r"|envoyé|objet|enviado(?: el)?|enviada(?: em)?|asunto|assunto|inviato|oggetto|verzonden"
    r"|onderwerp|skickat|ämne|sendt|emne|wysłano|temat|отправлено|тема|надіслано|发送时间|收件人"
    r"|主题|寄件日期|收件者|主旨|送信日時|宛先|件名|보낸 날짜|받는 사람|수신|제목|odesláno"
    r"|odoslané|předmět|predmet|gönderildi|konu|lähetetty|vastaanottaja|aihe|küldve|címzett|tárgy"
    r"|trimis|către|subiect|εστάλη|στάλθηκε|προς|θέμα|נשלח|אל|נושא|تم الإرسال|إلى|الموضوع"
    r"|poslano|prima|dikirim|kepada|perihal|gửi|đến|chủ đề)\s*[:：]\*?\s*\S",
    re.IGNORECASE,
)
"""`any`: what stands above a mail, and in lists of a person's own as well, as of a journey."""
_FROM = re.compile(rf"\s*\*?(?:{_FROMS})\s*[:：]", re.IGNORECASE)
_NAMED = re.compile(r"<[^<>\s@]{1,64}@[^<>\s@]{1,250}>")
_TIME = re.compile(r"\b(?:19|20)\d{2}\D.{0,60}?\d{1,2}[:.時h]\d{2}")
_WHEN = re.compile(r"@|(?<!\d)(?:19|20)\d{2}(?!\d)|\d{1,2}[:.時h/-]\d{1,2}")
_MARK = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]*[>＞]")
_RULE = re.compile(r"\s*_{20,}\s*")
_COMMAND = re.compile(r"\s*/(?:approve|reject)\s+([0-9]{4,7})(?![0-9])")
_SENT_FROM = re.compile(
    r"\s*(?:sent from (?:my|outlook|mail|yahoo|proton)|get outlook for|von meinem .{1,40} gesendet"
    r"|gesendet (?:von|mit)|envoyé de(?:puis)? mon|enviado desde mi|enviado do meu"
    r"|inviato da(?:l mio)?|verzonden (?:vanaf|met)|skickat från|sendt fra|wysłane z"
    r"|отправлено с|发自我的|iPhoneから送信)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A mail's words, by whose they are."""

    above: str
    """What the writer wrote before any quotation, without a signature."""
    below: str = ""
    """What the writer wrote between or under quotations."""
    quoted: str = ""
    signature: str = ""
    is_forward: bool = False

    @property
    def own(self) -> str:
        """All that the writer wrote. What decides or commands must stand above the quotation."""
        if self.above:
            return f"{self.above}\n\n{self.below}".strip()
        return f"(under a quotation) {self.below}" if _is_order(self.below) else self.below

    @property
    def misplaced(self) -> tuple[str, ...]:
        """Codes that were meant to decide and do not, for they do not stand above the quotation.

        What only quotes our own question has its code as well: that counts where nothing else is
        written, and then alone.
        """
        if self.is_forward or _is_order(self.above):
            return ()
        if not self.above and not self.below:
            return codes_in(self.quoted)
        found = {code: None for line in self.below.split("\n") if (code := _code_of(line))}
        return tuple(found)[:MAX_FOUND]


def _is_order(text: str) -> bool:
    return text.startswith("/") or parse_code(text) is not None


def _code_of(line: str) -> str:
    """The code that a line would decide with; empty for any other line."""
    if command := _COMMAND.match(line):
        return command[1]
    said = parse_code(line)
    return said.code if said else ""


def split(text: str, subject: str = "") -> Split:
    """Take a mail's text apart."""
    lines = text.split("\n")
    above: list[str] = []
    below: list[str] = []
    quoted: list[str] = []
    is_forward = bool(_FORWARD_SUBJECT.match(subject))
    at, in_page, is_under = 0, False, False
    while at < len(lines):
        line = lines[at]
        if line.strip() in (QUOTE, UNQUOTE):
            in_page = line.strip() == QUOTE
            quoted.append("")
        elif in_page or _MARK.match(line):
            is_forward = is_forward or (not quoted and _is_forward(line))
            quoted.append(line)
            is_under = is_under or bool(line.strip())
        elif _begins_rest(lines, at):
            is_forward = is_forward or _is_forward(line)
            quoted += [each for each in lines[at:] if each.strip() not in (QUOTE, UNQUOTE)]
            break
        elif count := _intro(lines, at):
            quoted += lines[at : at + count]
            is_under = True
            at += count - 1
            if not _is_marked(lines, at + 1):
                quoted += [each for each in lines[at + 1 :] if each.strip() not in (QUOTE, UNQUOTE)]
                break
        else:
            (below if is_under else above).append(line)
        at += 1
    own, signature = _unsigned(above)
    rest, second = _unsigned(below)
    return Split(
        above=own,
        below=rest,
        quoted="\n".join(quoted).strip(),
        signature=signature or second,
        is_forward=is_forward and bool(quoted),
    )


def _is_forward(line: str) -> bool:
    found = _ORIGINAL.fullmatch(line[:MAX_INTRO])
    return bool(found and (found["begin"] or _FORWARDED.search(line)))


def _begins_rest(lines: list[str], at: int) -> bool:
    """Whether everything from here on is an earlier mail."""
    line = lines[at]
    if len(line) > MAX_INTRO or not line.strip():
        return False
    found = _ORIGINAL.fullmatch(line)
    is_sealed = found and "PGP" in line  # words that are signed are the writer's own
    if found and not is_sealed and (found["begin"] or _is_title(found["words"])):
        return True
    if _RULE.fullmatch(line):
        return _is_head(lines, at + 1)
    return bool(_HEAD.match(line)) and _is_head(lines, at, alone=True)


def _is_title(words: str) -> bool:
    """Whether they name an earlier mail, as programs do: shortly, or as one that is handed on."""
    is_short = len(words.split()) <= MAX_TITLE or "origin" in words.lower()
    return bool(_MESSAGE.search(words)) and (is_short or bool(_FORWARDED.search(words)))


def _is_head(lines: list[str], at: int, *, alone: bool = False) -> bool:
    """Whether the lines from here are `From:`, `Sent:`, `To:`, `Subject:` of an earlier mail.

    `alone`: nothing else says so, and from where to where one goes may be written like that too.
    """
    near = [line for line in lines[at : at + HEAD_LINES + 4] if line.strip()][:HEAD_LINES]
    if not any(_FROM.match(line) for line in near[:2]):  # some put the date before it
        return False
    found = [each for line in near if (each := _HEAD.match(line))]
    is_mail = not alone or any(not each["any"] or "@" in each.string for each in found)
    return is_mail and len({each["name"].lower() for each in found}) >= 3


def _intro(lines: list[str], at: int) -> int:
    """How many lines `On …, … wrote:` takes here; 0 where it is none."""
    text = ""
    for count in range(1, INTRO_LINES + 1):
        if at + count > len(lines) or not lines[at + count - 1].strip():
            return 0
        text = f"{text} {lines[at + count - 1].strip()}".strip()
        if len(text) > MAX_INTRO:
            return 0
        if text.endswith((":", "：")):
            wrote = bool(_WROTE.search(text))
            says = wrote and bool(_WHEN.search(text))
            is_whole = says or _is_dated(text) or (wrote and _is_marked(lines, at + count))
            return count if is_whole else 0
    return 0


def _is_dated(text: str) -> bool:
    """Whether it is a time and an address, in any language: `Ar 5 Ion 2026, 10:00 K <…> :`.

    More than a word behind these says something else than that somebody wrote.
    """
    who, when = _NAMED.search(text), _TIME.search(text)
    if not who or not when:
        return False
    is_before = when.end() <= who.start()
    behind = text[max(who.end(), when.end()) :].rstrip(" :：)").split()
    return len(text[: who.start()].split()) <= MAX_WHEN and len(behind) <= is_before


def _is_marked(lines: list[str], at: int) -> bool:
    """Whether the next line with words is marked as a quotation."""
    for line in lines[at : at + 5]:
        if line.strip():
            return bool(_MARK.match(line)) or line.strip() == QUOTE
    return False


def _unsigned(lines: list[str]) -> tuple[str, str]:
    """The words without their signature, and the signature."""
    cut = len(lines)
    for n, line in enumerate(lines):
        if line in ("-- ", "--", "—") or _SENT_FROM.match(line):
            cut = n
            break
    return "\n".join(lines[:cut]).strip(), "\n".join(lines[cut:]).strip()
