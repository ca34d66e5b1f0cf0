"""A rule as a question in SQL: its limits are the parameters, each row it answers with is a lead.

Columns: company_id; optionally severity, records (list of ``rec``) and edges (list of ``edge``); every
other column is a figure of the lead.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """``needs``: contracts without which nothing can be said; ``prepared``: tables made for it in `loops`."""

    needs: tuple[str, ...]
    query: str
    prepared: tuple[str, ...] = ()
