"""What a party of a joint score computes by itself: its own points, and reasons among its own variables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.privacy.alignment.alignment import keys_of
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling.model_part import ModelPart

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
REASONS_AT_MOST = 4


@dataclass(frozen=True, slots=True)
class Parts:
    """A party's part of subjects' scores, in ``unit`` to the point; ``has``: of whom it has data."""

    units: Numbers
    has: np.ndarray[Any, np.dtype[np.bool_]]
    unit: int

    def points(self, low: int, high: int) -> Numbers:
        """Whole points above ``low``, half a point rounded to even, cut to ``low`` and ``high``.

        Cut rather than refused: that a job fails would tell the others on which side of a bound a subject is.
        """
        return np.clip(self._whole, low, high) - low

    def cut(self, low: int, high: int) -> int:
        """How many of ``points`` are cut."""
        return int((((self._whole < low) | (self._whole > high)) & self.has).sum())

    @property
    def _whole(self) -> Numbers:
        whole: Numbers = np.rint(self.units / self.unit).astype(np.int64)
        return whole

    def lowered(self, points: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whose scores this part lowers by at least ``points``; it is 0 on average."""
        return self.has & (self.units <= -points * self.unit)


def own_part(manifest: Manifest, state: Path, model: str, party: str) -> ModelPart:
    """``party``'s part of ``model``, for a job of all the model's parties.

    A score over some of them would tell the bank parts that the sum of all hides. Raises UserError
    PRV-MODEL-PART; PRV-MANIFEST where the job has other parties than the model.
    """
    part = ModelPart.load(state, model, party)
    if set(part.parties) != set(manifest.names):
        detail = f"{party}: model of {', '.join(part.parties)}"
        fail("PRV-MANIFEST", str(manifest.job), detail=detail)
    return part


def cut_rows(part: ModelPart, table: pa.Table, agreed: list[int] | None) -> dict[str, int]:
    """For grades: of how many own rows the points are cut to the ``agreed`` range. For itself alone."""
    if agreed is None:
        return {}
    units = part.units(table) if table.num_rows else np.empty(0, np.int64)
    return {"cut": Parts(units, np.ones(len(units), np.bool_), part.card.unit).cut(*agreed)}


class Holding:
    """A party's table with its part of the model: parts by id, all computed once."""

    def __init__(self, part: ModelPart, table: pa.Table, who: str) -> None:
        self._rows = {key: row for row, key in enumerate(keys_of(table))}
        if repeated := table.num_rows - len(self._rows):
            fail("PRV-SCORE-KEYS", who, repeated=repeated)
        self._units = part.units(table) if table.num_rows else np.empty(0, np.int64)
        self._unit = part.card.unit

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
