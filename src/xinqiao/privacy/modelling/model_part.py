"""A party's part of a joint scorecard: its own variables' points, kept in its own node.

The whole score is the sum of the parts' whole units of points, so parts can be added under masks and the
sum is exact. Base points stand in the part of the party with the label alone; each variable gives 0 points
on average over the rows it was fitted on, so a part by itself tells how far its party moves the score.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail
from xinqiao.privacy.job.manifest import Hex32, Name
from xinqiao.scoring.card import Card, Frozen
from xinqiao.scoring.columns import read_columns
from xinqiao.scoring.compiled import compile_card

Units = NDArray[np.int64]
"""Whole units of points, 10**-``card.digits`` each."""


class ModelPart(Frozen):
    """One party's part. ``model`` is the digest of the manifest it was fitted under: the same at all."""

    format: Literal["xinqiao.model_part"] = "xinqiao.model_part"
    version: Literal[1] = 1
    model: Hex32
    party: Name
    parties: tuple[Name, ...] = Field(min_length=2)
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

    def save(self, state: Path) -> Path:
        """Write to the node's folder ``state``, readable by the node alone; whole or not at all."""
        target = _file(state, self.model)
        partial = target.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(canonical_json(self.model_dump(mode="json")))
        partial.replace(target)
        return target


def load_part(state: Path, model: str, party: str) -> ModelPart:
    """``party``'s part of ``model``. Raises UserError PRV-MODEL-PART where it is not there, or not whole."""
    file = _file(state, model)
    try:
        part = ModelPart.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        return fail("PRV-MODEL-PART", party, model=model[:12], detail=type(error).__name__)
    if part.party != party or part.model != model:
        fail("PRV-MODEL-PART", party, model=model[:12], detail=f"{part.party} {part.model[:12]}")
    return part


def _file(state: Path, model: str) -> Path:
    if len(model) != 64 or not set(model) <= set("0123456789abcdef"):  # noqa: PLR2004 - hexadecimal SHA-256
        fail("PRV-MODEL-PART", "model", model=model[:12], detail="SHA-256")
    return state / f"model-{model}.json"
