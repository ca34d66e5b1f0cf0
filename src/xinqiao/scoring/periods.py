"""Time-stable bins: neighbours whose order flips between periods, or whose shares drift, are joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from xinqiao.scoring.codes import Floats
from xinqiao.scoring.merging import Block, chi_square
from xinqiao.scoring.metrics import stability_index

FLIPPED = 3.84
"""Chi-square (5 %, one degree of freedom) from which an opposite order in one period is no accident."""
DRIFTED = 0.25
"""Stability index of the bins' shares, first period against a later one, from which they have shifted."""


@dataclass(slots=True)
class Periods:
    """Rows and bads of one column by period and fine code, both (periods, fine codes), periods ascending.

    ``flips`` and ``drifts`` count the joins that ``joined`` made, ``index`` is the greatest stability
    index it began with.
    """

    count: Floats
    bad: Floats
    flips: int = field(default=0, init=False)
    drifts: int = field(default=0, init=False)
    index: float = field(default=0.0, init=False)

    def joined(self, blocks: Sequence[Block], order: NDArray[np.intp]) -> list[Block]:
        """``blocks`` of the fine codes ``order``, fewer where they do not last."""
        kept = list(blocks)
        self.index = self._drift(kept, order)
        while len(kept) > 1:
            opposed = [self._opposed(a, b, order) for a, b in pairwise(kept)]
            worst = int(np.argmax(opposed))
            if opposed[worst] < FLIPPED:
                break
            kept[worst : worst + 2] = [kept[worst].join(kept[worst + 1])]
            self.flips += 1
        while len(kept) > 1 and self._drift(kept, order) > DRIFTED:
            kept = min(_neighbours_joined(kept), key=self._drift_of(order))
            self.drifts += 1
        return kept

    @property
    def note(self) -> str:
        """What was done, for the card's provenance; empty when nothing."""
        if not self.flips + self.drifts:
            return ""
        return f"flips joined: {self.flips}; drifts joined: {self.drifts}; stability index {self.index:.3f}"

    def _opposed(self, a: Block, b: Block, order: NDArray[np.intp]) -> float:
        """Largest chi-square of a period in which ``a`` and ``b`` stand the other way round."""
        worst = 0.0
        for period in range(len(self.count)):
            left, right = (self._in(period, block, order) for block in (a, b))
            if left.n and right.n and (right.rate - left.rate) * (b.rate - a.rate) < 0:
                worst = max(worst, chi_square(left, right))
        return worst

    def _in(self, period: int, block: Block, order: NDArray[np.intp]) -> Block:
        inside = order[block.first : block.last + 1]
        n, bad = self.count[period, inside].sum(), self.bad[period, inside].sum()
        return Block(block.first, block.last, float(n), float(bad))

    def _drift(self, blocks: Sequence[Block], order: NDArray[np.intp]) -> float:
        shares = [[self._in(p, block, order).n for block in blocks] for p in range(len(self.count))]
        known = [row for row in shares if sum(row) > 0]
        return max((stability_index(known[0], row) for row in known[1:]), default=0.0)

    def _drift_of(self, order: NDArray[np.intp]) -> Callable[[list[Block]], float]:
        return lambda blocks: self._drift(blocks, order)


def _neighbours_joined(blocks: list[Block]) -> list[list[Block]]:
    """Every way to join two neighbours."""
    return [[*blocks[:i], blocks[i].join(blocks[i + 1]), *blocks[i + 2 :]] for i in range(len(blocks) - 1)]
