"""Times as people read them: this computer's local time with its offset from UTC, as in 2026-11-30 14:05+01:00."""

from datetime import UTC, datetime


def now_text() -> str:
    """This moment for a record: ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def local(text: str) -> datetime:
    """The moment of an ISO 8601 text; without an offset it is UTC. ValueError."""
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone()


def shown_time(text: str) -> str:
    """The moment of an ISO 8601 text for a person; a text that is none, as in an altered record, stays as it is."""
    try:
        return local(text).isoformat(sep=" ", timespec="minutes")
    except (TypeError, ValueError):
        return str(text)
