"""The four files of one split, checked.

A folder holds ``firms``, ``edges``, ``groups`` and ``lawsuits`` as ``.csv.gz`` or ``.csv``. Where the
column ``split`` names several splits, the training side is the rows called ``train`` and the test
side all others; a folder of one split, or without the column, is used whole. A firm in several of the
test splits is taken as of the last, by the splits' names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from xinqiao.kernel.errors import fail, user_error
from xinqiao.scoring.columns import Floats

Side = Literal["train", "test"]
TABLES = {
    "firms": ("node", "bankrupt", "registered_capital_wan", "paid_in_capital_wan", "age_months"),
    "edges": ("source", "target", "type", "weight"),
    "groups": ("kind", "name", "node"),
    "lawsuits": ("node", "cause", "court", "result", "months_before_observation"),
}
TEXTS = {"kind", "name", "split"}
WHOLE = {"node", "source", "target", "type", "cause", "court", "result"}
BLANK_ALLOWED = {"registered_capital_wan", "paid_in_capital_wan", "age_months"}
MOST_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Firms:
    """One split: firms in ascending order of node, and the rows of the other files about them.

    ``edges`` holds all edges of the split, people included; ``name`` is what the split is called.
    """

    name: str
    firms: pd.DataFrame
    edges: pd.DataFrame
    groups: pd.DataFrame
    lawsuits: pd.DataFrame

    @property
    def bad(self) -> Floats:
        """1.0 for a bankrupt firm, (firms,)."""
        return self.firms["bankrupt"].to_numpy(np.float64)

    @property
    def nodes(self) -> pd.Index[int]:
        """The firms' node numbers."""
        nodes: pd.Index[int] = pd.Index(self.firms["node"].to_numpy(np.int64))
        return nodes

    def only(self, kept: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Firms:
        """The split as if it held but the firms at places ``kept``: edges among them and to people."""
        firms = self.firms.iloc[np.sort(kept)].reset_index(drop=True)
        gone = self.nodes.difference(pd.Index(firms["node"].to_numpy(np.int64)))
        edges = self.edges
        edges = edges[~edges["source"].isin(gone) & ~edges["target"].isin(gone)]
        parts = [t[t["node"].isin(firms["node"])] for t in (self.groups, self.lawsuits)]
        return Firms(self.name, firms, edges, *parts)


def read_firms(folder: Path, side: Side) -> Firms:
    """The split of ``folder`` for ``side``. Raises UserError SME-FILE, SME-COLUMN, SME-VALUE, SME-SPLIT."""
    tables = {name: _table(folder, name) for name in TABLES}
    found = sorted(set(tables["firms"]["split"]))
    alone = len(found) == 1
    chosen = {s for s in found if alone or (s == "train") == (side == "train")}
    if not chosen:
        fail("SME-SPLIT", str(folder), side=side, found=", ".join(found))
    parts = {n: _rows(t, chosen) for n, t in tables.items()}
    firms = parts["firms"].sort_values(["node", "split"], kind="stable")
    twice = firms["node"][firms.duplicated(["node", "split"])]
    if len(twice):
        fail("SME-VALUE", str(folder), table="firms", column="node", value=twice.iloc[0])
    firms = firms.drop_duplicates("node", keep="last").reset_index(drop=True)
    groups, lawsuits = (_known(parts[name], firms) for name in ("groups", "lawsuits"))
    edges = parts["edges"].drop(columns="split").drop_duplicates(ignore_index=True)
    return Firms("+".join(sorted(chosen)), firms.drop(columns="split"), edges, groups, lawsuits)


def _rows(table: pd.DataFrame, chosen: set[str]) -> pd.DataFrame:
    """Rows of the chosen splits; a file of another, single name than the firms' is used whole."""
    kept = table["split"].isin(chosen)
    whole = len(set(table["split"])) <= 1 and not kept.any()
    return table if whole else table[kept]


def _known(table: pd.DataFrame, firms: pd.DataFrame) -> pd.DataFrame:
    """The rows about firms, each of the firm's own split, in an order that does not hang on the file's."""
    named = not set(table["split"]).isdisjoint(firms["split"])
    keys = ["split", "node"] if named else ["node"]
    rows = table.merge(firms[keys], on=keys).drop(columns="split")
    return rows.sort_values(list(rows.columns), kind="stable").reset_index(drop=True)


def _table(folder: Path, name: str) -> pd.DataFrame:
    path = next((p for p in (folder / f"{name}.csv.gz", folder / f"{name}.csv") if p.is_file()), None)
    if path is None:
        fail("SME-FILE", str(folder / f"{name}.csv.gz"), detail="no such file")
    if path.stat().st_size > MOST_BYTES:
        fail("SME-FILE", str(path), detail=f"> {MOST_BYTES:,} bytes")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, EOFError, ValueError) as error:  # pandas' own parse errors are ValueErrors
        raise user_error("SME-FILE", str(path), detail=str(error)) from error
    absent = [c for c in TABLES[name] if c not in table]
    if absent:
        fail("SME-COLUMN", str(path), columns=", ".join(absent), known=", ".join(map(str, table.columns)))
    if "split" not in table:
        table["split"] = ""
    table = table[["split", *TABLES[name]]]
    for column in TABLES[name]:
        if column not in TEXTS:
            table[column] = _numbers(table[column], column, path)
    return table


def _numbers(texts: pd.Series[str], column: str, path: Path) -> pd.Series[Any]:
    values = pd.to_numeric(texts, errors="coerce")
    wrong = ~np.isfinite(values) & ~(texts.isin(["", "nan", "NaN"]) if column in BLANK_ALLOWED else False)
    if column in WHOLE:
        wrong |= values != np.floor(values)
    if column == "bankrupt":
        wrong |= ~values.isin([0, 1])
    if wrong.any():
        line = int(np.flatnonzero(wrong)[0])
        fail("SME-VALUE", f"{path}:{line + 2}", table=path.name, column=column, value=texts.iloc[line][:40])
    return values.astype(np.int64 if column in WHOLE else np.float64)


def recurring(train: Firms, test: Firms) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which test firms are training firms too, (test firms,).

    Node numbers name the same firm in both splits when most firms that share a number have the
    same registered capital; then a shared number recurs. Else numbers are each split's own, and a
    firm recurs when capital, paid-in capital, age, area and industries all are those of a training firm.
    """
    if shared_numbers(train, test):
        return np.isin(test.nodes, train.nodes)
    known = set(_marks(train))
    return np.array([mark in known for mark in _marks(test)], dtype=np.bool_)


def shared_numbers(train: Firms, test: Firms) -> bool:
    """Whether node numbers mean the same in both splits (said to be so without a common number)."""
    both = train.firms.merge(test.firms, on="node")
    same = np.isclose(both["registered_capital_wan_x"], both["registered_capital_wan_y"], equal_nan=True)
    return bool(same.mean() > 1 / 2) if len(both) else True


def _marks(split: Firms) -> list[tuple[object, ...]]:
    rows = split.groups[split.groups["kind"] != "qualify"]
    names = (rows["kind"] + "=" + rows["name"]).groupby(rows["node"]).agg(lambda v: "|".join(sorted(v)))
    texts = names.reindex(split.nodes).fillna("").tolist()
    numbers = split.firms[list(TABLES["firms"][2:])].fillna(-1).itertuples(index=False)
    return [(*n, t) for n, t in zip(numbers, texts, strict=True)]
