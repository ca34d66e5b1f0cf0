"""Day-end (日终): every open loan brought to the end of its institution's business day."""

from __future__ import annotations

from xinqiao.servicing.business_day import business_day, open_next

__all__ = ["business_day", "open_next"]
