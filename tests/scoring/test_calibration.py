import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.scoring.calibration import Calibration, Method, choose_method, fit_calibration
from xinqiao.scoring.columns import Floats

SCORES = st.floats(-30, 30)


def drawn(n: int, seed: int, slope: float = 1.0, shift: float = 0.0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    s = rng.normal(-1.5, 1.2, n)
    return s, (rng.random(n) < 1 / (1 + np.exp(-(slope * s + shift)))).astype(float)


@given(st.integers(0, 1000), st.sampled_from(["platt", "beta"]), st.lists(SCORES, min_size=2, unique=True))
def test_pd_rises_strictly_with_log_odds(seed: int, method: Method, scores: list[float]) -> None:
    s, bad = drawn(80, seed)
    found = fit_calibration(s, bad if 0 < bad.sum() < 80 else (s > np.median(s)).astype(float), method)
    ordered = sorted({round(x, 3) for x in scores})
    pds = [found.pd(x) for x in ordered]
    assert all(a < b or b > 1 - 1e-12 for a, b in pairwise(pds))
    assert all(0 <= p <= 1 for p in pds)


def test_even_a_useless_score_keeps_its_order() -> None:
    s, bad = drawn(400, 1, slope=-1.0)
    found = fit_calibration(s, bad)
    assert found.low >= 0.02
    assert found.pd(1.0) > found.pd(0.0)


@pytest.mark.parametrize("method", ["platt", "beta"])
def test_an_overconfident_score_is_pulled_back(method: Method) -> None:
    s, bad = drawn(20_000, 2, slope=0.5, shift=0.3)
    found = fit_calibration(s, bad, method)
    for x in (-3.0, -1.5, 0.0):
        assert found.pd(x) == pytest.approx(1 / (1 + math.exp(-(0.5 * x + 0.3))), abs=0.015)


def test_a_small_sample_stays_near_the_scale() -> None:
    s, bad = drawn(60, 3, slope=3.0)
    small = fit_calibration(s, bad)
    assert 0.6 < small.low < 1.9


def test_repeats_of_one_company_share_its_weight() -> None:
    s, bad = drawn(200, 4)
    assert fit_calibration(np.stack([s, s, s]), bad) == fit_calibration(s, bad)


def test_the_method_follows_the_sample_size() -> None:
    assert [choose_method(n) for n in (123, 999, 1000)] == ["platt", "platt", "beta"]


def test_the_scale_itself_is_the_default_and_json_keeps_it() -> None:
    plain = Calibration()
    assert plain.pd(math.log(1 / 50)) == pytest.approx(1 / 51)
    assert Calibration.model_validate_json(plain.model_dump_json()) == plain


def test_extreme_points_overflow_nowhere() -> None:
    assert Calibration().pd(-1e6) == 0
    assert Calibration().pd(1e6) == 1
