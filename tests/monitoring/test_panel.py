"""A row of the panel holds what was known at its date, and who is at risk."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from xinqiao.indicator.definition import indicators
from xinqiao.indicator.snapshot import MISSING_SCHEMA, Snapshot
from xinqiao.kernel.errors import UserError
from xinqiao.monitoring.panel import LEADS, Book, asked, features, month_ends, panel, signs, watched

FIRST, LAST = date(2025, 1, 31), date(2025, 12, 31)


def book(*borrowers: tuple[str, list[int]]) -> Book:
    """Days overdue by month end, from January 2025 on."""
    rows = []
    for company, days in borrowers:
        for on, late in zip(month_ends(FIRST, LAST), days, strict=False):
            rows.append([company, 50.0, 100.0, late, date(2024, 12, 1), on])
    schema = ["company_id", "balance", "granted", "days", "opened_on", "on"]
    return Book(pl.DataFrame(rows, schema=schema, orient="row"))


def written(folder: Path, company: str = "A") -> Path:
    for number, day in enumerate(month_ends(FIRST, LAST)):
        values = pa.table({"company_id": [company], "INV03": [1.0 - 0.05 * number]})
        Snapshot(values, MISSING_SCHEMA.empty_table(), day).write(folder / day.isoformat())
        rules = pl.DataFrame({"company_id": [company], "rule": ["FB04"]})
        rules.write_parquet(folder / day.isoformat() / LEADS)
    return folder


def test_the_first_day_of_arrears_is_told_from_the_month_end() -> None:
    found = book(("A", [0, 10, 41, 71, 102]), ("B", [0, 29, 0])).reached(30)
    assert found.rows() == [("A", date(2025, 3, 31) - timedelta(days=11))]


def test_own_figures_end_with_their_date() -> None:
    known = book(("A", [0, 5, 0, 9, 31, 61]), ("B", [0]))
    at = known.at(date(2025, 4, 30))
    assert at["company_id"].to_list() == ["A"]
    assert at["own_days_past_due"].to_list() == [9.0]
    assert at["own_late_months_6m"].to_list() == [2.0]
    assert at["own_utilisation"].to_list() == [0.5]
    shorter = book(("A", [0, 5, 0, 9]))
    assert shorter.at(date(2025, 4, 30)).equals(at)


def test_who_is_thirty_days_overdue_or_was_bad_is_not_at_risk(tmp_path: Path) -> None:
    days = [0, 0, 0, 10, 41, 71, 102, 0, 0]
    found = panel(
        written(tmp_path), book(("A", days)), month_ends(date(2025, 4, 30), date(2025, 9, 30)), LAST
    )
    assert found.rows["as_of"].to_list() == [date(2025, 4, 30)]
    assert found.rows["warns_on"].to_list() == [date(2025, 5, 31) - timedelta(days=11)]
    assert found.rows["falls_on"].to_list() == [date(2025, 7, 31) - timedelta(days=12)]


def test_a_change_is_that_of_three_months_and_unknown_without_them(tmp_path: Path) -> None:
    known = book(("A", [0] * 12), ("B", [0] * 12))
    found = panel(written(tmp_path), known, month_ends(FIRST, date(2025, 5, 31)), LAST)
    own = found.rows.filter(pl.col("company_id") == "A")
    changes = [None if v is None else round(v, 6) for v in own["INV03_change"]]
    assert changes == [None, None, None, -0.15, -0.15]
    assert found.rows.filter(pl.col("company_id") == "B")["INV03"].null_count() == 5
    assert found.leads[FIRST] == {"A": {"FB04"}}


def test_a_date_without_a_snapshot_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="MON-BOOK"):
        panel(tmp_path, book(("A", [0])), [FIRST], LAST)


def test_the_model_looks_at_indicators_there_are_in_their_stated_direction() -> None:
    assert set(watched().watched) <= set(asked()) <= set(indicators())
    assert set(signs()) == set(features())
    assert (signs()["TAX11"], signs()["INV12_change"], signs()["own_days_past_due"]) == (-1, 1, -1)
