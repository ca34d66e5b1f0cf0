"""A party's part of jointly boosted trees, kept in its own node.

The bank's part has the trees, their leaves and its own cuts; a cut of a holder is a name and a number there.
A holder's part has what its cuts are: which of its columns, and where. Neither scores without the other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, ValidationError

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail
from xinqiao.privacy.job.manifest import Hex32, Name
from xinqiao.privacy.modelling.label_features import Floats, coded
from xinqiao.privacy.modelling.tree_growth import Flags, Node
from xinqiao.scoring.card import Frozen, Variable


class TreePart(Frozen):
    """One party's part. ``model`` is the digest of the manifest it was grown under: the same at all.

    ``cuts``: place in ``variables`` and first bin that goes right, by number.
    """

    format: Literal["xinqiao.tree_part"] = "xinqiao.tree_part"
    version: Literal[1] = 1
    model: Hex32
    party: Name
    parties: tuple[Name, ...] = Field(min_length=2)
    variables: tuple[Variable, ...]
    cuts: tuple[tuple[int, int], ...]
    base: float = 0.0
    trees: tuple[tuple[Node, ...], ...] = ()

    def sides(self, table: pa.Table) -> Flags:
        """Which rows go right at each of this party's cuts, (cuts, rows).

        Raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE, SCR-INFINITE.
        """
        bins = coded(table, self.variables)
        own = bins.codes - bins.edges[:-1]
        told = [own[:, feature] >= code for feature, code in self.cuts]
        return np.array(told, np.bool_).reshape(len(self.cuts), table.num_rows)

    def save(self, state: Path) -> Path:
        """Write to the node's folder ``state``, readable by the node alone; whole or not at all."""
        target = _file(state, self.model)
        partial = target.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(canonical_json(self.model_dump(mode="json")))
        partial.replace(target)
        return target


def load_tree_part(state: Path, model: str, party: str) -> TreePart:
    """``party``'s part of ``model``. Raises UserError PRV-MODEL-PART where none is there, or not whole."""
    try:
        part = TreePart.model_validate_json(_file(state, model).read_bytes())
    except (OSError, ValidationError) as error:
        return fail("PRV-MODEL-PART", party, model=model[:12], detail=type(error).__name__)
    if part.party != party or part.model != model:
        fail("PRV-MODEL-PART", party, model=model[:12], detail=f"{part.party} {part.model[:12]}")
    return part


def log_odds(trees: Sequence[Sequence[Node]], base: float, sides: Mapping[str, Flags], rows: int) -> Floats:
    """Log odds of bad (rows,) from every party's ``sides`` (cuts, rows)."""
    told = np.full(rows, base)
    for tree in trees:
        at = np.zeros(rows, np.int64)
        for number, node in enumerate(tree):  # a node stands before its children
            if node.party:
                here: np.ndarray[Any, np.dtype[np.intp]] = np.flatnonzero(at == number)
                right = sides[node.party][node.number, here]
                at[here] = np.where(right, node.right, node.left)
        told = told + np.array([node.value for node in tree])[at]
    return told


def _file(state: Path, model: str) -> Path:
    if len(model) != 64 or not set(model) <= set("0123456789abcdef"):  # noqa: PLR2004 - hexadecimal SHA-256
        fail("PRV-MODEL-PART", "model", model=model[:12], detail="SHA-256")
    return state / f"trees-{model}.json"
