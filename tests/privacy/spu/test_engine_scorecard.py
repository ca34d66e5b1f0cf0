"""What the engine's function gives out, on numpy's arrays in the place of jax's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from xinqiao.privacy.spu import engine_scorecard


def loop(first: int, end: int, step: Any, state: Any) -> Any:  # noqa: ANN401 - as jax has it
    for n in range(first, end):
        state = step(n, state)
    return state


def trained(blocks: list[np.ndarray], bad: np.ndarray, used: np.ndarray, fold: np.ndarray) -> Any:  # noqa: ANN401
    return engine_scorecard._trained(bad, np.zeros(1), blocks, used, fold, steps=20, rate=0.5, ridge=0.1)


def test_a_party_gets_its_coefficients_of_the_last_fit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: how a holder's coefficients differ between folds follows the labels of the rows left out."""
    jax = SimpleNamespace(lax=SimpleNamespace(fori_loop=loop))
    monkeypatch.setattr(engine_scorecard, "import_module", {"jax": jax, "jax.numpy": np}.__getitem__)
    rng = np.random.default_rng(1)
    blocks = [np.column_stack([np.ones(60), rng.normal(size=60)]), rng.normal(size=(60, 3))]
    bad, fold = (rng.random(60) < 0.4).astype(float), rng.integers(0, 2, 60)
    used = (fold[:, None] != np.arange(3)).astype(np.float32)
    *told, held_out = trained(blocks, bad, used, fold)
    assert [part.shape for part in told] == [(2,), (3,)]
    *alone, _ = trained(blocks, bad, np.ones((60, 1)), np.zeros(60, np.intp))
    for part, wanted in zip(told, alone, strict=True):
        np.testing.assert_allclose(part, wanted, atol=1e-12)
    assert held_out.shape == (60,)


def test_the_polynomial_is_near_the_logistic_function_and_steeper_beyond() -> None:
    reach = engine_scorecard.REACH
    within, beyond = np.linspace(-reach, reach, 1001), np.linspace(reach, 2 * reach, 101)
    assert np.abs(engine_scorecard.logistic(within) - expit(within)).max() < 0.005
    assert (np.diff(engine_scorecard.logistic(beyond)) > 0).all()
    assert (np.diff(engine_scorecard.logistic(-beyond)) < 0).all()
