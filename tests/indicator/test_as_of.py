"""What becomes known after T never changes a value at T; how the data arrived never does either."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.indicator.generated import generated
from tests.indicator.lakes import Row, RowLake, T, Tables, firm, sale
from xinqiao.indicator.compute import compute, monthly
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.source.contract import contracts

FEW = settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # an example takes seconds: shrinking would take hours
)
ANCHOR = sale("A", date(2024, 6, 1), 100.0)
"""A row that is always known, so that the universe is never empty."""
seeds = st.integers(0, 10_000)


def snapshot(data: Tables, parts: int = 1) -> Snapshot:
    """All indicators of a lake."""
    with TemporaryDirectory() as folder:
        return compute(RowLake(Path(folder), data, parts), T)


@FEW
@given(seeds, st.integers(2, 4), st.randoms(use_true_random=False))
def test_rows_known_later_their_order_and_files_change_nothing(seed: int, parts: int, random: Random) -> None:
    """All of it at once, since an evaluation takes seconds: equal values can come from equal steps only."""
    region = generated(seed)
    known = {name: [row for row in rows if _known(name, row) <= T] for name, rows in region.items()}
    late = {name: len(rows) - len(known[name]) for name, rows in region.items()}
    assert sum(late.values()) > len(region)
    mixed = {name: random.sample(rows, len(rows)) for name, rows in known.items()}
    plain, other = snapshot(region), snapshot(mixed, parts)
    assert plain.values.equals(other.values)
    assert plain.missing.equals(other.missing)


def _known(contract_id: str, row: Row) -> date:
    day: date = row[contracts()[contract_id].known]
    return day


def test_a_void_counts_from_the_day_it_was_known(tmp_path: Path) -> None:
    # issued 1 Jun, voided 15 Sep: at 31 Aug it is still a sale
    row = sale("A", date(2024, 6, 1), 50, status="void", status_known_on=date(2024, 9, 15))
    lake = RowLake(tmp_path, {"invoice": [row, ANCHOR]})
    seen = [
        compute(lake, day, ids=["INV01"]).values["INV01"].to_pylist()
        for day in (date(2024, 8, 31), date(2024, 9, 30))
    ]
    assert seen == [[150.0], [100.0]]


def test_the_latest_version_known_at_t_counts(tmp_path: Path) -> None:
    versions = [firm("A"), firm("A", paid_in_capital_cents=100_000_000, known_on=date(2025, 1, 1))]
    lake = RowLake(tmp_path, {"registry": versions})
    seen = [
        compute(lake, day, ids=["REG02"]).values["REG02"].to_pylist() for day in (T, T + timedelta(days=1))
    ]
    assert seen == [[0.4], [1.0]]


def test_windows_at_the_edges_of_months(tmp_path: Path) -> None:
    # at 29 Feb 2024 (a leap year's month end) February counts, at the 28th it does not:
    # 12M is then 2023-02 .. 2024-01
    days = [date(2023, 1, 31), date(2023, 2, 1), date(2023, 2, 28), date(2023, 3, 1), date(2024, 1, 31)]
    rows = [sale("A", day, 10.0**n) for n, day in enumerate([*days, date(2024, 2, 28), date(2024, 2, 29)])]
    lake = RowLake(tmp_path, {"invoice": rows})
    seen = [
        compute(lake, day, ids=["INV01"]).values["INV01"].to_pylist()
        for day in (date(2024, 2, 28), date(2024, 2, 29))
    ]
    assert seen == [[11_110.0], [1_111_000.0]]


def test_monthly_series(tmp_path: Path) -> None:
    rows = [
        sale("B", date(2024, 12, 31), 2),
        sale("A", date(2024, 11, 30), 1),
        sale("A", date(2024, 9, 1), 9),
    ]
    rows.append(sale("A", date(2024, 11, 3), 5, status="void"))
    table = monthly(RowLake(tmp_path, {"invoice": rows}), date(2024, 12, 31), months=2)
    assert table.to_pylist() == [
        {
            "company_id": "A",
            "month": date(2024, 11, 1),
            "sales_cents": 100,
            "purchases_cents": 0,
            "invoices": 2,
            "void_invoices": 1,
        },
        {
            "company_id": "B",
            "month": date(2024, 12, 1),
            "sales_cents": 200,
            "purchases_cents": 0,
            "invoices": 1,
            "void_invoices": 0,
        },
    ]
