"""The time of day, asked in one place so that deadlines can be tested."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
_FIXED: ContextVar[datetime | None] = ContextVar("fixed", default=None)


def now() -> datetime:
    """The time now, in UTC with its zone."""
    return _FIXED.get() or datetime.now(UTC)


def today() -> date:
    """The calendar day in China, which legal deadlines are counted in."""
    return now().astimezone(CHINA).date()


@contextlib.contextmanager
def standing(at: datetime) -> Iterator[None]:
    """Inside the block it is ``at``."""
    token = _FIXED.set(at)
    try:
        yield
    finally:
        _FIXED.reset(token)
