"""Radar: six scores of a firm against its peers, and three strengths beside them.

A score is 100 times the weighted mean of the firm's percentiles among its peers, each in the
direction its indicator states (+ more is better, - less is better). A percentile is the share of
peers below plus half of those equal. Peers are firms of the same industry section and size class;
a group under ``LEAST`` firms collapses to the section, then to everyone. A dimension whose known
indicators carry less than ``ENOUGH`` of its weight has no score: missing is not zero.
Definitions: ``catalog/radar/radar.yaml``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from xinqiao.indicator.definition import indicators
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

LEAST = 30
"""Firms a group of peers needs."""
ENOUGH = 0.4
"""Share of a dimension's weight that must be known."""
LEAST_KNOWN = 10
"""Peers with a value that a percentile needs."""
EVERYONE = ""

Floats = npt.NDArray[np.float64]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Dimension(_Shape):
    """A score; ``weights`` by indicator. ``kind``: a ray of the radar or a strength beside it."""

    name: Text
    kind: Literal["radar", "strength"]
    about: Text
    weights: dict[str, float] = Field(min_length=1)


class _File(_Shape):
    dimensions: dict[str, Dimension]


def load(text: str, origin: str) -> dict[str, Dimension]:
    """Parse and check dimensions. Raises UserError DOC-*, PRT-INDICATOR, PRT-DIRECTION, PRT-WEIGHT."""
    file, lines = parse(text, _File, origin)
    for key, dimension in file.dimensions.items():
        for name, weight in dimension.weights.items():
            where = lines.where(("dimensions", key, "weights", name))
            if name not in indicators():
                fail("PRT-INDICATOR", where, name=name)
            if indicators()[name].direction == "~":
                fail("PRT-DIRECTION", where, name=name)
            if weight <= 0:
                fail("PRT-WEIGHT", where, name=name, value=weight)
    return file.dimensions


@cache
def dimensions() -> dict[str, Dimension]:
    """The dimensions of the catalog, by id."""
    file = files("xinqiao").joinpath("catalog", "radar", "radar.yaml")
    return load(file.read_text("utf-8"), "catalog/radar/radar.yaml")


@dataclass(frozen=True, slots=True)
class Radar:
    """Scores of all companies.

    ``scores``: 0..100, one column a dimension, NaN where too little is known, indexed by company;
    ``peers``: company -> the group it was compared with, e.g. ``C|small``, ``C`` or ``""`` (everyone);
    ``sizes``: group -> firms in it.
    """

    scores: pd.DataFrame
    peers: dict[str, str]
    sizes: dict[str, int]


def radar(
    snapshot: Snapshot,
    groups: Mapping[str, Sequence[str]],
    chosen: Mapping[str, Dimension] | None = None,
) -> Radar:
    """Score every company. ``groups`` names a company's peer groups, the narrowest first.

    A company without a group large enough is compared with everyone.
    """
    chosen = dimensions() if chosen is None else chosen
    frame = snapshot.frame()
    companies = list(frame.index)
    counts = Counter(name for key in companies for name in groups.get(key, ()))
    peers = {key: _narrowest(groups.get(key, ()), counts) for key in companies}
    standing = _standings(frame, chosen, peers, groups)
    scores = pd.DataFrame(
        {key: _weighted(standing, dimension.weights) for key, dimension in chosen.items()}, index=frame.index
    )
    sizes = {name: counts[name] for name in set(peers.values()) - {EVERYONE}} | {EVERYONE: len(companies)}
    return Radar(scores, peers, sizes)


def _narrowest(names: Sequence[str], counts: Mapping[str, int]) -> str:
    return next((name for name in names if counts[name] >= LEAST), EVERYONE)


def _standings(
    frame: pd.DataFrame,
    chosen: Mapping[str, Dimension],
    peers: Mapping[str, str],
    groups: Mapping[str, Sequence[str]],
) -> dict[str, Floats]:
    """Indicator -> percentile of every company among all members of its peer group, NaN if unknown."""
    used = sorted({name for d in chosen.values() for name in d.weights if name in frame.columns})
    group = np.array([peers[key] for key in frame.index], dtype=object)
    out = {name: np.full(len(frame), np.nan) for name in used}
    for label in sorted(set(group)):
        # members: also those who are compared with a narrower group of their own
        inside = np.array([label in (EVERYONE, *groups.get(key, ())) for key in frame.index])
        asks = group == label
        for name in used:
            values = frame[name].to_numpy(dtype=np.float64)
            out[name][asks] = percentiles(values[asks], values[inside])
    signs = {name: indicators()[name].direction for name in used}
    return {name: 1 - p if signs[name] == "-" else p for name, p in out.items()}


def percentiles(values: Floats, among: Floats) -> Floats:
    """Share of ``among`` below each value plus half of those equal; NaN for NaN or too few known."""
    known = np.sort(among[~np.isnan(among)])
    if len(known) < LEAST_KNOWN:
        return np.full(len(values), np.nan)
    below = np.searchsorted(known, values, side="left")
    upto = np.searchsorted(known, values, side="right")
    return np.where(np.isnan(values), np.nan, (below + upto) / 2 / len(known))


def _weighted(standing: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    total = sum(weights.values())
    present = {name: weight for name, weight in weights.items() if name in standing}
    rows = len(next(iter(standing.values()), np.empty(0)))
    known, sums = np.zeros(rows), np.zeros(rows)
    for name, weight in present.items():
        has = ~np.isnan(standing[name])
        known += weight * has
        sums += weight * np.where(has, standing[name], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known >= ENOUGH * total, 100 * sums / known, np.nan)
