from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.strategy.small import CHURN, MANDATE, company, terms
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.strategy.output import SCHEMA, write_study
from xinqiao.strategy.scored import Scored
from xinqiao.strategy.shock import load_shock
from xinqiao.strategy.study import Study, study

MANY = tuple(
    company(i, 0.02 * i, "AAABBCCD"[i - 1], pd_low=0.01 * i, pd_high=0.04 * i, sales_cny=1000.0)
    for i in range(1, 9)
)


def make(*, shock: bool = True) -> Study:
    told: list[tuple[str, int, int]] = []
    made = study(
        Text(zh="测", en="test"),
        Scored(MANY, None, None, None, everyone=False),
        CHURN,
        generated=False,
        mandate=MANDATE,
        terms=terms(budget_cny=Decimal(200)),
        shock=load_shock("epidemic", MANY) if shock else None,
        step=lambda *step: told.append(step),
    )
    assert told[-1][0] == "plans"
    assert told[-1][1] == told[-1][2]
    return made


def test_the_same_study_gives_the_same_bytes_that_add_up(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_study(tmp_path / name, make())
    for file in ("plan.csv", "plan.parquet", "summary.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    table = pq.read_table(tmp_path / "a" / "plan.parquet")
    summary = json.loads((tmp_path / "a" / "summary.json").read_bytes())
    assert table.schema.equals(SCHEMA)
    assert sum(table["limit_cny"].to_pylist()) == summary["plan"]["committed_cny"] <= 200
    assert sum(table["profit_cny"].to_pylist()) == pytest.approx(summary["plan"]["profit_cny"], abs=1e-4)
    kept = sum(table["shock_kept_profit_cny"].to_pylist())
    assert kept == pytest.approx(summary["shock"]["old_plan_kept"]["profit_cny"], abs=1e-4)
    again = sum(table["shock_profit_cny"].to_pylist())
    assert again == pytest.approx(summary["shock"]["planned_again"]["profit_cny"], abs=1e-4)
    assert sum(summary["shock"]["changes"].values()) == len(MANY)
    assert summary["solver"]["bound_cny"] >= summary["plan"]["profit_cny"] - 1e-5


def test_nothing_is_written_for_a_shock_that_is_none(tmp_path: Path) -> None:
    write_study(tmp_path, make(shock=False))
    assert json.loads((tmp_path / "summary.json").read_bytes())["shock"] is None
    assert pq.read_table(tmp_path / "plan.parquet")["shock_limit_cny"].null_count == len(MANY)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("taken")
    with pytest.raises(UserError, match="FILE-WRITE"):
        write_study(tmp_path / "out", make(shock=False))
    assert not list(tmp_path.glob(".plan-*"))
