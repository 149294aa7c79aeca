"""The one place that reads the wall clock."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("No calendar reaches that far in UTC.") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time as users give it: with its zone, kept in UTC."""
