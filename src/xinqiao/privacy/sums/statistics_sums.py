"""What statistics are computed from: whole units of values, sums over rows, and results of sums."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.noise import epsilon
from xinqiao.privacy.protocol.masks import Long
from xinqiao.privacy.sums.statistics_plan import VALUE_AT_MOST, Plan


def units_of(table: pa.Table, plan: Plan, where: str) -> Long:
    """The last column's values in the smallest unit. Raises UserError PRV-STATISTICS-VALUE."""
    column = table.column(table.num_columns - 1).combine_chunks()
    if pa.types.is_floating(column.type):
        scaled = np.rint(column.to_numpy(zero_copy_only=False).astype(np.float64) * 10.0**plan.decimals)
        wrong = ~(np.abs(scaled) < VALUE_AT_MOST)
    elif pa.types.is_integer(column.type):
        plain, unit = column.to_numpy(zero_copy_only=False), 10**plan.decimals
        wrong = (plain >= VALUE_AT_MOST // unit) | (plain.astype(np.int64) <= -(VALUE_AT_MOST // unit))
        scaled = plain.astype(np.int64) * unit
    elif pa.types.is_decimal(column.type):
        scaled = np.array([plan.units(Decimal(v)) for v in column.to_pylist()], object)
        wrong = np.abs(scaled) >= VALUE_AT_MOST
    else:
        fail("PRV-STATISTICS-VALUE", where, detail=f"{column.type}")
    if wrong.any():
        fail("PRV-STATISTICS-VALUE", where, detail=f"{int(np.count_nonzero(wrong))} x")
    units: Long = scaled.astype(np.int64)
    if plan.noise is not None:
        units = np.clip(units, plan.units(plan.noise.low), plan.units(plan.noise.high))
    return units


def lengths_of(plan: Plan) -> list[int]:
    """Of the parts of the vector: number, sum, sum of squares, histogram, grid."""
    measures = set(plan.measures)
    grid = len(plan.grid_units)
    return [
        1,
        int(bool(measures & {"sum", "mean", "variance"})),
        int("variance" in measures),
        len(plan.edges) + 1 if plan.edges else 0,
        grid + 1 if grid else 0,
    ]


def vector_of(values: Long, plan: Plan, *, counts: bool = True) -> list[int]:
    """What adds up over rows. ``counts``: whether these rows are counted here (subjects are counted once)."""
    lengths = lengths_of(plan)
    wide = values.astype(object) if lengths[1] else values
    vector = [len(values) if counts else 0]
    vector += [int(wide.sum())] if lengths[1] else []
    vector += [int((wide * wide).sum())] if lengths[2] else []
    if lengths[3]:
        edges = np.array([plan.units(edge) for edge in plan.edges])
        vector += _cells(np.searchsorted(edges, values, side="right"), lengths[3])
    if lengths[4]:
        vector += _cells(np.searchsorted(np.array(plan.grid_units), values, side="left"), lengths[4])
    return vector


def _cells(places: np.ndarray[Any, Any], cells: int) -> list[int]:
    return [int(n) for n in np.bincount(places, minlength=cells)]


def results_of(sums: Sequence[int], plan: Plan) -> dict[str, Any]:
    """Results from sums."""
    parts, at = [], 0
    for length in lengths_of(plan):
        parts.append(list(sums[at : at + length]))
        at += length
    count, measures = parts[0][0], plan.measures
    told: dict[str, Any] = {"count": count}
    if parts[1]:
        told["sum"] = _exact(parts[1][0], plan)
    if "mean" in measures:
        told["mean"] = plan.number(Fraction(parts[1][0], count)) if count > 0 else None
    if "variance" in measures:
        told["variance"] = _variance(count, parts[1][0], parts[2][0], plan)
    if "histogram" in measures:
        told["histogram"] = parts[3]
    if "quantile" in measures:
        told["quantiles"] = {str(q): _quantile(parts[4], q, plan) for q in plan.quantiles}
    if plan.noise is not None:
        told |= {"noise": plan.noise.mechanism, "rho": plan.noise.rho, "delta": plan.noise.delta}
        told["epsilon"] = epsilon(plan.noise.rho, plan.noise.delta)
    return told


def _exact(units: int, plan: Plan) -> str:
    return f"{Decimal(units).scaleb(-plan.decimals):f}"


def _variance(count: int, total: int, squares: int, plan: Plan) -> float | None:
    """Of a sample: divided by one less than the number."""
    if count <= 1:
        return None
    scaled = (squares - Fraction(total**2, count)) / (count - 1)
    return float(scaled / 10 ** (2 * plan.decimals))


def _quantile(cells: Sequence[int], share: float, plan: Plan) -> float | None:
    """The lowest edge of the grid at or below which ``share`` of the values lie; None above them all."""
    below, count = 0, sum(cells)
    for edge, cell in zip(plan.grid_units, cells, strict=False):
        below += cell
        if below >= Fraction(share) * count:
            return plan.number(edge)
    return None
