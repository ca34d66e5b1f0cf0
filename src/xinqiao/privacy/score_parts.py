"""What a party of a joint score computes by itself: its own points, and reasons among its own variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.kernel.errors import fail
from xinqiao.privacy.model_part import ModelPart

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
REASONS_AT_MOST = 4


@dataclass(frozen=True, slots=True)
class Parts:
    """A party's part of subjects' scores, in ``unit`` to the point; ``has``: of whom it has data."""

    units: Numbers
    has: np.ndarray[Any, np.dtype[np.bool_]]
    unit: int

    def points(self, low: int, high: int, who: str) -> Numbers:
        """Whole points above ``low``, half a point rounded to even.

        Raises UserError PRV-SCORE-RANGE where any is not within ``low`` and ``high``.
        """
        whole = np.rint(self.units / self.unit).astype(np.int64)
        outside = int((((whole < low) | (whole > high)) & self.has).sum())
        if outside:
            fail("PRV-SCORE-RANGE", who, rows=outside, low=low, high=high)
        return whole - low

    def lowered(self, points: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whose scores this part lowers by at least ``points``; it is 0 on average."""
        return self.has & (self.units <= -points * self.unit)


class Holding:
    """A party's table with its part of the model: parts by id, all computed once."""

    def __init__(self, part: ModelPart, table: pa.Table, who: str) -> None:
        keys = table.column(0).cast(pa.string())
        repeated = len(keys) - pc.count_distinct(keys, mode="only_valid").as_py()
        if repeated:
            fail("PRV-SCORE-KEYS", who, repeated=repeated)
        self._units = part.units(table) if table.num_rows else np.empty(0, np.int64)
        self._unit = part.card.unit
        self._rows = {key: row for row, key in enumerate(keys.to_pylist())}

    def of(self, ids: list[str]) -> Parts:
        """The part of each id."""
        rows = np.array([self._rows.get(each, -1) for each in ids], np.int64)
        has = rows >= 0
        units = np.zeros(len(ids), np.int64)
        units[has] = self._units[rows[has]]
        return Parts(units, has, self._unit)


def reasons(part: ModelPart, table: pa.Table) -> list[list[str]]:
    """For each row the own variables that took points from it, the worst first."""
    told = []
    for row in table.select(list(part.card.names)).to_pylist() if part.card.names else [{}] * table.num_rows:
        lost = [each for each in part.card.contributions(row) if each.points < 0]
        lost.sort(key=lambda each: each.points)
        told.append([each.variable for each in lost[:REASONS_AT_MOST]])
    return told
