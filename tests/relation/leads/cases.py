"""Small worlds for the rules: rows of contracts with what a case does not care about filled in."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.indicator.lakes import Row, RowLake, Tables, firm, sale
from xinqiao.relation.leads.find import Leads, find_leads

T = date(2024, 12, 31)
DAY = timedelta(days=1)


def ago(days: int) -> date:
    """So many days before T."""
    return T - days * DAY


def row(**values: Any) -> Row:  # noqa: ANN401 - any field
    """A record known the day before T unless it says otherwise."""
    return {"known_on": ago(1)} | values


def apply(company: str, days: int, no: str = "1", **values: Any) -> Row:  # noqa: ANN401 - any field
    """An application ``days`` before T."""
    given = {"company_id": company, "application_no": f"{company}-{no}", "applied_on": ago(days)}
    return row(**given, institution="B1", amount_cents=50_000_000, industry_code="51") | values


def flow(company: str, days: int, way: str, cny: float, **values: Any) -> Row:  # noqa: ANN401 - any field
    """A booking ``days`` before T."""
    no = f"{company}-{days}-{way}-{cny}-{values.get('counterparty_id')}"
    given = {"company_id": company, "account_hash": "k", "flow_no": no, "booked_on": ago(days)}
    return row(**given, direction=way, amount_cents=round(cny * 100), counterparty_kind="company") | values


def sales(company: str, cny: float, months: int = 12, buyer: str = "X", **values: Any) -> list[Row]:  # noqa: ANN401 - any field
    """One sale on the 15th of each of the last ``months`` months."""
    days = [date(2024, 12 - m, 15) for m in range(months)]
    return [sale(company, day, cny, buyer, counterparty_id=buyer, **values) for day in days]


def named(root: Path, rule: str, tables: Tables) -> dict[str, Any]:
    """Company -> its lead of ``rule`` in the world of ``tables``."""
    found = leads(root, [rule], tables)
    assert rule not in found.silent, found.silent
    return {lead.company_id: lead for lead in found.leads}


def leads(root: Path, rules: list[str] | None, tables: Tables) -> Leads:
    """All leads of ``rules`` in the world of ``tables``."""
    return find_leads(RowLake(root, tables), T, rules)


__all__ = ["Row", "T", "Tables", "ago", "apply", "firm", "flow", "leads", "named", "row", "sale", "sales"]
