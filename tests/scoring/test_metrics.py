import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as peer_log_loss

from xinqiao.scoring import metrics
from xinqiao.scoring.columns import Floats

SAMPLES = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=4, max_size=80).filter(
    lambda rows: 0 < sum(b for _, b in rows) < len(rows)
)


def arrays(rows: list[tuple[int, bool]]) -> tuple[Floats, Floats]:
    return np.array([float(r) for r, _ in rows]), np.array([float(b) for _, b in rows])


@given(SAMPLES)
def test_auc_ks_brier_and_log_loss_equal_their_peers(rows: list[tuple[int, bool]]) -> None:
    risk, bad = arrays(rows)
    pd = 1 / (1 + np.exp(-risk))
    assert metrics.auc(risk, bad) == pytest.approx(roc_auc_score(bad, risk))
    peer = ks_2samp(risk[bad == 1], risk[bad == 0], method="asymp")
    assert metrics.ks(risk, bad) == pytest.approx(peer.statistic)
    assert metrics.brier(pd, bad) == pytest.approx(brier_score_loss(bad, pd))
    assert metrics.log_loss(pd, bad) == pytest.approx(peer_log_loss(bad, pd))


@given(SAMPLES, st.integers(0, 100))
def test_a_resampled_auc_is_the_auc_of_the_resample(rows: list[tuple[int, bool]], seed: int) -> None:
    risk, bad = arrays(rows)
    pick = np.random.default_rng(seed).integers(0, len(bad), len(bad))
    weight = np.bincount(pick, minlength=len(bad)).astype(float)
    found = metrics.Ranking.of(risk).auc(bad, weight[None, :])[0]
    if 0 < bad[pick].sum() < len(bad):
        assert found == pytest.approx(roc_auc_score(bad[pick], risk[pick]))
    else:
        assert math.isnan(found)


def test_the_bootstrap_interval_has_the_known_width() -> None:
    rng = np.random.default_rng(0)
    bad = (np.arange(2000) % 4 == 0).astype(float)
    risk = rng.normal(size=2000) + bad
    low, high = metrics.bootstrap_auc(risk[None, :], bad, 1000, 0)
    value = metrics.auc(risk, bad)
    assert low < value < high
    # Hanley & McNeil: se about .0115 at AUC .76 with 500 bads and 1500 goods
    assert (high - low) / 3.92 == pytest.approx(0.0120, abs=0.002)
    assert metrics.bootstrap_auc(risk[None, :], bad, 1000, 0) == (low, high)


def test_stability_index_of_a_hand_worked_shift() -> None:
    # shares .5/.5 against .6/.4: .1 ln 1.2 - .1 ln .8 = .1 ln 1.5
    assert metrics.stability_index([50, 50], [60, 40]) == pytest.approx(0.1 * math.log(1.5))
    assert metrics.stability_index([50, 50], [5, 5]) == 0
    assert metrics.stability_index([50, 0, 50], [5, 0, 5]) == 0
    assert math.isfinite(metrics.stability_index([100, 0], [0, 100]))


@pytest.mark.parametrize(("a", "b"), [([1, 2], [1]), ([0, 0], [1, 1]), ([1, 1], [0, 0])])
def test_stability_index_needs_companies_on_both_sides(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="same bins"):
        metrics.stability_index(a, b)


def test_missing_values_that_appear_shift_a_column() -> None:
    rng = np.random.default_rng(0)
    then = rng.normal(size=5000)
    now = rng.normal(size=5000)
    assert metrics.stability_of_values(then, now) < 0.01
    now[:1500] = np.nan
    assert metrics.stability_of_values(then, now) > 0.25


def test_calibration_bins_have_equal_sizes_and_the_shares_seen() -> None:
    pd, bad = np.array([0.1, 0.4, 0.2, 0.9]), np.array([0.0, 1, 0, 1])
    found = np.array(metrics.calibration_bins(pd, bad, 2))
    np.testing.assert_allclose(found, [[2, 0.15, 0.0], [2, 0.65, 1.0]])
