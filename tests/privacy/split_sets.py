"""Sets split by who holds what: the generated city by the holders of its sources, public sets by columns.

Each party's table has the key ``id`` first, the bank's the outcome ``bad``; rows are in an order of each
party's own, and each lacks some subjects that the others have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tests.privacy.manifests import data, manifest
from xinqiao.city.generate import generate
from xinqiao.indicator.compute import compute
from xinqiao.indicator.definition import catalog
from xinqiao.indicator.lineage import Lineage
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.privacy.job.manifest import Input, Manifest
from xinqiao.scoring.outcome import outcomes
from xinqiao.source.ingest import ingest_files
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import parse_mapping

CITY: dict[str, tuple[str, ...]] = {
    "bank": ("REG01", "REG02C", "CRD02", "CRD02N", "CRD04", "CRD05", "CRD06C", "CRD10"),
    "tax": ("TAX01", "TAX03", "TAX05", "TAX06", "TAX07", "TAX08", "TAX10", "TAX12"),
    "power": ("ELE01", "ELE02", "ELE03", "ELE04", "ELE05", "ELE06", "ELE09", "ELE10"),
}
"""Indicators by who holds their source; the bank reads the public register."""
SOURCES = ("REG", "CRD", "TAX", "ELE")
START, MONTHS = date(2022, 1, 1), 48
AS_OF, KNOWN_BY, AHEAD = date(2023, 12, 31), date(2025, 12, 31), 24
"""Two years of history before the date, two years of outcomes after it."""
LACKING = 40
"""One of so many subjects is unknown to a party."""


@dataclass(frozen=True, slots=True)
class Split:
    """A set by party; the parties but the bank are holders of data."""

    name: str
    tables: Mapping[str, pa.Table]

    @property
    def rows(self) -> int:
        """The bank's subjects."""
        return int(self.tables["bank"].num_rows)

    @property
    def holders(self) -> tuple[str, ...]:
        """All parties but the bank."""
        return tuple(name for name in self.tables if name != "bank")

    def job(
        self, kind: str, number: int, holders: Sequence[str] = (), params: Mapping[str, object] | None = None
    ) -> Manifest:
        """Job ``number`` of ``kind`` with the label: of the bank, ``holders`` (else all) and a dealer.

        The same number gives the same folds and test rows, which hang on the manifest's digest.
        """
        parties: dict[str, str | tuple[str, Input]] = {
            name: ("bank" if name == "bank" else "holder", data(*self.tables[name].column_names[1:]))
            for name in ("bank", *(holders or self.holders))
        }
        told = manifest(kind, parties | {"platform": "dealer"}, {"label": "bad", **(params or {})})
        return told.model_copy(update={"job": UUID(int=number), "expires": datetime(2100, 1, 1, tzinfo=UTC)})

    def drawn(self, rows: int, seed: int) -> Split:
        """``rows`` of the subjects at random, and each party's part of them."""
        ids = sorted({key for table in self.tables.values() for key in table.column(0).to_pylist()})
        order = np.random.default_rng(seed).permutation(len(ids))[:rows]
        kept = pa.array([ids[place] for place in order])
        tables = {n: t.filter(pc.is_in(t.column(0), value_set=kept)) for n, t in self.tables.items()}
        return Split(self.name, tables)


def city(folder: Path, firms: int, seed: int = 1) -> Split:
    """A generated region of ``firms``, read in and evaluated by the product; made once in ``folder``."""
    lake = Lake(folder / "lake")
    if not (folder / "values.parquet").exists():
        _delivered(folder, firms, seed)
        snapshot = compute(lake, AS_OF, ids=[name for held in CITY.values() for name in held])
        snapshot.write(folder)
    frame = Snapshot.read(folder).frame()
    bad = outcomes(lake, AS_OF, KNOWN_BY, AHEAD)
    frame = frame.loc[[firm for firm in frame.index if firm in bad]]
    columns = {name: frame[list(held)] for name, held in CITY.items()}
    outcome = pd.Series([bad[firm] for firm in frame.index], frame.index)
    return _parted(f"city of {firms:,}", columns, outcome, seed)


def _delivered(folder: Path, firms: int, seed: int) -> None:
    truth = generate(
        folder, companies=firms, months=MONTHS, start=START, seed=seed, sources=SOURCES, dirt=False
    )
    text = files("xinqiao").joinpath("catalog", "mappings", "city.yaml").read_text("utf-8")
    mapping = parse_mapping(text, "city.yaml")
    names = sorted(path.name for path in truth.data.iterdir())
    jobs = [(truth.data / n, e) for n in names for e in mapping.entries_for(n) if e.source in _read()]
    ingest_files(jobs, Lake(folder / "lake"))


def _read() -> set[str]:
    """The contracts that the indicators are made of, and outcomes."""
    lineage, known = Lineage(catalog()), catalog().indicators
    fields = [lineage.of_indicator(known[name]) for held in CITY.values() for name in held]
    return {"registry", "credit"} | {field.partition(".")[0] for found in fields for field in found}


def uci(folder: Path) -> Split:
    """Default of 30,000 credit card clients: the bank has limit, person and bills, others the rest."""
    frame = pd.read_csv(folder / "uci_credit_card" / "UCI_Credit_Card.csv.gz", index_col="ID")
    own = ["LIMIT_BAL", "SEX", "EDUCATION", "MARRIAGE", "AGE", *(f"BILL_AMT{n}" for n in range(1, 7))]
    columns = {
        "bank": frame[own],
        "bureau": frame[["PAY_0", *(f"PAY_{n}" for n in range(2, 7))]],
        "payments": frame[[f"PAY_AMT{n}" for n in range(1, 7)]],
    }
    return _parted("UCI credit default", columns, frame["default.payment.next.month"], 1)


def hmeq(folder: Path) -> Split:
    """5,960 home equity loans, with words and many gaps: the bank has loan and job, others the rest."""
    frame = pd.read_csv(folder / "hmeq" / "hmeq.csv")
    columns = {
        "bank": frame[["LOAN", "REASON", "JOB", "YOJ"]],
        "bureau": frame[["DEROG", "DELINQ", "CLAGE", "NINQ", "CLNO"]],
        "register": frame[["MORTDUE", "VALUE", "DEBTINC"]],
    }
    return _parted("HMEQ", columns, frame["BAD"], 1)


def _parted(name: str, columns: Mapping[str, pd.DataFrame], bad: pd.Series, seed: int) -> Split:
    drawn, told = np.random.default_rng(seed), {}
    for party, frame in columns.items():
        order = drawn.permutation(len(frame))[len(frame) // LACKING :]
        own = {"bad": bad.to_numpy(np.int64)} if party == "bank" else {}
        ids = np.array([f"{name[:1].lower()}{key}" for key in frame.index])
        values = {column.lower(): frame[column].to_numpy() for column in frame.columns}
        whole = {"id": ids} | own | values
        told[party] = pa.table({n: pa.array(v[order], from_pandas=True) for n, v in whole.items()})
    return Split(name, told)
