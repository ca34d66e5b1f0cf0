"""A party's part of jointly boosted trees, kept in its own node.

The bank's part has the trees, their leaves and its own cuts; a cut of a holder is a name and a number there.
A holder's part has what its cuts are: which of its columns, and where. Neither scores without the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from xinqiao.privacy.modelling.label_features import coded
from xinqiao.privacy.modelling.part import Part
from xinqiao.privacy.modelling.tree_growth import Flags, Node
from xinqiao.scoring.card import Variable
from xinqiao.scoring.columns import Floats


class TreePart(Part):
    """One party's part. ``cuts``: place in ``variables`` and first bin that goes right, by number."""

    FILE: ClassVar[str] = "trees"
    format: Literal["xinqiao.tree_part"] = "xinqiao.tree_part"
    version: Literal[1] = 1
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
