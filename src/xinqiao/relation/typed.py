"""What stands around a node of a graph with typed edges: sums, means and extremes over neighbours.

All of it is sparse matrix products; a row is a node, a stored entry is an edge of one type.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


def typed_links(
    nodes: int,
    ends: tuple[Places, Places],
    kind: NDArray[np.int64],
    weight: Floats,
    names: Mapping[str, Collection[int]],
) -> dict[str, sparse.csr_array]:
    """One matrix (nodes, nodes) for each name: sums of ``weight`` over edges whose ``kind`` it lists.

    ``ends`` are the places of source and target of each edge, each (edges,).
    """
    links = {}
    for name, kinds in names.items():
        chosen = np.isin(kind, list(kinds))
        cells = (weight[chosen], (ends[0][chosen], ends[1][chosen]))
        links[name] = sparse.csr_array(cells, shape=(nodes, nodes))
    return links


def present(links: sparse.csr_array) -> sparse.csr_array:
    """1 where there is an edge, whatever its weight."""
    out = links.copy()
    out.data = np.ones(len(out.data))
    return out


def counted(many: Sequence[sparse.csr_array]) -> sparse.csr_array:
    """In how many of the matrices, all of one shape, there is an edge."""
    return sparse.csr_array(sum((present(links) for links in many[1:]), start=present(many[0])))


def union(many: Sequence[sparse.csr_array]) -> sparse.csr_array:
    """1 where any of ``many`` matrices of one shape has an edge, without edges to oneself."""
    return present(_without_self(counted(many)))


def meeting(left: sparse.csr_array, right: sparse.csr_array) -> sparse.csr_array:
    """In how many columns two rows meet, (rows, rows), without oneself: firms that share people."""
    return _without_self(sparse.csr_array(left @ right.T))


def beyond(links: sparse.csr_array) -> sparse.csr_array:
    """1 for nodes at a distance of exactly two in the square 0/1 matrix ``links``."""
    two = present(_without_self(sparse.csr_array(links @ links)))
    out = sparse.csr_array(two - two.multiply(links))
    out.eliminate_zeros()
    return out


def _without_self(links: sparse.csr_array) -> sparse.csr_array:
    cells = links.tocoo()
    apart = cells.row != cells.col
    kept = (cells.data[apart], (cells.row[apart], cells.col[apart]))
    out = sparse.csr_array(kept, shape=links.shape)
    out.sort_indices()
    return out


def row_max(links: sparse.csr_array, values: Floats, empty: float = np.nan) -> Floats:
    """Greatest of ``values`` (columns,) among a row's neighbours; ``empty`` where it has none."""
    out = np.full(links.shape[0], empty)
    filled = np.flatnonzero(np.diff(links.indptr))
    if len(filled):
        out[filled] = np.maximum.reduceat(values[links.indices], links.indptr[filled])
    return out


def row_mean(links: sparse.csr_array, values: Floats) -> Floats:
    """Mean of ``values`` (columns,) over neighbours, weighed by edges; NaN where there are none."""
    total: Floats = np.asarray(links.sum(axis=1))
    sums: Floats = links @ values
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, sums / total, np.nan)


def concentration(links: sparse.csr_array) -> tuple[Floats, Floats]:
    """Share of a row's greatest weight, and sum of squared shares (Herfindahl); NaN without weight."""
    total = np.asarray(links.sum(axis=1))
    squares = np.asarray(links.multiply(links).sum(axis=1))
    greatest = np.asarray(links.max(axis=1).toarray()).ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        top = np.where(total > 0, greatest / total, np.nan)
        return top, np.where(total > 0, squares / total**2, np.nan)


def spread(links: sparse.csr_array, values: Floats, keep: float, steps: int) -> Floats:
    """``values`` (nodes,) after ``steps`` of keeping a share ``keep`` and taking the neighbours' mean.

    The series of personalised PageRank, cut after ``steps``; what a node keeps of itself is taken off.
    """
    total = np.maximum(np.asarray(links.sum(axis=1)), 1)
    now = values.copy()
    for _ in range(steps):
        now = keep * values + (1 - keep) * (links @ now) / total
    return now - keep * values
