"""Noise has the distribution it should, and its budget ends."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto import noise
from xinqiao.privacy.crypto.noise import ACCOUNT, epsilon, gaussian, laplace, spend

DRAWS = 3000


def fits(draw: Callable[[], int], weight: Callable[[int], float], reach: int) -> float:
    """Chi-squared over -reach..reach, the tails together, by degree of freedom."""
    found = Counter(draw() for _ in range(DRAWS))
    total = sum(weight(x) for x in range(-400, 401))
    inside = {x: DRAWS * weight(x) / total for x in range(-reach, reach + 1)}
    chi = sum((found[x] - e) ** 2 / e for x, e in inside.items())
    rest = DRAWS - sum(inside.values())
    beyond = DRAWS - sum(found[x] for x in inside)
    return (chi + (beyond - rest) ** 2 / rest) / len(inside)


def test_laplace_is_discrete_laplace() -> None:
    assert fits(lambda: laplace(Fraction(7, 2)), lambda x: math.exp(-abs(x) / 3.5), 8) < 2.8


def test_gaussian_is_discrete_gaussian() -> None:
    assert fits(lambda: gaussian(Fraction(9)), lambda x: math.exp(-x * x / 18), 6) < 2.8


def test_scale_of_wide_noise() -> None:
    drawn = [gaussian(Fraction(10**12)) for _ in range(600)]
    spread = math.sqrt(sum(x * x for x in drawn) / len(drawn))
    assert 0.85e6 < spread < 1.15e6


def test_epsilon_of_rho() -> None:
    assert epsilon(0.5, 1e-6) == pytest.approx(0.5 + 2 * math.sqrt(0.5 * math.log(1e6)))


def test_the_budget_ends(tmp_path: Path) -> None:
    assert spend(tmp_path, "taxes", 0.4, 1.0) == pytest.approx(0.4)
    assert spend(tmp_path, "taxes", 0.6, 1.0) == pytest.approx(1.0)
    with pytest.raises(UserError, match="PRV-NOISE-BUDGET"):
        spend(tmp_path, "taxes", 0.1, 1.0)
    assert spend(tmp_path, "power", 0.1, 1.0) == pytest.approx(0.1)
    assert json.loads((tmp_path / ACCOUNT).read_text()) == {"taxes": 1.0, "power": 0.1}
    assert (tmp_path / ACCOUNT).stat().st_mode & 0o777 == 0o600


def test_jobs_at_once_spend_no_more_than_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = json.loads

    def slow(text: str) -> object:
        told = read(text)
        time.sleep(0.02)  # so that all would read the same account
        return told

    monkeypatch.setattr(noise.json, "loads", slow)
    spend(tmp_path, "taxes", 0.1, 1.0)

    def allowed(_: int) -> bool:
        try:
            spend(tmp_path, "taxes", 0.3, 1.0)
        except UserError:
            return False
        return True

    with ThreadPoolExecutor(8) as jobs:
        assert sum(jobs.map(allowed, range(8))) == 3
    assert read((tmp_path / ACCOUNT).read_text()) == {"taxes": pytest.approx(1.0)}
