"""A party's part of a joint scorecard: its own variables' points, kept in its own node.

The whole score is the sum of the parts' whole units of points, so parts can be added under masks and the
sum is exact. Base points stand in the part of the party with the label alone; each variable gives 0 points
on average over the rows it was fitted on, so a part by itself tells how far its party moves the score.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from xinqiao.privacy.modelling.part import Part
from xinqiao.scoring.card import Card
from xinqiao.scoring.columns import read_columns
from xinqiao.scoring.compiled import compile_card

Units = NDArray[np.int64]
"""Whole units of points, 10**-``card.digits`` each."""


class ModelPart(Part):
    """One party's part; fitted on ``rows``."""

    FILE: ClassVar[str] = "model"
    format: Literal["xinqiao.model_part"] = "xinqiao.model_part"
    version: Literal[1] = 1
    rows: int = Field(ge=1)
    card: Card

    def units(self, table: pa.Table | dict[str, Any]) -> Units:
        """This part's units of points of each row of ``table``, whose columns hold the card's.

        Raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE, SCR-INFINITE.
        """
        if not self.card.variables:
            rows = table.num_rows if isinstance(table, pa.Table) else len(next(iter(table.values())))
            return np.full(rows, self.card.units(self.card.base_points), np.int64)
        points = compile_card(self.card).score(read_columns(table))
        return np.rint(points * self.card.unit).astype(np.int64)
