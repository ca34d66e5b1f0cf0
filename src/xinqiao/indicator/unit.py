"""Units of indicators and the precision in which each is stated.

The precision is also the tolerance between engines: two engines may differ by at most one unit of
precision (they add floats in different orders), and one engine never differs from itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xinqiao.kernel.text import Text


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit; values are rounded to ``decimals`` decimal places."""

    id: str
    name: Text
    decimals: int

    @property
    def precision(self) -> float:
        """The smallest step of a value, and the tolerance between engines."""
        return float(f"1e-{self.decimals}")


UNITS: dict[str, Unit] = {
    unit.id: unit
    for unit in (
        Unit("CNY", Text(zh="元", en="CNY"), 2),
        Unit("count", Text(zh="个", en="count"), 0),
        Unit("month", Text(zh="月", en="months"), 0),
        Unit("day", Text(zh="天", en="days"), 0),
        Unit("person", Text(zh="人", en="people"), 0),
        Unit("kWh", Text(zh="千瓦时", en="kWh"), 0),
        Unit("m3", Text(zh="立方米", en="cubic metres"), 0),
        Unit("USD", Text(zh="美元", en="USD"), 2),
        Unit("level", Text(zh="级", en="level"), 0),
        Unit("code", Text(zh="代码", en="code"), 0),
        Unit("flag", Text(zh="是/否", en="yes/no"), 0),
        Unit("ratio", Text(zh="比值", en="ratio"), 6),
        Unit("index", Text(zh="指数", en="index"), 6),
        Unit("year", Text(zh="年", en="years"), 4),
    )
}

NOISE_DIGITS = 13
"""Significant digits that survive any order of adding; the digits below are cut before rounding."""


def state(values: np.ndarray[Any, Any], unit: Unit) -> np.ndarray[Any, Any]:
    """Round float64 ``values`` to the precision of ``unit``; NaN stays NaN.

    First to 13 significant digits, so that a value lying exactly between two steps of the
    precision falls to the same side whatever the last bits are, then to the unit's decimals
    (half to even). Adding 0.0 turns -0.0 into 0.0, which would show in the bytes written.
    """
    out = values.astype(np.float64, copy=True)
    whole = np.isfinite(out) & (out != 0)
    size = np.floor(np.log10(np.abs(out, where=whole, out=np.ones_like(out)), out=np.zeros_like(out)))
    scale = 10.0 ** (NOISE_DIGITS - 1 - size)
    out[whole] = np.rint(out[whole] * scale[whole]) / scale[whole]
    rounded: np.ndarray[Any, Any] = np.round(out, unit.decimals) + 0.0
    return rounded
