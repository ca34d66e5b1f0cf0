"""The portrait of every firm of a run: size class, tags, radar, forecast of trading; kept as files.

Size needs staff, revenue and assets: insured staff (SOC01), declared revenue (TAX05, else what was
invoiced, INV01) and total assets (XQ14), as the data at hand has them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.enterprise.industry import find_industry
from xinqiao.enterprise.size import Size, size_classes
from xinqiao.indicator.compute import monthly
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.kernel.canonical import canonical_json
from xinqiao.portrait.forecast import Forecast, Panel, PastError, backtest, forecast, panel
from xinqiao.portrait.radar import radar
from xinqiao.portrait.tag import tag_companies
from xinqiao.source.lake import Lake

TRADING: dict[str, tuple[str, str, str]] = {
    "sales": ("invoice", "invoice_month", "sales_cents"),
    "cash": ("bank_flow", "bank_month", "earned_cents"),
}
"""What is forecast: the contract it needs, the view and its measure."""
MONTHS = 48
WAN = 10_000.0


@dataclass(frozen=True, slots=True)
class Month:
    """A forecast month in CNY; low and high bound 8 of 10 such months."""

    month: date
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Portrait:
    """All portraits of a run; what is absent is not known.

    ``sizes``, ``tags``, ``peers`` by company; ``radar``: known scores by company; ``ahead``: forecasts by
    company for each of `TRADING`; ``tested``: how well they did in the past.
    """

    sizes: dict[str, Size]
    tags: dict[str, list[str]]
    unknown: dict[str, list[str]]
    peers: dict[str, str]
    radar: dict[str, dict[str, float]]
    ahead: dict[str, dict[str, tuple[Month, ...]]]
    tested: dict[str, tuple[PastError, ...]]

    @classmethod
    def read(cls, folder: Path) -> Portrait:
        """Read what `build` wrote."""
        firms = pq.read_table(folder / "firms.parquet").to_pylist()
        ahead: dict[str, dict[str, tuple[Month, ...]]] = {}
        for name in TRADING:
            path = folder / f"{name}.parquet"
            if path.exists():
                ahead[name] = _months(pq.read_table(path))
        tested = json.loads((folder / "tested.json").read_bytes())
        return cls(
            sizes={row["company_id"]: row["size"] for row in firms},
            tags={row["company_id"]: row["tags"] for row in firms},
            unknown={row["company_id"]: row["unknown_tags"] for row in firms},
            peers={row["company_id"]: row["peers"] for row in firms},
            radar={
                row.pop("company_id"): _known(row)
                for row in pq.read_table(folder / "radar.parquet").to_pylist()
            },
            ahead=ahead,
            tested={name: tuple(PastError(**row) for row in rows) for name, rows in tested.items()},
        )


def build(folder: Path, lake: Lake, snapshot: Snapshot, industries: Mapping[str, str | None]) -> None:
    """Make the portraits of the companies of ``snapshot`` and write them into ``folder``.

    ``industries``: company -> code of GB/T 4754 as registered (None or unknown: not known).
    """
    companies = snapshot.values["company_id"].to_pylist()
    entries = [find_industry(industries.get(key) or "") for key in companies]
    codes = [None if entry is None else entry.code for entry in entries]
    sizes = _sizes(snapshot, codes)
    groups = {key: _groups(code, size) for key, code, size in zip(companies, codes, sizes, strict=True)}
    scores, tagged = radar(snapshot, groups), tag_companies(snapshot)
    tags, unknown = tagged.of(), tagged.unknown_of()
    firms = {
        "company_id": companies,
        "size": list(sizes),
        "peers": [scores.peers[key] for key in companies],
        "tags": pa.array([tags.get(key, []) for key in companies], pa.list_(pa.string())),
        "unknown_tags": pa.array([unknown.get(key, []) for key in companies], pa.list_(pa.string())),
    }
    pq.write_table(pa.table(firms), folder / "firms.parquet", compression="zstd")
    frame = scores.scores.reset_index(names="company_id")
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, folder / "radar.parquet", compression="zstd")
    section = {key: code[0] if code else None for key, code in zip(companies, codes, strict=True)}
    _forecasts(folder, lake, snapshot.as_of, section)


def _known(row: Mapping[str, float | None]) -> dict[str, float]:
    return {name: score for name, score in row.items() if score is not None and not math.isnan(score)}


def _sizes(snapshot: Snapshot, codes: list[str | None]) -> list[Size]:
    frame = snapshot.frame()

    def column(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        if name not in frame.columns:
            return np.full(len(frame), np.nan)
        # negative assets or sales (all red letters) say nothing of size
        values = frame[name].to_numpy(dtype=np.float64)
        return np.where(values < 0, np.nan, values)

    declared, invoiced = column("TAX05"), column("INV01")
    revenue = np.where(np.isnan(declared), invoiced, declared) / WAN
    found = size_classes(codes, column("SOC01"), revenue, column("XQ14") / WAN)
    sizes: list[Size] = found.tolist()
    return sizes


def _groups(code: str | None, size: Size) -> tuple[str, ...]:
    """Peer groups, the narrowest first: section and size class, then section."""
    if code is None:
        return ()
    return (f"{code[0]}|{size}", code[0])


def _forecasts(folder: Path, lake: Lake, as_of: date, section: Mapping[str, str | None]) -> None:
    tested: dict[str, list[dict[str, float]]] = {}
    for name, (contract, view, measure) in TRADING.items():
        if not lake.files(contract):
            continue
        rows = monthly(lake, as_of, MONTHS, view=view, series=(measure,))
        data = panel(rows, measure, as_of, MONTHS)
        industries = [section.get(key) for key in data.companies]
        pq.write_table(_table(forecast(data, industries)), folder / f"{name}.parquet", compression="zstd")
        tested[name] = [asdict(one) for one in _backtest(data, industries)]
    (folder / "tested.json").write_bytes(canonical_json(tested))


def _backtest(data: Panel, industries: list[str | None]) -> tuple[PastError, ...]:
    return tuple(one for one in backtest(data, industries) if one.cases)


def _table(found: Forecast) -> pa.Table:
    """Rows (company_id, month, value, low, high) in cents; firms without a forecast have none."""
    known = ~np.isnan(found.value) & ~np.isnan(found.low)
    firm, ahead = np.nonzero(known)
    columns = {
        "company_id": pa.array([found.companies[i] for i in firm], pa.string()),
        "month": pa.array([found.months[h] for h in ahead], pa.date32()),
    }
    for name in ("value", "low", "high"):
        columns[name] = pa.array(np.rint(getattr(found, name)[known]).astype(np.int64))
    return pa.table(columns)


def _months(table: pa.Table) -> dict[str, tuple[Month, ...]]:
    found: dict[str, list[Month]] = {}
    for row in table.to_pylist():
        month = Month(row["month"], row["value"] / 100, row["low"] / 100, row["high"] / 100)
        found.setdefault(row["company_id"], []).append(month)
    return {key: tuple(months) for key, months in found.items()}
