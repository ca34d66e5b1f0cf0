"""Between the bank that grows trees and the holders of features: steps, questions, cuts, and their limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import Field, pack, unpack, whole_array
from xinqiao.privacy.modelling.bin_sums import NOWHERE, ROOT, Asker, Bins, Long, Nodes, Sums
from xinqiao.privacy.modelling.label_features import teller
from xinqiao.privacy.modelling.tree_growth import Cut, Cuts, Flags
from xinqiao.privacy.modelling.tree_terms import DEPTH_MOST, TreeParams

END, TREE, LEVEL = 0, 1, 2
NO_PLACE = np.zeros(0, np.uint8)
NO_NODES = Nodes(NO_PLACE, ())
"""Before a tree's root."""


def packed_sides(sides: Flags) -> bytes:
    """Which rows go right, a bit each, as it travels."""
    return pack({"sides": np.packbits(sides)})


def sides_in(payload: bytes, source: str, count: int) -> Flags:
    """The other way round; ``count`` bits. Raises UserError PRV-MESSAGE."""
    told = whole_array(payload, source, (-(-count // 8),), "|u1", "sides")
    return np.unpackbits(told, count=count).astype(np.bool_)


class Remote:
    """All holders' features, as the bank sees them over the link."""

    def __init__(self, link: Link, names: Sequence[str], ask: Asker) -> None:
        self.names = tuple(names)
        self._link, self._ask = link, ask
        self._nodes = NO_NODES

    def offer(self, values: Long) -> None:
        """See Parties."""
        self._step(TREE)
        self._ask.offer(values)

    def sums(self, nodes: Nodes) -> Mapping[str, Sequence[Sums]]:
        """See Parties."""
        self._nodes = nodes
        self._step(LEVEL, place=nodes.place, parents=np.array(nodes.parents, np.int64))
        return self._ask.ask(nodes)

    def cut(self, cuts: Mapping[str, Sequence[Cut]]) -> Mapping[str, Sequence[Flags]]:
        """See Parties."""
        for name in self.names:
            chosen = np.array(cuts[name], np.int64).reshape(-1, 3)
            self._link.send(name, "trees.cuts", pack({"cuts": chosen}))
        return {name: self._sides(name, cuts[name]) for name in self.names}

    def end(self) -> None:
        """Tell all that no more trees grow."""
        self._step(END)
        self._ask.end()

    def _sides(self, name: str, cuts: Sequence[Cut]) -> list[Flags]:
        sizes = [len(self._nodes.rows(cut.node)) for cut in cuts]
        sides = sides_in(self._link.receive(name, "trees.sides"), name, sum(sizes))
        return np.split(sides, np.cumsum(sizes)[:-1]) if sizes else []

    def _step(self, step: int, **fields: np.ndarray[Any, Any]) -> None:
        told: dict[str, Field] = {"step": step, "place": NO_PLACE, "parents": np.zeros(0, np.int64)}
        payload = pack(told | fields)
        for name in self.names:
            self._link.send(name, "trees.step", payload)


def hold(job: Job, link: Link, bins: Bins, params: TreeParams) -> Cuts:
    """A holder's part in growing; its cuts.

    Raises UserError PRV-MESSAGE for what growth as agreed never asks, so that a bank that deviates gets no
    more sums than the manifest says.
    """
    bank, cuts, side = job.manifest.only("bank").name, Cuts(bins), teller(job, link, bins)
    grown, level, before = 1, params.depth, NO_NODES  # the first tree is the bank's alone
    while True:
        told = unpack(link.receive(bank, "trees.step"), bank, step=int, place=np.ndarray, parents=np.ndarray)
        if told["step"] == END:
            return cuts
        if told["step"] == TREE:
            grown, level, before = grown + 1, 0, NO_NODES
            agreed(bank, "trees", grown <= params.trees)
            side.take()
            job.progress(grown / params.trees)
            continue
        level += 1
        agreed(bank, "levels", level <= params.depth)
        nodes = checked(_nodes(told, bank, len(bins.codes)), before, bank, params.least)
        firsts = side.tell(nodes, params.least)
        chosen = unpack(link.receive(bank, "trees.cuts"), bank, cuts=np.ndarray)["cuts"]
        sides = _cut(cuts, nodes, firsts, chosen, bank)
        link.send(bank, "trees.sides", packed_sides(sides))
        before = nodes


def agreed(source: str, what: str, held: bool) -> None:  # noqa: FBT001 - a condition
    """Raises UserError PRV-MESSAGE where ``source`` asks for what growth as agreed never asks."""
    if not held:
        fail("PRV-MESSAGE", source, detail=what)


def _nodes(told: Mapping[str, Any], bank: str, rows: int) -> Nodes:
    place, parents = told["place"], told["parents"]
    agreed(bank, "place", place.dtype == np.uint8 and place.shape == (rows,))
    agreed(bank, "parents", parents.dtype == np.int64 and parents.ndim == 1)
    agreed(bank, "nodes", 0 < len(parents) <= 1 << (DEPTH_MOST - 1))
    return Nodes(place, tuple(parents.tolist()))


def checked(nodes: Nodes, before: Nodes, bank: str, least: int) -> Nodes:
    """What ``bank`` asks for after ``before``: all rows; then nodes of enough rows that part their parent.

    Raises UserError PRV-MESSAGE for anything else: sums of few rows would tell of single ones. Of one parent
    there are two nodes side by side or one: two apart would leave rows over, few perhaps, whose sums follow.
    """
    sizes, count = np.bincount(nodes.place, minlength=NOWHERE + 1), len(nodes.parents)
    if not before.parents:
        agreed(bank, "root", nodes.parents == (ROOT,) and sizes[0] == len(nodes.place))
        agreed(bank, "rows of nodes", sizes[0] >= 2 * least)
        return nodes
    agreed(bank, "rows of nodes", sizes[:count].min() >= 2 * least and not sizes[count:NOWHERE].any())
    agreed(bank, "order of nodes", list(nodes.parents) == sorted(nodes.parents))
    for node, parent in enumerate(nodes.parents):
        within = 0 <= parent < len(before.parents)
        agreed(bank, "parents of nodes", within and bool(np.all(before.place[nodes.place == node] == parent)))
    for node, sibling in nodes.worked():
        both = np.sum((nodes.place == node) | (nodes.place == sibling))
        parted = sibling is None or both == np.sum(before.place == nodes.parents[node])
        agreed(bank, "siblings", bool(parted))
    return nodes


def _cut(
    cuts: Cuts, nodes: Nodes, firsts: Sequence[Long], chosen: np.ndarray[Any, Any], bank: str
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows go right, of all chosen cuts one after the other."""
    fits = chosen.dtype == np.int64 and chosen.ndim == 2 and chosen.shape[1] == len(Cut._fields)  # noqa: PLR2004 - rows of a cut each
    agreed(bank, "cuts", fits and len(set(chosen[:, 0].tolist())) == len(chosen))
    try:
        sides = [cuts.make(nodes, firsts, Cut(*row)) for row in chosen.tolist()]
    except (IndexError, ValueError):
        fail("PRV-MESSAGE", bank, detail="cuts")
    return np.concatenate([np.zeros(0, np.bool_), *sides])
