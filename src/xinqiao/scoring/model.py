"""The model bundle: card, calibration, master scale, peer medians and validation in one JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import user_error
from xinqiao.scoring.calibration import Calibration
from xinqiao.scoring.card import Card, Contribution, Frozen, Value
from xinqiao.scoring.columns import Column, Columns, Floats, is_text, read_columns
from xinqiao.scoring.compiled import Reference, compile_card, score
from xinqiao.scoring.rating import MasterScale
from xinqiao.scoring.reasons import Described, Reason, reasons
from xinqiao.scoring.validation import Validation

DIGITS = 6


class Peers(Frozen):
    """Peer medians by variable (texts: the commonest value; None where nobody has a value).

    ``groups`` holds the medians of each peer group that is large enough, ``overall`` of everyone.
    """

    overall: dict[str, float | str | None] = Field(default_factory=dict)
    groups: dict[str, dict[str, float | str | None]] = Field(default_factory=dict)

    def of(self, group: str | None = None) -> Mapping[str, float | str | None]:
        """The medians of ``group``, or of everyone when the group is unknown or too small."""
        return self.groups.get(group, self.overall) if group is not None else self.overall


class Score(Frozen):
    """What a model says of one company."""

    points: float
    pd: float
    grade: str
    contributions: tuple[Contribution, ...]


class Model(Frozen):
    """Everything needed to score, rate and explain; nothing else is needed years later."""

    format: Literal["xinqiao.model"] = "xinqiao.model"
    version: Literal[1] = 1
    card: Card
    calibration: Calibration = Calibration()
    scale: MasterScale
    peers: Peers = Peers()
    validation: Validation | None = None

    def pd_of(self, points: float) -> float:
        """PD (0..1) of ``points``, within the master scale's floor and cap."""
        return self.scale.bounded(self.calibration.pd(self.card.log_odds(points)))

    def score_one(self, row: Mapping[str, Value]) -> Score:
        """Score one company; ``row`` holds every variable of the card (None = missing).

        Raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE, SCR-INFINITE.
        """
        ready = compile_card(self.card)
        codes = ready.code_one(row)
        units = ready.units_one(codes)
        points = (ready.base + sum(units)) / self.card.unit
        unit = self.card.unit
        pairs = zip(self.card.variables, codes, units, strict=True)
        given = tuple(Contribution(v.name, row[v.name], v.bins[c].label, u / unit) for v, c, u in pairs)
        pd_value = self.pd_of(points)
        return Score(points=points, pd=pd_value, grade=self.scale.grade(pd_value), contributions=given)

    def score_frame(self, X: object) -> pa.Table:
        """Table (points float64, pd float64, grade string), one row per row of the frame ``X``.

        Equal to ``score_one`` bit for bit: PD and grade are worked out once per distinct score.
        """
        points = score(self.card, X)
        distinct, place = np.unique(points, return_inverse=True)
        pds = [self.pd_of(p) for p in distinct.tolist()]
        grades = np.asarray([self.scale.grade(p) for p in pds], dtype=object)
        columns = {
            "points": pa.array(points, pa.float64()),
            "pd": pa.array(np.asarray(pds, dtype=np.float64)[place], pa.float64()),
            "grade": pa.array(grades[place], pa.string()),
        }
        return pa.table(columns)

    def decision_function(self, X: object) -> Floats:
        """Log odds of default by the calibrated PD, shape (rows,)."""
        p = self.score_frame(X)["pd"].to_numpy()
        out: Floats = np.log(p) - np.log1p(-p)
        return out

    def reasons(
        self,
        row: Mapping[str, Value],
        described: Mapping[str, Described],
        *,
        group: str | None = None,
        reference: Reference = "peer",
        limit: int = 4,
        direction: Literal["lost", "gained"] = "lost",
    ) -> tuple[Reason, ...]:
        """Reasons for one company's score against its peers; see ``reasons.reasons``."""
        peers = self.peers.of(group)
        return reasons(
            self.card, row, described, peers, reference=reference, limit=limit, direction=direction
        )

    def to_json(self) -> bytes:
        """Canonical JSON: the same model always gives the same bytes."""
        return canonical_json(self.model_dump(mode="json"))

    @classmethod
    def from_json(cls, data: bytes | str) -> Model:
        """Read a model. Raises UserError SCR-CARD-FORMAT."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            fault = error.errors()[0]
            detail = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            raise user_error("SCR-CARD-FORMAT", "model", detail=detail) from error

    @property
    def model_id(self) -> str:
        """SHA-256 of the canonical JSON."""
        return digest(self.to_json())


def peer_medians(X: object, groups: Sequence[str | None] | None = None, least: int = 10) -> Peers:
    """Medians of every column of ``X``, overall and per group of at least ``least`` companies."""
    columns = read_columns(X)
    found: dict[str, dict[str, float | str | None]] = {}
    if groups is not None:
        labels = np.asarray(groups, dtype=object)
        for label in sorted({g for g in groups if g is not None}):
            inside = labels == label
            if inside.sum() >= least:
                found[label] = _medians(columns, inside)
    return Peers(overall=_medians(columns, np.ones(columns.rows, dtype=bool)), groups=found)


def _medians(columns: Columns, rows: NDArray[np.bool_]) -> dict[str, float | str | None]:
    pairs = zip(columns.names, columns.data, strict=True)
    return {name: _middle(values[rows]) for name, values in pairs}


def _middle(values: Column) -> float | str | None:
    present = values[~pd.isna(values)]
    if len(present) == 0:
        return None
    if is_text(values):
        texts, counts = np.unique(present.astype(str), return_counts=True)
        return str(texts[np.argmax(counts)])
    return round(float(np.median(present)), DIGITS)
