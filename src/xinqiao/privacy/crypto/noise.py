"""Noise for differential privacy: discrete Laplace and Gaussian, sampled exactly, and its account.

The samplers are those of Canonne, Kamath and Steinke, The Discrete Gaussian for Differential Privacy
(NeurIPS 2020), in integers and fractions only: no rounding of a float can tell anything. Budgets are kept
in rho of zero-concentrated differential privacy (Bun and Steinke, 2016), where costs simply add up.
"""

from __future__ import annotations

import json
import math
import secrets
from fractions import Fraction
from pathlib import Path

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto import kept

ACCOUNT = "noise_account.json"


def laplace(scale: Fraction) -> int:
    """An integer x with probability proportional to exp(-|x| / scale); scale > 0."""
    top, below = scale.numerator, scale.denominator
    while True:
        rest = secrets.randbelow(top)
        if not _happens_exp(Fraction(rest, top)):
            continue
        turns = 0
        while _happens_exp(Fraction(1)):
            turns += 1
        size = (rest + top * turns) // below
        negative = secrets.randbelow(2)
        if not (negative and size == 0):
            return -size if negative else size


def gaussian(variance: Fraction) -> int:
    """An integer x with probability proportional to exp(-x^2 / (2 variance)); variance > 0."""
    scale = math.isqrt(math.floor(variance)) + 1
    while True:
        told = laplace(Fraction(scale))
        if _happens_exp((abs(told) - variance / scale) ** 2 / (2 * variance)):
            return told


def _happens(probability: Fraction) -> bool:
    return secrets.randbelow(probability.denominator) < probability.numerator


def _happens_exp(rate: Fraction) -> bool:
    """True with probability exp(-rate)."""
    while rate > 1:
        if not _happens_exp(Fraction(1)):
            return False
        rate -= 1
    count = 1
    while _happens(rate / count):
        count += 1
    return count % 2 == 1


def epsilon(rho: float, delta: float) -> float:
    """The epsilon at ``delta`` of what costs ``rho`` (Bun and Steinke, proposition 1.3)."""
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))


def spend(state: Path, source: str, rho: float, budget: float) -> float:
    """Book ``rho`` on the account of ``source`` before anything noisy leaves; what is spent then.

    Every attempt of a job draws fresh noise and so is booked again. Raises UserError PRV-NOISE-BUDGET.
    """
    file = state / ACCOUNT
    with kept.locked(file.with_suffix(".lock")):  # else two jobs could both spend what is left for one
        spent: dict[str, float] = json.loads(file.read_text("utf-8")) if file.exists() else {}
        now = spent.get(source, 0.0) + rho
        if now > budget * (1 + 1e-12):
            told = {"spent": now - rho, "cost": rho, "budget": budget}
            fail("PRV-NOISE-BUDGET", source, **{name: f"{value:.6g}" for name, value in told.items()})
        kept.write(file, json.dumps(spent | {source: now}).encode())
    return now
