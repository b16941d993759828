"""Plain words → a trigger: `every weekday at 9`, `tomorrow at 8`, `in 20 minutes`.

What comes out is one of the forms of `scheduler/times.py`. First the time of day is cut out of the
words; the rest must match one line of `scheduler/phrases.py` whole. What nothing understands is
refused with the nearest phrase that would be, never guessed at. English only; a cron line of five
fields and a written date are taken as they are.
"""

import re
from datetime import UTC, datetime, time
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from bot.core.errors import Invalid
from scheduler.phrases import TABLE, Asked
from scheduler.times import to_utc, to_wall

EXAMPLES = (
    "every weekday at 9",
    "every monday at 14:30",
    "every monday and friday at 9",
    "every 2 hours",
    "every 30 minutes",
    "every 3 days at 9",
    "every other week on tuesday",
    "daily at 7am",
    "every month on the 1st",
    "every first monday of the month at 10",
    "every year on 3 march",
    "tomorrow at 8",
    "today at 17:30",
    "in 20 minutes",
    "on friday at noon",
    "on 3 march at noon",
    "2030-03-03 14:30",
)
MAX_CHARS = 200
_TIME = re.compile(
    r"(?:\b(?:at|@)\s*)?(?:"
    r"\b(?P<word>noon|midnight)\b"
    r"|\b(?P<h>\d{1,2})(?::(?P<m>\d{2}))?\s*(?P<half>[ap])\.?m\b\.?"
    r"|\b(?P<h2>\d{1,2}):(?P<m2>\d{2})\b(?!:)"
    r"|(?<=at )(?P<h3>\d{1,2})\b(?!:)"
    r")(?:\s+in the (?P<part>morning|afternoon|evening))?"
)
_CRON = re.compile(r"[\d*][\d*/,-]* [\d*][\d*/,-]* [\dl*][\dl*/,-]* [\da-z*/,-]+ [\da-z*/,#-]+")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)(?:[t ](\d{1,2}:\d\d(?::\d\d)?)(z|[+-]\d\d:?\d\d)?)?")
_FILLERS = re.compile(r"\b(?:please|from now|sharp|o'clock)\b")
_MORE_WORDS = (
    "sunday tuesday wednesday thursday saturday january february april may june july august "
    "september october november december weekly monthly hourly yearly hour minute day month "
    "week weeks weekdays weekend evening morning afternoon night tonight midnight last"
)
_VOCABULARY = sorted(
    {word for word in " ".join((*EXAMPLES, _MORE_WORDS)).split() if word.isalpha()}
)


def trigger_of(words: str, zone: ZoneInfo, now: datetime) -> str:
    """Return the trigger of plain words, said at `now` in `zone`. Raises Invalid."""
    if len(words) > MAX_CHARS:
        raise Invalid(f"A time in words has at most {MAX_CHARS} characters.")
    said = " ".join(words.lower().split()).strip(" .!,")
    if _CRON.fullmatch(said):
        return said
    trigger = _understood(said, zone, now)
    if trigger is None:
        raise Invalid(_unknown(words, said, zone, now))
    return trigger


def _understood(said: str, zone: ZoneInfo, now: datetime) -> str | None:
    if stamp := _STAMP.fullmatch(said.replace(" at ", " ")):
        return _stamped(stamp, zone)
    plain = _FILLERS.sub(" ", said).replace(",", " , ")
    plain = re.sub(r"(?<=[a-z])-(?=[a-z])", " - ", plain)  # mon-fri
    plain = re.sub(r"(\d)\.(\d\d)\b", r"\1:\2", plain)  # 9.30
    rest, at = _cut_time(" ".join(plain.split()))
    for pattern, make in TABLE:
        if found := re.fullmatch(pattern, rest):
            return make(Asked(found=found, at=at, zone=zone, now=to_wall(now, zone)))
    return None


def _unknown(words: str, said: str, zone: ZoneInfo, now: datetime) -> str:
    """The refusal, with the nearest phrase that would be understood."""
    if re.search(r"\bevery\b.*\bsec", said):
        return "A schedule runs at most once a minute. Say it like: every 5 minutes."
    mended = " ".join(_nearest(word) for word in said.split())
    try:
        right = mended != said and _understood(mended, zone, now)
    except Invalid:
        right = None
    if right:
        return f"I do not understand {words[:60]!r}. Did you mean: {mended}?"
    near = (get_close_matches(said, EXAMPLES, n=1, cutoff=0.3) or EXAMPLES)[0]
    return f"I do not understand {words[:60]!r} as a time. Say it like: {near}."


def _nearest(word: str) -> str:
    if not word.isalpha():
        return word
    return (get_close_matches(word, _VOCABULARY, n=1, cutoff=0.7) or [word])[0]


def _cut_time(said: str) -> tuple[str, time | None]:
    """The words without their time of day, and that time."""
    found = _TIME.search(said)
    if not found:
        return said.strip(" ,"), None
    if found["word"]:
        at = time(12 if found["word"] == "noon" else 0)
    else:
        hour = int(found["h"] or found["h2"] or found["h3"])
        minute = int(found["m"] or found["m2"] or 0)
        half = found["half"] or ""
        if found["part"] and hour <= 12:
            half = "a" if found["part"] == "morning" else "p"
        at = _clock(hour, minute, half)
    rest = f"{said[: found.start()]} {said[found.end() :]}"
    return " ".join(rest.split()).strip(" ,"), at


def _clock(hour: int, minute: int, half: str) -> time:
    if half and not 1 <= hour <= 12:
        raise Invalid(f"There is no {hour} {half}m. Say it like: 9am, or 14:30.")
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59:
        raise Invalid(f"There is no time {hour}:{minute:02d}. Say it like: 14:30.")
    return time(hour, minute)


def _stamped(found: re.Match[str], zone: ZoneInfo) -> str:
    day, clock, offset = found.groups()
    hours = (clock or "09:00").rjust(5, "0")
    try:
        wall = datetime.fromisoformat(f"{day}T{hours}")
        if offset:
            at = datetime.fromisoformat(f"{wall.isoformat()}{offset.upper()}")
            return at.astimezone(UTC).isoformat()
    except ValueError:
        raise Invalid(f"There is no such time as {found[0]}.") from None
    return to_utc(wall, zone).isoformat()
