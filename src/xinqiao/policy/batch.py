"""Many cases decided at once: the same decisions as one by one, in columns.

A policy becomes one function over a chunk of rows; ``program(policy).chunk.written.source`` shows it.
Rows whose decision hangs on more than doubles can tell are decided alone, by ``decide_json``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.policy.case import read_inputs
from xinqiao.policy.compiled import Policy
from xinqiao.policy.evaluate import decide_json
from xinqiao.policy.vector.columns import as_arrow, read_columns
from xinqiao.policy.vector.program import Check, Program, program
from xinqiao.policy.vector.tape import CHUNK

OUTCOMES = ("approve", "refer", "reject")
EFFECTS = ("ignore", "refer", "reject")
_WORD = 32
"""Checks whose effects fit in one number of 64 bits."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Decisions in columns.

    ``outcome``: places in ``OUTCOMES``. ``limit_cny`` (CNY) and ``rate`` (a year): NaN unless
    approved, else the doubles nearest to whole steps. ``effects``: (checks, rows), places in
    ``EFFECTS``, what every check that can speak has said, in the order of the trace. ``exact_rows``: how many
    rows were decided alone.
    """

    outcome: npt.NDArray[np.uint8]
    limit_cny: npt.NDArray[np.float64]
    rate: npt.NDArray[np.float64]
    checks: tuple[Check, ...]
    effects: npt.NDArray[np.uint8]
    exact_rows: int

    def __len__(self) -> int:
        return len(self.outcome)

    def to_arrow(self) -> pa.Table:
        """outcome, limit_cny, rate and reason_codes (in the order of the single decision, spaces between)."""
        outcome = pa.DictionaryArray.from_arrays(pa.array(self.outcome, pa.int8()), list(OUTCOMES))
        limit, rate = (pa.array(part, from_pandas=True) for part in (self.limit_cny, self.rate))
        return pa.table(
            {
                "outcome": outcome.cast(pa.string()),
                "limit_cny": limit.cast(pa.decimal128(18, 2)),
                "rate": rate.cast(pa.decimal128(9, 6)),
                "reason_codes": self.reason_codes().cast(pa.string()),
            }
        )

    def reason_codes(self) -> pa.DictionaryArray:
        """The reason codes of every row: rejections first, then in the order of the trace."""
        kinds = np.zeros(len(self), np.int64)
        for start in range(0, len(self.checks), _WORD):
            packed = np.zeros(len(self), np.int64)
            for effect in self.effects[start : start + _WORD]:
                packed <<= 2
                packed |= effect
            kinds = _distinct(_distinct(packed)[0] * (int(kinds.max(initial=0)) + 1) + kinds)[0]
        kinds, firsts = _distinct(kinds)
        texts = _texts([check.code for check in self.checks], self.effects[:, firsts].T)
        return pa.DictionaryArray.from_arrays(pa.array(kinds, pa.int32()), pa.array(texts, pa.string()))


def _texts(codes: Sequence[str], effects: npt.NDArray[np.uint8]) -> list[str]:
    """The codes of every row of ``effects``, the severest first."""
    rows, checks = np.nonzero(effects)
    order = np.lexsort((checks, -effects[rows, checks].astype(np.int8), rows))
    words = [codes[check] for check in checks[order].tolist()]
    ends = np.searchsorted(rows, np.arange(len(effects)), side="right").tolist()
    return [" ".join(words[start:end]) for start, end in pairwise([0, *ends])]


def _distinct(values: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Values numbered in order of first sight, and the first row of each number."""
    numbers = pa.array(values).dictionary_encode().indices.to_numpy().astype(np.int64)
    firsts = np.flatnonzero(np.diff(np.maximum.accumulate(numbers), prepend=-1))
    return numbers, firsts


