from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.portrait.forecast import LEVEL, Panel, backtest, forecast, panel

T = date(2025, 12, 31)


def _rows(*rows: tuple[str, date, float]) -> pa.Table:
    return pa.table(
        {"company_id": [r[0] for r in rows], "month": [r[1] for r in rows], "x": [r[2] for r in rows]}
    )


def _seasonal(firms: int, months: int, seed: int = 0, noise: float = 0.3) -> Panel:
    """Firms of two industries with opposite seasons, level and noise of their own."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(10, 1, firms))
    swing = np.where(np.arange(firms) % 2 == 0, 0.5, -0.5)
    wave = np.sin(2 * np.pi * np.arange(months) / 12)
    values = (
        level[:, None] * (1 + swing[:, None] * wave) * np.exp(noise * rng.standard_normal((firms, months)))
    )
    return Panel(tuple(f"F{i:04d}" for i in range(firms)), date(2022, 1, 1), values)


def _industries(firms: int) -> list[str | None]:
    return [("A", "B")[i % 2] for i in range(firms)]


def test_a_month_without_rows_is_zero_once_the_firm_has_begun_and_unknown_before() -> None:
    rows = _rows(("A", date(2025, 10, 1), 5.0), ("A", date(2025, 12, 1), 7.0), ("B", date(2024, 1, 1), 1.0))
    found = panel(rows, "x", T, 4)
    assert found.first == date(2025, 9, 1)
    np.testing.assert_array_equal(found.values, [[np.nan, 5, 0, 7], [0, 0, 0, 0]])


def test_rows_after_the_last_complete_month_are_not_seen() -> None:
    found = panel(
        _rows(("A", date(2025, 11, 1), 5.0), ("A", date(2025, 12, 1), 9.0)), "x", date(2025, 12, 30), 2
    )
    np.testing.assert_array_equal(found.values, [[np.nan, 5]])


def test_the_forecast_beats_the_seasonal_naive_and_its_interval_holds() -> None:
    data = _seasonal(300, 48)
    for tested in backtest(data, _industries(300)):
        assert tested.cases > 1000
        assert tested.ratio < 0.95
        assert tested.coverage == pytest.approx(LEVEL, abs=0.05)
        assert tested.better > 0.5


def test_the_season_of_an_industry_is_found() -> None:
    data = _seasonal(400, 48, noise=0.1)
    found = forecast(data, _industries(400))
    assert found.months[0] == date(2026, 1, 1)
    year = data.values[:, -12:].mean(axis=1)
    march = found.value[:, 2] / year  # sin is at 0.87 in the third month counted from zero
    assert march[0::2].mean() > 1.2
    assert march[1::2].mean() < 0.8


def test_a_firm_without_a_full_year_has_no_forecast() -> None:
    data = _seasonal(80, 36)
    data.values[0, :30] = np.nan
    found = forecast(data, [None] * 80)
    assert np.isnan(found.value[0]).all()
    assert not np.isnan(found.value[1:]).any()


def test_what_comes_after_the_origin_changes_nothing() -> None:
    data = _seasonal(120, 40)
    early = Panel(data.companies, data.first, data.values[:, :36])
    before = forecast(early, _industries(120))
    changed = data.values.copy()
    changed[:, 36:] *= 100
    after = forecast(Panel(data.companies, data.first, changed[:, :36]), _industries(120))
    np.testing.assert_array_equal(before.value, after.value)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(13, 40), st.integers(1, 40))
def test_the_forecast_lies_inside_its_interval_and_none_is_below_zero(
    seed: int, months: int, firms: int
) -> None:
    data = _seasonal(firms, months, seed, noise=1.0)
    found = forecast(data, [None] * firms)
    known = ~np.isnan(found.low)
    assert (found.value >= 0).all()
    assert (found.low[known] >= 0).all()
    assert (found.value[known] <= found.high[known]).all()


def test_scale_does_not_matter() -> None:
    data = _seasonal(100, 40)
    scaled = Panel(data.companies, data.first, data.values * 1000)
    np.testing.assert_allclose(
        forecast(scaled, [None] * 100).value, forecast(data, [None] * 100).value * 1000, rtol=1e-9
    )
