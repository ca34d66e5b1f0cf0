"""The hazard model learns from what was known, and tells when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from tests.monitoring.panels import made
from xinqiao.kernel.errors import UserError
from xinqiao.monitoring import hazard
from xinqiao.monitoring.hazard import Hazard, _quarter, ahead, fit
from xinqiao.monitoring.panel import Panel
from xinqiao.scoring.metrics import auc

UNTIL = date(2024, 3, 31)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return made()


@pytest.fixture(scope="module")
def model(panel: Panel) -> Hazard:
    return fit(panel, UNTIL)


def test_a_quarter_holds_only_rows_seen_to_its_end_and_good_at_its_beginning(panel: Panel) -> None:
    for quarter in range(4):
        rows, bad = _quarter(panel.rows, quarter, UNTIL)
        assert all(ahead(day, 3 * (quarter + 1)) <= UNTIL for day in rows["as_of"].unique())
        begins = [ahead(day, 3 * quarter) for day in rows["as_of"]]
        for falls, begin, fell in zip(rows["falls_on"], begins, bad, strict=True):
            assert falls is None or falls > begin
            assert not fell or falls <= ahead(begin, 3)


def test_what_came_after_the_day_of_learning_changes_nothing(panel: Panel, model: Hazard) -> None:
    blind = panel.rows.with_columns(
        falls_on=pl.when(pl.col("falls_on") <= UNTIL).then(pl.col("falls_on")),
    )
    assert fit(replace(panel, rows=blind), UNTIL).to_json() == model.to_json()


def test_the_model_tells_who_falls_within_half_a_year(panel: Panel, model: Hazard) -> None:
    rows = panel.rows.filter(pl.col("as_of") == UNTIL)
    falls = rows["falls_on"].fill_null(date(2099, 1, 1)) <= ahead(UNTIL, 6)
    pd_12, pd_6 = model.pd(rows, 12), model.pd(rows, 6)
    assert auc(pd_6, falls.to_numpy().astype(float)) > 0.7
    assert bool(np.all(pd_6 <= pd_12 + 1e-12))
    assert 0 <= pd_12.min() <= pd_12.max() <= 1


def test_a_model_read_back_says_the_same(panel: Panel, model: Hazard) -> None:
    rows = panel.rows.head(50)
    again = Hazard.from_json(model.to_json())
    assert again.until == UNTIL
    assert np.array_equal(again.pd(rows, 12), model.pd(rows, 12))
    with pytest.raises(UserError, match="SCR-CARD-FORMAT"):
        Hazard.from_json(b"{}")


def test_too_few_who_fell_is_an_error(panel: Panel) -> None:
    with pytest.raises(UserError, match="MON-FEW"):
        fit(panel, date(2023, 3, 31))


def test_too_many_rows_leave_months_out_but_the_latest_stay(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hazard, "MOST_ROWS", 5_000)
    kept = hazard._thinned(panel.rows, UNTIL)["as_of"].unique().sort().to_list()
    known = panel.rows.filter(pl.col("as_of") < UNTIL)["as_of"].unique().sort().to_list()
    assert kept[-1] == known[-1]
    assert 1 < len(kept) < len(known)
