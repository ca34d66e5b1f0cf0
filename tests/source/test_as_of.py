from __future__ import annotations

from datetime import date
from pathlib import Path

import ibis
import pytest

from tests.indicator.lakes import RowLake, firm, sale
from xinqiao.indicator.definition import catalog
from xinqiao.indicator.engine import DuckDB
from xinqiao.indicator.view import Views
from xinqiao.source.as_of import AsOf
from xinqiao.source.lake import Lake

T = date(2024, 6, 30)


def _lake(root: Path) -> Lake:
    later = date(2024, 7, 1)
    return RowLake(
        root,
        {
            "registry": [
                firm("A"),
                firm("A", name="示例-新", known_on=date(2024, 6, 1)),
                firm("A", name="示例-未来", known_on=later),
                firm("B", known_on=later),
                firm("C", name="乙", known_on=date(2024, 1, 1)),
                firm("C", name="甲", known_on=date(2024, 1, 1)),
            ],
            "invoice": [
                sale("A", date(2024, 6, 30), 10),
                sale("A", date(2024, 6, 30), 10),
                sale("A", date(2024, 6, 30), 11, known_on=later),
                sale("A", later, 12, known_on=T),
            ],
        },
    )


def test_what_is_known_later_or_happens_later_does_not_exist(tmp_path: Path) -> None:
    with AsOf(_lake(tmp_path), T) as at:
        assert at.rows("SELECT company_id, name FROM registry ORDER BY 1") == [
            {"company_id": "A", "name": "示例-新"},
            {"company_id": "C", "name": "甲"},
        ]
        assert at.rows("SELECT count(*) AS n, sum(amount_cents) AS s FROM invoice") == [{"n": 2, "s": 2000}]


@pytest.mark.parametrize("contract", ["registry", "invoice"])
def test_sql_and_ibis_see_the_same_records(tmp_path: Path, contract: str) -> None:
    lake = _lake(tmp_path)
    with AsOf(lake, T) as at, DuckDB() as engine:
        ours = at.table(f"SELECT company_id, known_on FROM {contract} ORDER BY ALL")  # noqa: S608 - a name of ours
        table = Views(catalog(), lake, T, engine, {}).table(contract)
        theirs = engine.fetch(table.select("company_id", "known_on").order_by([ibis.asc("company_id")]))
    assert sorted(ours.to_pylist(), key=str) == sorted(theirs.to_pylist(), key=str)


def test_a_contract_without_files_is_an_empty_view(tmp_path: Path) -> None:
    with AsOf(Lake(tmp_path), T) as at:
        assert not at.holds("tax_return")
        assert at.rows("SELECT * FROM tax_return") == []
        assert at.rows("SELECT sum(sales_cents) AS s FROM tax_return WHERE tax_kind = 'vat'") == [{"s": None}]


def test_parameters_and_tables_made_elsewhere(tmp_path: Path) -> None:
    with AsOf(_lake(tmp_path), T) as at:
        at.keep("big", "SELECT * FROM invoice WHERE amount_cents > $least", least=900, unused=1)
        assert at.rows("SELECT count(*) AS n FROM big") == [{"n": 2}]
        at.add("mine", at.table("SELECT 1 AS x"))
        assert at.rows("SELECT x FROM mine") == [{"x": 1}]
