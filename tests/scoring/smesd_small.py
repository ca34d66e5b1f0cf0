"""A small generated split in the files of smesd, with risk that lawsuits and neighbours tell of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def write_split(
    folder: Path,
    firms: int = 160,
    seed: int = 0,
    name: str | None = "train",
    first: int = 0,
    *,
    packed: bool = True,
) -> Path:
    """Write the four files of one split; ``name`` None leaves the column ``split`` out."""
    rng = np.random.default_rng(seed)
    node = np.arange(first, first + firms)
    partner = first + (np.arange(firms) ^ 1)  # firms in pairs
    weak = rng.normal(size=firms)
    around = weak + weak[partner - first]
    bad = (rng.random(firms) < 1 / (1 + np.exp(-2 * around))).astype(int)
    capital = np.exp(rng.normal(6, 1, firms)).round(2)
    register = pd.DataFrame({"node": node, "bankrupt": bad, "registered_capital_wan": capital})
    register = register.assign(paid_in_capital_wan=capital / 2, age_months=rng.integers(6, 300, firms))
    suits = np.repeat(node, rng.poisson(np.exp(1 + weak)))
    count = len(suits)
    cases = pd.DataFrame(
        {"node": suits, "cause": rng.integers(0, 11, count), "court": rng.integers(0, 4, count)}
    )
    cases = cases.assign(
        result=rng.integers(0, 4, count), months_before_observation=rng.integers(0, 90, count)
    )
    people = 100_000 + first + np.arange(firms) // 4  # one person for four firms
    ends = [(node, partner, 6), (partner, node, 7), (node, people, 2), (people, node, 3)]
    edges = pd.concat(
        [pd.DataFrame({"source": s, "target": t, "type": k, "weight": 1.0}) for s, t, k in ends]
    )
    groups = [pd.DataFrame({"kind": "area", "name": rng.choice(["甲市", "乙市"], firms), "node": node})]
    groups += [
        pd.DataFrame({"kind": "industry", "name": rng.choice(["批发业", "零售业"], firms), "node": node})
    ]
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"firms": register, "edges": edges, "groups": pd.concat(groups), "lawsuits": cases}
    for table, rows in tables.items():
        named = rows if name is None else rows.assign(split=name)
        named.to_csv(folder / f"{table}.csv{'.gz' if packed else ''}", index=False)
    return folder
