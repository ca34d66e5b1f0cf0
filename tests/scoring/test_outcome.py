"""Labels from credit records: who is bad, who is good, and who has no outcome to predict."""

from datetime import date
from pathlib import Path

import pytest

from xinqiao.scoring.outcome import outcomes
from xinqiao.source.ingest import ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import load_mapping

MAPPING = """
id: small
name: {zh: 小, en: small}
files:
  - label: credit
    match: credit.csv
    source: credit
    columns: {company_id: c, account_no: a, observed_on: o, defaulted: d, default_on: w, known_on: k}
"""
ROWS = """c,a,o,d,w,k
good,1,2025-12-31,false,,2025-12-31
bad,1,2025-12-31,true,2025-06-30,2025-12-31
last_day,1,2025-12-31,true,2025-12-31,2025-12-31
on_snapshot,1,2025-12-31,true,2024-12-31,2025-12-31
before,1,2025-12-31,true,2024-01-31,2025-12-31
not_watched,1,2025-06-30,false,,2025-06-30
bad_though_not_watched,1,2025-06-30,true,2025-05-01,2025-06-30
undated,1,2025-12-31,true,,2025-12-31
two_accounts,1,2025-12-31,false,,2025-12-31
two_accounts,2,2025-12-31,true,2025-03-01,2025-12-31
told_later,1,2025-06-30,false,,2025-06-30
told_later,1,2025-12-31,true,2025-07-01,2026-01-15
"""
SNAPSHOT = date(2024, 12, 31)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "credit.csv").write_text(ROWS, "utf-8")
    (tmp_path / "m.yaml").write_text(MAPPING, "utf-8")
    lake = Lake(tmp_path / "lake")
    ingest_folder(tmp_path / "data", load_mapping(tmp_path / "m.yaml"), lake)
    return lake


def test_dated_outcomes_follow_the_snapshot(lake: Lake) -> None:
    assert outcomes(lake, SNAPSHOT, date(2025, 12, 31), 12) == {
        "good": 0,
        "bad": 1,
        "last_day": 1,
        "bad_though_not_watched": 1,
        "two_accounts": 1,
    }


def test_what_was_told_later_counts_later(lake: Lake) -> None:
    assert outcomes(lake, SNAPSHOT, date(2026, 1, 31), 12)["told_later"] == 1


def test_undated_outcomes_are_taken_as_they_stand(lake: Lake) -> None:
    found = outcomes(lake, SNAPSHOT, date(2020, 1, 1), None)
    assert found["undated"] == 1
    assert found["not_watched"] == 0
    assert sum(found.values()) == 8


def test_a_lake_without_credit_records_has_none(tmp_path: Path) -> None:
    assert outcomes(Lake(tmp_path), SNAPSHOT, SNAPSHOT, 12) == {}
