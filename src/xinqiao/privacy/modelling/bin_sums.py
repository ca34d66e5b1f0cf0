"""Sums of one party's secret numbers in the bins of another party's features: what WOE and trees are made of.

The asking party has a number for each row, the telling one a bin for each row and feature. For some groups
of rows, called nodes, the asking party learns the sum in each bin and nothing else; neighbouring bins that
hold too few rows are joined first, by the telling party, so that neither a sum nor a difference of a
feature's sums is of a few rows (``Groups``). Who knows each row's number may still find rows in a sum by
search, the more easily the fewer they are and the more their numbers differ. Two ways behind one interface:
``bin_sums_paillier`` for two parties, ``bin_sums_dealer`` with a third that deals randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol, TypeAlias

import numpy as np

from xinqiao.kernel.errors import fail

Long: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Place: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
"""(rows,): the node of each row, or ``NOWHERE``."""
NOWHERE = 255
ROOT = -1


@dataclass(frozen=True, slots=True)
class Bins:
    """Rows as bins of some features.

    ``codes`` (rows, features) number the bins of all features on; ``edges`` (features + 1,) are the first
    code of each feature, and last the number of all bins. ``counted`` (rows,): which rows have numbers; the
    others' are 0 and hide nothing. All, where it is None.
    """

    codes: Long
    edges: Long
    counted: np.ndarray[Any, np.dtype[np.bool_]] | None = None

    @classmethod
    def of(cls, codes: Sequence[np.ndarray[Any, Any]], sizes: Sequence[int]) -> Bins:
        """From each feature's codes (rows,), which start at 0, and its number of bins."""
        edges = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return cls(np.stack(codes, axis=1).astype(np.int64) + edges[:-1], edges)

    @property
    def total(self) -> int:
        """Bins of all features."""
        return int(self.edges[-1])

    def counts(self, rows: np.ndarray[Any, np.dtype[np.intp]]) -> Long:
        """Rows with numbers in each bin (bins,), among those at the positions ``rows``."""
        if self.counted is not None:
            rows = rows[self.counted[rows]]
        return np.bincount(self.codes[rows].ravel(), minlength=self.total).astype(np.int64)

    def joined(self, rows: np.ndarray[Any, np.dtype[np.intp]], least: int) -> Long:
        """First bins of groups of neighbouring bins, so that each group holds ``least`` of ``rows`` or more.

        What is too few at a feature's end joins the group before it; a feature of too few rows in all is
        one group.
        """
        counts, firsts = self.counts(rows).tolist(), []
        for first, end in zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), strict=True):
            found, held = [first], 0
            for place in range(first, end):
                if held >= least:
                    found.append(place)
                    held = 0
                held += counts[place]
            if held < least and len(found) > 1:
                found.pop()
            firsts += found
        return np.array(firsts, np.int64)

    def nested(self, node: Long, rest: Long, firsts: Long, least: int) -> Long:
        """First bins of groups for both children of a node: ``firsts`` are its own, these are some of them.

        ``node`` and ``rest`` (bins,): rows of either child. Each group has rows of one child alone, or of
        each child ``least`` or more in the bins that both are in. Then no linear combination of a feature's
        sums in a tree is a sum over fewer rows. A feature that can't be parted so is one group: its sum is
        of all rows of the child, which the asker knows by itself.
        """
        both = (node > 0) & (rest > 0)
        bins = np.stack([node, rest, node * both, rest * both], axis=1)
        held = np.add.reduceat(bins, firsts) if len(firsts) else bins
        ends = np.searchsorted(firsts, self.edges).tolist()
        places = [first + run for first, end in pairwise(ends) for run in _runs(held[first:end], least)]
        return firsts[places] if places else firsts

    def each(self, firsts: Long) -> Long:
        """Groups of each feature (features,)."""
        return np.diff(np.searchsorted(firsts, self.edges)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Nodes:
    """What is asked for at once: the sums over the rows of some nodes.

    ``parents``: each node's parent by its number in the request before, ``ROOT`` where there is none. Two
    nodes of one parent stand together and part its rows.
    """

    place: Place
    parents: tuple[int, ...]

    def rows(self, node: int) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Positions of the node's rows."""
        return np.flatnonzero(self.place == node)

    def worked(self) -> list[tuple[int, int | None]]:
        """Nodes to sum for, the smaller of two siblings only, each with the sibling got from its parent."""
        told: list[tuple[int, int | None]] = []
        for node, parent in enumerate(self.parents):
            if parent != ROOT and node and self.parents[node - 1] == parent:
                other, _ = told.pop()
                fewer = sorted((other, node), key=lambda n: (int(np.sum(self.place == n)), n))
                told.append((fewer[0], fewer[1]))
            else:
                told.append((node, None))
        return told


@dataclass(slots=True)
class Groups:
    """The groups of bins that sums are told of, node by node, from a tree's root on.

    What is told of a node and of one child tells of the other child too, asked for or not. So both have the
    same groups, made of their parent's.
    """

    bins: Bins
    _counts: list[Long] = field(default_factory=list)
    _firsts: list[Long] = field(default_factory=list)

    def of(self, nodes: Nodes, least: int) -> list[Long]:
        """First bins of the groups of each node of a request that follows the one before."""
        counts = [self.bins.counts(nodes.rows(node)) for node in range(len(nodes.parents))]
        found: dict[int, Long] = {}
        for node, sibling in nodes.worked():
            parent = nodes.parents[node]
            if parent == ROOT:
                firsts = self.bins.joined(nodes.rows(node), least)
            else:
                rest = self._counts[parent] - counts[node]
                firsts = self.bins.nested(counts[node], rest, self._firsts[parent], least)
            found[node] = found[node if sibling is None else sibling] = firsts
        self._counts, self._firsts = counts, [found[node] for node in range(len(counts))]
        return self._firsts


Sums: TypeAlias = "tuple[Long, ...]"
"""Of one node: the sums (groups,) of each feature."""


class Asker(Protocol):
    """The side with the numbers."""

    def offer(self, values: Long) -> None:
        """Set the numbers (rows,), for all questions until the next offer; their sums fit 63 bits."""

    def ask(self, nodes: Nodes) -> Mapping[str, Sequence[Sums]]:
        """The sums of each teller's features by node. Raises UserError PRV-MESSAGE, PRV-PAILLIER."""

    def end(self) -> None:
        """No more questions."""


class Teller(Protocol):
    """The side with the bins."""

    def take(self) -> None:
        """Receive an offer."""

    def tell(self, nodes: Nodes, least: int) -> list[Long]:
        """Answer a question; the first bins of each node's groups, by ``Groups``."""


def _runs(held: Long, least: int) -> list[int]:
    """Where runs begin that may be told, among ``held`` (places, 4): see ``Bins.nested``."""
    starts, sums = [0], [0, 0, 0, 0]
    before: list[list[int]] = []
    for place, counts in enumerate(held.tolist()):
        if place and _enough(sums, least):
            starts.append(place)
            before.append(sums)
            sums = counts
        else:
            sums = [a + b for a, b in zip(sums, counts, strict=True)]
    while before and not _enough(sums, least):
        starts.pop()
        sums = [a + b for a, b in zip(sums, before.pop(), strict=True)]
    return starts


def _enough(sums: Sequence[int], least: int) -> bool:
    node, rest, mixed_node, mixed_rest = sums
    return not node or not rest or min(mixed_node, mixed_rest) >= least


def parted(sums: Long, each: Long) -> Sums:
    """Sums of all features as one array a feature."""
    return tuple(np.split(sums, np.cumsum(each)[:-1]))


def checked_each(each: object, features: int, bins: int, source: str) -> Long:
    """Groups of each feature as ``source`` told them. Raises UserError PRV-MESSAGE."""
    if not isinstance(each, np.ndarray) or each.shape != (features,) or each.dtype != np.int64:
        return fail("PRV-MESSAGE", source, detail="groups")
    if each.min(initial=1) < 1 or int(each.sum()) > bins:
        fail("PRV-MESSAGE", source, detail="groups")
    return each