def decide_batch(
    policy: Policy,
    columns: Mapping[str, Any],
    missing: Mapping[str, Any] | None = None,
    tick: Callable[[int], None] = lambda _done: None,
) -> Batch:
    """Decide on ``columns``: an array an input, of doubles (NaN: missing), texts, truths or Arrow's.

    ``missing`` gives reason codes by input (absent: NOT_GIVEN); an input without a column is missing
    in every row. ``tick`` is told the rows done.
    Raises UserError POL-CASE on unknown names, values of another type and infinities.
    """
    why = missing or {}
    unknown = (set(columns) | set(why)) - set(policy.file.inputs)
    if unknown:
        fail("POL-CASE", policy.file.id, detail=f"not inputs: {', '.join(sorted(unknown))}")
    rows = _rows({**columns, **{f"missing {name}": column for name, column in why.items()}})
    ready = program(policy)
    read = read_columns(policy, ready, columns, why, rows)
    doubt = np.zeros(rows, np.bool_)
    for flags in read.doubtful:
        doubt |= flags
    batch = _run(ready, read.arrays, doubt, tick)
    places = np.flatnonzero(doubt)
    _alone(policy, batch, columns, why, places)
    return Batch(batch.outcome, batch.limit_cny, batch.rate, batch.checks, batch.effects, len(places))


def _rows(columns: Mapping[str, Any]) -> int:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        message = f"columns of one length are needed: {lengths}"
        raise ValueError(message)
    return next(iter(lengths.values()))


def _run(
    ready: Program, arrays: Sequence[Any], doubt: npt.NDArray[np.bool_], tick: Callable[[int], None]
) -> Batch:
    rows = len(doubt)
    outcome, limit, rate = np.empty(rows, np.uint8), np.empty(rows), np.empty(rows)
    effects = np.empty((len(ready.checks), rows), np.uint8)
    buffers = ready.chunk.buffers(min(CHUNK, rows))
    with np.errstate(all="ignore"):  # what has no value is masked
        for start in range(0, rows, CHUNK):
            part = slice(start, min(start + CHUNK, rows))
            if part.stop - start < CHUNK:
                buffers = [buffer[: part.stop - start] for buffer in buffers]
            ready.chunk.written.run(
                [array[part] for array in arrays],
                buffers,
                effects[:, part],
                doubt[part],
                outcome[part],
                limit[part],
                rate[part],
            )
            tick(part.stop)
    return Batch(outcome, limit, rate, ready.checks, effects, 0)


# rows decided alone ---------------------------------------------------------------------------


def _alone(
    policy: Policy,
    batch: Batch,
    columns: Mapping[str, Any],
    missing: Mapping[str, Any],
    places: npt.NDArray[np.intp],
) -> None:
    """Decide the rows at ``places`` one by one and write them into ``batch``."""
    if not places.size:
        return
    values = {name: _picked(column, places) for name, column in columns.items()}
    reasons = {name: _picked(column, places) for name, column in missing.items()}
    for i, place in enumerate(places.tolist()):
        plain = {name: column[i] for name, column in values.items()}
        why = {name: column[i] for name, column in reasons.items() if column[i] is not None}
        _write(batch, place, json.loads(decide_json(policy, read_inputs(policy, plain, why))))


def _picked(column: object, places: npt.NDArray[np.intp]) -> list[Any]:
    if isinstance(column, np.ndarray):
        picked: list[Any] = column[places].tolist()
        return picked
    taken: list[Any] = as_arrow(column, "batch").take(pa.array(places)).to_pylist()
    return taken


def _write(batch: Batch, place: int, decision: Mapping[str, Any]) -> None:
    batch.outcome[place] = OUTCOMES.index(decision["outcome"])
    for end, out in (("limit_cny", batch.limit_cny), ("rate", batch.rate)):
        out[place] = np.nan if decision[end] is None else float(decision[end])
    said = {(reason["source"], reason["code"]): reason["effect"] for reason in decision["reasons"]}
    for row, check in enumerate(batch.checks):
        batch.effects[row, place] = EFFECTS.index(said.get((check.id, check.code), "ignore"))
