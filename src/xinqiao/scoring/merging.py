"""From fine counts to few bins: pool violators, then merge what is too small, too many or too alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

PLENTY = 2000
"""Rows that fill a bin, however small their share."""
EmptyMissing = Literal["neutral", "pessimistic"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How bins are made.

    ``prebins``: quantile cuts tried per column. ``max_bins``: ordinary bins kept at most.
    ``min_share``: smallest share of all rows in an ordinary bin, ``PLENTY`` rows at most.
    ``smoothing``: pseudo-companies at the overall bad rate added to every bin (shrinks WOE to 0; an
    empty bin has WOE exactly 0).
    ``trend``: companies added that lie on the column's trend of risk over ranks (see ``trend``).
    ``merge_chi2``: neighbours whose 2x2 chi-square is below are merged, when no direction is stated.
    ``empty_missing``: WOE of a missing or special bin no training row fell in.
    """

    prebins: int = 20
    max_bins: int = 8
    min_share: float = 0.05
    smoothing: float = 2.0
    trend: float = 100.0
    merge_chi2: float = 2.7
    empty_missing: EmptyMissing = "neutral"


@dataclass(slots=True)
class Block:
    """Neighbouring fine bins ``first..last`` with ``n`` rows, ``bad`` of them bad."""

    first: int
    last: int
    n: float
    bad: float

    @property
    def rate(self) -> float:
        """Bad rate."""
        return self.bad / self.n

    def join(self, right: Block) -> Block:
        """This block and the one to its right as one."""
        return Block(self.first, right.last, self.n + right.n, self.bad + right.bad)


@dataclass(frozen=True, slots=True)
class Totals:
    """Rows and bads of the whole training set."""

    n: float
    bad: float

    def woe(self, n: float, bad: float, smoothing: float) -> float:
        """Smoothed weight of evidence, ln(share of goods / share of bads); higher is better.

        With m pseudo-rows at the overall bad rate p: ln((g + m(1-p))/G) - ln((b + mp)/B).
        A zero count without smoothing is given half a row, as is usual.
        """
        prior = self.bad / self.n
        good, all_good = n - bad, self.n - self.bad
        m = smoothing if smoothing > 0 or (good > 0 and bad > 0) else 0.5
        if n == 0:
            return 0.0
        return math.log((good + m * (1 - prior)) / all_good) - math.log((bad + m * prior) / self.bad)


def chi_square(a: Block, b: Block) -> float:
    """Pearson's chi-square of the 2x2 table of two blocks; 0 when both rates are the same extreme."""
    n = a.n + b.n
    p = (a.bad + b.bad) / n
    if p in {0.0, 1.0}:
        return 0.0
    return (a.rate - b.rate) ** 2 * a.n * b.n / (n * p * (1 - p))


def merge_blocks(
    counts: Sequence[tuple[float, float]], sign: int, totals: Totals, rules: Rules
) -> list[Block]:
    """Bins from fine ``counts`` (rows, bads), every one with rows > 0.

    With ``sign`` +1/-1 the smoothed WOE of the result rises/falls from bin to bin.
    """
    blocks = [Block(i, i, n, bad) for i, (n, bad) in enumerate(counts)]
    if sign:
        blocks = _pool(blocks, lambda a, b: (b.rate - a.rate) * sign >= 0)
    blocks = _merge_small(blocks, min(totals.n * rules.min_share, PLENTY))
    while len(blocks) > max(rules.max_bins, 1):
        _merge_most_alike(blocks)
    if not sign:
        while len(blocks) > 1 and min(map(chi_square, blocks, blocks[1:])) < rules.merge_chi2:
            _merge_most_alike(blocks)
        return blocks

    def violates(a: Block, b: Block) -> bool:
        left, right = (totals.woe(x.n, x.bad, rules.smoothing) for x in (a, b))
        return (right - left) * sign <= 0

    return _pool(blocks, violates)


def _pool(blocks: list[Block], violates: Callable[[Block, Block], bool]) -> list[Block]:
    """Pool adjacent violators until no neighbours violate."""
    out: list[Block] = []
    for block in blocks:
        current = block
        while out and violates(out[-1], current):
            current = out.pop().join(current)
        out.append(current)
    return out


def _merge_small(blocks: list[Block], least: float) -> list[Block]:
    """Merge blocks with fewer than ``least`` rows into the neighbour with the nearer bad rate."""
    while len(blocks) > 1:
        i = min(range(len(blocks)), key=lambda k: (blocks[k].n, k))
        if blocks[i].n >= least:
            break
        sides = [k for k in (i - 1, i + 1) if 0 <= k < len(blocks)]
        near = min(sides, key=lambda k: (abs(blocks[k].rate - blocks[i].rate), k))
        left = min(i, near)
        blocks[left : left + 2] = [blocks[left].join(blocks[left + 1])]
    return blocks


def _merge_most_alike(blocks: list[Block]) -> None:
    left = min(range(len(blocks) - 1), key=lambda k: (chi_square(blocks[k], blocks[k + 1]), k))
    blocks[left : left + 2] = [blocks[left].join(blocks[left + 1])]
