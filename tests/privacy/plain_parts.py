"""Scores by a card that was fitted privately and stays in parts, beside the plain fit's card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.privacy.manifests import data, manifest, run_all
from xinqiao.privacy.job.kind import Result
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling import scorecard
from xinqiao.privacy.modelling.joint_logistic import fit_plain
from xinqiao.privacy.modelling.joint_training import pooled
from xinqiao.privacy.modelling.model_part import ModelPart
from xinqiao.privacy.scores import joint_score

Tables = Mapping[str, pa.Table]
CUTS = (0.1, 0.3, 0.5, 0.7)
"""Shares of subjects below the cut-offs of grades."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The same subjects privately and in plain: points, None where a holder lacks one, and some grades.

    ``fitted``: what each party was told of the private fit.
    """

    fitted: Mapping[str, Result]
    points: tuple[list[float | None], list[float | None]]
    grades: tuple[list[int], list[int]]

    @property
    def apart(self) -> list[float]:
        """Points between the two, of each subject that has a score."""
        return [abs(a - b) for a, b in zip(*self.points, strict=True) if a is not None and b is not None]

    @property
    def alike(self) -> bool:
        """Whether the same subjects have none."""
        first, second = ([score is None for score in told] for told in self.points)
        return first == second


def compare(fitted: Manifest, tables: Tables, graded: int, folder: Path) -> Scored:
    """Fit a card privately by ``fitted``, score the bank's subjects by it and grade ``graded`` of them."""
    given = plain_parts(fitted, tables)
    results = run_all(fitted, scorecard.KIND.run, tables, folder)
    points = scored(fitted, given, {"answer": "points"}, folder)
    known = [row for row, score in enumerate(points[1]) if score is not None]
    few = {n: t if n != "bank" else t.take(pa.array(known[:graded])) for n, t in given.items()}
    terms = grading(given, [points[1][row] for row in known])
    return Scored(results, points, scored(fitted, few, terms, folder))


def plain_parts(fitted: Manifest, tables: Tables) -> dict[str, pa.Table]:
    """Tables to score, each with its party's part of the plain fit as metadata (``joint_score.plain``)."""
    found, start, told = pooled(fitted, tables), 0, {}
    theta = fit_plain(found.matrix, found.bad, np.ones(len(found.bad)))
    names = tuple(found.rows)
    for name, rows in found.rows.items():
        own = theta[start : start + rows.matrix.shape[1]]
        start += len(own)
        card = rows.block.card(own) if rows.bad is None else rows.block.card(own[1:], float(own[0]))
        part = ModelPart(model=fitted.digest, party=name, parties=names, rows=len(rows.fold), card=card)
        table = tables[name].select([c for c in tables[name].column_names if c != "bad"])
        told[name] = table.replace_schema_metadata({"model_part": part.model_dump_json()})
    return told


def scored(
    fitted: Manifest, given: Tables, terms: Mapping[str, Any], folder: Path
) -> tuple[list[Any], list[Any]]:
    """What the bank is told of its rows, privately and in plain."""
    parties = {n: ("bank" if n == "bank" else "holder", data(*t.column_names[1:])) for n, t in given.items()}
    told = manifest("joint_score", parties, {"model": fitted.digest, **terms})
    private = run_all(told, joint_score.KIND.run, given, folder)["bank"].table
    plain = joint_score.KIND.plain(told, given)["bank"].table
    assert private is not None
    assert plain is not None
    return private.column(1).to_pylist(), plain.column(1).to_pylist()


def grading(given: Tables, scores: Sequence[float]) -> dict[str, Any]:
    """Cut-offs at shares of the scores; ranges that hold every part."""
    ranges = {}
    for name, table in given.items():
        part = ModelPart.model_validate_json(table.schema.metadata[b"model_part"])
        points = part.units(table) / part.card.unit
        ranges[name] = (int(points.min()) - 5, int(points.max()) + 5)
    low, high = zip(*(ends for name, ends in ranges.items() if name != "bank"), strict=True)
    return {
        "answer": "grade",
        "cutoffs": np.quantile(scores, CUTS).astype(int).tolist(),
        "bank_points": list(ranges["bank"]),
        "holder_points": [min(low), max(high)],
    }
