"""The 302 unrated companies of cumcm2020c under 100 million CNY, from the raw files to the plan."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.cli.command import call
from tests.cli.conftest import Real

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


@pytest.fixture(scope="module")
def planned(real: Real, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the plan."""
    out = tmp_path_factory.mktemp("strategy") / "plan"
    churn = real_data / "cumcm2020c" / "churn_by_rate.xlsx"
    told = call("strategy", "--run", real.out, "--churn", churn, "--out", out)
    assert told.code == 0, told.err
    assert "生成数据" not in told.out
    return out


@pytest.fixture(scope="module")
def summary(planned: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((planned / "summary.json").read_bytes())
    return found


def test_302_companies_within_budget_and_mandate_and_d_is_not_lent_to(planned: Path) -> None:
    rows = pq.read_table(planned / "plan.parquet").to_pylist()
    assert len(rows) == 302
    lent = [row for row in rows if row["limit_cny"]]
    assert sum(row["limit_cny"] for row in lent) <= 100_000_000
    for row in lent:
        assert 100_000 <= row["limit_cny"] <= 1_000_000
        assert row["limit_cny"] % 10_000 == 0
        assert Decimal("0.04") <= row["rate"] <= Decimal("0.15")
        assert row["rating"] in {"A", "B", "C"}
    assert all(row["why_zh"] and row["why_en"] for row in rows)
    assert {row["rating"] for row in rows} == {"A", "B", "C", "D"}


def test_the_plan_is_proved_best_and_beats_what_a_bank_would_try(summary: dict[str, Any]) -> None:
    solver, profit = summary["solver"], summary["plan"]["profit_cny"]
    assert solver["gap"] < 1e-6
    assert solver["own_lagrangian_bound_cny"] == pytest.approx(solver["bound_cny"], rel=1e-6)
    assert set(summary["simple"]) == {"equal", "best_first", "proportional"}
    for each in summary["simple"].values():
        assert each["one_rate"]["profit_cny"] < profit
        assert each["per_rating"]["profit_cny"] < profit
    shock = summary["shock"]
    assert shock["old_plan_kept"]["profit_cny"] < shock["planned_again"]["profit_cny"] < profit


def test_ratings_agree_with_the_banks_far_beyond_chance(summary: dict[str, Any]) -> None:
    ratings = summary["ratings"]
    assert sum(map(sum, ratings["matrix_bank_by_pd"])) == 123
    assert [sum(row) for row in ratings["matrix_bank_by_pd"]] == [27, 38, 34, 24]
    assert ratings["weighted_kappa"] > 0.4
    assert ratings["within_one"] > 0.8
