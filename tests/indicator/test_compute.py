"""Reasons of missing values, the snapshot and its files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.indicator.lakes import RowLake, T, Tables, firm, months, purchase, sale
from xinqiao.indicator.compute import compute
from xinqiao.indicator.definition import indicators
from xinqiao.indicator.reason import REASONS
from xinqiao.indicator.snapshot import VALUES, Snapshot
from xinqiao.kernel.errors import UserError


def reasons(root: Path, data: Tables, *ids: str, company: str = "A") -> dict[str, tuple[str, str | None]]:
    rows = compute(RowLake(root, data), T, ids=ids).missing.to_pylist()
    return {r["indicator"]: (r["reason"], r["detail"]) for r in rows if r["company_id"] == company}


def test_absent_field_and_source_are_named(tmp_path: Path) -> None:
    found = reasons(tmp_path, {"invoice": [sale("A", T, 1)]}, "INV10", "INV24", "INV25", "REG01", "REG03")
    assert found == {
        "INV10": ("FIELD_ABSENT", "invoice.issued_at"),
        "INV24": ("SOURCE_ABSENT", "registry"),
        "INV25": ("SOURCE_ABSENT", "registry"),
        "REG01": ("SOURCE_ABSENT", "registry"),
        "REG03": ("SOURCE_ABSENT", "registry"),
    }


def test_optional_field_is_not_missed(tmp_path: Path) -> None:
    # status_known_on is not delivered: the void counts from known_on
    rows = [sale("A", T, 1), sale("A", T, 1, status="void")]
    assert reasons(tmp_path, {"invoice": rows}, "INV01", "INV06") == {}


def test_reasons_of_a_company(tmp_path: Path) -> None:
    rows = [sale("A", day, 1, issued_at=None) for day in months(2024, [11, 12])] + [
        sale("B", T, 1, issued_at="10:00:00")
    ]
    tables: Tables = {"invoice": rows, "registry": [firm("A", established_on=None), firm("N")]}
    found = reasons(tmp_path, tables, "INV02", "INV07", "INV10", "INV17", "REG01")
    assert found == {
        "INV02": ("SHORT_HISTORY", None),
        "INV10": ("FIELD_EMPTY", None),
        "INV17": ("ZERO_DENOMINATOR", None),
        "REG01": ("FIELD_EMPTY", None),
    }


def test_never_seen_is_missing_silent_is_zero(tmp_path: Path) -> None:
    tables: Tables = {"invoice": [purchase("A", date(2020, 1, 1), 1)], "registry": [firm("A"), firm("N")]}
    snapshot = compute(RowLake(tmp_path, tables), T, ids=["INV01", "INV12"])
    assert snapshot.values.to_pylist() == [
        {"company_id": "A", "INV01": 0.0, "INV12": 0.0},
        {"company_id": "N", "INV01": None, "INV12": None},
    ]
    assert [(r["indicator"], r["reason"]) for r in snapshot.missing.to_pylist()] == [
        ("INV01", "NO_RECORDS"),
        ("INV12", "NO_RECORDS"),
    ]


def test_not_applicable_to_other_industries(tmp_path: Path) -> None:
    tables: Tables = {
        "invoice": [sale("A", T, 1, goods_code="0101")],
        "registry": [firm("A", industry_code="30")],
    }
    assert reasons(tmp_path, tables, "INV20") == {"INV20": ("NOT_APPLICABLE", None)}


def test_every_null_has_one_reason_with_words(tmp_path: Path) -> None:
    tables: Tables = {"invoice": [sale("A", T, 1)], "registry": [firm("A"), firm("B")]}
    snapshot = compute(RowLake(tmp_path, tables), T)
    nulls = sum(snapshot.values[name].null_count for name in snapshot.values.column_names[1:])
    assert snapshot.missing.num_rows == nulls
    assert {r["reason"] for r in snapshot.missing.to_pylist()} <= set(REASONS)
    assert snapshot.values.column_names == ["company_id", *indicators()]
    assert snapshot.values["company_id"].to_pylist() == ["A", "B"]


def test_files_have_the_same_bytes_again(tmp_path: Path) -> None:
    snapshot = compute(RowLake(tmp_path, {"invoice": [sale("A", T, 1)]}), T, ids=["INV01", "INV02"])
    snapshot.write(tmp_path / "one")
    back = Snapshot.read(tmp_path / "one")
    back.write(tmp_path / "two")
    assert back.values.equals(snapshot.values)
    assert back.missing.equals(snapshot.missing)
    assert back.as_of == T
    for name in ("values.parquet", "missing.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_damaged_files_are_told(tmp_path: Path) -> None:
    (tmp_path / VALUES).write_bytes(b"no parquet")
    with pytest.raises(UserError, match="IND-SNAPSHOT"):
        Snapshot.read(tmp_path)


def test_an_empty_lake_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="IND-EMPTY"):
        compute(RowLake(tmp_path, {}), T)


def test_unknown_indicator_and_engine_are_told(tmp_path: Path) -> None:
    lake = RowLake(tmp_path, {"invoice": [sale("A", T, 1)]})
    with pytest.raises(UserError, match="IND-UNKNOWN"):
        compute(lake, T, ids=["INV99"])
    with pytest.raises(UserError, match="IND-ENGINE"):
        compute(lake, T, engine="abacus", ids=["INV01"])
