"""Boosted trees on bins that several parties hold: growth where the label is, and cuts at each holder.

Second-order boosting on histograms (Chen, Guestrin: XGBoost, KDD 2016), level by level. Gradients and
Hessians are whole numbers before they are summed, so sums are exact and every way of summing gives the same
trees, bit for bit; the plain way is here, the private ones in ``modelling.trees``. A cut is known to its
holder by feature and bin, to the party with the label by the holder's name and a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from scipy.special import expit

from xinqiao.privacy.modelling.bin_sums import NOWHERE, ROOT, Bins, Groups, Long, Nodes, Sums, parted
from xinqiao.scoring.card import Frozen

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
HALF = 32
"""Bits of a packed number's lower half, which holds the gradient; the Hessian is above."""
LEAST_GAIN = 1e-6


class Shape(Frozen):
    """How trees grow. ``least``: rows in every node and group of bins (``Groups``). ``ridge`` in Hessian."""

    trees: int
    depth: int
    rate: float
    ridge: float
    least: int


class Node(Frozen):
    """A node of a tree: a leaf's ``value`` in log odds of bad, or the cut ``number`` of ``party``."""

    value: float = 0.0
    party: str = ""
    number: int = -1
    left: int = -1
    right: int = -1


class Cut(NamedTuple):
    """Of a node of the last request: left are the groups of the feature up to and with ``group``."""

    node: int
    feature: int
    group: int


class Parties(Protocol):
    """Some parties' features as boosting sees them."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parties."""

    def offer(self, values: Long) -> None:
        """A tree begins: each row's gradient and Hessian (rows,), packed."""

    def sums(self, nodes: Nodes) -> Mapping[str, Sequence[Sums]]:
        """Each party's sums by node."""

    def cut(self, cuts: Mapping[str, Sequence[Cut]]) -> Mapping[str, Sequence[Flags]]:
        """Cut nodes of the last request: which of the node's rows go right, by party and cut."""


@dataclass(slots=True)
class Cuts:
    """A holder's memory of its cuts: feature and first bin that goes right, by number."""

    bins: Bins
    kept: list[tuple[int, int]] = field(default_factory=list)

    def make(self, nodes: Nodes, firsts: Sequence[Long], cut: Cut) -> Flags:
        """Which rows of the node go right. Raises IndexError for a node, feature or group that is none."""
        first, end = self.bins.edges[cut.feature : cut.feature + 2].tolist()
        groups = [code for code in firsts[cut.node].tolist() if first <= code < end]
        if min(cut) < 0:
            raise IndexError
        code = groups[cut.group + 1]
        self.kept.append((cut.feature, code - first))
        return np.asarray(self.bins.codes[nodes.rows(cut.node), cut.feature] >= code)


