"""What a lift truly is: plain models fitted on samples of a population and measured on its other rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling.joint_logistic import fit_plain
from xinqiao.privacy.modelling.joint_training import Rows, rows_of
from xinqiao.privacy.modelling.parties import members
from xinqiao.scoring.columns import Floats, read_columns
from xinqiao.scoring.compiled import compile_card
from xinqiao.scoring.metrics import auc, ks

Places: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Tables: TypeAlias = Mapping[str, pa.Table]


def true_lifts(told: Manifest, population: Tables, rows: int, draws: int, seed: int) -> Floats:
    """(draws, 2): lift of AUC and of KS by models of ``told`` fitted on ``rows`` of ``population``.

    ``population``: the parties' tables, their rows in one order.
    """
    drawn, count = np.random.default_rng(seed), population["bank"].num_rows
    found = []
    for _ in range(draws):
        order = drawn.permutation(count)
        found.append(_lift(told, population, order[:rows], order[rows:]))
    return np.array(found)


def _lift(told: Manifest, population: Tables, seen: Places, unseen: Places) -> tuple[float, float]:
    names = members(told)
    rows = {name: rows_of(told, told.party(name), population[name].take(seen)) for name in names}
    rest = {name: population[name].take(unseen) for name in names}
    bad = rest["bank"].column(told.params["label"]).to_numpy().astype(np.float64)
    joint, alone = (_risk({name: rows[name] for name in chosen}, rest) for chosen in (names, names[:1]))
    return auc(joint, bad) - auc(alone, bad), ks(joint, bad) - ks(alone, bad)


def _risk(rows: Mapping[str, Rows], rest: Tables) -> Floats:
    """Log odds of bad of the rows of ``rest``, but for a constant, by the model of ``rows``' parties."""
    bad = rows["bank"].bad
    assert bad is not None
    theta, start = fit_plain(np.hstack([own.matrix for own in rows.values()]), bad, np.ones(len(bad))), 0
    risk = np.zeros(rest["bank"].num_rows)
    for name, own in rows.items():
        width = own.matrix.shape[1]
        part = theta[start : start + width][int(name == "bank") :]
        start += width
        if own.block.variables:
            card = own.block.card(part)
            risk -= compile_card(card).score(read_columns(rest[name].select(list(card.names))))
    return risk
