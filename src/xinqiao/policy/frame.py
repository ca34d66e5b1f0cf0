"""A table of cases (案例表): many companies' facts in columns, and how a policy reads them.

A column is named by the last part of its source (``INV01``, ``pd``, ``grade``, ``amount_cny``), or
by the whole source where two inputs would share that part. ``<column>.missing`` may give the reason
code of every missing value. ``company_id`` names the rows; other columns are left alone.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pyarrow import feather

from xinqiao.kernel.errors import fail, user_error
from xinqiao.policy.compiled import ROUTED, Policy
from xinqiao.policy.runs import store_of
from xinqiao.policy.store import DecisionStore

COMPANY = "company_id"
REASON = ".missing"
_WORDS = ("text", "grade", "date")


@dataclass(frozen=True, slots=True)
class Frame:
    """Cases as ``decide_batch`` takes them.

    ``columns`` holds an Arrow array a policy input, ``missing`` the reason codes of those that have
    them, ``table`` everything that was read, row by row the same.
    """

    table: pa.Table
    columns: Mapping[str, pa.ChunkedArray]
    missing: Mapping[str, pa.ChunkedArray]


def column_names(policy: Policy) -> dict[str, str]:
    """Input name -> column of a table of cases."""
    sources = {name: item.source for name, item in policy.file.inputs.items()}
    shared = Counter(source.split(".", 1)[1] for source in set(sources.values()))
    short = {name: source.split(".", 1)[1] for name, source in sources.items()}
    return {name: short[name] if shared[short[name]] == 1 else sources[name] for name in sources}


def read_frame(policy: Policy, source: Path | pa.Table) -> Frame:
    """Read cases for ``policy`` from a Parquet, Arrow or CSV file, a run's folder or a table.

    A column of the application may be absent (nobody asked for it: NOT_GIVEN), and what only a model
    with segments says; indicators and other scores may not, since a misspelt column would leave every
    case without them.
    Raises UserError POL-CASES or POL-STORE.
    """
    where = "table" if isinstance(source, pa.Table) else str(source)
    table = source if isinstance(source, pa.Table) else _read(policy, source)
    _require(policy, table, where)
    columns: dict[str, pa.ChunkedArray] = {}
    missing: dict[str, pa.ChunkedArray] = {}
    for name, column in column_names(policy).items():
        if column in table.column_names:
            columns[name] = table[column]
        if column + REASON in table.column_names:
            missing[name] = table[column + REASON]
    return Frame(table, columns, missing)


def _require(policy: Policy, table: pa.Table, where: str) -> None:
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        fail("POL-CASES", where, detail=f"columns that stand twice: {', '.join(sorted(twice))}")
    absent = [
        column
        for name, column in column_names(policy).items()
        if column not in table.column_names and not _optional(policy.file.inputs[name].source)
    ]
    if absent:
        near = {c: difflib.get_close_matches(c, table.column_names, 1) for c in absent}
        words = ", ".join(f"{c} ({near[c][0]}?)" if near[c] else c for c in absent)
        fail("POL-CASES", where, detail=f"columns not there: {words}")


def _optional(source: str) -> bool:
    """Whether a table may be without this column: nobody gave it, or the model has no segments."""
    return source.startswith("application.") or source in ROUTED


def _read(policy: Policy, path: Path) -> pa.Table:
    if path.is_dir():
        store = store_of(path)
        if store is None:
            fail("POL-CASES", str(path), detail="no finished run")
        return _stored(policy, store)
    readers = {
        ".parquet": partial(_parquet, policy),
        ".arrow": feather.read_table,
        ".csv": partial(_csv, policy),
    }
    if path.suffix.lower() not in readers:
        fail("POL-CASES", str(path), detail="a .parquet, .arrow or .csv file, or a run's folder, is needed")
    try:
        return readers[path.suffix.lower()](path)
    except (OSError, pa.ArrowException) as error:
        raise user_error("POL-CASES", str(path), detail=str(error)[:300]) from error


def _parquet(policy: Policy, path: Path) -> pa.Table:
    """A Parquet file; texts and reasons stay the dictionaries they are stored as."""
    columns = column_names(policy)
    words = [columns[name] for name, item in policy.file.inputs.items() if item.type in ("text", "grade")]
    return pq.read_table(path, read_dictionary=[*words, *(column + REASON for column in columns.values())])


def _csv(policy: Policy, path: Path) -> pa.Table:
    """A CSV file; an empty cell is missing, texts stay as they are written (a code 007 too)."""
    columns = column_names(policy)
    words = {columns[name]: pa.string() for name, i in policy.file.inputs.items() if i.type in _WORDS}
    reasons = {column + REASON: pa.string() for column in columns.values()}
    types = {**words, **reasons, COMPANY: pa.string()}
    convert = pa_csv.ConvertOptions(
        column_types=types, strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=False
    )
    return pa_csv.read_csv(path, convert_options=convert)


def _stored(policy: Policy, store: DecisionStore) -> pa.Table:
    """The cases of a run, as its records keep them, sorted by company."""
    columns = column_names(policy)
    known = {item.source: columns[name] for name, item in policy.file.inputs.items()}
    rows = []
    for decision_id in sorted(store.index, key=lambda each: store.index[each][0]):
        try:
            rows.append(_row(json.loads(store.line(decision_id)), known))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise user_error("POL-STORE", str(store.root), detail=f"{decision_id}: {error}") from error
    return _table(rows)


def read_records(policy: Policy, contents: Iterable[Mapping[str, Any]]) -> Frame:
    """Cases from the contents of decision records, in their order.

    Raises UserError POL-CASES where a record lacks what the policy reads.
    """
    columns = column_names(policy)
    known = {item.source: columns[name] for name, item in policy.file.inputs.items()}
    return read_frame(policy, _table([_row(content, known) for content in contents]))


def _row(record: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """One stored decision as a flat row; ``known`` gives the column of every source the policy reads."""
    snapshot = record["indicators"]
    families: dict[str, dict[str, Any]] = {
        "indicator": {name: entry.get("value") for name, entry in snapshot.items()},
        "score": {n: value for n, value in record["score"].items() if not isinstance(value, list | dict)},
        "application": dict(record["application"]),
    }
    row: dict[str, Any] = {COMPANY: record[COMPANY]}
    for family, values in families.items():
        for name, value in values.items():
            source = f"{family}.{name}"
            row[known.get(source, source if name in known.values() else name)] = value
    for name, entry in snapshot.items():
        if "missing" in entry:
            row[known.get(f"indicator.{name}", name) + REASON] = entry["missing"]
    return row


def _table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    kept = list(rows)
    names = dict.fromkeys(name for row in kept for name in row)
    return pa.table({name: [row.get(name) for row in kept] for name in names})