class Local:
    """One party's features in plain."""

    def __init__(self, name: str, bins: Bins, least: int) -> None:
        self.names, self.cuts = (name,), Cuts(bins)
        self._bins, self._groups, self._least = bins, Groups(bins), least
        self._values: tuple[Long, Long] = (np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._nodes, self._firsts = Nodes(np.zeros(0, np.uint8), ()), list[Long]()

    def offer(self, values: Long) -> None:
        """See Parties."""
        self._values = unpacked(values)

    def sums(self, nodes: Nodes) -> Mapping[str, Sequence[Sums]]:
        """See Parties."""
        self._nodes = nodes
        self._firsts = self._groups.of(nodes, self._least)
        return {self.names[0]: [self._summed(node, firsts) for node, firsts in enumerate(self._firsts)]}

    def cut(self, cuts: Mapping[str, Sequence[Cut]]) -> Mapping[str, Sequence[Flags]]:
        """See Parties."""
        own = cuts.get(self.names[0], ())
        return {self.names[0]: [self.cuts.make(self._nodes, self._firsts, cut) for cut in own]}

    def _summed(self, node: int, firsts: Long) -> Sums:
        rows, bins = self._nodes.rows(node), self._bins
        if not len(firsts):
            return ()
        codes = bins.codes[rows]
        total = np.zeros(bins.total, np.int64)
        for values, shift in zip(self._values, (0, HALF), strict=True):
            weights = np.repeat(values[rows].astype(np.float64), codes.shape[1])  # exact: below 2^53
            found = np.bincount(codes.ravel(), weights=weights, minlength=bins.total)
            total += found.astype(np.int64) << shift
        return parted(np.add.reduceat(total, firsts), bins.each(firsts))


def packed(gradient: Floats, hessian: Floats) -> tuple[Long, float]:
    """Both as whole numbers in one, gradients within -1..1 and Hessians within 0..1; and what 1 became."""
    unit = 2.0 ** (HALF - 2 - len(gradient).bit_length())
    values = np.rint(gradient * unit).astype(np.int64)
    return values + (np.rint(hessian * unit).astype(np.int64) << HALF), unit


def unpacked(values: Long) -> tuple[Long, Long]:
    """Gradients and Hessians of packed numbers or of their sums."""
    low = ((values + (1 << (HALF - 1))) & ((1 << HALF) - 1)) - (1 << (HALF - 1))
    return low, (values - low) >> HALF


@dataclass(slots=True)
class Boosted:
    """Trees and, for the rows they grew on, the log odds of bad. ``base``: log odds before any tree."""

    base: float
    trees: list[list[Node]]
    odds: Floats


def boost(
    bad: Floats,
    train: Flags,
    parties: Sequence[Parties],
    shape: Shape,
    progress: Callable[[float], None] = lambda _: None,
) -> Boosted:
    """Boost on the ``train`` rows of ``bad`` (rows,), 1.0 = bad; the others are only carried along.

    The first of ``parties`` grows the first tree alone: so what the others see of nodes no longer follows
    the label by itself.
    """
    share = float(bad[train].mean())
    told = Boosted(math.log(share / (1 - share)), [], np.full(len(bad), math.log(share / (1 - share))))
    numbers = {name: 0 for party in parties for name in party.names}
    for number in range(shape.trees):
        risk = expit(told.odds)
        values, unit = packed(np.where(train, risk - bad, 0.0), np.where(train, risk * (1 - risk), 0.0))
        growth = _Growth(values, unit, parties if number else parties[:1], shape, numbers)
        growth.grow()
        told.trees.append(growth.tree)
        told.odds = told.odds + np.array([node.value for node in growth.tree])[growth.leaves]
        progress((number + 1) / shape.trees)
    return told


class _Growth:
    """One tree that grows, and the leaf of each row. ``numbers``: cuts made so far, by party."""

    def __init__(
        self,
        values: Long,
        unit: float,
        parties: Sequence[Parties],
        shape: Shape,
        numbers: dict[str, int],
    ) -> None:
        self._values, self._unit, self._parties, self._shape = values, unit, parties, shape
        self._numbers = numbers
        self.leaves, self.tree = np.zeros(len(values), np.int64), [self._leaf(values)]

    def grow(self) -> None:
        """Level by level, as long as a cut gains."""
        for party in self._parties:
            party.offer(self._values)
        asked, parents = [0], [ROOT]
        for _ in range(self._shape.depth):
            place = np.full(len(self.leaves), NOWHERE, np.uint8)
            for number, node in enumerate(asked):
                place[self.leaves == node] = number
            nodes = Nodes(place, tuple(parents))
            parted_now, cut = asked, self._cut(nodes)
            asked, parents = [], []
            for number, (name, kept, right) in sorted(cut.items()):
                rows = nodes.rows(number)
                for child in self._children(parted_now[number], name, kept, (rows[~right], rows[right])):
                    asked.append(child)
                    parents.append(number)
            if not asked:
                break

    def _children(
        self, node: int, name: str, number: int, rows: Sequence[np.ndarray[Any, Any]]
    ) -> Iterator[int]:
        """Part the leaf ``node``; those of its children that may be parted further."""
        left = len(self.tree)
        self.tree[node] = Node(party=name, number=number, left=left, right=left + 1)
        for child, chosen in enumerate(rows, left):
            self.leaves[chosen] = child
            self.tree.append(self._leaf(self._values[chosen]))
            if len(chosen) >= 2 * self._shape.least:
                yield child

    def _leaf(self, values: Long) -> Node:
        gradient, hessian = (float(part.sum()) / self._unit for part in unpacked(values))
        return Node(value=-gradient / (hessian + self._shape.ridge) * self._shape.rate)

    def _cut(self, nodes: Nodes) -> dict[int, tuple[str, int, Flags]]:
        """The nodes worth cutting: whose cut, its number there, and which of the rows go right."""
        found = {name: sums for party in self._parties for name, sums in party.sums(nodes).items()}
        chosen: dict[str, list[Cut]] = {name: [] for name in found}
        for node in range(len(nodes.parents)):
            total = int(self._values[nodes.rows(node)].sum())
            best = _best({n: s[node] for n, s in found.items()}, total, self._unit, self._shape.ridge)
            if best is not None:
                chosen[best[0]].append(Cut(node, *best[1]))
        told: dict[int, tuple[str, int, Flags]] = {}
        for party in self._parties:
            for name, sides in party.cut({name: chosen[name] for name in party.names}).items():
                for cut, right in zip(chosen[name], sides, strict=True):
                    told[cut.node] = (name, self._numbers[name], right)
                    self._numbers[name] += 1
        return told


def _best(
    sums: Mapping[str, Sums], total: int, unit: float, ridge: float
) -> tuple[str, tuple[int, int]] | None:
    """The party, feature and group of the greatest gain; the first of equals."""
    best, most = None, LEAST_GAIN
    for name, features in sums.items():
        if not features:
            continue
        ends = np.cumsum([len(groups) for groups in features])
        gains = _gains(np.concatenate(features), ends, total, unit, ridge)
        place = int(gains.argmax())
        if gains[place] > most:
            feature = int(np.searchsorted(ends, place, side="right"))
            best, most = (name, (feature, place - int(ends[feature - 1]) * (feature > 0))), gains[place]
    return best


def _gains(groups: Long, ends: Long, total: int, unit: float, ridge: float) -> Floats:
    """Gain of cutting after each group, of features that end at ``ends``; none after a feature's last."""
    low = np.cumsum(groups)  # may wrap around; differences don't
    before = np.concatenate([[0], low[ends[:-1] - 1]])
    low -= np.repeat(before, np.diff(ends, prepend=0))
    whole = np.array([total])
    left, right, uncut = (
        (gradient / unit) ** 2 / (hessian / unit + ridge)
        for gradient, hessian in map(unpacked, (low, whole - low, whole))
    )
    gains: Floats = left + right - uncut
    gains[ends - 1] = -np.inf
    return gains
