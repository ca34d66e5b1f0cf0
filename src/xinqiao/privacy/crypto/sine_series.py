"""The logistic function as a sum of sines, which is what shares can be put through in one round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ANGLE_BITS = 32
"""A whole turn in bits."""


@dataclass(frozen=True, slots=True)
class Series:
    """Sines whose sum, plus a half, is near the logistic function: ``weights[j]`` of frequency 2j + 1.

    ``turn``: the angle's period in log odds. Only odd frequencies: past a quarter turn the curve comes
    back, so log odds must stay well within half a turn. Weights are least squares up to 9/32 of a turn.
    """

    turn: float
    weights: tuple[float, ...]

    @property
    def unit(self) -> float:
        """Radians of the lowest frequency a unit of an angle in ``ANGLE_BITS``."""
        return 2 * np.pi / (1 << ANGLE_BITS)

    def value(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """The series itself, for comparison."""
        angle = 2 * np.pi / self.turn * log_odds
        odd = 2 * np.arange(len(self.weights)) + 1
        return np.asarray(0.5 + np.sin(angle[..., None] * odd) @ np.array(self.weights))


def logistic_series(terms: int = 5, turn: float = 32.0) -> Series:
    """The series of ``terms`` sines."""
    at = np.linspace(0, turn * 0.28125, 401)
    sines = np.sin(np.outer(at, 2 * np.pi / turn * (2 * np.arange(terms) + 1)))
    goal = 1 / (1 + np.exp(-at)) - 0.5
    return Series(turn, tuple(np.linalg.lstsq(sines, goal, rcond=None)[0].tolist()))
