"""One split as the models read it: features by stage, and area and industry for their rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.model_selection import GroupKFold

from xinqiao.scoring.columns import Floats
from xinqiao.scoring.smesd.features import Features, attributes, context, lawsuits, members
from xinqiao.scoring.smesd.read import Firms
from xinqiao.scoring.smesd.surroundings import graph_features, surroundings

STAGES = ("attributes", "lawsuits", "graph")
RATED = ("area", "industry")
RATE_PRIOR = 20.0  # firms of average rate added to each area's and industry's own
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Table:
    """``columns`` of each stage by name, memberships (firms, names) by kind, and the graph of firms.

    ``near`` (firms, firms) joins partners and firms that share people; ``component`` (firms,) says
    which firms hang together, so that folds never part them.
    """

    columns: dict[str, Features]
    groups: dict[str, tuple[sparse.csr_array, tuple[str, ...]]]
    near: sparse.csr_array
    component: NDArray[np.int32]
    bad: Floats

    def matrix(self, stage: str) -> Floats:
        """All columns up to ``stage``, (firms, columns)."""
        upto = STAGES[: STAGES.index(stage) + 1]
        return np.column_stack([v for s in upto for v in self.columns[s].values()])


def table(split: Firms) -> Table:
    """``split`` read into features; each split, and each fold, by itself."""
    firm, suits = attributes(split), lawsuits(split)
    around = surroundings(split)
    graph = graph_features(split, around, firm | suits)
    size = {"capital": np.log1p(np.nan_to_num(firm["capital"])), "age": np.nan_to_num(firm["age"])}
    sued = {"lost": np.log1p(suits["lost"]), "sued": (suits["suits"] > 0).astype(np.float64)}
    columns = {
        "attributes": firm | context(split, size),
        "lawsuits": suits | context(split, sued),
        "graph": graph | context(split, {"people": graph["people"]}),
    }
    groups = {kind: _memberships(split, kind) for kind in RATED}
    return Table(columns, groups, around.near, around.component, split.bad)


def _memberships(split: Firms, kind: str) -> tuple[sparse.csr_array, tuple[str, ...]]:
    rows, codes = members(split, kind)
    names = tuple(sorted(set(split.groups["name"][split.groups["kind"] == kind])))
    cells = (np.ones(len(rows)), (rows, codes))
    return sparse.csr_array(cells, shape=(len(split.firms), len(names))), names


def folds(component: NDArray[np.int32], parts: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Rows to learn from and rows kept aside; firms that hang together stay together.

    Where one component holds more than half of the firms, they can't; then each firm goes by itself.
    """
    whole = np.bincount(component).max() <= len(component) / 2 and len(set(component.tolist())) >= parts
    groups = component if whole else np.arange(len(component))
    split = GroupKFold(parts, shuffle=True, random_state=seed).split(component, groups=groups)
    return [(np.asarray(learn, dtype=np.intp), np.asarray(aside, dtype=np.intp)) for learn, aside in split]


def rates(train: Table, rows: Rows, other: Table) -> Floats:
    """Bad rates of ``other``'s areas and industries among ``rows`` of ``train``, less the mean, shrunk.

    Shape (other firms, kinds); a name never seen says 0, no more and no less than average.
    """
    found = []
    for kind in RATED:
        links, names = train.groups[kind]
        links = links[rows]
        excess = (train.bad[rows] - train.bad[rows].mean()) @ links
        shrunk = excess / (np.asarray(links.sum(axis=0)) + RATE_PRIOR)
        known = dict(zip(names, shrunk.tolist(), strict=True))
        own, others = other.groups[kind]
        values = np.array([known.get(name, 0.0) for name in others])
        found.append(own @ values / np.maximum(np.asarray(own.sum(axis=1)), 1))
    return np.column_stack(found)
