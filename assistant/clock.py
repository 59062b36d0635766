"""The bank's time zone. Who needs the time is given it; only app.py reads the clock."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight time since 1991


def business_day(instant: datetime) -> date:
    """The day in Asia/Shanghai of an aware instant."""
    return instant.astimezone(SHANGHAI).date()
