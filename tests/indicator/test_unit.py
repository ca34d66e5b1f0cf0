"""Rounding hides the order of adding, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.indicator.unit import UNITS, state


def test_precision_of_every_unit() -> None:
    stated = {unit.id: unit.precision for unit in UNITS.values()}
    assert stated == {
        "CNY": 0.01,
        "count": 1,
        "month": 1,
        "day": 1,
        "person": 1,
        "kWh": 1,
        "m3": 1,
        "USD": 0.01,
        "level": 1,
        "code": 1,
        "flag": 1,
        "ratio": 1e-6,
        "index": 1e-6,
        "year": 1e-4,
    }


def test_a_tie_falls_to_one_side_whatever_the_last_bits() -> None:
    tie = 1 / 128  # 0.0078125, exactly between two steps of 1e-6
    noisy = np.array([np.nextafter(tie, 0), tie, np.nextafter(tie, 1)])
    assert set(state(noisy, UNITS["ratio"]).tolist()) == {0.007812}


def test_no_negative_zero_and_missing_stays() -> None:
    out = state(np.array([-1e-9, np.nan]), UNITS["ratio"])
    assert str(out[0]) == "0.0"
    assert np.isnan(out[1])


@given(st.integers(-(10**12), 10**12))
def test_cents_are_exact(cents: int) -> None:
    assert state(np.array([cents / 100]), UNITS["CNY"])[0] == cents / 100
