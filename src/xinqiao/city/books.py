"""A block's books: the monthly sums of its invoices, from which returns and account flows follow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xinqiao.city.draw import BLOCK, Floats, Ints
from xinqiao.city.invoices import Invoices, block_of_invoices
from xinqiao.city.scene import Scene

MIRRORED = 1.12  # purchases from companies of other blocks stand in their sales: about as much again


@dataclass(frozen=True, slots=True)
class Books:
    """Invoices of a block and their valid sums in cents; arrays have shape (companies, months)."""

    sales: Invoices
    purchases: Invoices
    sold: Floats
    output_tax: Floats
    bought: Floats
    input_tax: Floats


@lru_cache(maxsize=1)
def books(scene: Scene, block: int) -> Books:
    """The books of a block; kept until another block's are asked for, as every source needs them."""
    sales, purchases = block_of_invoices(scene, block)
    sold, output_tax = _monthly(scene, block, sales)
    own = purchases.take(purchases.party >= scene.region.companies)
    bought, input_tax = _monthly(scene, block, own)
    return Books(sales, purchases, sold, output_tax, bought * MIRRORED, input_tax * MIRRORED)


def books_of(scene: Scene, ids: Ints) -> Books:
    """The books of the block that ``ids`` are."""
    return books(scene, int(ids[0]) // BLOCK)


def _monthly(scene: Scene, block: int, rows: Invoices) -> tuple[Floats, Floats]:
    """Valid amounts and tax by company and month."""
    months = scene.region.calendar.months
    ids = scene.ids(block)
    month = np.searchsorted(scene.region.calendar.first_day, rows.day, side="right") - 1
    place = np.where(rows.void, -1, (rows.company - ids[0]) * months + month)
    cells = len(ids) * months
    kept = (place >= 0) & (place < cells)

    def sums(column: Ints) -> Floats:
        out = np.bincount(place[kept], weights=column[kept], minlength=cells).astype(np.float64)
        return out.reshape(len(ids), months)

    return sums(rows.amount), sums(rows.tax)
