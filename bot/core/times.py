"""Times as the database keeps them: whole microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(at: datetime) -> int:
    """Return microseconds; a time without a zone is refused (ValueError)."""
    if at.tzinfo is None:
        raise ValueError("A time needs its zone.")
    return (at - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """Return the aware UTC time."""
    return _EPOCH + timedelta(microseconds=us)


def iso(at: datetime) -> str:
    """The time as the API writes it: ISO 8601, UTC, with a Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
