"""Arithmetic on columns of bin codes: one comparison per edge, one look-up per few columns.

A row of codes is read in groups of columns whose bins multiply to at most ``WIDEST``: the codes of a
group, taken as digits of one number, point into a table that holds the group's sum already. Four
columns of ten bins so cost one look-up, and every sum is exact where the table's numbers are whole.
Work goes in chunks that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
Floats = NDArray[np.float64]
CHUNK = 32_768
WIDEST = 16_384
SEARCH_FROM = 48
"""Edges from which a binary search per value is cheaper than a comparison per edge."""


def number_codes(
    values: Floats, edges: Floats, specials: Mapping[float, int], missing: int, out: Codes
) -> None:
    """Write the bin code of each of ``values`` (rows,) to ``out``: how many edges it reaches.

    ``specials`` gives exact values a code of their own, NaN gets ``missing``.
    """
    room = np.empty(min(CHUNK, len(values)), dtype=bool)
    for first in range(0, len(values), CHUNK):
        x, codes = values[first : first + CHUNK], out[first : first + CHUNK]
        mask = room[: len(x)]
        _count_edges(x, edges, mask, codes)
        for value, code in specials.items():
            np.equal(x, value, out=mask)
            np.putmask(codes, mask, code)
        np.not_equal(x, x, out=mask)
        np.putmask(codes, mask, missing)


def _count_edges(x: Floats, edges: Floats, mask: NDArray[np.bool_], codes: Codes) -> None:
    if len(edges) >= SEARCH_FROM:
        codes[:] = np.searchsorted(edges, x, side="right")
        return
    codes.fill(0)
    for edge in edges:
        np.greater_equal(x, edge, out=mask)
        np.add(codes, mask.view(np.uint8), out=codes)


@dataclass(frozen=True, slots=True)
class Term:
    """A table of numbers by the codes of ``columns``, of ``sizes`` bins each; shape (product of sizes,)."""

    columns: tuple[int, ...]
    sizes: tuple[int, ...]
    table: NDArray[Any]

    def index(self, codes: Sequence[Codes], room: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Places in the table of the rows of ``codes`` (one array per column of the card)."""
        place = room[: len(codes[0])]
        place[:] = codes[self.columns[0]]
        for column, size in zip(self.columns[1:], self.sizes[1:], strict=True):
            np.multiply(place, np.uint16(size), out=place)
            np.add(place, codes[column], out=place)
        return place


def joint_terms(tables: Sequence[NDArray[Any]], widest: int = WIDEST) -> list[Term]:
    """Terms that together add up ``tables``, the one at position i by the codes of column i."""
    terms: list[Term] = []
    group: list[int] = []
    for i, table in enumerate(tables):
        if group and prod(len(tables[k]) for k in group) * len(table) > widest:
            terms.append(_joined(tables, group))
            group = []
        group.append(i)
    if group:
        terms.append(_joined(tables, group))
    return terms


def _joined(tables: Sequence[NDArray[Any]], group: Sequence[int]) -> Term:
    total = tables[group[0]]
    for i in group[1:]:
        total = (total[:, None] + tables[i][None, :]).ravel()
    return Term(tuple(group), tuple(len(tables[i]) for i in group), total)


def sums(terms: Sequence[Term], codes: Sequence[Codes], out: NDArray[Any]) -> None:
    """Add to ``out`` (rows,) the tables' numbers of every row of ``codes``."""
    rows = len(out)
    room = np.empty(min(CHUNK, rows), dtype=np.uint16)
    wide, found = np.empty(len(room), dtype=np.intp), np.empty(len(room), dtype=out.dtype)
    for part in chunks(rows):
        inside, total = [c[part] for c in codes], out[part]
        n = len(total)
        for term in terms:
            wide[:n] = term.index(inside, room)
            np.take(term.table, wide[:n], out=found[:n], mode="wrap")  # in range already: "raise" copies
            np.add(total, found[:n], out=total)


def histograms(
    terms: Sequence[Term], codes: Sequence[Codes], weights: Sequence[Floats | None]
) -> list[list[Floats]]:
    """For each of ``weights`` (rows,), None for ones, its sums by code of each column of ``terms``."""
    totals = [[np.zeros(len(term.table)) for term in terms] for _ in weights]
    rows = len(codes[0]) if codes else 0
    room, wide = np.empty(min(CHUNK, rows), dtype=np.uint16), np.empty(min(CHUNK, rows), dtype=np.intp)
    for part in chunks(rows):
        inside, n = [c[part] for c in codes], part.stop - part.start
        chosen = [None if w is None else w[part] for w in weights]
        for i, term in enumerate(terms):
            wide[:n] = term.index(inside, room)
            for total, w in zip(totals, chosen, strict=True):
                total[i] += np.bincount(wide[:n], weights=w, minlength=len(term.table))
    return [
        [margin for term, total in zip(terms, found, strict=True) for margin in _margins(term, total)]
        for found in totals
    ]


def _margins(term: Term, total: Floats) -> Iterator[Floats]:
    cube = total.reshape(term.sizes)
    for axis in range(cube.ndim):
        yield cube.sum(axis=tuple(k for k in range(cube.ndim) if k != axis))


def chunks(rows: int) -> Iterator[slice]:
    """Slices of ``CHUNK`` rows that cover ``rows``."""
    return (slice(first, min(first + CHUNK, rows)) for first in range(0, rows, CHUNK))
